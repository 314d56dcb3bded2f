"""Goes the rounds: looks at the cameras whose turn it is, many side by side, and keeps books."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import select

from nobs_bot.cameras.advice import tell_owners
from nobs_bot.cameras.connection import stream_of
from nobs_bot.cameras.health import Health, enlist, is_connected, note_pulse
from nobs_bot.cameras.outages import judge, open_outages
from nobs_bot.cameras.record import Camera
from nobs_bot.messaging.batch import Writes
from nobs_bot.storage.base import new_id
from nobs_bot.storage.leases import claim, held, postpone
from nobs_bot.storage.loops import is_due
from nobs_bot.storage.work import Office, Work
from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.pulse import Pulse

log = logging.getLogger(__name__)

# longer than any pulse takes
LEASE = timedelta(minutes=1)
AT_ONCE = 32
# a claim costs the same for one row as for many
_LEAST_ROOM = 8
_AFTER_A_MISTAKE = timedelta(minutes=15)

TakePulse = Callable[[StreamAddress], Awaitable[Pulse]]


class HealthRounds:
    """
    Works off what is due.

    Args:
        take_pulse: Looks at one stream (see `streams.pulse.take_pulse`).
        at_once: How many are looked at side by side; each costs a socket and no process.
    """

    def __init__(self, office: Office, take_pulse: TakePulse, *, at_once: int = AT_ONCE) -> None:
        self._office = office
        self._take_pulse = take_pulse
        self._at_once = at_once
        self._books = Writes(office)
        self._running: set[asyncio.Task[None]] = set()

    async def start_due(self) -> int:
        """Start what is due and has room; returns how many were started."""
        room = self._at_once - len(self._running)
        if room < min(_LEAST_ROOM, self._at_once) or not await is_due(self._office, Health):
            return 0
        async with self._office.work() as work:
            rows = await claim(work, Health, lease=LEASE, limit=room)
            addresses = await _addresses(work, [row.camera_id for row in rows])
        for row in rows:
            task = asyncio.create_task(self._look(row, addresses.get(row.camera_id)))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(rows)

    async def wait(self) -> None:
        """Until nothing runs."""
        while self._running:
            await asyncio.wait(self._running)

    async def stop(self) -> None:
        """Break off what runs; its lease runs out and it is taken up again."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _look(self, row: Health, address: StreamAddress | None) -> None:
        pulse: Pulse | None = None
        try:
            # an address that is gone needs no look, only its row put right
            if address is not None:
                pulse = await self._take_pulse(address)
        except Exception as exc:
            # a mistake of ours, which the next look would make again; its message may hold the
            # address, so its type is all that is kept
            name = type(exc).__name__
            log.error("a look at a camera's health broke off: %s", name)

            async def put_off(work: Work) -> None:
                if current := await held(work, Health, row.id, row.attempts):
                    postpone(work, current, _AFTER_A_MISTAKE, name)

            await self._books.write(put_off)
            return

        async def keep(work: Work) -> None:
            await _keep(work, row, address, pulse)

        await self._books.write(keep)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception():
            log.error("a look at a camera's health was not kept", exc_info=task.exception())


async def _addresses(work: Work, ids: list[int]) -> dict[int, StreamAddress]:
    query = select(Camera).where(Camera.id.in_(ids))
    cameras = (await work.session.execute(query)).scalars()
    found = ((each, stream_of(work, each)) for each in cameras if is_connected(each))
    return {camera.id: address for camera, address in found if address}


async def _keep(
    work: Work, row: Health, address: StreamAddress | None, pulse: Pulse | None
) -> None:
    health = await held(work, Health, row.id, row.attempts)
    if health is None:
        return
    camera = await work.session.get(Camera, row.camera_id)
    if camera is None or not is_connected(camera):
        # paused, withdrawn or sent back meanwhile; it is enlisted again when it is connected again
        await work.session.delete(health)
        return
    if pulse is None or stream_of(work, camera) != address:
        # another address than the one that we looked at
        health.due_at, health.lease_until = work.now, None
        return
    if await note_pulse(work, health, pulse, outages=await open_outages(work)):
        # maps that are open show it
        camera.change_id = new_id()


async def keep_books(work: Work) -> int:
    """What the calendar asks for: new cameras, outages, owners to be told."""
    done = await enlist(work)
    done += await judge(work)
    done += await tell_owners(work)
    return done
