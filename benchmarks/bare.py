"""The peer: a bot of aiogram alone, with its own webhook handler and one answer to every text."""

from __future__ import annotations

import os

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

PATH = "/telegram/webhook"


async def answer(message: Message) -> None:
    """One call out."""
    await message.answer("What is your phone number?")


def main() -> None:
    """Serve until told to stop; the settings have the names of the app's own."""
    api = TelegramAPIServer.from_base(os.environ["BOT_API_URL"])
    bot = Bot(os.environ["BOT_TOKEN"], session=AiohttpSession(api=api))
    dispatcher = Dispatcher()
    dispatcher.message.register(answer)

    async def announce(app: web.Application) -> None:
        await bot.set_webhook(os.environ["WEBHOOK_URL"] + PATH)

    app = web.Application()
    SimpleRequestHandler(dispatcher, bot).register(app, path=PATH)
    setup_application(app, dispatcher, bot=bot)
    app.on_startup.append(announce)
    port = int(os.environ["LISTEN_PORT"])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    main()
