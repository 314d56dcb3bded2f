"""The bot's token is replaced at @BotFather's, as after a leak, while everything runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from handlers.downloads import TelegramDownloads
from nobs_bot.errors import ExternalError
from nobs_bot.messaging import courier, outbox
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import person_of
from nobs_bot.sandbox import SandboxServer
from nobs_bot.storage.work import Office
from tests.conftest import TOKEN
from tests.installation import Installation, installation
from tests.messaging.updates import SARI
from tests.phone import words_of

NEW = "4242:another-token-after-the-leak"


async def say(office: Office, key: str) -> None:
    async with office.work() as work:
        await outbox.enqueue(work, SARI, Message(text=key), key)


async def told(here: Installation, part: str) -> int:
    return sum(part in words_of(each) for each in await here.phone("Sari").messages())


@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
async def test_nothing_is_lost_between_the_old_token_and_the_new_one(
    sandbox: SandboxServer, tmp_path: Path, webhook: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "TOKEN_PAUSE_S", 1.0)
    async with installation(sandbox, tmp_path, webhook=webhook) as here:
        sari = here.phone("Sari")
        await sari.start()
        await sari.expect("Selamat datang")
        sandbox.api.replace_token(NEW)
        await sari.send("/bantuan")
        await say(here.foundation.office, "kabar satu")
        await asyncio.sleep(2)
        assert await told(here, "kabar satu") == 0
        assert TOKEN not in here.logged.getvalue()
    async with installation(sandbox, tmp_path, webhook=webhook, bot_token=NEW) as here:
        await here.phone("Sari").expect("/daftar", timeout_s=40)
        await here.phone("Sari").expect("kabar satu", timeout_s=40)
        await asyncio.sleep(1)
        assert await told(here, "kabar satu") == 1
        async with here.foundation.office.look() as work:
            assert await person_of(work, SARI) is not None
        assert NEW not in here.logged.getvalue()


async def test_a_photo_is_not_given_up_for_a_token(sandbox: SandboxServer) -> None:
    server = TelegramAPIServer.from_base(sandbox.api_url)
    bot = Bot(TOKEN, session=AiohttpSession(api=server))
    sandbox.api.replace_token(NEW)
    with pytest.raises(ExternalError) as refused:
        async for _ in TelegramDownloads(bot).stream("file"):
            pass
    await bot.session.close()
    assert not refused.value.permanent
