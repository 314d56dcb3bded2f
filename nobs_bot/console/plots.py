"""
Plots as SVG, made on the server: no script draws them, and they are sharp on any screen.

Colours are classes of `centre.css`, so that they follow light and dark. Every plot stands beside a
table of the same numbers, which is what those hear who cannot see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

_WIDTH, _HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 28
_LINES = 4
_ROW, _BAR, _LABEL = 30, 16, 170


@dataclass(frozen=True)
class Line:
    """One line of a plot: its style (a class), its name, its values."""

    style: str
    name: str
    values: Sequence[float]


def line_plot(title: str, labels: Sequence[str], lines: Sequence[Line]) -> str:
    """
    Lines over equal steps, from zero.

    Args:
        labels: What the steps are called; the first, the middle and the last one are written.
    """
    top = nice_ceiling(max((max(each.values, default=0) for each in lines), default=0))
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    steps = max(1, len(labels) - 1)

    def at(step: int, value: float) -> str:
        return f"{_LEFT + wide * step / steps:.1f},{_TOP + high * (1 - value / top):.1f}"

    parts = []
    for nth in range(_LINES + 1):
        value = top * nth / _LINES
        y = _TOP + high * (1 - nth / _LINES)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{shortened(value)}</text>'
        )
    for step in sorted({0, len(labels) // 2, len(labels) - 1}) if labels else ():
        x = _LEFT + wide * step / steps
        anchor = "start" if step == 0 else "end" if step == len(labels) - 1 else "middle"
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">'
            f"{escape(labels[step])}</text>"
        )
    for each in lines:
        points = " ".join(at(step, value) for step, value in enumerate(each.values))
        parts.append(f'<polyline class="line {each.style}" points="{points}"/>')
        if each.values:
            # also where there is but one value, which makes no line
            end_x, _, end_y = points.rpartition(" ")[2].partition(",")
            parts.append(f'<circle class="end {each.style}" cx="{end_x}" cy="{end_y}" r="4"/>')
    return _svg(title, _WIDTH, _HEIGHT, parts)


def bar_plot(title: str, rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]) -> str:
    """
    A row of bars over one another, the longest first and palest; each begins at zero.

    Args:
        rows: Name of each row, and (style, value) of its bars.
    """
    top = nice_ceiling(max((value for _, bars in rows for _, value in bars), default=0))
    height = _ROW * len(rows) + 8
    wide = _WIDTH - _LABEL - 60
    parts = []
    for nth, (name, bars) in enumerate(rows):
        y = 4 + nth * _ROW
        parts.append(
            f'<text x="{_LABEL - 8}" y="{y + _ROW / 2 + 4}" text-anchor="end">{escape(name)}</text>'
        )
        for style, value in bars:
            length = max(0.0, wide * value / top)
            parts.append(
                f'<rect class="bar {style}" x="{_LABEL}" y="{y + (_ROW - _BAR) / 2}"'
                f' width="{length:.1f}" height="{_BAR}" rx="3"/>'
            )
        most = max((value for _, value in bars), default=0.0)
        x = _LABEL + wide * most / top + 6
        parts.append(f'<text x="{x:.1f}" y="{y + _ROW / 2 + 4}">{shortened(most)}</text>')
    return _svg(title, _WIDTH, height, parts)


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(title, quote=True)}">{"".join(parts)}</svg>'
    )


def nice_ceiling(value: float) -> float:
    """The smallest of 1, 2, 4, 5, 10, 20 ... that is not below *value*; 4 for nothing."""
    if value <= 4:
        return 4.0
    power = 10.0 ** floor(log10(value))
    return next(each * power for each in (1, 2, 4, 5, 10) if each * power >= value)


def shortened(value: float) -> str:
    """A number that fits beside an axis: 950, 12k."""
    if value >= 10_000:
        return f"{value / 1000:.0f}k"
    return str(ceil(value)) if value == int(value) else f"{value:.1f}"
