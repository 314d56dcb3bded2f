"""
What all cameras see of West Jakarta's roads, houses regarded.

20,000 cameras are surveyed in a process of their own, whose memory is then that of the survey,
the town, and Python. The peer is the same survey on open ground.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks import streets
from benchmarks.figure import Figure
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import View

FEW, MANY = 2_500, 20_000
FULL_S, ONE_MS, MEMORY_GB, LINEAR = 3.0, 20.0, 1.5, 1.3
CHANGES = 200
ROOT = Path(__file__).parent.parent


async def measure() -> list[Figure]:
    """The full survey, one camera turned, and eight times as many cameras."""
    views = streets.cameras(FEW)
    survey, full_s = _full(streets.survey(), views)
    _, open_s = _full(streets.survey(with_houses=False), views)
    one_ms = _changes(survey, views)
    many = await _many()
    growth = many["many_s"] / MANY / (many["few_s"] / FEW)
    seen = survey.metres() / survey.ground.length_m.sum()
    return [
        Figure(
            f"full survey of {FEW:,} cameras, {len(streets.town().houses):,} houses",
            round(full_s, 2),
            "s",
            f"open ground {open_s:.2f} s; {seen:.1%} of the roads seen",
            f"<= {FULL_S:g}",
            full_s <= FULL_S,
        ),
        Figure(
            f"one camera turned among {FEW:,}: p50",
            round(statistics.median(one_ms), 2),
            "ms",
            f"slowest of {CHANGES} {max(one_ms):.2f} ms",
            f"<= {ONE_MS:g}",
            statistics.median(one_ms) <= ONE_MS,
        ),
        Figure(
            f"survey of {MANY:,} cameras: memory of the process",
            round(many["after_gb"], 2),
            "GB",
            f"before the cameras {many['before_gb']:.2f} GB",
            f"<= {MEMORY_GB:g}",
            many["after_gb"] <= MEMORY_GB,
        ),
        Figure(
            f"time a camera among {MANY:,} against {FEW:,}",
            round(growth, 2),
            "times",
            f"{many['many_s']:.1f} s against {many['few_s']:.1f} s in the same process",
            f"<= {LINEAR:g}",
            growth <= LINEAR,
        ),
    ]


def _full(survey: Survey, views: list[View]) -> tuple[Survey, float]:
    started = time.perf_counter()
    survey.update(views)
    return survey, time.perf_counter() - started


def _changes(survey: Survey, views: list[View]) -> list[float]:
    times = []
    for view in views[:CHANGES]:
        turned = replace(view, heading_deg=((view.heading_deg or 0) + 90) % 360)
        started = time.perf_counter()
        survey.put(turned)
        times.append((time.perf_counter() - started) * 1000)
    return times


async def _many() -> dict[str, float]:
    """What the process that surveys many cameras says of itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.survey", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    found: dict[str, float] = json.loads(output)
    return found


def _memory_gb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e9


def _report() -> dict[str, float]:
    views = streets.cameras(MANY)
    few, many = streets.survey(), streets.survey()
    before = _memory_gb()
    _, few_s = _full(few, views[:FEW])
    _, many_s = _full(many, views)
    return {"few_s": few_s, "many_s": many_s, "before_gb": before, "after_gb": _memory_gb()}


if __name__ == "__main__":
    print(json.dumps(_report()))
