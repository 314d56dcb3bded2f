"""From a seed to a sequence of faults with their times: the same seed, the same sequence."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from tests.faults.cluster import MEMBERS, Cluster
from tests.faults.strikes import KINDS, Kill, Strike

MOST_FAULTS = 4
BEGIN_WITHIN_S = 1.2
SHORTEST_S, LONGEST_S = 0.2, 1.6
# what an operator fears most comes most often
KILLS_PER_OTHER = 2


@dataclass(frozen=True)
class Entry:
    """One fault: when it strikes and for how long, in seconds."""

    at_s: float
    lasts_s: float
    fault: Strike


@dataclass(frozen=True)
class Schedule:
    """Faults in the order in which they strike; some overlap."""

    kind: str
    seed: int
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        """What `python -m tests.faults replay` takes."""
        return f"{self.kind}:{self.seed}"

    async def strike(self, cluster: Cluster) -> None:
        """All of it; afterwards everything is put right again."""
        try:
            async with asyncio.TaskGroup() as group:
                for entry in self.entries:
                    group.create_task(_strike(cluster, entry))
        finally:
            if cluster.postgres is not None:
                await cluster.postgres.start()


async def _strike(cluster: Cluster, entry: Entry) -> None:
    await asyncio.sleep(entry.at_s)
    try:
        await entry.fault.strike(cluster)
        await asyncio.sleep(entry.lasts_s)
    finally:
        await entry.fault.heal(cluster)


def schedule(kind: str, seed: int) -> Schedule:
    """
    The schedule of a seed.

    Args:
        kind: Of the cluster that it is for (see `cluster.cluster`).
    """
    chance = random.Random(f"{kind}:{seed}")
    members = list(MEMBERS[kind])
    kinds = [each for each in KINDS if kind != "sqlite" or not each.only_postgres]
    weights = [KILLS_PER_OTHER if each is Kill else 1 for each in kinds]
    entries = [
        Entry(
            round(chance.uniform(0, BEGIN_WITHIN_S), 2),
            round(chance.uniform(SHORTEST_S, LONGEST_S), 2),
            chance.choices(kinds, weights)[0].drawn(chance, members),
        )
        for _ in range(chance.randint(1, MOST_FAULTS))
    ]
    return Schedule(kind, seed, tuple(sorted(entries, key=lambda entry: entry.at_s)))
