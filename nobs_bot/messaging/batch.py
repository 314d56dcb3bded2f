"""Small writes of many callers, committed together: one trip to the disk instead of many."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar

from nobs_bot import tracing
from nobs_bot.storage.engine import AWAY
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

RETRY_S = 0.5
Entry = TypeVar("Entry")
Result = TypeVar("Result")
Write = Callable[[Work], Awaitable[Any]]


class Batch(Generic[Entry, Result]):
    """
    Has entries written in the order they came, as many in one transaction as have gathered.

    Args:
        carry_out: Writes entries in one transaction; returns the result of each, in their order.
    """

    def __init__(
        self,
        office: Office,
        carry_out: Callable[[Work, Sequence[Entry]], Awaitable[Sequence[Result]]],
    ) -> None:
        self._office = office
        self._carry_out = carry_out
        self._waiting: list[tuple[Entry, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def write(self, entry: Entry) -> Result:
        """Write *entry* in a shared transaction; returns when that is committed."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await done

    async def write_at_last(self, entry: Entry, *, within: timedelta) -> Result:
        """
        As `write`; where the database is away, again until it is back.

        For what has happened already and must only be written down, under a lease that is longer
        than *within*. What is written must bear being written twice: a commit whose answer was lost
        cannot be told from one that never was.
        """
        deadline = asyncio.get_running_loop().time() + within.total_seconds()
        while True:
            try:
                return await self.write(entry)
            except AWAY as exc:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                log.warning("the database is away, and is waited for: %s", type(exc))
            await asyncio.sleep(RETRY_S)

    async def _run(self) -> None:
        while self._waiting:
            gathered, self._waiting = self._waiting, []
            try:
                results = await self._commit(gathered)
            except Exception as exc:
                await self._one_by_one(gathered, exc)
                continue
            for (_, done), result in zip(gathered, results, strict=True):
                if not done.done():
                    done.set_result(result)

    async def _commit(
        self, gathered: Sequence[tuple[Entry, asyncio.Future[Result]]]
    ) -> Sequence[Result]:
        with tracing.span("shared commit", writes=len(gathered)):
            async with self._office.work() as work:
                return await self._carry_out(work, [entry for entry, _ in gathered])

    async def _one_by_one(
        self, gathered: Sequence[tuple[Entry, asyncio.Future[Result]]], error: Exception
    ) -> None:
        # one bad entry must not take its neighbours along
        for each in gathered:
            _, done = each
            try:
                if len(gathered) == 1:
                    raise error
                [result] = await self._commit([each])
            except Exception as exc:
                if not done.done():
                    done.set_exception(exc)
            else:
                if not done.done():
                    done.set_result(result)


class Writes(Batch[Write, Any]):
    """A batch of functions, each of which writes by itself; their results are what they return."""

    def __init__(self, office: Office) -> None:
        super().__init__(office, _each_by_itself)


async def _each_by_itself(work: Work, writes: Sequence[Write]) -> list[Any]:
    return [await write(work) for write in writes]
