"""How probable it is that a camera truly holds a point, given what is wrong in its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from nobs_bot.coverage.plane import Floats
from nobs_bot.coverage.visibility import Sweep

# 32 in a million places are further off than this many standard deviations
_TAIL = 4.0
# so wide an error of the direction says nothing any more
_MOST_SPREAD_DEG = 180.0
_SMALL_SPREAD_DEG = 90.0
_TURNS = np.array([-720.0, -360.0, 0.0, 360.0, 720.0])


@dataclass(frozen=True)
class View:
    """
    A camera's place, in metres of the ground's plane, and what it sees from there.

    Args:
        heading_deg: Clockwise from true north; None where unknown.
        width_deg: Horizontal angle of view; 360 is all-round.
        range_m: How far a person can be made out.
        others_deg: Where else it looks, if it pans by itself; in each direction for as long.
    """

    camera_id: int
    x: float
    y: float
    heading_deg: float | None
    width_deg: float
    range_m: float
    sees_at_night: bool = False
    others_deg: tuple[float, ...] = ()

    @property
    def is_all_round(self) -> bool:
        """Whether the direction does not matter."""
        return self.width_deg >= 360


@dataclass(frozen=True)
class Errors:
    """Standard deviations of a recorded direction and, each way, of a recorded place."""

    heading_deg: float = 15.0
    position_m: float = 5.0


def reach_m(view: View, errors: Errors) -> float:
    """How far from its recorded place a camera may see at all: what its sweep must span."""
    return view.range_m + _TAIL * errors.position_m


def chances(
    view: View, errors: Errors, points: Floats, sweep: Sweep, *, slack_m: float = 0.0
) -> Floats:
    """
    The probability that the view truly holds each point.

    The error of the direction is normal, that of the place normal in both coordinates. Seen
    from the point, the latter acts on the distance and, divided by it, on the angle; the two
    are taken as independent, and the circle of the range as straight. Against drawn directions
    and places on open ground a chance is wrong by 0.06 at the most (at the end of a range of
    20 m), within 5 m of the camera by 0.12, and by 0.01 on average. Walls are regarded from the
    recorded place only.

    Args:
        points: Metres, shape (n, 2).
        sweep: What is seen from the camera's place, as far as `reach_m`.
        slack_m: How far behind a wall a point may lie, see `Sweep.reaches`.

    Returns:
        Shape (n,).
    """
    headings = () if view.heading_deg is None else (view.heading_deg, *view.others_deg)
    found = chances_by_heading(view, errors, points, sweep, headings, slack_m=slack_m)
    # a camera that pans looks one way at a time
    mean: Floats = found[1:].mean(axis=0) if headings and not view.is_all_round else found[-1]
    return mean


def chances_by_heading(
    view: View,
    errors: Errors,
    points: Floats,
    sweep: Sweep,
    headings_deg: Sequence[float],
    *,
    slack_m: float = 0.0,
) -> Floats:
    """
    What `chances` would be if the camera looked in each of these directions.

    Returns:
        Shape (directions + 1, n) with that of an unknown direction first.
    """
    off = points - (view.x, view.y)
    away = np.hypot(off[:, 0], off[:, 1])
    near = sweep.reaches(points, slack_m) * _in_range(view, errors, away)
    share = min(1.0, max(0.0, view.width_deg / 360))
    found: Floats = np.tile(near * share, (len(headings_deg) + 1, 1))
    if not view.is_all_round and len(headings_deg):
        held = np.flatnonzero(near > 0)
        bearing = np.degrees(np.arctan2(off[held, 0], off[held, 1]))
        turn = (bearing - np.asarray(headings_deg)[:, None] + 180) % 360 - 180
        in_angle = _in_angle(view.width_deg, turn, _spread_deg(errors, away[held]))
        found[1:, held] = near[held] * in_angle
    return found


def _in_range(view: View, errors: Errors, away: Floats) -> Floats:
    """The chance that a point so far from the recorded place is in range of the true one."""
    if errors.position_m <= 0:
        return (away <= view.range_m).astype(float)
    return normal_cdf((view.range_m - away) / errors.position_m)


def _spread_deg(errors: Errors, away: Floats) -> Floats:
    """Standard deviation of the angle between the axis of the view and a point."""
    of_place = np.degrees(errors.position_m / np.maximum(away, 1e-6))
    spread: Floats = np.minimum(np.hypot(errors.heading_deg, of_place), _MOST_SPREAD_DEG)
    return np.maximum(spread, 1e-6)


def _in_angle(width_deg: float, turn_deg: Floats, spread_deg: Floats) -> Floats:
    """The chance that a point so far off the axis, -180 to 180 degrees, is within the angle."""
    borders = np.array([width_deg / 2, -width_deg / 2])[:, None, None, None]
    # two turns away is four standard deviations or more where the spread is small
    far = spread_deg.size and spread_deg.max() > _SMALL_SPREAD_DEG
    turns = _TURNS if far else _TURNS[1:-1]
    ahead = (borders + turns[:, None, None] - turn_deg) / spread_deg
    upper, lower = normal_cdf(ahead)
    chance: Floats = (upper - lower).sum(axis=0)
    return np.clip(chance, 0.0, 1.0)


def normal_cdf(x: Floats) -> Floats:
    """The standard normal distribution function, within 1e-7."""
    below: Floats = 0.5 * (1 + erf(x / sqrt(2)))
    return below


def erf(x: Floats) -> Floats:
    """
    The error function, within 1.5e-7; numpy has none.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 7.1.26.
    """
    size = np.abs(x)
    t = 1 / (1 + 0.3275911 * size)
    series = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    value: Floats = np.copysign(1 - series * np.exp(-size * size), x)
    return value
