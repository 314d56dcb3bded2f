"""What a look found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """
    Something that is not as it must be.

    Args:
        code: E and a number where it will not work; W and a number where it may go wrong.
        problem: What is wrong.
        hint: What to do.
    """

    code: str
    problem: str
    hint: str

    @property
    def is_error(self) -> bool:
        """Whether it must be mended."""
        return self.code.startswith("E")
