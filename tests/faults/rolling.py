"""A new version takes over from an old one, part by part, while people go on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from benchmarks.processes import ROOT
from tests.faults.cluster import PARTS, Cluster, cluster, migrated, of_version
from tests.faults.soak import loaded

# people act for so long before, between and after
BETWEEN_S = 6.0
START_WITHIN_S = 120


@dataclass(frozen=True)
class Rolling:
    """In place of a schedule: migrate, then replace each part and wait until it is ready."""

    name: str
    newer: Path = ROOT
    entries: tuple[()] = ()
    steps: list[str] = field(default_factory=list)

    async def strike(self, cluster: Cluster) -> None:
        """Do it, as docs/deploy.md tells operators to."""
        await asyncio.sleep(BETWEEN_S)
        env = next(iter(cluster.members.values())).environment
        await migrated(self.newer, env, cluster.folder / "migrate.log")
        self.steps.append("migrated")
        await asyncio.sleep(BETWEEN_S)
        # the bot last, so that old answers and new workers meet too
        for name in reversed(PARTS):
            await self._replace(cluster, name)
            self.steps.append(f"{name} replaced")
            await asyncio.sleep(BETWEEN_S)

    async def _replace(self, cluster: Cluster, name: str) -> None:
        member = cluster.members[name]
        former = member.pid
        member.replace(*of_version(self.newer, member.environment, PARTS[name]))
        async with asyncio.timeout(START_WITHIN_S):
            while member.pid in (None, former):
                await asyncio.sleep(0.1)
            if name == "console":
                while not await cluster.serves():
                    await asyncio.sleep(0.2)


async def roll(older: Path, console: Console) -> list[str]:
    """
    From the checkout *older* to this one, by polling and by webhook.

    Returns:
        What must never happen and has.
    """
    found = []
    for webhook in (False, True):
        way = "webhook" if webhook else "polling"
        plan = Rolling(way)
        async with (
            cluster("postgres", webhook=webhook, code=older) as under,
            loaded(under, 1) as load,
        ):
            violations = await load.one(plan)
            counts = await load.counted()
            if violations:
                violations.append(f"its logs are kept in {under.keep_logs(f'rolling-{way}')}")
        console.print(f"{way}: {', '.join(plan.steps)}; {counts}: {len(violations)} violations")
        found += [f"{way}: {each}" for each in violations]
    return found
