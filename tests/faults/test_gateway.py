"""A gateway in front of Telegram answers with a page of its own while Telegram is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from handlers.downloads import TelegramDownloads
from nobs_bot.errors import ExternalError
from nobs_bot.sandbox import SandboxServer
from tests.conftest import TOKEN
from tests.faults.proxy import BAD_GATEWAY, Proxy, proxy_to
from tests.installation import Installation, installation

_RESTART = b'{"ok":false,"error_code":500,"description":"Internal Server Error: restart"}'
RESTARTING = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\nContent-Length: " + str(len(_RESTART)).encode() + b"\r\n\r\n" + _RESTART
)


@pytest.fixture
async def gateway(sandbox: SandboxServer) -> AsyncIterator[Proxy]:
    """Stands before the sandbox."""
    async with proxy_to(port=int(sandbox.api_url.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
async def here(
    sandbox: SandboxServer, gateway: Proxy, tmp_path: Path
) -> AsyncIterator[Installation]:
    """The app, which knows Telegram by the gateway; that is out of order while it starts."""
    gateway.says = BAD_GATEWAY
    opening = asyncio.get_running_loop().call_later(2, gateway.heal)
    url = f"http://127.0.0.1:{gateway.port}"
    async with installation(sandbox, tmp_path, bot_api_url=url) as running:
        yield running
    opening.cancel()


async def test_it_starts_takes_updates_and_answers_once_the_gateway_is_back(
    here: Installation, gateway: Proxy
) -> None:
    sari = here.phone("Sari")
    await sari.start()
    await sari.expect("Selamat datang", timeout_s=20)
    gateway.says = BAD_GATEWAY
    gateway.cut()
    await sari.send("/bantuan")
    await asyncio.sleep(2)
    gateway.heal()
    await sari.expect("/daftar", timeout_s=20)
    ended = [task for task in here.app._tasks if task.done()]
    # the menus are set once, and none of the parts has broken off
    assert [(task.get_name(), task.exception()) for task in ended] in ([], [("menus", None)])
    assert "broke off" not in here.logged.getvalue()


@pytest.mark.parametrize("says", [BAD_GATEWAY, RESTARTING], ids=["gateway", "restarting"])
async def test_a_file_is_not_given_up_while_telegram_is_away(gateway: Proxy, says: bytes) -> None:
    server = TelegramAPIServer.from_base(f"http://127.0.0.1:{gateway.port}")
    bot = Bot(TOKEN, session=AiohttpSession(api=server))
    gateway.says = says
    with pytest.raises(ExternalError) as away:
        async for _ in TelegramDownloads(bot).stream("file"):
            pass
    assert not away.value.permanent
    await bot.session.close()
