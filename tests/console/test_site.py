"""The console as a part of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

import bot as composition
from nobs_bot.app import Foundation, Part
from nobs_bot.sandbox import SandboxServer
from nobs_bot.schema import upgrade
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
