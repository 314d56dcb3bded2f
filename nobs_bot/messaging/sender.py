"""
Delivers the outbox through python-telegram-bot, whose rate limiter paces it.

This module alone knows that library. The limiter paces and does not retry: what failed goes back
to the outbox, which keeps the order of its chat.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from telegram import (
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    LinkPreviewOptions,
    WebAppInfo,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)
from telegram.ext import AIORateLimiter, ExtBot
from telegram.request import HTTPXRequest

from nobs_bot import tracing
from nobs_bot.buttons import Keyboard
from nobs_bot.errors import ExternalError
from nobs_bot.messaging import outbox
from nobs_bot.messaging.batch import Writes
from nobs_bot.messaging.chats import fill_slot, is_gone, mark_unreachable, slot_message
from nobs_bot.messaging.message import (
    CAPTION_LIMIT,
    Loaded,
    Message,
    PictureSource,
    load_all,
)
from nobs_bot.messaging.outbox import Delivery, Outgoing
from nobs_bot.storage.elections import Election
from nobs_bot.storage.engine import AWAY
from nobs_bot.storage.leases import backoff
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

AT_ONCE = 24
# so long the database may be away before a delivery breaks off; its lease is longer
WAITED_FOR = outbox.LEASE / 2
PRIVATE_CHAT_PAUSE_S = 1.0
# whoever replaces the token restarts the process soon
TOKEN_PAUSE_S = 15.0
GROUP_PAUSE_S = 3.0
# more than one message, or every late waking of the loop would slow the flow down for good; at 29.4
# a second, no second ever sees more than 30
_BUCKET = 1.5
_STALE_EDIT = ("message to edit not found", "message can't be edited", "message_id_invalid")


def explain_error(error: TelegramError) -> ExternalError:
    """What a library error means for us: gone, wait, moved, or try again."""
    if isinstance(error, RetryAfter):
        after = error.retry_after
        seconds = after.total_seconds() if isinstance(after, timedelta) else float(after)
        return ExternalError("told to wait", retry_after_s=seconds)
    if isinstance(error, ChatMigrated):
        return ExternalError("the group moved", new_chat_id=error.new_chat_id)
    if isinstance(error, InvalidToken):
        # the token was replaced, and this process has the old one: the message is as good as ever
        return ExternalError("the token is not accepted", retry_after_s=TOKEN_PAUSE_S)
    if isinstance(error, (Forbidden, BadRequest)):
        return ExternalError(str(error), permanent=True)
    return ExternalError(f"{type(error).__name__}: {error}")


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
        # the default bucket lets a full second's worth go at once, on top of the even flow, which
        # Telegram answers with a 429
        limiter = AIORateLimiter(
            overall_max_rate=_BUCKET,
            overall_time_period=_BUCKET / per_second,
            group_max_rate=1,
            group_time_period=GROUP_PAUSE_S,
        )
        self._bot: ExtBot[Any] = ExtBot(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            rate_limiter=limiter,
            request=HTTPXRequest(connection_pool_size=AT_ONCE, read_timeout=20, write_timeout=60),
        )
        self._office = office
        self._pictures = pictures
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
            await self._bot.shutdown()

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
        rows = await self._batch.write(lambda work: outbox.claim(work, room, not_to=resting))
        for row in rows:
            task = asyncio.create_task(self._deliver(row))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return len(rows)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._awake.set()
        if not task.cancelled() and task.exception():
            log.error("a delivery broke off; its lease runs out", exc_info=task.exception())

    async def _deliver(self, row: Outgoing) -> None:
        with tracing.span("message", attempt=row.attempts):
            await self._try(row)

    async def _try(self, row: Outgoing) -> None:
        try:
            async with self._office.glance() as work:
                message = outbox.read(work, row)
                replaces = message.slot and await slot_message(work, row.chat_id, message.slot)
        except AWAY as exc:
            await self._failed(row, ExternalError(f"the database is away: {type(exc).__name__}"))
            return
        try:
            message_id = await self._send(row.chat_id, message, replaces or None)
        except TelegramError as exc:
            if isinstance(exc, InvalidToken):
                self._bar()
            await self._failed(row, explain_error(exc))
            return
        finally:
            pause = PRIVATE_CHAT_PAUSE_S if row.chat_id > 0 else GROUP_PAUSE_S
            self._next_at[row.chat_id] = time.monotonic() + pause
        # it is with them: written down late it is there once, and sent again it is there twice
        await self._batch.write_at_last(
            lambda work: self._sent(work, row, message_id), within=WAITED_FOR
        )
        self._office.meter.count("nobs_messages_total", outcome="sent")

    def _bar(self) -> None:
        now = time.monotonic()
        if now >= self._barred_until:
            log.error(
                "Telegram does not accept BOT_TOKEN any more: put the new one into .env and restart"
            )
        self._barred_until = now + TOKEN_PAUSE_S

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

    async def _send(self, chat_id: int, message: Message, replaces: int | None) -> int:
        if message.menu:
            await self._bot.set_my_commands(message.menu, BotCommandScopeChat(chat_id))
        if replaces and not message.pictures and await self._edit(chat_id, message, replaces):
            return replaces
        message, loaded = await load_all(self._pictures, message)
        if message.document:
            return await self._send_document(chat_id, message, loaded[0])
        if len(loaded) == 1 and len(message.text) <= CAPTION_LIMIT:
            return await self._send_photo(chat_id, message, loaded[0])
        if loaded:
            await self._send_album(chat_id, message, loaded)
        return await self._send_text(chat_id, message)

    async def _edit(self, chat_id: int, message: Message, message_id: int) -> bool:
        """Replace a message in place; False where that is no longer possible."""
        try:
            await self._bot.edit_message_text(
                message.text,
                chat_id,
                message_id,
                parse_mode="HTML",
                reply_markup=_markup(message.keyboard),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        except BadRequest as exc:
            reason = str(exc).lower()
            if "not modified" in reason:
                return True
            if any(stale in reason for stale in _STALE_EDIT):
                return False
            raise
        return True

    async def _send_text(self, chat_id: int, message: Message) -> int:
        sent = await self._bot.send_message(
            chat_id,
            message.text,
            parse_mode="HTML",
            reply_markup=_markup(message.keyboard),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            protect_content=message.protected,
        )
        return sent.message_id

    async def _send_photo(self, chat_id: int, message: Message, photo: bytes | str) -> int:
        sent = await self._bot.send_photo(
            chat_id,
            photo,
            caption=message.text,
            parse_mode="HTML",
            reply_markup=_markup(message.keyboard),
            protect_content=message.protected,
        )
        return sent.message_id

    async def _send_album(self, chat_id: int, message: Message, loaded: Loaded) -> None:
        if len(loaded) == 1:
            await self._bot.send_photo(chat_id, loaded[0], protect_content=message.protected)
            return
        media = [InputMediaPhoto(each) for each in loaded]
        await self._bot.send_media_group(chat_id, media, protect_content=message.protected)

    async def _send_document(self, chat_id: int, message: Message, file: bytes | str) -> int:
        sent = await self._bot.send_document(
            chat_id,
            file,
            filename=message.document,
            caption=message.text,
            parse_mode="HTML",
            reply_markup=_markup(message.keyboard),
            protect_content=message.protected,
        )
        return sent.message_id


def _markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    if not keyboard:
        return None
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(
                    each.label,
                    callback_data=each.payload,
                    url=None if each.in_app else each.url,
                    web_app=WebAppInfo(each.url) if each.in_app and each.url else None,
                )
                for each in row
            ]
            for row in keyboard
        ]
    )
