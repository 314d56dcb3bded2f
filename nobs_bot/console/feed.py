"""What changes on the map while somebody looks at it, as server-sent events."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from nobs_bot.cameras.atlas import Shown, Sight, change_mark, changes, newest_change, shown_now
from nobs_bot.storage.work import Office

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.5
# other processes make their ids before they commit, so a late one may be below what we have seen
_LATE_MS = 10_000
_ID_SHIFT = 22
# somebody who takes nothing for so long starts anew with the whole map
_MOST_WAITING = 200
_BEGIN_S = 10.0

Changes = list[Shown]


class Feed:
    """
    Looks for changes while somebody listens, once for all of them, and tells each.

    The database is looked at, not listened to, so that it holds with any number of processes.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._listening: set[asyncio.Queue[Changes | None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self.is_over = False

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[asyncio.Queue[Changes | None]]:
        """Changes from now on; None where the listener fell behind and must start anew."""
        queue: asyncio.Queue[Changes | None] = asyncio.Queue(_MOST_WAITING)
        self._listening.add(queue)
        if self._looking is None or self._looking.done():
            self._begun.clear()
            self._looking = asyncio.create_task(self._look(), name="console feed")
        try:
            async with asyncio.timeout(_BEGIN_S):
                await self._begun.wait()
            yield queue
        finally:
            self._listening.discard(queue)
            if not self._listening:
                await self._stop_looking()

    async def end(self) -> None:
        """Let everybody go who listens: the server stops."""
        self.is_over = True
        for queue in self._listening:
            if not queue.full():
                queue.put_nowait(None)
        await self._stop_looking()

    async def _stop_looking(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look(self) -> None:
        async with self._office.look() as work:
            since = await newest_change(work)
            told = await changes(work, _before(since))
            mark = await change_mark(work, _before(since))
        self._begun.set()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                async with self._office.look() as work:
                    # after an import twenty thousand are new, and stay so for as long as no other
                    # change comes
                    latest = await change_mark(work, _before(since))
                    if latest == mark:
                        continue
                    found = await changes(work, _before(since))
                    is_fresh = [each for each in found if told.get(each) != found[each]]
                    fresh = await shown_now(work, is_fresh)
            except Exception:
                log.exception("the map's changes could not be read")
                await asyncio.sleep(10)
                continue
            if fresh:
                self._tell(fresh)
            since = max((since, *found.values()))
            told, mark = found, latest

    def _tell(self, fresh: Changes) -> None:
        for queue in self._listening:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(fresh)


def _before(change_id: int) -> int:
    return max(0, change_id - (_LATE_MS << _ID_SHIFT))


def rows_for(sight: Sight, changes: Changes) -> list[Shown]:
    """What one officer is told of the changes; a camera that went is told by its number alone."""
    told = []
    for each in changes:
        if sight.holds(each.area_code, each.state):
            told.append(each)
        elif sight.ever_holds(each.area_code):
            told.append(each.as_gone())
    return told


async def send(response: web.StreamResponse, event: str, data: object) -> None:
    """One event."""
    text = json.dumps(data, separators=(",", ":"))
    await response.write(f"event: {event}\ndata: {text}\n\n".encode())
