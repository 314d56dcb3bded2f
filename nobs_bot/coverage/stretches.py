"""Stretches of road that are missed, or hardly seen, as lines for a map in a browser."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from nobs_bot.coverage.chart import MISSED, SEEN
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.weights import Watch, inside

KINDS = ("missed", "partly", "urgent")
PER_DEGREE = 100_000
# pieces of road are this much apart at most, as a share of their length, to follow one another
_GAP = 1.6
_SEEN = len(KINDS)
_TOLERANCE_M = 1.5


def blind_stretches(
    survey: Survey, watches: list[Watch], within: NDArray[np.bool_]
) -> list[list[int]]:
    """
    What is not well seen of some pieces of road.

    Args:
        watches: Hotspots, within which what is missed is urgent.
        within: Which pieces, shape (n,).

    Returns:
        A list a stretch: the index of its kind in `KINDS`, then longitude and latitude of each
        point in turn, whole hundred-thousandths of a degree (one metre).
    """
    ground = survey.ground
    shown = np.flatnonzero(within)
    if not len(shown):
        return []
    seen = survey.seen[shown]
    kinds = np.where(seen >= SEEN, _SEEN, np.where(seen < MISSED, 0, 1))
    for watch in watches:
        kinds[inside(watch, ground.points[shown]) & (kinds == 0)] = KINDS.index("urgent")
    points, length = ground.points[shown], ground.length_m[shown]
    step = np.hypot(*np.diff(points, axis=0).T)
    longest = _GAP * np.maximum(length[1:], length[:-1])
    follows = (np.diff(shown) == 1) & (np.diff(ground.road[shown]) == 0) & (step <= longest)
    same = follows & (np.diff(kinds) == 0)
    starts = np.concatenate([[0], np.flatnonzero(~same) + 1, [len(shown)]])
    stretches = []
    for first, last in pairwise(starts.tolist()):
        if kinds[first] == _SEEN:
            continue
        # a stretch reaches to the next one of its road, else gaps would gape where kinds change
        end = last + 1 if last < len(shown) and follows[last - 1] else last
        line = points[first:end]
        if len(line) < 2:
            continue
        slim = shapely.get_coordinates(shapely.simplify(shapely.linestrings(line), _TOLERANCE_M))
        degrees = np.rint(ground.plane.to_degrees(slim) * PER_DEGREE).astype(int)
        stretches.append([int(kinds[first]), *degrees.ravel().tolist()])
    return stretches
