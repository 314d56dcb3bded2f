"""aiogram's way to Telegram, which keeps what it has built to read answers."""

from __future__ import annotations

from functools import cache
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.methods import Response, TelegramMethod


@cache
def _response_to(returned: Any) -> type[Response[Any]]:
    return Response[returned]


class Session(AiohttpSession):
    """
    Reads answers with models that are built once.

    pydantic forgets a generic model that nobody holds, and aiogram holds none: without this one is
    built anew for one call in a few, which takes longer than the call.
    """

    def check_response(
        self, bot: Bot, method: TelegramMethod[Any], status_code: int, content: str
    ) -> Response[Any]:
        """As aiogram's."""
        _response_to(method.__returning__)
        return super().check_response(bot, method, status_code, content)
