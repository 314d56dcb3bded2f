"""Schedule after schedule on a cluster that stays up, each examined once all is calm."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import func, select

from benchmarks.telegram import FIRST_ID
from nobs_bot.messaging.inbox import Received
from nobs_bot.people.invitations import invite
from nobs_bot.people.roles import Role
from tests.faults.calm import NotCalm, calm
from tests.faults.cluster import LISTENERS, OFFICERS, PEOPLE, Cluster, cluster
from tests.faults.crowd import Gate, People
from tests.faults.invariants import violations
from tests.faults.scene import look_at
from tests.faults.schedule import Schedule, schedule
from tests.faults.strikes import BLOCKER
from tests.faults.teller import Teller

PER_CLUSTER = 50
AT_ONCE = 6
REVIEWER, INVESTIGATOR, STRANGER = OFFICERS, OFFICERS + 1, OFFICERS + 2
# each can bring a message once more
COPIES_PER_FAULT = 14


@dataclass
class Result:
    """
    What came of some schedules.

    Attributes:
        faults: How often each kind of fault struck.
        violations: By the schedule's name.
        deeds: How often people did what.
        seconds: How long each schedule took, calm and examination included.
    """

    schedules: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    deeds: Counter[str] = field(default_factory=Counter)
    updates: int = 0
    messages: int = 0
    lured: int = 0
    kills: int = 0

    def add(self, other: Result) -> None:
        """Count another's in."""
        self.schedules += other.schedules
        self.faults += other.faults
        self.violations |= other.violations
        self.seconds += other.seconds
        self.deeds += other.deeds
        self.updates += other.updates
        self.messages += other.messages
        self.lured += other.lured
        self.kills += other.kills


Progress = Callable[[Schedule, list[str]], None]


def _silent(done: Schedule, found: list[str]) -> None:
    return


async def run(
    kind: str, seeds: Iterable[int], *, load_seed: int, webhook: bool, told: Progress = _silent
) -> Result:
    """
    Strike one cluster with the schedules of *seeds*, one after the other.

    It ends with the first that brings a violation: what a cluster does after that says nothing.

    Args:
        kind: See `cluster.cluster`.
        load_seed: Decides what people do.
        told: Hears of every schedule that is over.
    """
    result = Result()
    async with (
        cluster(kind, webhook=webhook) as under_siege,
        loaded(under_siege, load_seed) as load,
    ):
        for seed in seeds:
            began = time.monotonic()
            plan = schedule(kind, seed)
            found = await load.one(plan)
            result.schedules.append(plan.name)
            result.seconds.append(time.monotonic() - began)
            result.faults.update(type(entry.fault).__name__ for entry in plan.entries)
            if found:
                found.append(f"its logs are kept in {under_siege.keep_logs(plan.name)}")
                result.violations[plan.name] = found
            told(plan, found)
            if found:
                break
        await load.count_into(result)
    return result


class Strikes(Protocol):
    """What happens to a cluster while people act: a schedule of faults, or a new version."""

    @property
    def entries(self) -> Sequence[object]:
        """The faults."""

    async def strike(self, cluster: Cluster) -> None:
        """Begin, and return when it is over."""


class Load:
    """People and a teller on a cluster, between whom and the faults nobody stands."""

    def __init__(self, under: Cluster, people: People, teller: Teller, first: int) -> None:
        self._under = under
        self._people = people
        self._teller = teller
        self._first = first
        self._strikes = 0
        self._evidence: dict[int, str] = {}

    async def one(self, plan: Strikes) -> list[str]:
        """One schedule under load, then calm, then all ten; what was found."""
        gate = self._people.gate
        gate.open()
        await plan.strike(self._under)
        gate.close()
        self._strikes += sum(COPIES_PER_FAULT for _ in plan.entries)
        found: list[str] = []
        # what the calendar asks for may have begun in the very moment of the examination
        for _ in range(2):
            try:
                await calm(self._under, self._people)
            except NotCalm as stuck:
                return [f"1. {stuck}", *await self._examine()]
            if not (found := await self._examine()):
                break
        return found

    async def _examine(self) -> list[str]:
        upto = int((await self._under.sandbox.see("updates"))["next_id"])
        scene = await look_at(
            self._under,
            self._people.deeds,
            self._teller.told,
            given=range(self._first, upto),
            strikes=self._strikes,
            stranger=STRANGER,
            evidence=self._evidence,
        )
        found = await violations(scene)
        if not found:
            self._first = upto
        return found

    async def counted(self) -> str:
        """What it came to, in words."""
        result = Result()
        await self.count_into(result)
        return f"{result.updates} updates, {result.messages} messages"

    async def count_into(self, result: Result) -> None:
        """Add what the cluster saw."""
        under = self._under
        async with under.foundation.office.look() as work:
            query = select(func.count()).select_from(Received)
            result.updates += int((await work.session.execute(query)).scalar_one())
        result.messages += len((await under.sandbox.see("messages"))["messages"])
        deeds = self._people.deeds
        result.deeds.update(
            {
                "cameras enrolled": len(deeds.submitted),
                "with a stream that was looked at": len(deeds.streams),
                "turned with hasty taps": len(deeds.headings_deg),
                "drafts left": len(deeds.drafts),
                "erased": len(deeds.erased),
                "approved": deeds.approvals,
                "requests for footage": deeds.requests,
                "clips with a receipt": len(deeds.receipted),
                "cases closed": len(deeds.closed),
            }
        )
        result.lured += under.canary.lured
        result.kills += sum(member.kills for member in under.members.values())


@asynccontextmanager
async def loaded(under: Cluster, seed: int) -> AsyncIterator[Load]:
    """Everybody begins, and stands before the gate."""
    chance, gate = random.Random(seed), Gate()
    first = int((await under.sandbox.see("updates"))["next_id"])
    listeners = list(range(FIRST_ID, FIRST_ID + LISTENERS))
    for each in listeners:
        await under.sandbox.do(f"persons/{each}/start", payload="")
    ids = iter(range(STRANGER + 1, FIRST_ID + PEOPLE))
    lures = under.canary.lures()
    people = People(under.sandbox.api_url, ids, under.camera_url, chance, gate, lures)
    officers = {
        "reviewer": (REVIEWER, await _invitation(under, Role.REVIEWER)),
        "investigator": (INVESTIGATOR, await _invitation(under, Role.INVESTIGATOR)),
    }
    teller = Teller(under.foundation, listeners, chance, gate)
    tasks = [
        asyncio.create_task(people.live(AT_ONCE, officers, STRANGER)),
        asyncio.create_task(teller.tell()),
    ]
    try:
        yield Load(under, people, teller, first)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for each in ended:
        if isinstance(each, Exception):
            raise each


async def _invitation(under: Cluster, role: Role) -> str:
    foundation = under.foundation
    async with foundation.office.work() as work:
        return invite(work, role, foundation.areas.district.code, created_by=None)


__all__ = ["BLOCKER", "PER_CLUSTER", "Result", "run"]
