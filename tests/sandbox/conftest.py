"""Two bots, one for each library, and the phones of the cast."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from PIL import Image
from telegram.ext import ExtBot

from nobs_bot.sandbox import SandboxServer
from tests.conftest import TOKEN
from tests.phone import Phone

SARI = 710_000_001
BUDI = 710_000_002


def a_jpeg(width: int = 640, height: int = 480, colour: str = "teal") -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
async def aio(sandbox: SandboxServer) -> AsyncIterator[Bot]:
    api = TelegramAPIServer.from_base(sandbox.api_url)
    async with Bot(TOKEN, AiohttpSession(api=api)) as bot:
        yield bot


@pytest.fixture
async def ptb(sandbox: SandboxServer) -> AsyncIterator[ExtBot]:
    url = sandbox.api_url
    async with ExtBot(TOKEN, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot") as bot:
        yield bot


@pytest.fixture
async def sari(sandbox: SandboxServer) -> Phone:
    """Sari's phone; she has pressed Start, and the bot has taken that update."""
    phone = Phone(sandbox.api_url, SARI)
    await phone.start()
    sandbox.inbox.clear()
    return phone
