"""
Which of a million cameras look at a point, in memory.

They stand as densely as 20,000 do over West Jakarta. The peer is shapely's STRtree over the
sectors' outlines, with the predicate.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.figure import Figure
from nobs_bot.coverage.watchers import Watchers

Floats = NDArray[np.float64]

CAMERAS, HALF_SIDE_M = 1_000_000, 39_530.0
POINTS = 2_000
WANTED_MS = 0.1
ARC_STEPS = 8


async def measure() -> list[Figure]:
    """p50 of a look, and how long the index takes to build."""
    chance = np.random.default_rng(1)
    x, y = chance.uniform(-HALF_SIDE_M, HALF_SIDE_M, (2, CAMERAS))
    heading, width = chance.uniform(0, 360, CAMERAS), chance.uniform(75, 110, CAMERAS)
    range_m = chance.uniform(20, 60, CAMERAS)
    # places that somebody asks for lie near cameras
    points = np.column_stack([x, y])[:POINTS] + chance.normal(0, 15, (POINTS, 2))
    started = time.perf_counter()
    watchers = Watchers(np.arange(CAMERAS), x, y, heading, width, range_m)
    build_s = time.perf_counter() - started
    ours, found = _timed(points, lambda px, py: len(watchers.at(px, py)))
    tree = shapely.STRtree(_sectors(x, y, heading, width, range_m))
    peer, beside = _timed(
        points, lambda px, py: len(tree.query(shapely.Point(px, py), "intersects"))
    )
    return [
        Figure(
            f"who sees this point, {CAMERAS:,} cameras: p50",
            round(statistics.median(ours), 4),
            "ms",
            f"STRtree and predicate {statistics.median(peer):.4f} ms; "
            f"{found / POINTS:.2f} and {beside / POINTS:.2f} found; built in {build_s:.1f} s",
            f"<= {WANTED_MS:g}",
            statistics.median(ours) <= WANTED_MS,
        )
    ]


def _timed(points: Floats, look: Callable[[float, float], int]) -> tuple[list[float], int]:
    times, found = [], 0
    for px, py in points.tolist():
        started = time.perf_counter()
        found += look(px, py)
        times.append((time.perf_counter() - started) * 1000)
    return times, found


def _sectors(x: Floats, y: Floats, heading: Floats, width: Floats, range_m: Floats) -> Floats:
    """The outlines of all sectors."""
    steps = np.linspace(-0.5, 0.5, ARC_STEPS + 1)
    turn = np.radians(heading[:, None] + width[:, None] * steps)
    arc = np.stack([np.sin(turn), np.cos(turn)], axis=-1) * range_m[:, None, None]
    apex = np.zeros((len(x), 1, 2))
    rings = np.concatenate([apex, arc, apex], axis=1) + np.stack([x, y], axis=-1)[:, None]
    outlines: Floats = shapely.polygons(rings)
    return outlines
