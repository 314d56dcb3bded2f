"""Delivers the outbox: each chat's messages in their order, by one sender of all processes."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from nobs_bot import tracing
from nobs_bot.errors import ExternalError, TokenRefused
from nobs_bot.messaging import outbox
from nobs_bot.messaging.batch import Writes
from nobs_bot.messaging.chats import fill_slot, is_gone, mark_unreachable, slot_message
from nobs_bot.messaging.message import PictureSource
from nobs_bot.messaging.outbox import Delivery, Outgoing
from nobs_bot.storage.elections import Election
from nobs_bot.storage.engine import AWAY
from nobs_bot.storage.leases import backoff
from nobs_bot.storage.work import Office, Work

if TYPE_CHECKING:
    from nobs_bot.messaging.courier import Courier

log = logging.getLogger(__name__)

AT_ONCE = 24
# so long the database may be away before a delivery breaks off; its lease is longer
WAITED_FOR = outbox.LEASE / 2
PRIVATE_CHAT_PAUSE_S = 1.0
GROUP_PAUSE_S = 3.0


class Sender:
    """
    Sends what is pending.

    Args:
        office: Opens transactions.
        token: The bot's token.
        api_url: The Bot API server, without a trailing slash.
        pictures: Draws or fetches what a message shows.
        per_second: Messages a second over all chats.
        idle_s: How often the outbox is looked at; short, as other processes fill it too.
        election: Of several processes one sends, since Telegram counts over all of them; left out,
            this one does.
    """

    def __init__(
        self,
        office: Office,
        token: str,
        api_url: str,
        pictures: PictureSource,
        *,
        per_second: float = 29.4,
        idle_s: float = 0.1,
        election: Election | None = None,
    ) -> None:
        self._office = office
        self._token = token
        self._api_url = api_url
        self._pictures = pictures
        self._per_second = per_second
        self._courier: Courier | None = None
        self._idle_s = idle_s
        self._election = election
        self._batch = Writes(office)
        self._awake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_at: dict[int, float] = {}
        self._barred_until = 0.0

    async def run(self) -> None:
        """Send until cancelled; what is under way then is finished first."""
        try:
            while True:
                self._awake.clear()
                try:
                    started = await self._start()
                except AWAY as exc:
                    log.warning("the outbox waits for the database: %s", type(exc))
                    started = 0
                if not started:
                    await self._wait()
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=20)
            if self._courier is not None:
                await self._courier.close()

    async def _wait(self) -> None:
        now = time.monotonic()
        soonest = min((at - now for at in self._next_at.values() if at > now), default=self._idle_s)
        # not wait_for, which before Python 3.12 can swallow a cancellation
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._idle_s, max(0.005, soonest))):
                await self._awake.wait()

    async def _start(self) -> int:
        room = AT_ONCE - len(self._tasks)
        if room <= 0 or (self._election and not self._election.is_won):
            return 0
        now = time.monotonic()
        if now < self._barred_until:
            return 0
        self._next_at = {chat: at for chat, at in self._next_at.items() if at > now}
        resting = list(self._next_at)
        async with self._office.glance() as work:
            due = await outbox.next_due(work)
            if due is None or due > work.now:
                return 0
        courier = await self._hire()
        rows = await self._batch.write(lambda work: outbox.claim(work, room, not_to=resting))
        for row in rows:
            task = asyncio.create_task(self._deliver(courier, row))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return len(rows)

    async def _hire(self) -> Courier:
        """The courier, whose library is loaded beside everybody else's work."""
        if self._courier is None:
            kind = await asyncio.to_thread(_load_courier)
            self._courier = kind(
                self._token,
                self._api_url,
                self._pictures,
                per_second=self._per_second,
                group_pause_s=GROUP_PAUSE_S,
                at_once=AT_ONCE,
            )
        return self._courier

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._awake.set()
        if not task.cancelled() and task.exception():
            log.error("a delivery broke off; its lease runs out", exc_info=task.exception())

    async def _deliver(self, courier: Courier, row: Outgoing) -> None:
        with tracing.span("message", attempt=row.attempts):
            await self._try(courier, row)

    async def _try(self, courier: Courier, row: Outgoing) -> None:
        try:
            async with self._office.glance() as work:
                message = outbox.read(work, row)
                replaces = message.slot and await slot_message(work, row.chat_id, message.slot)
        except AWAY as exc:
            await self._failed(row, ExternalError(f"the database is away: {type(exc).__name__}"))
            return
        try:
            message_id = await courier.send(row.chat_id, message, replaces or None)
        except ExternalError as error:
            if isinstance(error, TokenRefused):
                self._bar(error.retry_after_s)
            await self._failed(row, error)
            return
        finally:
            pause = PRIVATE_CHAT_PAUSE_S if row.chat_id > 0 else GROUP_PAUSE_S
            self._next_at[row.chat_id] = time.monotonic() + pause
        # it is with them: written down late it is there once, and sent again it is there twice
        await self._batch.write_at_last(
            lambda work: self._sent(work, row, message_id), within=WAITED_FOR
        )
        self._office.meter.count("nobs_messages_total", outcome="sent")

    def _bar(self, for_s: float | None) -> None:
        now = time.monotonic()
        if now >= self._barred_until:
            log.error(
                "Telegram does not accept BOT_TOKEN any more: put the new one into .env and restart"
            )
        self._barred_until = now + (for_s or 0.0)

    async def _sent(self, work: Work, row: Outgoing, message_id: int) -> None:
        await outbox.settle(work, row, Delivery.SENT, message_id=message_id)
        if row.slot:
            await fill_slot(work, row.chat_id, row.slot, message_id)

    async def _failed(self, row: Outgoing, error: ExternalError) -> None:
        await self._batch.write_at_last(
            lambda work: self._write_failure(work, row, error), within=WAITED_FOR
        )
        outcome = "failed" if error.permanent and error.new_chat_id is None else "postponed"
        self._office.meter.count("nobs_messages_total", outcome=outcome)

    async def _write_failure(self, work: Work, row: Outgoing, error: ExternalError) -> None:
        if error.new_chat_id is not None:
            await outbox.postpone(work, row, timedelta(0), str(error))
            await outbox.move_chat(work, row.chat_id, error.new_chat_id)
        elif error.permanent:
            log.warning("message %s to a chat failed for good: %s", row.number, error)
            await outbox.settle(work, row, Delivery.FAILED, error=str(error))
            if is_gone(error):
                await mark_unreachable(work, row.chat_id, str(error))
        else:
            wait = error.retry_after_s
            by = timedelta(seconds=wait) if wait is not None else backoff(row.attempts)
            await outbox.postpone(work, row, by, str(error))


def _load_courier() -> type[Courier]:
    from nobs_bot.messaging.courier import Courier

    return Courier
