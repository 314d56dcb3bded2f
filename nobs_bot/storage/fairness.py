"""
A pool whose connections go to those who wait in the order in which they came.

In SQLAlchemy's own, whoever asks as a connection is given back takes it before those who wait for
it, and asyncio's queue then puts the one that was robbed at the end: with fifty pages at once one
in twenty took six times the middle one.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import await_
from sqlalchemy.util.queue import AsyncAdaptedQueue, Empty


class _FairQueue(AsyncAdaptedQueue[Any]):
    """Gives to one after the other."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        super().__init__(maxsize, use_lifo)
        self._turn = asyncio.Lock()
        self._waiting = 0

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if not block or not self._waiting:
            try:
                return self.get_nowait()
            except Empty:
                if not block:
                    raise
        try:
            return await_(self._in_turn(timeout))
        except TimeoutError:
            raise Empty from None

    async def _in_turn(self, timeout_s: float | None) -> Any:
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s), self._turn:
                return await self._queue.get()
        finally:
            self._waiting -= 1


class FairPool(AsyncAdaptedQueuePool):
    """As `AsyncAdaptedQueuePool`, first come, first served."""

    _queue_class = _FairQueue
