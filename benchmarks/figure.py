"""What a benchmark measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Figure:
    """One figure: what was measured, against what, and whether it is as wanted."""

    name: str
    value: float
    unit: str
    peer: str
    wanted: str
    met: bool
