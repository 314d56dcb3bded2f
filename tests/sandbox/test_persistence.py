"""Chats, files, keyboards and pending updates are still there after a restart."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import BotCommand, InlineKeyboardButton, InlineKeyboardMarkup

from nobs_bot.sandbox import SandboxServer, the_cast
from tests.conftest import TOKEN
from tests.phone import Phone
from tests.sandbox.conftest import SARI


def bot_of(url: str) -> Bot:
    return Bot(TOKEN, AiohttpSession(api=TelegramAPIServer.from_base(url)))


async def test_everything_survives_a_restart(tmp_path: Path) -> None:
    first = SandboxServer(TOKEN, cast=the_cast(), state_dir=tmp_path)
    await first.start()
    sari = Phone(first.api_url, SARI)
    await sari.start()
    note = await sari.document(b"isi", "a.txt")
    button = InlineKeyboardButton(text="Ya", callback_data="y")
    async with bot_of(first.api_url) as bot:
        await bot.set_my_commands([BotCommand(command="bantuan", description="Bantuan")])
        sent = await bot.send_message(
            SARI, "Setuju?", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]])
        )
        before = await bot.get_updates(limit=1)
        await bot.get_updates(offset=before[0].update_id + 1)
    chat = await sari.messages()
    await first.stop()

    second = SandboxServer(TOKEN, cast=the_cast(), state_dir=tmp_path)
    await second.start()
    sari = Phone(second.api_url, SARI)
    assert await sari.messages() == chat
    assert [item["command"] for item in await sari.menu()] == ["bantuan"]
    await sari.tap("Ya")
    async with bot_of(second.api_url) as bot:
        updates = await bot.get_updates()
        assert updates[0].message.document.file_name == "a.txt"
        assert updates[1].callback_query.message.message_id == sent.message_id
        assert updates[1].update_id == updates[0].update_id + 1
        file = await bot.get_file(note["document"]["file_id"])
        assert (await bot.download_file(file.file_path)).read() == b"isi"
        later = await bot.send_message(SARI, "lagi")
        assert later.message_id > sent.message_id
    await second.stop()


async def test_without_a_folder_nothing_is_left(tmp_path: Path) -> None:
    server = SandboxServer(TOKEN, cast=the_cast())
    await server.start()
    await Phone(server.api_url, SARI).document(b"isi", "a.txt")
    folder = server.api._files.folder
    assert folder.exists()
    await server.stop()
    assert not folder.exists()


async def test_it_runs_in_a_process_of_its_own_and_survives_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nobs_bot.sandbox", "--token", TOKEN]
    command += ["--state-dir", str(tmp_path)]

    async def launch() -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe)
        assert process.stdout is not None
        return process, json.loads(await process.stdout.readline())

    process, addresses = await launch()
    await Phone(addresses["api_url"], SARI).send("sebelum")
    process.kill()
    await process.wait()
    process, addresses = await launch()
    try:
        sari = Phone(addresses["api_url"], SARI)
        assert [m["text"] for m in await sari.messages()] == ["sebelum"]
        url = addresses["page_url"]
        async with aiohttp.ClientSession() as session, session.get(url) as page:
            assert page.content_type == "text/html"
    finally:
        process.terminate()
        assert await process.wait() == 0
