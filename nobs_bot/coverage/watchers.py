"""Which cameras look at a point, among a country's worth of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nobs_bot.coverage.grid import Grid
from nobs_bot.coverage.plane import Floats, Ints

_X, _Y, _EAST, _NORTH, _COSINE, _RANGE = range(6)
# less than any cosine: whatever the direction, it is within
_ALL_ROUND = -2.0
_ROUNDING = 1e-9


@dataclass(frozen=True)
class _Layer:
    """Cameras of about the same range; the rows in the order of the grid."""

    grid: Grid
    ids: Ints
    rows: Floats
    reach_m: float


class Watchers:
    """
    Cameras by where they look, as recorded and without buildings.

    A camera whose heading is unknown has no sector and is never found, unless it looks all
    round. Cameras are kept by range, in steps of four times, so that one that sees far does not
    slow down the search among the others. About 70 bytes a camera.

    Args:
        camera_ids: Shape (n,), as all others.
        x, y: Their places in metres of a plane.
        heading_deg: Clockwise from true north; NaN where unknown.
        width_deg: Angle of view; 360 is all-round.
        range_m: How far they see.
    """

    def __init__(  # noqa: PLR0917 - six columns of one table
        self,
        camera_ids: ArrayLike,
        x: ArrayLike,
        y: ArrayLike,
        heading_deg: ArrayLike,
        width_deg: ArrayLike,
        range_m: ArrayLike,
    ) -> None:
        ids = np.asarray(camera_ids, dtype=np.int64)
        heading, width = np.radians(np.asarray([heading_deg, width_deg], dtype=float))
        all_round = width >= 2 * np.pi
        rows = np.column_stack(
            [
                *np.asarray([x, y], dtype=float),
                np.where(all_round, 0.0, np.sin(heading)),
                np.where(all_round, 1.0, np.cos(heading)),
                np.where(all_round, _ALL_ROUND, np.cos(width / 2) - _ROUNDING),
                np.asarray(range_m, dtype=float),
            ]
        )
        usable = np.isfinite(rows).all(axis=1) & (rows[:, _RANGE] > 0) & (width > 0)
        # 4 ** (size - 1) <= range < 4 ** size
        size = (np.frexp(rows[:, _RANGE])[1] + 1) // 2
        self._layers = [
            _layer(ids[chosen], rows[chosen])
            for each in np.unique(size[usable])
            for chosen in [usable & (size == each)]
        ]

    def at(self, x: float, y: float) -> Ints:
        """Ids of the cameras whose sector holds a point, those on its border among them."""
        found = [layer.ids[_holding(layer, x, y)] for layer in self._layers]
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _layer(ids: Ints, rows: Floats) -> _Layer:
    reach = float(rows[:, _RANGE].max())
    grid = Grid(rows[:, [_X, _Y]], reach)
    return _Layer(grid, ids[grid.order], rows[grid.order], reach)


def _holding(layer: _Layer, x: float, y: float) -> Ints:
    """Indices of the rows whose sector holds the point."""
    spans = layer.grid.spans(x, y, layer.reach_m)
    if not spans:
        return np.empty(0, dtype=np.int64)
    rows = np.concatenate([layer.rows[begin:end] for begin, end in spans])
    index = np.concatenate([np.arange(begin, end) for begin, end in spans])
    east, north = x - rows[:, _X], y - rows[:, _Y]
    away2 = east * east + north * north
    ahead = east * rows[:, _EAST] + north * rows[:, _NORTH]
    inside = (away2 <= rows[:, _RANGE] ** 2) & (ahead >= rows[:, _COSINE] * np.sqrt(away2))
    held: Ints = index[inside]
    return held
