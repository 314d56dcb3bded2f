"""Small writes of many callers, committed together: one trip to the disk instead of many."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from nobs_bot import tracing
from nobs_bot.storage.engine import AWAY
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

RETRY_S = 0.5
T = TypeVar("T")
Write = Callable[[Work], Awaitable[Any]]


class Batch:
    """
    Runs writes in the order they came, as many in one transaction as have gathered.

    Args:
        at_end: What is done in each transaction after its writes.
    """

    def __init__(
        self, office: Office, *, at_end: Callable[[Work], Awaitable[None]] | None = None
    ) -> None:
        self._office = office
        self._at_end = at_end
        self._waiting: list[tuple[Write, asyncio.Future[Any]]] = []
        self._running: asyncio.Task[None] | None = None

    async def write(self, write: Callable[[Work], Awaitable[T]]) -> T:
        """Run *write* in a shared transaction; returns when that is committed."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, done))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await done

    async def write_at_last(self, write: Callable[[Work], Awaitable[T]], *, within: timedelta) -> T:
        """
        As `write`; where the database is away, again until it is back.

        For what has happened already and must only be written down, under a lease that is longer
        than *within*. What is written must bear being written twice: a commit whose answer was lost
        cannot be told from one that never was.
        """
        deadline = asyncio.get_running_loop().time() + within.total_seconds()
        while True:
            try:
                return await self.write(write)
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

    async def _commit(self, gathered: list[tuple[Write, asyncio.Future[Any]]]) -> list[Any]:
        with tracing.span("shared commit", writes=len(gathered)):
            async with self._office.work() as work:
                results = [await write(work) for write, _ in gathered]
                if self._at_end is not None:
                    await self._at_end(work)
                return results

    async def _one_by_one(
        self, gathered: list[tuple[Write, asyncio.Future[Any]]], error: Exception
    ) -> None:
        # one bad write must not take its neighbours along
        for write, done in gathered:
            try:
                result = error if len(gathered) == 1 else (await self._commit([(write, done)]))[0]
            except Exception as exc:
                result = exc
            if done.done():
                continue
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)
