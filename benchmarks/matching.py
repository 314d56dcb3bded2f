"""
Choosing the cameras for a request, through the database (SQLite).

20,000 cameras stand over West Jakarta's 125 square kilometres; a million stand as densely over a
country's worth of ground. Every scene is elsewhere, 100 m wide. The peer is the bare box query.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import select

from benchmarks import crowd
from benchmarks.deliveries import foundation_in
from benchmarks.figure import Figure
from nobs_bot.app import Foundation
from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.between import Walls
from nobs_bot.coverage.watching import seeing
from nobs_bot.footage.matching import Scene, candidates
from nobs_bot.footage.times import Window
from nobs_bot.people.persons import person
from nobs_bot.places.geodesy import box, moved

SIZES = ((20_000, 5_590.0, 5.0), (1_000_000, 39_530.0, 20.0))
SCENES = 200
RADIUS_M = 100.0
OWNERS = 1000
MOST_POINT_MS = 5.0


@dataclass
class _Seen:
    ours_ms: list[float]
    bare_ms: list[float]
    point_ms: list[float]
    found: list[int]


async def measure() -> list[Figure]:
    """p50 for both sizes."""
    figures = []
    for count, half_side_m, wanted_ms in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            foundation = await foundation_in(Path(folder), "http://127.0.0.1:1")
            ids = await crowd.owners(foundation, OWNERS, 7_000_000)
            await crowd.cameras(foundation, ids, count, within_m=half_side_m)
            seen = await _choose(foundation, half_side_m)
            await foundation.database.close()
        p50, bare = statistics.median(seen.ours_ms), statistics.median(seen.bare_ms)
        figures.append(
            Figure(
                f"choosing the cameras for a request among {count:,}: p50",
                round(p50, 2),
                "ms",
                f"bare box query {bare:.2f} ms; {statistics.mean(seen.found):.0f} cameras chosen",
                f"<= {wanted_ms:g}",
                p50 <= wanted_ms,
            )
        )
    point_ms = statistics.median(seen.point_ms)
    figures.append(
        Figure(
            f"who sees this point, of {count:,}, through the database: p50",
            round(point_ms, 2),
            "ms",
            f"bare box query {bare:.2f} ms",
            f"<= {MOST_POINT_MS:g}",
            point_ms <= MOST_POINT_MS,
        )
    )
    return figures


async def _choose(foundation: Foundation, half_side_m: float) -> _Seen:
    officer_id = await crowd.investigator(foundation)
    chance, now = Random(2), datetime.now(UTC)
    windows = (Window(now - timedelta(hours=3), now - timedelta(hours=2)),)
    seen, walls = _Seen([], [], [], []), Walls(foundation.base)
    for turn in range(SCENES + 5):
        reach = half_side_m - 500
        east, north = (chance.uniform(-reach, reach) for _ in range(2))
        lat, lon = moved(*crowd.CENTER, east_m=east, north_m=north)
        scene = Scene(lat, lon, RADIUS_M, crowd.AREA, windows, walls=walls)
        async with foundation.office.look() as work:
            officer = await person(work, officer_id)
            started = time.perf_counter()
            found = await candidates(work, officer, scene)
            ours = time.perf_counter() - started
        async with foundation.office.look() as work:
            south, west, north_, east_ = box(lat, lon, RADIUS_M + 100)
            query = select(Camera.id, Camera.lat, Camera.lon).where(
                Camera.lat.between(south, north_), Camera.lon.between(west, east_)
            )
            started = time.perf_counter()
            (await work.session.execute(query)).all()
            bare = time.perf_counter() - started
        async with foundation.office.look() as work:
            started = time.perf_counter()
            await seeing(work, lat, lon)
            point = time.perf_counter() - started
        if turn >= 5:  # the first ones build what is built once
            seen.ours_ms.append(ours * 1000)
            seen.bare_ms.append(bare * 1000)
            seen.point_ms.append(point * 1000)
            seen.found.append(len(found))
    return seen
