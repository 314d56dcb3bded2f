"""
Houses and cameras along West Jakarta's real roads, the same ones each time.

Real outlines of buildings are few, so rows of houses, 8 m wide and 12 m deep with a metre
between them, stand on both sides of every road, except where they would stand on another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.ground import Ground, road_ground
from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import Errors, View
from nobs_bot.places.areas import load_areas

Floats = NDArray[np.float64]

HOUSE_M, DEPTH_M, EVERY_M = 8.0, 12.0, 9.0
FROM_ROAD_M = 5.0
CLEAR_OF_ROADS_M = 3.0


@dataclass(frozen=True)
class Town:
    """The roads, the houses' outlines (m, 5, 2), and the middles and directions of fronts."""

    ground: Ground
    houses: Floats
    doors: Floats
    facing_deg: Floats


@lru_cache(maxsize=1)
def town() -> Town:
    """West Jakarta."""
    areas = load_areas("West Jakarta")
    base = BaseMap(areas)
    ground = road_ground(base, areas)
    roads = [ground.plane.to_metres(each.points) for each in base.roads(*areas.bounds)]
    lines = np.array([shapely.linestrings(road) for road in roads])
    lots = [_lots(road) for road in roads]
    doors, along = (np.concatenate([lot[part] for lot in lots]) for part in (0, 1))
    out = np.column_stack([along[:, 1], -along[:, 0]])
    half, back = along * HOUSE_M / 2, -out * DEPTH_M
    corners = [doors - half, doors + half, doors + half + back, doors - half + back, doors - half]
    houses = np.stack(corners, axis=1)
    on_road, _ = shapely.STRtree(lines).query(
        shapely.polygons(houses), predicate="dwithin", distance=CLEAR_OF_ROADS_M
    )
    kept = np.ones(len(houses), dtype=bool)
    kept[on_road] = False
    facing = np.degrees(np.arctan2(out[:, 0], out[:, 1]))
    return Town(ground, houses[kept], doors[kept], facing[kept])


def _lots(road: Floats) -> tuple[Floats, Floats]:
    """Middles of house fronts on both sides, and which way their fronts run."""
    steps = np.diff(road, axis=0)
    lengths = np.hypot(*steps.T)
    count = (lengths // EVERY_M).astype(int)
    of = np.repeat(np.arange(len(steps)), count)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    unit = steps[of] / lengths[of, None]
    middle = road[:-1][of] + unit * ((nth + 0.5) * EVERY_M)[:, None]
    left = np.column_stack([-unit[:, 1], unit[:, 0]])
    doors = np.concatenate([middle + left * FROM_ROAD_M, middle - left * FROM_ROAD_M])
    return doors, np.concatenate([unit, -unit])


def obstacles() -> Obstacles:
    """The houses as what stands in the way."""
    return Obstacles(list(town().houses))


def survey(*, with_houses: bool = True) -> Survey:
    """An empty survey of the town."""
    return Survey(town().ground, obstacles() if with_houses else Obstacles([]), Errors())


def cameras(count: int, seed: int = 1, among: NDArray[np.bool_] | None = None) -> list[View]:
    """
    Cameras on house fronts that look anywhere but into the wall.

    Args:
        among: Which houses may have one.
    """
    chance = np.random.default_rng(seed)
    able = np.arange(len(town().doors)) if among is None else np.flatnonzero(among)
    houses = chance.choice(able, count, replace=count > len(able))
    headings = (town().facing_deg[houses] + chance.uniform(-90, 90, count)) % 360
    widths, ranges = chance.uniform(75, 110, count), chance.uniform(20, 60, count)
    at_night = chance.uniform(size=count) < 0.6
    rows = zip(town().doors[houses], headings, widths, ranges, at_night, strict=True)
    return [
        View(number, float(x), float(y), float(heading), float(width), float(range_m), bool(night))
        for number, ((x, y), heading, width, range_m, night) in enumerate(rows, start=1)
    ]
