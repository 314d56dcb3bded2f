"""The buildings that stand in the way of a view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from shapely import STRtree, box

from nobs_bot.coverage.plane import Bools, Floats, Ints
from nobs_bot.coverage.visibility import OPEN

OWN_WALL_M = 2.0


class Obstacles:
    """
    Outlines of buildings, found by place.

    A camera hangs on a wall: the building that holds the point, or whose wall is within 2 m of
    it, does not hide. So a camera is taken to see through its own building, and a recorded
    place that is wrong by more than that turns its own building into an obstacle.

    Args:
        rings: The outlines, metres, each of shape (k, 2), closed or not, in any direction.
            Courtyards do not count.
    """

    def __init__(self, rings: Sequence[Floats]) -> None:
        closed = [_closed(np.asarray(ring, dtype=float)) for ring in rings if len(ring) >= 3]
        counts = np.array([len(ring) - 1 for ring in closed], dtype=np.int64)
        self._first: Ints = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._edges = OPEN
        self._tree = STRtree([])
        if closed:
            self._edges = np.concatenate([np.hstack([ring[:-1], ring[1:]]) for ring in closed])
            first = self._first[:-1]
            least = np.minimum.reduceat(self._edges[:, :2], first)
            most = np.maximum.reduceat(self._edges[:, :2], first)
            self._tree = STRtree(box(least[:, 0], least[:, 1], most[:, 0], most[:, 1]))

    @property
    def is_empty(self) -> bool:
        """Whether no buildings are known, so that what is seen is an upper bound."""
        return not len(self._edges)

    def edges_near(self, x: float, y: float, range_m: float) -> Floats:
        """
        The walls in range of a point, without those of the building it hangs on.

        Of each building only the walls that face the point are there: they hide all that the
        others would.

        Returns:
            From (x1, y1) to (x2, y2), metres, shape (m, 4).
        """
        reach = max(range_m, OWN_WALL_M)
        found = np.sort(self._tree.query(box(x - reach, y - reach, x + reach, y + reach)))
        if not len(found):
            return OPEN
        counts = self._first[found + 1] - self._first[found]
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        edges = self._edges[
            np.repeat(self._first[found] - starts, counts) + np.arange(counts.sum())
        ]
        away2 = _away2(edges, x, y)
        holds = np.logical_xor.reduceat(_crosses(edges, x, y), starts)
        own = holds | (np.minimum.reduceat(away2, starts) <= OWN_WALL_M**2)
        hides = ~np.repeat(own, counts) & (away2 <= range_m * range_m)
        kept: Floats = edges[hides & _faces(edges, starts, counts, x, y)]
        return kept


def _closed(ring: Floats) -> Floats:
    return ring if np.array_equal(ring[0], ring[-1]) else np.vstack([ring, ring[:1]])


def _away2(edges: Floats, x: float, y: float) -> Floats:
    """Squared distance from the point to each wall."""
    x1, y1, x2, y2 = (edges - (x, y, x, y)).T
    dx, dy = x2 - x1, y2 - y1
    along = -(x1 * dx + y1 * dy) / np.maximum(dx * dx + dy * dy, 1e-300)
    along = np.minimum(np.maximum(along, 0.0), 1.0)
    away2: Floats = (x1 + along * dx) ** 2 + (y1 + along * dy) ** 2
    return away2


def _crosses(edges: Floats, x: float, y: float) -> Bools:
    """Which walls a line from the point to the east crosses; an odd number means inside."""
    x1, y1, x2, y2 = edges.T
    spans: Bools = (y1 > y) != (y2 > y)
    rise = np.where(y1 == y2, 1.0, y2 - y1)
    spans &= x < x1 + (y - y1) * (x2 - x1) / rise
    return spans


def _faces(edges: Floats, starts: Ints, counts: Ints, x: float, y: float) -> Bools:
    """Which walls have the point on their outer side."""
    x1, y1, x2, y2 = (edges - (x, y, x, y)).T
    cross = x1 * y2 - y1 * x2
    doubled_area = np.repeat(np.add.reduceat(cross, starts), counts)
    faces: Bools = cross * doubled_area < 0
    return faces
