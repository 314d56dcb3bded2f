"""What a camera sees between walls. The peer is shapely: a shadow a wall, and the difference."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from shapely import Point, Polygon, union_all

from benchmarks import streets
from benchmarks.figure import Figure
from nobs_bot.coverage.visibility import Sweep

Floats = NDArray[np.float64]

EDGES, RANGE_M = 200, 60.0
WANTED_MS = 0.7
PLACES = 200
PEER_PLACES = 30


async def measure() -> list[Figure]:
    """p50 of the whole outline among the 200 walls nearest to a camera."""
    scenes = _scenes(PLACES)
    ours = statistics.median(_timed(scenes, _outline))
    peer = statistics.median(_timed(scenes[:PEER_PLACES], _by_shadows))
    return [
        Figure(
            f"visible polygon, {EDGES} edges in range: p50",
            round(ours, 3),
            "ms",
            f"shapely's shadows and difference {peer:.2f} ms",
            f"<= {WANTED_MS:g}",
            ours <= WANTED_MS,
        )
    ]


def _scenes(count: int) -> list[Floats]:
    """All walls of the 50 nearest houses but a camera's own, moved so that it is the origin."""
    houses, found = streets.town().houses, []
    middles = houses[:, :4].mean(axis=1)
    for view in streets.cameras(count):
        here = np.array([view.x, view.y])
        away = np.hypot(*(middles - here).T)
        nearest = np.argpartition(away, EDGES // 4 + 1)[: EDGES // 4 + 1]
        others = houses[nearest[np.argsort(away[nearest])][1:]] - here
        found.append(np.concatenate([others[:, :-1], others[:, 1:]], axis=2).reshape(-1, 4))
    return found


def _timed(scenes: list[Floats], outline: Callable[[Floats], object]) -> list[float]:
    times = []
    for edges in scenes:
        started = time.perf_counter()
        outline(edges)
        times.append((time.perf_counter() - started) * 1000)
    return times


def _outline(edges: Floats) -> Floats:
    return Sweep(0.0, 0.0, RANGE_M, edges).outline(0, 360)


def _by_shadows(edges: Floats) -> object:
    shadows = [_shadow(edge) for edge in edges]
    return Point(0, 0).buffer(RANGE_M, quad_segs=18).difference(union_all(shadows))


def _shadow(edge: Floats) -> Polygon:
    """What a wall hides from the origin, a little beyond the range."""
    begin = np.arctan2(edge[0], edge[1])
    turn = (np.arctan2(edge[2], edge[3]) - begin + np.pi) % (2 * np.pi) - np.pi
    angles = begin + turn * np.linspace(0, 1, 9)
    arc = 4 * RANGE_M * np.column_stack([np.sin(angles), np.cos(angles)])
    return Polygon([edge[:2], *arc, edge[2:]])
