"""What all cameras together see of the roads, kept up to date camera by camera."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nobs_bot.coverage.grid import Grid
from nobs_bot.coverage.ground import Ground
from nobs_bot.coverage.obstacles import OWN_WALL_M, Obstacles
from nobs_bot.coverage.plane import Bools, Floats, Ints
from nobs_bot.coverage.views import Errors, View, chances, chances_by_heading, reach_m
from nobs_bot.coverage.visibility import Sweep

Indices = NDArray[np.int32]
Measure = Literal["seen", "twice", "seen_at_night"]

# a chance below this is left out: of what a camera sees, less than 0.1 %
LEAST_CHANCE = 1e-3
# no camera is so certain that another could not add to it; its logarithm stays finite
MOST_CHANCE = 1 - 1e-6
_CELL_M = 40.0
_FURTHEST_HOME_M = 20_000.0


@dataclass(frozen=True)
class AreaFigures:
    """
    What is seen of an area's roads.

    Args:
        cameras: Those whose nearest road lies in the area.
    """

    length_m: float
    seen_m: float
    twice_m: float
    night_m: float
    cameras: int


@dataclass(frozen=True)
class _Held:
    """A camera of the survey: what can be seen from its place, and what it holds of the ground."""

    view: View
    sweep: Sweep
    index: Indices
    chance: NDArray[np.float32]
    area: int


class Survey:
    """
    The probability that each piece of road is seen, by at least one camera and by two.

    The cameras' errors are taken as independent. Where no buildings are known, all figures are
    upper bounds (`is_upper_bound`); roofs, trees, vans and the height of a camera are never
    regarded.

    Args:
        errors: How wrong recorded directions and places are.
    """

    def __init__(self, ground: Ground, obstacles: Obstacles, errors: Errors | None = None) -> None:
        self.ground, self.obstacles = ground, obstacles
        self.errors = errors or Errors()
        self._grid = Grid(ground.points, _CELL_M)
        self._held: dict[int, _Held] = {}
        count = len(ground.points)
        # sums over the cameras that hold a point: of log(1 - p), of p / (1 - p), and how many
        self._log_missed = np.zeros(count)
        self._log_missed_at_night = np.zeros(count)
        self._odds = np.zeros(count)
        self._holders = np.zeros(count, dtype=np.int32)
        self._holders_at_night = np.zeros(count, dtype=np.int32)

    @property
    def is_upper_bound(self) -> bool:
        """Whether walls were left out, since no buildings are known."""
        return self.obstacles.is_empty

    @property
    def views(self) -> list[View]:
        """The cameras in the survey."""
        return [held.view for held in self._held.values()]

    def area_of(self, camera_id: int) -> str:
        """
        Code of the area of a camera's nearest road; empty where none is near.

        Raises:
            KeyError: There is no such camera.
        """
        area = self._held[camera_id].area
        return self.ground.area_codes[area] if area >= 0 else ""

    def views_in(
        self, west: float, south: float, east: float, north: float
    ) -> list[tuple[View, str]]:
        """The cameras of a box in metres, each with the code of its area; empty where in none."""
        return [
            (held.view, self.area_of(held.view.camera_id))
            for held in self._held.values()
            if west <= held.view.x <= east and south <= held.view.y <= north
        ]

    def view(self, camera_id: int) -> View:
        """
        A camera of the survey.

        Raises:
            KeyError: There is no such camera.
        """
        return self._held[camera_id].view

    def put(self, view: View) -> None:
        """Add a camera, in place of the one of the same id."""
        self.drop(view.camera_id)
        sweep = self.sweep_at(view)
        index = self.ground_near(view)
        chance = chances(view, self.errors, self.ground.points[index], sweep)
        kept = chance > LEAST_CHANCE
        held = _Held(
            view,
            sweep,
            index[kept].astype(np.int32),
            np.minimum(chance[kept], MOST_CHANCE).astype(np.float32),
            self._nearest_area(view, index),
        )
        self._held[view.camera_id] = held
        self._count(held, 1)

    def drop(self, camera_id: int) -> None:
        """Take a camera out; nothing happens where it is not in."""
        held = self._held.pop(camera_id, None)
        if held is not None:
            self._count(held, -1)

    def update(self, views: Iterable[View]) -> None:
        """Hold exactly these cameras; of two of one id the last. Only what changed is computed."""
        wanted = {view.camera_id: view for view in views}
        self.drop_all_but(wanted.keys())
        for view in wanted.values():
            self.hold(view)

    def hold(self, view: View) -> None:
        """As `put`; nothing is computed where the camera is in as it is."""
        held = self._held.get(view.camera_id)
        if held is None or held.view != view:
            self.put(view)

    def drop_all_but(self, camera_ids: Set[int]) -> None:
        """Take out all other cameras."""
        for camera_id in self._held.keys() - camera_ids:
            self.drop(camera_id)

    @property
    def seen(self) -> Floats:
        """The probability that at least one camera sees each point, shape (n,)."""
        return _one_less(self._log_missed, self._holders)

    @property
    def seen_at_night(self) -> Floats:
        """The same among the cameras that see at night."""
        return _one_less(self._log_missed_at_night, self._holders_at_night)

    @property
    def twice(self) -> Floats:
        """The probability that at least two cameras see each point, shape (n,)."""
        none = np.exp(self._log_missed)
        at_least_two = np.clip(1 - none * (1 + self._odds), 0.0, 1.0)
        return np.where(self._holders > 1, at_least_two, 0.0)

    def metres(self, mask_or_weights: Floats | Bools | None = None, of: Measure = "seen") -> float:
        """
        Metres of road seen, as expected.

        Args:
            mask_or_weights: For each point of the ground which count, or for how much.
        """
        length = self.ground.length_m
        if mask_or_weights is not None:
            length = length * mask_or_weights
        measured: Floats = getattr(self, of)
        return float(length @ measured)

    def by_area(self) -> dict[str, AreaFigures]:
        """The figures of each kelurahan by its code; all of them may be added up."""
        ground = self.ground
        size = len(ground.area_codes)
        lengths, *seen = (
            np.bincount(ground.area, ground.length_m * measure, minlength=size).tolist()
            for measure in (1.0, self.seen, self.twice, self.seen_at_night)
        )
        homes = np.array([held.area for held in self._held.values()], dtype=np.int64)
        cameras = np.bincount(homes[homes >= 0], minlength=size).tolist()
        rows = zip(ground.area_codes, lengths, *seen, cameras, strict=True)
        return {code: AreaFigures(*figures) for code, *figures in rows}

    def by_road(self, within: Bools | None = None) -> list[tuple[str, float, float]]:
        """
        The roads that have a name: (name, metres, metres seen), those with most unseen first.

        Args:
            within: Which points of the ground count; roads without any are left out.
        """
        ground = self.ground
        chosen = slice(None) if within is None else within
        road, length = ground.road[chosen], ground.length_m[chosen]
        size = len(ground.road_names)
        lengths = np.bincount(road, length, minlength=size)
        seen = np.bincount(road, length * self.seen[chosen], minlength=size)
        order = np.argsort(seen - lengths, kind="stable").tolist()
        return [
            (ground.road_names[at], float(lengths[at]), float(seen[at]))
            for at in order
            if lengths[at] > 0 and ground.road_names[at]
        ]

    def if_turned(self, camera_id: int, heading_deg: float) -> tuple[Ints, Floats, Floats]:
        """
        What would change if a camera looked elsewhere; nothing is changed.

        Returns:
            Indices of the points that it holds now or would hold; the probability that each is
            seen now; and then.

        Raises:
            KeyError: There is no such camera.
        """
        held = self._held[camera_id]
        index, chance = self.by_heading(camera_id, [heading_deg])
        touched = np.union1d(index, held.index)
        now, then = np.zeros(len(touched)), np.zeros(len(touched))
        now[np.searchsorted(touched, held.index)] = held.chance
        then[np.searchsorted(touched, index)] = chance[1]
        log_missed = self._log_missed[touched]
        others = log_missed - np.log1p(-now)
        return touched, -np.expm1(log_missed), -np.expm1(others + np.log1p(-then))

    def gain_m(self, camera_id: int, heading_deg: float, weights: Floats | None = None) -> float:
        """
        Metres of road won, as expected, if a camera were turned; negative where some are lost.

        Args:
            weights: For how much each point of the ground counts.

        Raises:
            KeyError: There is no such camera.
        """
        touched, before, after = self.if_turned(camera_id, heading_deg)
        length = self.ground.length_m[touched]
        if weights is not None:
            length = length * weights[touched]
        return float(length @ (after - before))

    def covered_by_others(self) -> dict[int, float]:
        """
        The probability that another camera sees the place where each hangs, by camera id.

        A place within 2 m behind a wall counts as on it.
        """
        helds = list(self._held.values())
        places = np.array([(held.view.x, held.view.y) for held in helds]).reshape(-1, 2)
        grid, log_missed = Grid(places, _CELL_M), np.zeros(len(helds))
        for at, held in enumerate(helds):
            view = held.view
            near = grid.near(view.x, view.y, reach_m(view, self.errors))
            near = near[near != at]
            if len(near):
                chance = chances(view, self.errors, places[near], held.sweep, slack_m=OWN_WALL_M)
                log_missed[near] += np.log1p(-np.minimum(chance, MOST_CHANCE))
        found = (-np.expm1(log_missed)).tolist()
        return {held.view.camera_id: each for held, each in zip(helds, found, strict=True)}

    def held_by(self, camera_id: int) -> tuple[Indices, NDArray[np.float32]]:
        """
        Indices of the points that a camera holds, and its chances of each.

        Raises:
            KeyError: There is no such camera.
        """
        held = self._held[camera_id]
        return held.index, held.chance

    def by_heading(
        self, camera_id: int, headings_deg: Sequence[float], among: Bools | None = None
    ) -> tuple[Ints, Floats]:
        """
        What a camera would hold in these directions, from `views.chances_by_heading`.

        Args:
            among: Which points of the ground matter; all, unless given.

        Returns:
            Indices of the points that it would hold in any, rising; its chances of each, shape
            (directions + 1, points), those of an unknown direction first.

        Raises:
            KeyError: There is no such camera.
        """
        held = self._held[camera_id]
        index = np.sort(self.ground_near(held.view))
        if among is not None:
            index = index[among[index]]
        points = self.ground.points[index]
        chance = chances_by_heading(held.view, self.errors, points, held.sweep, headings_deg)
        chance = np.where(chance > LEAST_CHANCE, np.minimum(chance, MOST_CHANCE), 0.0)
        touched = chance.any(axis=0)
        return index[touched], chance[:, touched]

    def sweep_at(self, view: View) -> Sweep:
        """What can be seen from a camera's place, whether it is in the survey or not."""
        reach = reach_m(view, self.errors)
        return Sweep(view.x, view.y, reach, self.obstacles.edges_near(view.x, view.y, reach))

    def ground_near(self, view: View) -> Ints:
        """Indices of the points in a camera's reach."""
        reach = reach_m(view, self.errors)
        index = self._grid.near(view.x, view.y, reach)
        off = self.ground.points[index] - (view.x, view.y)
        near: Ints = index[np.einsum("ij,ij->i", off, off) <= reach * reach]
        return near

    def _count(self, held: _Held, times: int) -> None:
        chance = held.chance.astype(float)
        log_missed = times * np.log1p(-chance)
        self._log_missed[held.index] += log_missed
        if held.view.sees_at_night:
            self._log_missed_at_night[held.index] += log_missed
            self._holders_at_night[held.index] += times
        self._odds[held.index] += times * (chance / (1 - chance))
        self._holders[held.index] += times

    def _nearest_area(self, view: View, near: Ints) -> int:
        """The area of the road that is nearest to a camera; -1 where none is within 20 km."""
        away = reach_m(view, self.errors)
        while not len(near) and away < _FURTHEST_HOME_M:
            # what a square holds is at most √2 times as far as its side
            away *= 2
            near = self._grid.near(view.x, view.y, away)
        if not len(near):
            return -1
        off = self.ground.points[near] - (view.x, view.y)
        return int(self.ground.area[near[np.einsum("ij,ij->i", off, off).argmin()]])


def _one_less(log_missed: Floats, holders: Indices) -> Floats:
    """1 - exp of the sum; exactly nothing where nobody holds the point."""
    return np.where(holders > 0, np.clip(-np.expm1(log_missed), 0.0, 1.0), 0.0)
