"""
The way to Telegram of what the outbox sends: python-telegram-bot, whose rate limiter paces it.

This module alone knows that library, and the sender loads it when the first message goes: it takes
as long as everything else that somebody who writes to the bot waits for after a start. The limiter
paces and does not retry: what failed goes back to the outbox, which keeps the order of its chat.
"""

from __future__ import annotations

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

from nobs_bot.buttons import Keyboard
from nobs_bot.errors import ExternalError, TokenRefused
from nobs_bot.messaging.message import CAPTION_LIMIT, Loaded, Message, PictureSource, load_all

# whoever replaces the token restarts the process soon
TOKEN_PAUSE_S = 15.0
# more than one message, or every late waking of the loop would slow the flow down for good; at 29.4
# a second, no second ever sees more than 30
_BUCKET = 1.5
_STALE_EDIT = ("message to edit not found", "message can't be edited", "message_id_invalid")


class Courier:
    """
    Takes messages to chats.

    Args:
        token: The bot's token.
        api_url: The Bot API server, without a trailing slash.
        pictures: Draws or fetches what a message shows.
        per_second: Messages a second over all chats.
        group_pause_s: Seconds between two messages to a group.
        at_once: How many are under way side by side.
    """

    def __init__(
        self,
        token: str,
        api_url: str,
        pictures: PictureSource,
        *,
        per_second: float,
        group_pause_s: float,
        at_once: int,
    ) -> None:
        # the default bucket lets a full second's worth go at once, on top of the even flow, which
        # Telegram answers with a 429
        limiter = AIORateLimiter(
            overall_max_rate=_BUCKET,
            overall_time_period=_BUCKET / per_second,
            group_max_rate=1,
            group_time_period=group_pause_s,
        )
        self._bot: ExtBot[Any] = ExtBot(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            rate_limiter=limiter,
            request=HTTPXRequest(connection_pool_size=at_once, read_timeout=20, write_timeout=60),
        )
        self._pictures = pictures

    async def send(self, chat_id: int, message: Message, replaces: int | None) -> int:
        """
        Send a message, or put it in the place of one that is there.

        Returns:
            The id of the message that now says it.

        Raises:
            ExternalError: Telegram did not take it.
        """
        try:
            return await self._send(chat_id, message, replaces)
        except TelegramError as exc:
            raise _explain(exc) from exc

    async def close(self) -> None:
        """Give back the connections."""
        await self._bot.shutdown()

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


def _explain(error: TelegramError) -> ExternalError:
    """What a library error means for us: gone, wait, moved, or try again."""
    if isinstance(error, RetryAfter):
        after = error.retry_after
        seconds = after.total_seconds() if isinstance(after, timedelta) else float(after)
        return ExternalError("told to wait", retry_after_s=seconds)
    if isinstance(error, ChatMigrated):
        return ExternalError("the group moved", new_chat_id=error.new_chat_id)
    if isinstance(error, InvalidToken):
        # the token was replaced, and this process has the old one: the message is as good as ever
        return TokenRefused("the token is not accepted", retry_after_s=TOKEN_PAUSE_S)
    if isinstance(error, (Forbidden, BadRequest)):
        return ExternalError(str(error), permanent=True)
    return ExternalError(f"{type(error).__name__}: {error}")


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
