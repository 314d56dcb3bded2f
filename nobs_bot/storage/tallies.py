"""
What is counted over a whole table, by name.

Small tables are counted anew whenever somebody looks. In a large one that would take seconds, so
there a worker counts every now and then, and whoever looks gets the counts of a moment ago.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import JSON, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

V = TypeVar("V")

# counting so many rows takes about a tenth of a second
LIVE_UP_TO = 30_000
_AT_LEAST_EVERY = timedelta(minutes=1)
# counting takes at most a twentieth of a process's time
_REST_TIMES = 20
_LEASE = timedelta(minutes=10)


class Tally(Base):
    """
    Counts as they were at `counted_at`; None while they are counted for the first time.

    There is one for each `Counting` where the table is large, and none where it is small.
    """

    __tablename__ = "tallies"

    name: Mapped[str] = mapped_column(primary_key=True)
    counts: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    counted_at: Mapped[datetime | None]
    due_at: Mapped[datetime]


@dataclass(frozen=True)
class Counting(Generic[V]):
    """
    One thing that is counted.

    Args:
        name: What it is kept under.
        count: Counts anew.
        as_json, from_json: The counts as they are kept, and back.
    """

    name: str
    count: Callable[[Work], Awaitable[V]]
    as_json: Callable[[V], Any]
    from_json: Callable[[Any], V]

    async def counts(self, work: Work) -> V:
        """The counts: those that were kept, else counted now."""
        kept = await self._kept(work)
        return await self.count(work) if kept is None else self.from_json(kept.counts)

    async def as_of(self, work: Work) -> datetime | None:
        """When what `counts` gives was counted; None where that is now."""
        kept = await self._kept(work)
        return kept.counted_at if kept else None

    async def _kept(self, work: Work) -> Tally | None:
        kept = await work.session.get(Tally, self.name)
        return kept if kept is not None and kept.counts is not None else None


class Tallier:
    """
    Counts again what is due, in any number of processes, of which one counts each.

    Args:
        size: How many rows there are; must be quick.
        countings: What is counted over them.
    """

    def __init__(
        self,
        office: Office,
        size: Callable[[Work], Awaitable[int]],
        countings: Sequence[Counting[Any]],
    ) -> None:
        self._office = office
        self._size = size
        self._countings = countings

    async def count_due(self) -> int:
        """Count what is due, one after the other; returns how many that were."""
        async with self._office.long_look() as work:
            is_small = await self._size(work) <= LIVE_UP_TO
            kept = list((await work.session.execute(select(Tally.name))).scalars())
        if is_small:
            if kept:
                await self._forget()
            return 0
        done = 0
        for each in self._countings:
            if await self._claim(each.name):
                await self._count(each)
                done += 1
        return done

    async def _forget(self) -> None:
        async with self._office.work() as work:
            await work.session.execute(delete(Tally))

    async def _claim(self, name: str) -> bool:
        """Whether we are the ones who count it now; for so long nobody else does."""
        async with self._office.look() as work:
            kept = await work.session.get(Tally, name)
            if kept is not None and kept.due_at > work.now:
                return False
        async with self._office.work() as work:
            if kept is None:
                # SQLite knows the same words
                first = insert(Tally).on_conflict_do_nothing()
                await work.session.execute(first, {"name": name, "due_at": work.now})
            query = (
                update(Tally)
                .where(Tally.name == name, Tally.due_at <= work.now)
                .values(due_at=work.now + _LEASE)
                .execution_options(synchronize_session=False)
            )
            claimed: Any = await work.session.execute(query)
            return bool(claimed.rowcount)

    async def _count(self, counting: Counting[Any]) -> None:
        began = time.perf_counter()
        async with self._office.long_look() as work:
            counts, counted_at = await counting.count(work), work.now
        took = timedelta(seconds=time.perf_counter() - began)
        async with self._office.work() as work:
            query = (
                update(Tally)
                .where(Tally.name == counting.name)
                .values(
                    counts=counting.as_json(counts),
                    counted_at=counted_at,
                    due_at=work.now + max(_AT_LEAST_EVERY, _REST_TIMES * took),
                )
                .execution_options(synchronize_session=False)
            )
            await work.session.execute(query)
        log.info("%s counted in %.1f s", counting.name, took.total_seconds())
