"""What a metre of road is worth: more where a hotspot is, by its weight and its hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# a metre in a hotspot of weight w counts 1 + 5 w: in the worst one, 26 times an ordinary one
PER_WEIGHT = 5.0

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Watch:
    """
    A hotspot as coverage reckons with it.

    Args:
        x, y: Its middle in metres on the survey's plane.
        weight: 1 to 5.
        night_share: How much of its hours is dark, 0 to 1.
    """

    hotspot_id: int
    x: float
    y: float
    radius_m: float
    weight: int
    night_share: float


def inside(watch: Watch, points: Values) -> NDArray[np.bool_]:
    """Which of *points* (n, 2) in metres lie in the hotspot."""
    away = np.hypot(points[:, 0] - watch.x, points[:, 1] - watch.y)
    within: NDArray[np.bool_] = away <= watch.radius_m
    return within


def importance(points: Values, watches: Sequence[Watch]) -> Values:
    """How much a metre counts at each of *points* (n, 2): 1 outside of every hotspot."""
    worth = np.ones(len(points))
    for watch in watches:
        worth[inside(watch, points)] += PER_WEIGHT * watch.weight
    return worth


def seen_by_the_hour(watch: Watch, seen: Values, seen_at_night: Values) -> Values:
    """The chance that a point is seen in the hotspot's hours, of which some are dark."""
    by_the_hour: Values = (1 - watch.night_share) * seen + watch.night_share * seen_at_night
    return by_the_hour
