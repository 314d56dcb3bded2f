"""Where cameras are missing: places along the roads at which another would see the most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

import numpy as np
from shapely import STRtree
from shapely import points as as_points

from nobs_bot.coverage.grid import Grid
from nobs_bot.coverage.ground import Ground
from nobs_bot.coverage.plane import Bools, Floats, Ints
from nobs_bot.coverage.survey import LEAST_CHANCE, Survey
from nobs_bot.coverage.views import View, chances_by_heading, reach_m
from nobs_bot.coverage.visibility import Sweep

_COMPASS = tuple(45.0 * at for at in range(8))
_ROUNDING = 1e-9
_NAMED_WITHIN_M = 100.0
_NOBODY = 0


@dataclass(frozen=True)
class Place:
    """
    Where a camera is wanted.

    Args:
        x, y: On the middle of the road, metres of the ground's plane.
        heading_deg: Where it should look, clockwise from true north.
        gain: Weighted metres it would add to those seen, with all places before it taken.
        road: Name of the road, or of the nearest that has one; empty where none is near.
    """

    x: float
    y: float
    heading_deg: float
    gain: float
    road: str


def recruit(
    survey: Survey,
    weights: Floats,
    count: int = 200,
    *,
    every_m: float = 40.0,
    width_deg: float = 80.0,
    range_m: float = 25.0,
    spacing_m: float = 30.0,
) -> list[Place]:
    """
    Choose places along the roads, the one that adds most first.

    A camera there is taken to be put up with the same errors as all others, on the middle of
    the road: that a wall a few metres beside it would do is left to whoever goes there. Places
    are chosen one after the other; together they bring at least 1 - 1/e of the most there is,
    but for the spacing between them.

    Args:
        weights: What each point of the ground counts: its length times its importance. Where it
            is zero nobody is wanted: so a mask of an area restricts the search to it.
        every_m: How far apart the places to choose from lie along a road.
        width_deg, range_m: What a camera there would see.
        spacing_m: How far apart the chosen are at least.

    Returns:
        Fewer than *count* where no more would add anything.

    Source: Nemhauser, Wolsey, Fisher (1978) for the guarantee; Minoux (1978), lazily.
    """
    standard = View(_NOBODY, 0.0, 0.0, None, width_deg, range_m)
    search = _Search(survey, weights, standard, _sites(survey.ground, weights, every_m))
    found = search.best(count, spacing_m)
    roads = _road_names(survey.ground, [site for site, _, _ in found])
    return [
        Place(x, y, heading, gain, road)
        for (site, heading, gain), road in zip(found, roads, strict=True)
        for x, y in [survey.ground.points[site].tolist()]
    ]


def _sites(ground: Ground, weights: Floats, every_m: float) -> Ints:
    """Points of the ground that count, about so far apart along their roads."""
    along = np.cumsum(ground.length_m) // every_m
    first = np.concatenate([[True], along[1:] != along[:-1]])
    return np.flatnonzero(first[: len(along)] & (weights > 0))


class _Search:
    """
    Lazy greedy over places and directions.

    A place's gain is first bounded without walls and directions, which is cheap for all at
    once; its sweep is computed when it comes to the top, and its gain anew when it does again.
    """

    def __init__(self, survey: Survey, weights: Floats, standard: View, sites: Ints) -> None:
        self._survey, self._standard, self._sites = survey, standard, sites
        # what is still missed of what counts
        self._missed = weights * (1 - survey.seen)
        self._held: dict[int, tuple[Ints, Floats]] = {}

    def best(self, count: int, spacing_m: float) -> list[tuple[int, float, float]]:
        """The sites chosen, each with its heading and its gain."""
        chosen: list[tuple[int, float, float]] = []
        points = self._survey.ground.points
        heap = [(-gain, site) for gain, site in self._bounds() if gain > _ROUNDING]
        heapify(heap)
        taken = np.empty((0, 2))
        while heap and len(chosen) < count:
            _, site = heappop(heap)
            if len(taken) and np.hypot(*(taken - points[site]).T).min() < spacing_m:
                continue
            gains = self._gains(site)
            at = int(gains.argmax())
            gain = float(gains[at])
            if gain <= _ROUNDING:
                continue
            if heap and gain < -heap[0][0] - _ROUNDING:
                heappush(heap, (-gain, site))
                continue
            chosen.append((site, _COMPASS[at], gain))
            taken = np.vstack([taken, points[site]])
            index, chance = self._held.pop(site)
            self._missed[index] *= 1 - chance[at]
        return chosen

    def _gains(self, site: int) -> Floats:
        """What a camera there would add, for each direction."""
        if site not in self._held:
            x, y = self._survey.ground.points[site].tolist()
            view = replace(self._standard, x=x, y=y)
            index = self._survey.ground_near(view)
            index = index[self._missed[index] > 0]
            sweep = self._survey.sweep_at(view)
            points, errors = self._survey.ground.points[index], self._survey.errors
            chance = chances_by_heading(view, errors, points, sweep, _COMPASS)[1:]
            self._held[site] = index, np.where(chance > LEAST_CHANCE, chance, 0.0)
        index, chance = self._held[site]
        gains: Floats = chance @ self._missed[index]
        return gains

    def _bounds(self) -> list[tuple[float, int]]:
        """More than each site can add, on open ground."""
        points, errors = self._survey.ground.points, self._survey.errors
        wanted = np.flatnonzero(self._missed > 0)
        if not len(wanted) or not len(self._sites):
            return []
        tree = STRtree(np.asarray(as_points(points[wanted])))
        reach = reach_m(self._standard, errors)
        site, near = tree.query(as_points(points[self._sites]), "dwithin", distance=reach)
        off = points[wanted[near]] - points[self._sites[site]]
        most = _Most(self._standard, self._survey)
        away, bearing = np.hypot(*off.T), np.degrees(np.arctan2(*off.T))
        missed = self._missed[wanted[near]]
        gains = [
            np.bincount(site, missed * most.chance(away, bearing - heading), len(self._sites))
            for heading in _COMPASS
        ]
        return list(zip(np.max(gains, axis=0).tolist(), self._sites.tolist(), strict=True))


class _Most:
    """The most that a standard camera's chances can be, from a table of angle and distance."""

    _STEP_DEG, _STEP_M = 2.0, 0.5
    # the chance may rise and fall again within a step
    _MARGIN = 1.01

    def __init__(self, standard: View, survey: Survey) -> None:
        self._width = standard.width_deg
        reach = reach_m(standard, survey.errors)
        turns = np.radians(np.arange(0.0, 180 + self._STEP_DEG, self._STEP_DEG))
        steps = np.arange(0.0, reach + 2 * self._STEP_M, self._STEP_M)
        place = np.stack([np.outer(np.sin(turns), steps), np.outer(np.cos(turns), steps)], axis=-1)
        north = replace(standard, heading_deg=0.0)
        sweep = Sweep(0.0, 0.0, float(steps[-1]) + 1)
        at = chances_by_heading(north, survey.errors, place.reshape(-1, 2), sweep, [0.0])[1]
        table = at.reshape(len(turns), len(steps))
        table = np.maximum(table[:-1], table[1:])
        self._table = np.maximum(table[:, :-1], table[:, 1:]) * self._MARGIN

    def chance(self, away: Floats, turn_deg: Floats) -> Floats:
        """At least the chance of points so far away and so far off the axis."""
        turn = np.abs((turn_deg + 180) % 360 - 180)
        row = np.minimum(turn // self._STEP_DEG, len(self._table) - 1).astype(np.int64)
        found: Floats = self._table[row, (away // self._STEP_M).astype(np.int64)]
        return found


def _road_names(ground: Ground, sites: list[int]) -> list[str]:
    """The name of each site's road, or else of the nearest road that has one."""
    has_name: Bools = np.array([bool(name) for name in ground.road_names], dtype=bool)
    named = np.flatnonzero(has_name[ground.road]) if len(has_name) else np.empty(0, np.int64)
    grid = Grid(ground.points[named], _NAMED_WITHIN_M)
    names = []
    for site in sites:
        x, y = ground.points[site].tolist()
        near = named[grid.near(x, y, _NAMED_WITHIN_M)]
        away = np.hypot(*(ground.points[near] - (x, y)).T)
        nearest = near[away.argmin()] if len(near) else site
        close = len(near) > 0 and away.min() <= _NAMED_WITHIN_M
        names.append(ground.road_names[ground.road[nearest]] if close else "")
    return names
