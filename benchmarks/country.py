"""
A simulation of the whole country: 500 districts, 10 million cameras, a bot for each district.

Events come by chance around the hours of a day, in districts as unequal as Indonesia's. Each
district's bot sends 30 messages a second and one a second to a chat, as Telegram allows. It is a
model of queues, not of the code; what the code costs is measured elsewhere. `docs/scale.md` has
the arithmetic around it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from math import exp, sqrt
from random import Random
from statistics import quantiles

from benchmarks.figure import Figure

DISTRICTS, CAMERAS = 500, 10_000_000
SENDS_PER_SECOND = 30.0
DAY_S = 86_400
# of an hour, what share of a day's events falls into it; quiet hours hold messages to owners back
HOURS = (1, 1, 1, 1, 1, 2, 4, 6, 7, 7, 6, 5, 5, 5, 6, 6, 6, 7, 7, 6, 5, 3, 2, 1)
MESSAGES_PER_CAMERA_A_DAY = 0.05
OWNERS_PER_REQUEST = 8
CAMERAS_PER_REQUEST_A_DAY = 4_000
SPREAD = 1.1
SEED = 20201221
MOST_P99_S = 5.0
MOST_LETTER_H = 3.0


@dataclass(frozen=True)
class District:
    """How many cameras it has."""

    cameras: int


def country(chance: Random) -> list[District]:
    """Districts of lognormal size that hold all the cameras."""
    weights = [exp(chance.gauss(0, SPREAD)) for _ in range(DISTRICTS)]
    return [District(round(CAMERAS * weight / sum(weights))) for weight in weights]


def busiest_hour(district: District, chance: Random) -> list[float]:
    """Seconds that each message of a district's busiest hour waits."""
    share = max(HOURS) / sum(HOURS)
    singles = district.cameras * MESSAGES_PER_CAMERA_A_DAY * share
    requests = district.cameras / CAMERAS_PER_REQUEST_A_DAY * share
    arrivals = [chance.uniform(0, 3600) for _ in range(_poisson(singles, chance))]
    for _ in range(_poisson(requests, chance)):
        at = chance.uniform(0, 3600)
        arrivals += [at] * _poisson(OWNERS_PER_REQUEST, chance)
    free_at, waits = 0.0, []
    for at in sorted(arrivals):
        free_at = max(free_at, at) + 1 / SENDS_PER_SECOND
        waits.append(free_at - at)
    return waits


def _poisson(mean: float, chance: Random) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, sqrt(mean))))
    count, left = 0, exp(-mean)
    product = chance.random()
    while product > left:
        count += 1
        product *= chance.random()
    return count


def letter_to_all_h(district: District) -> float:
    """Hours in which every owner of a district is told something; one and a half cameras each."""
    return district.cameras / 1.5 / SENDS_PER_SECOND / 3600


async def measure() -> list[Figure]:
    """One day's busiest hour in every district."""
    chance = Random(SEED)
    districts = await asyncio.to_thread(country, chance)
    waits = [
        each for one in districts for each in await asyncio.to_thread(busiest_hour, one, chance)
    ]
    p99 = quantiles(waits, n=100)[-1]
    largest = max(districts, key=lambda each: each.cameras)
    middle = sorted(each.cameras for each in districts)[DISTRICTS // 2]
    whole_h = letter_to_all_h(largest)
    alone_h = CAMERAS / 1.5 / SENDS_PER_SECOND / 3600
    return [
        Figure(
            f"country (simulated), {DISTRICTS} districts: wait of a message, p99",
            round(p99, 2),
            "s",
            f"{CAMERAS} cameras, {len(waits)} messages in the busiest hour; a district has"
            f" {middle} in the middle, {largest.cameras} at most",
            f"<= {MOST_P99_S:g}",
            p99 <= MOST_P99_S,
        ),
        Figure(
            "country (simulated): a letter to every owner, in the largest district",
            round(whole_h, 2),
            "h",
            f"by one bot for the whole country {alone_h:.0f} h",
            f"<= {MOST_LETTER_H:g}",
            whole_h <= MOST_LETTER_H,
        ),
    ]
