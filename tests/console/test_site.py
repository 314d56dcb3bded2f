"""The console as a part of its own, and the webhook's door."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import bot as composition
from nobs_bot.app import Foundation, Part
from nobs_bot.console.site import MOST_BYTES, SECRET_HEADER, WEBHOOK_PATH, Site
from nobs_bot.sandbox import SandboxServer
from nobs_bot.schema import upgrade
from tests.cast import House
from tests.installation import settings_for


async def test_the_console_alone_stays_until_it_is_told_to_end(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    foundation = Foundation(settings_for(sandbox, tmp_path))
    await upgrade(foundation.database)
    app, bot = await composition.compose(foundation, frozenset({Part.CONSOLE}))
    running = asyncio.create_task(app.run())
    await asyncio.sleep(0.5)
    assert not running.done()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{app.port}/healthz") as answer,
    ):
        assert answer.status == 200
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await bot.session.close()


CALLS: dict[str, tuple[dict[str, str], bytes, int]] = {
    "no secret": ({}, b'{"update_id": 1}', 401),
    "an empty one": ({SECRET_HEADER: ""}, b'{"update_id": 1}', 401),
    "another one": ({SECRET_HEADER: "secreT"}, b'{"update_id": 1}', 401),
    "more than it": ({SECRET_HEADER: "secret2"}, b'{"update_id": 1}', 401),
    "no JSON": ({SECRET_HEADER: "secret"}, b"update_id=1", 400),
    "no update": ({SECRET_HEADER: "secret"}, b"[1]", 400),
    "no number": ({SECRET_HEADER: "secret"}, b'{"update_id": "1"}', 400),
    "too much": ({SECRET_HEADER: "secret"}, b" " * (MOST_BYTES + 1), 413),
    "Telegram's": ({SECRET_HEADER: "secret"}, b'{"update_id": 1}', 200),
}


@pytest.mark.parametrize("call", CALLS)
async def test_only_telegram_calls_the_webhook(house: House, call: str) -> None:
    kept: list[dict[str, Any]] = []

    async def keep(updates: list[dict[str, Any]], *, are_in_order: bool = True) -> None:
        assert not are_in_order, "Telegram calls several times at once"
        kept.extend(updates)

    site = Site(house.office, keep, "secret", house.files)
    port = await site.start("127.0.0.1", 0)
    headers, body, status = CALLS[call]
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{port}{WEBHOOK_PATH}", data=body, headers=headers
        ) as answer,
    ):
        assert answer.status == status
    assert kept == ([{"update_id": 1}] if status == 200 else [])
    await site.stop()
