"""Who is told when something changes: the page's streams and those who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from nobs_bot.sandbox.wire import Json


class Events:
    """A broadcast with a counter: every change has a revision, and one can wait for the next."""

    def __init__(self, revision: int = 0) -> None:
        self.revision = revision
        self._queues: set[asyncio.Queue[Json]] = set()
        self._changed = asyncio.Event()

    def next_revision(self) -> int:
        self.revision += 1
        return self.revision

    def publish(self, event: Json) -> None:
        """Tell every listener; *event* has at least ``type`` and ``person_id``."""
        for queue in self._queues:
            queue.put_nowait(event)
        self._changed.set()
        self._changed = asyncio.Event()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Json]]:
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    async def change(self, timeout_s: float) -> bool:
        """Wait for the next event; False when none came in time."""
        changed = self._changed
        try:
            async with asyncio.timeout(timeout_s):
                await changed.wait()
        except TimeoutError:
            return False
        return True
