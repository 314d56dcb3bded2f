"""Watches over the looks that this process shows, so that each ends when it has to."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nobs_bot.footage.live.record import Ending
from nobs_bot.footage.live.views import end, locked, over
from nobs_bot.storage.work import Office

log = logging.getLogger(__name__)

# an owner who taps sees the picture's end within a second, whichever process took the tap
LOOK_EVERY_S = 0.25


class Guard:
    """One question to the database for all looks together, several times a second."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._awaited: defaultdict[int, list[asyncio.Future[Ending]]] = defaultdict(list)
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def over(self, view_id: int) -> AsyncIterator[asyncio.Future[Ending]]:
        """A future that is there once the look has ended, with what ended it."""
        ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._awaited[view_id].append(ended)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(), name="live guard")
        try:
            yield ended
        finally:
            self._awaited[view_id].remove(ended)
            if not self._awaited[view_id]:
                del self._awaited[view_id]
            ended.cancel()

    async def _watch(self) -> None:
        while self._awaited:
            try:
                await self._look()
            except Exception:
                log.exception("the looks could not be looked after")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        async with self._office.look() as work:
            ended = await over(work, list(self._awaited))
        for view_id, ending in ended.items():
            # the picture first: the row can wait, the owner's wish cannot
            for each in self._awaited.get(view_id, []):
                if not each.done():
                    each.set_result(ending)
            await self._write(view_id, ending)

    async def _write(self, view_id: int, ending: Ending) -> None:
        async with self._office.work() as work:
            view = await locked(work, view_id)
            if view is not None:
                await end(work, view, ending)
