"""The handlers' side of the app: aiogram's bot, the conversation and what hangs on them."""

from __future__ import annotations

import asyncio
import logging

from aiogram import Bot, Dispatcher
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramUnauthorizedError,
)
from aiogram.types import BotCommand, User

from nobs_bot.app import Foundation, Outside
from nobs_bot.errors import CannotStart
from nobs_bot.messaging.polling import ALLOWED_UPDATES
from nobs_bot.texts import Words

from .addresses import tell_places
from .conversation import BotConversation
from .desk import Surroundings
from .downloads import TelegramDownloads
from .menu import menu_for
from .session import Session

log = logging.getLogger(__name__)

# a gateway in front of Telegram answers with what is no JSON
_AWAY = (TelegramAPIError, ClientDecodeError)


async def outside_of(foundation: Foundation, dispatcher: Dispatcher) -> tuple[Outside, Bot]:
    """
    Make the bot and learn its name.

    Raises:
        CannotStart: the token is not, or no longer, valid.
    """
    settings = foundation.settings
    server = TelegramAPIServer.from_base(settings.bot_api_url)
    bot = Bot(foundation.token, session=Session(api=server))
    me = await _meet_telegram(bot)
    around = Surroundings(
        foundation.areas, foundation.base, settings.geocoder_url is not None, me.username or ""
    )
    conversation = BotConversation(dispatcher, bot, foundation.gallery, around)
    outside = Outside(
        conversation,
        TelegramDownloads(bot),
        tell_places,
        _Webhook(bot),
        _Menus(bot, foundation),
        around.bot_name,
        menu_for,
    )
    return outside, bot


async def _meet_telegram(bot: Bot) -> User:
    """Ask for our own name until Telegram answers: it may be away when we start."""
    wait_s = 0.5
    while True:
        try:
            return await bot.get_me()
        except TelegramUnauthorizedError:
            await bot.session.close()
            raise CannotStart(
                "Telegram does not accept BOT_TOKEN. Ask @BotFather for your bot's token (/mybots, "
                "API Token) and put it into .env."
            ) from None
        except _AWAY as exc:
            log.warning("Telegram does not answer yet: %s", type(exc).__name__)
            await asyncio.sleep(wait_s)
            wait_s = min(30.0, wait_s * 2)


class _Webhook:
    """Tells Telegram where to call."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def __call__(self, address: str, secret: str) -> None:
        await self._bot.set_webhook(
            address, secret_token=secret, allowed_updates=list(ALLOWED_UPDATES)
        )


class _Menus:
    """Sets the menu of people without a role, in each language."""

    def __init__(self, bot: Bot, foundation: Foundation) -> None:
        self._bot = bot
        self._foundation = foundation

    async def __call__(self) -> None:
        try:
            for words in self._foundation.texts:
                await self._set(words)
        except _AWAY as exc:
            log.warning("the menu could not be set: %s", type(exc).__name__)

    async def _set(self, words: Words) -> None:
        is_default = words.language == self._foundation.settings.default_language
        await self._bot.set_my_commands(
            [BotCommand(command=name, description=about) for name, about in menu_for(words, ())],
            language_code=None if is_default else words.language,
        )
