"""Many schedules: a fresh cluster every so often, of each kind in turn, polling and webhook."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count, islice, takewhile
from math import inf

from rich.console import Console

from tests.faults.schedule import Schedule, schedule
from tests.faults.soak import PER_CLUSTER, Progress, Result, run

# three of four on PostgreSQL, where more can break
KINDS = ("postgres", "pair", "sqlite", "postgres")


async def all_of(
    schedules: int,
    seed: int,
    only: str | None,
    console: Console,
    *,
    minutes: float = inf,
    kept: Callable[[Result], None] = lambda _: None,
) -> Result:
    """
    Run *schedules* of them, those of the seeds from *seed* on.

    Args:
        only: One kind of cluster; else all in turn.
        minutes: After so many none is begun any more.
        kept: Is given what there is after each cluster.
    """
    result = Result()
    over_at = time.monotonic() + minutes * 60
    seeds = takewhile(lambda _: time.monotonic() < over_at, range(seed, seed + schedules))
    for number in count():
        if len(result.schedules) == schedules or time.monotonic() >= over_at:
            return result
        kind = only or KINDS[number % len(KINDS)]
        # a violation ends its cluster; the seeds that it leaves go to the next one
        batch = islice(seeds, min(PER_CLUSTER, schedules - len(result.schedules)))
        say = _saying(console, result, schedules)
        webhook = (number + number // len(KINDS)) % 2 == 1
        result.add(await run(kind, batch, load_seed=seed + number, webhook=webhook, told=say))
        kept(result)
    raise AssertionError


def _saying(console: Console, before: Result, schedules: int) -> Progress:
    done = len(before.schedules)
    numbers = count(done + 1)

    def say(plan: Schedule, found: list[str]) -> None:
        faults = ", ".join(str(entry.fault) for entry in plan.entries)
        state = f"FAILED ({len(found)})" if found else "ok"
        console.print(
            f"{next(numbers)}/{schedules} {plan.name} {state}  {faults}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        for line in found:
            console.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)

    return say


async def replay(name: str, console: Console) -> Result:
    """One schedule once more, on a fresh cluster with people on it."""
    kind, _, seed = name.partition(":")
    for entry in schedule(kind, int(seed)).entries:
        console.print(f"at {entry.at_s} s for {entry.lasts_s} s: {entry.fault}", markup=False)
    result = Result()
    for webhook in (False, True):
        again = [int(seed)] * REPLAYS
        say = _saying(console, Result(), 2 * REPLAYS)
        result.add(await run(kind, again, load_seed=int(seed), webhook=webhook, told=say))
        if result.violations:
            break
    return result


# what hangs on a moment may take some tries
REPLAYS = 5
