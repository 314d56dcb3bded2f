"""Text as the built-in fonts of PDF can show it."""

from __future__ import annotations

_SIGNS = str.maketrans({"–": "-", "—": "-", "…": "...", "“": '"', "”": '"', "’": "'", "•": "-"})


def latin(text: str) -> str:
    """The text in Latin letters; what they lack becomes a question mark."""
    return text.translate(_SIGNS).encode("latin-1", "replace").decode("latin-1")
