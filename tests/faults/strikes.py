"""
What can be broken, each a small class: what it does to the cluster, and how that is put right.

A fault's parameters are drawn from its schedule's seed, and it prints as what it will do.
"""

from __future__ import annotations

import asyncio
import random
import signal
from dataclasses import dataclass
from typing import ClassVar, Protocol

from benchmarks.telegram import FIRST_ID
from tests.faults.cluster import LISTENERS, Cluster
from tests.faults.proxy import BAD_GATEWAY

# who blocks the bot; a refusal of theirs is the one reason for which a message may fail
BLOCKER = FIRST_ID + LISTENERS - 1
HOUR_S = 3600.0
MANY = 100_000


class Strike(Protocol):
    """A fault that lasts for a while."""

    async def strike(self, cluster: Cluster) -> None:
        """Break it."""
        ...

    async def heal(self, cluster: Cluster) -> None:
        """Put it right; harmless where it is right already."""
        ...


@dataclass(frozen=True)
class Kill:
    """`kill -9`, of one process or of all at once; somebody starts them again."""

    only_postgres: ClassVar[bool] = False
    member: str

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> Kill:
        return cls(chance.choice([*members, "all"]))

    async def strike(self, cluster: Cluster) -> None:
        for name, member in cluster.members.items():
            if self.member in (name, "all"):
                member.kill()

    async def heal(self, cluster: Cluster) -> None:
        return


@dataclass(frozen=True)
class Freeze:
    """A process that stands still, as on a machine that swaps, and then goes on."""

    only_postgres: ClassVar[bool] = False
    member: str

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> Freeze:
        return cls(chance.choice(members))

    async def strike(self, cluster: Cluster) -> None:
        cluster.members[self.member].signal(signal.SIGSTOP)

    async def heal(self, cluster: Cluster) -> None:
        cluster.members[self.member].signal(signal.SIGCONT)


@dataclass(frozen=True)
class DatabaseStop:
    """PostgreSQL is stopped, in order or as by a crash, and started again."""

    only_postgres: ClassVar[bool] = True
    mode: str

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> DatabaseStop:
        return cls(chance.choice(("fast", "immediate")))

    async def strike(self, cluster: Cluster) -> None:
        assert cluster.postgres is not None
        await cluster.postgres.stop(self.mode)

    async def heal(self, cluster: Cluster) -> None:
        assert cluster.postgres is not None
        await cluster.postgres.start()


@dataclass(frozen=True)
class DatabaseWire:
    """Between the processes and PostgreSQL: cut, stalled, slow, or answers that are lost."""

    only_postgres: ClassVar[bool] = True
    how: str
    times: int

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> DatabaseWire:
        return cls(chance.choice(("cut", "stall", "slow", "lose", "down")), chance.randint(1, 5))

    async def strike(self, cluster: Cluster) -> None:
        proxy = cluster.database
        assert proxy is not None
        match self.how:
            case "stall":
                proxy.stall()
            case "slow":
                proxy.delay_s = 0.02 * self.times
            case "lose":
                proxy.lose_answers = self.times
            case "down":
                proxy.is_down = True
                proxy.cut()
            case "cut":
                for _ in range(self.times):
                    proxy.cut()
                    await asyncio.sleep(0.05)

    async def heal(self, cluster: Cluster) -> None:
        assert cluster.database is not None
        cluster.database.heal()


@dataclass(frozen=True)
class TelegramWire:
    """Between the processes and Telegram: as above, or a gateway that answers in its place."""

    only_postgres: ClassVar[bool] = False
    how: str
    times: int

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> TelegramWire:
        how = chance.choice(("cut", "stall", "slow", "lose", "gateway"))
        return cls(how, chance.randint(1, 5))

    async def strike(self, cluster: Cluster) -> None:
        proxy = cluster.telegram
        match self.how:
            case "stall":
                proxy.stall()
            case "slow":
                proxy.delay_s = 0.1 * self.times
            case "lose":
                proxy.lose_answers = self.times
            case "gateway":
                proxy.says = BAD_GATEWAY
                proxy.cut()
            case "cut":
                for _ in range(self.times):
                    proxy.cut()
                    await asyncio.sleep(0.05)

    async def heal(self, cluster: Cluster) -> None:
        cluster.telegram.heal()


@dataclass(frozen=True)
class TelegramAway:
    """
    Telegram is away for an hour: no connection comes about, while the clock is stepped on by a
    quarter of an hour four times, so that whatever is put off comes due and is put off again.
    """

    only_postgres: ClassVar[bool] = False

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> TelegramAway:
        return cls()

    async def strike(self, cluster: Cluster) -> None:
        cluster.telegram.is_down = True
        cluster.telegram.cut()
        for _ in range(4):
            await asyncio.sleep(0.3)
            cluster.clock.step(HOUR_S / 4)

    async def heal(self, cluster: Cluster) -> None:
        cluster.telegram.heal()


@dataclass(frozen=True)
class Refusals:
    """Telegram says 429 or 5xx to some calls, or cuts them, before or after it did as asked."""

    only_postgres: ClassVar[bool] = False
    kind: str
    when: str
    times: int

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> Refusals:
        kind = chance.choice(("429", "5xx", "cut"))
        when = "before" if kind == "429" else chance.choice(("before", "after"))
        return cls(kind, when, chance.randint(1, 12))

    async def strike(self, cluster: Cluster) -> None:
        fault = {"method": "*", "kind": self.kind, "times": self.times, "when": self.when}
        await cluster.sandbox.do("faults", **fault)

    async def heal(self, cluster: Cluster) -> None:
        await disarm(cluster)


@dataclass(frozen=True)
class Blocked:
    """One listener blocks the bot for some messages."""

    only_postgres: ClassVar[bool] = False
    times: int

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> Blocked:
        return cls(chance.randint(1, 3))

    async def strike(self, cluster: Cluster) -> None:
        fault = {"method": "sendMessage", "kind": "403", "times": self.times, "chat_id": BLOCKER}
        await cluster.sandbox.do("faults", **fault)

    async def heal(self, cluster: Cluster) -> None:
        await disarm(cluster)


@dataclass(frozen=True)
class Updates:
    """Updates come twice, or late and in reverse."""

    only_postgres: ClassVar[bool] = False
    how: str
    times: int

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> Updates:
        return cls(chance.choice(("twice", "reversed", "late")), chance.randint(1, 20))

    async def strike(self, cluster: Cluster) -> None:
        if self.how == "twice":
            await cluster.sandbox.do("updates/repeat", count=self.times)
        else:
            await cluster.sandbox.do("updates/hold")

    async def heal(self, cluster: Cluster) -> None:
        if self.how == "twice":
            await cluster.sandbox.do("updates/repeat", count=self.times)
        else:
            order = "reversed" if self.how == "reversed" else "kept"
            await cluster.sandbox.do("updates/release", order=order)


@dataclass(frozen=True)
class DiskFull:
    """Not a byte is left for data and files, or for PostgreSQL."""

    only_postgres: ClassVar[bool] = False
    which: str

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> DiskFull:
        return cls(chance.choice(("data", "database")) if len(members) > 1 else "data")

    async def strike(self, cluster: Cluster) -> None:
        await asyncio.to_thread(cluster.disks[self.which].fill, cluster.pids())

    async def heal(self, cluster: Cluster) -> None:
        await asyncio.to_thread(cluster.disks[self.which].free)
        if cluster.postgres is not None:
            # where it had no room for its log it has ended
            await cluster.postgres.start()


@dataclass(frozen=True)
class ClockStep:
    """The clock is wrong for a while: up to two hours ahead or behind."""

    only_postgres: ClassVar[bool] = False
    by_s: float

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> ClockStep:
        return cls(round(chance.choice((-1, 1)) * chance.uniform(1, 2 * HOUR_S), 1))

    async def strike(self, cluster: Cluster) -> None:
        cluster.clock.step(self.by_s)

    async def heal(self, cluster: Cluster) -> None:
        cluster.clock.step(-self.by_s)


@dataclass(frozen=True)
class CamerasHang:
    """The network of the cameras hangs; in the end its connections are reset."""

    only_postgres: ClassVar[bool] = False

    @classmethod
    def drawn(cls, chance: random.Random, members: list[str]) -> CamerasHang:
        return cls()

    async def strike(self, cluster: Cluster) -> None:
        cluster.cameras.stall()

    async def heal(self, cluster: Cluster) -> None:
        cluster.cameras.heal()
        cluster.cameras.cut()


async def disarm(cluster: Cluster) -> None:
    """No call fails on purpose any more."""
    await cluster.sandbox.undo("faults")


KINDS = (
    Kill,
    Freeze,
    DatabaseStop,
    DatabaseWire,
    TelegramWire,
    TelegramAway,
    Refusals,
    Blocked,
    Updates,
    DiskFull,
    ClockStep,
    CamerasHang,
)
