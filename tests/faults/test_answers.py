"""Telegram refuses, delays or loses what the bot answers to the person in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from sqlalchemy import select

from handlers.reply import Answerer, Reply
from nobs_bot.cameras.record import Camera
from nobs_bot.messaging.chats import is_reachable
from nobs_bot.messaging.inbox import Progress, Received
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.sandbox import SandboxServer
from nobs_bot.sandbox.faults import Fault
from tests.conftest import TOKEN
from tests.conversations.enrolling import consent, until_sharing
from tests.installation import Installation, installation
from tests.messaging.updates import SARI
from tests.phone import Phone, words_of


@pytest.fixture
async def here(sandbox: SandboxServer, tmp_path: Path) -> AsyncIterator[Installation]:
    """The app on SQLite."""
    async with installation(sandbox, tmp_path) as running:
        yield running


def arm(here: Installation, method: str, kind: str, **more: Any) -> None:
    here.sandbox.api.faults.arm(Fault(method, kind, chat_id=SARI, **more))


async def all_done(here: Installation) -> None:
    async with asyncio.timeout(20):
        while True:
            async with here.foundation.office.look() as work:
                states = (await work.session.execute(select(Received.state))).scalars().all()
            if set(states) == {Progress.DONE}:
                return
            await asyncio.sleep(0.05)


def count(shown: list[dict[str, Any]], part: str) -> int:
    return sum(part in words_of(each) for each in shown)


@pytest.mark.parametrize(
    ("kind", "when", "most"),
    [("429", "before", 1), ("5xx", "before", 1), ("cut", "before", 1), ("cut", "after", 2)],
)
async def test_an_answer_that_fails_for_now_comes_later(
    here: Installation, kind: str, when: str, most: int
) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    arm(here, "editMessageText", kind, when=when, times=2)
    arm(here, "sendMessage", kind, when=when)
    await sari.tap("Toko")
    await sari.expect("Siapa yang dapat kami hubungi", timeout_s=20)
    await sari.send("Ibu Sari")
    await sari.expect("Nomor telepon", timeout_s=20)
    await all_done(here)
    shown = await sari.messages()
    assert 1 <= count(shown, "Nomor telepon") <= most
    async with here.foundation.office.look() as work:
        assert len((await work.session.execute(select(Camera))).scalars().all()) == 1


async def test_what_follows_waits_for_an_answer_that_waits(here: Installation) -> None:
    sari, budi = here.phone("Sari"), here.phone("Budi")
    await consent(sari)
    await sari.tap("Toko")
    await sari.expect("Siapa yang dapat kami hubungi")
    arm(here, "sendMessage", "429", retry_after=2)
    await sari.send("Ibu Sari")
    await sari.contact(own=True)
    await budi.start()
    await budi.expect("Selamat datang", timeout_s=1.5)
    await sari.expect("Di mana kameranya")
    shown = [words_of(each) for each in await sari.messages()]
    asked = [at for at, text in enumerate(shown) if "Nomor telepon" in text]
    located = [at for at, text in enumerate(shown) if "Di mana kameranya" in text]
    assert len(asked) == len(located) == 1
    assert asked < located


async def test_who_blocks_the_bot_while_it_answers_is_unreachable_until_they_are_back(
    here: Installation,
) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    arm(here, "sendMessage", "403")
    await sari.send("/bantuan")
    await _reachable(here, wanted=False)
    await all_done(here)
    await sari.start()
    await sari.expect("Selamat datang")
    await _reachable(here, wanted=True)


async def _reachable(here: Installation, *, wanted: bool) -> None:
    async with asyncio.timeout(10):
        while True:
            async with here.foundation.office.look() as work:
                if await is_reachable(work, SARI) is wanted:
                    return
            await asyncio.sleep(0.05)


async def _camera(here: Installation) -> Camera:
    async with here.foundation.office.look() as work:
        return (await work.session.execute(select(Camera))).scalar_one()


async def _at_the_view(sari: Phone) -> int:
    """To the question for the view; its message."""
    await consent(sari)
    await until_sharing(sari)
    await sari.tap("Kembali")
    await sari.expect("Berapa hari perekam")
    await sari.tap("Kembali")
    return int((await sari.expect("bidang pandangnya"))["message_id"])


async def test_updates_that_come_twice_count_once(here: Installation) -> None:
    sari = here.phone("Sari")
    message_id = await _at_the_view(sari)
    before = (await _camera(here)).heading_deg or 0
    await sari.tap_data(message_id, "enrol.turn:15", times=5)
    here.sandbox.inbox.repeat(5)
    await all_done(here)
    here.sandbox.inbox.repeat(3)
    await asyncio.sleep(0.3)
    await all_done(here)
    assert (await _camera(here)).heading_deg == (before + 5 * 15) % 360


async def test_updates_that_come_in_reverse_are_taken_in_order(here: Installation) -> None:
    sari = here.phone("Sari")
    await consent(sari)
    await sari.tap("Toko")
    await sari.expect("Siapa yang dapat kami hubungi")
    here.sandbox.inbox.hold()
    await sari.send("Ibu Sari")
    await sari.contact(own=True)
    await sari.location(-6.1534, 106.7981)
    here.sandbox.inbox.release("reversed")
    await sari.expect("Apakah pinnya tepat")
    camera = await _camera(here)
    assert camera.area_code is not None
    shown = [words_of(each) for each in await sari.messages()]
    order = [
        next(at for at, text in enumerate(shown) if part in text)
        for part in ("Nomor telepon", "Di mana kameranya", "Apakah pinnya tepat")
    ]
    assert order == sorted(order)


async def test_an_answer_that_telegram_refuses_does_not_stop_the_rest(here: Installation) -> None:
    sari = here.phone("Sari")
    await sari.start()
    await sari.expect("Selamat datang")
    server = TelegramAPIServer.from_base(here.sandbox.api_url)
    bot = Bot(TOKEN, session=AiohttpSession(api=server))
    reply = Reply()
    for text in ("satu", "<b>tidak ditutup", "tiga"):
        reply.say(Message(text=text))
    sent = await Answerer(bot, here.foundation.gallery).send(SARI, reply.answers(), {})
    await bot.session.close()
    assert sent.error is None
    assert [words_of(each) for each in await sari.messages()][-2:] == ["satu", "tiga"]
    assert "an answer was refused for good" in here.logged.getvalue()


async def test_a_picture_that_was_erased_before_the_answer_holds_nobody_up(
    here: Installation,
) -> None:
    sari = here.phone("Sari")
    await sari.start()
    welcome = await sari.expect("Selamat datang")
    server = TelegramAPIServer.from_base(here.sandbox.api_url)
    bot = Bot(TOKEN, session=AiohttpSession(api=server))
    gone = Picture(kind=PictureKind.FILE, name="photos/erased")
    for tapped in (None, (welcome["message_id"], "photo")):
        reply = Reply(tapped)
        reply.show(Message(text="satu", pictures=(gone,)))
        reply.say(Message(text="dua", pictures=(gone, gone)))
        sent = await Answerer(bot, here.foundation.gallery).send(SARI, reply.answers(), {})
        assert sent.error is None
        assert [words_of(each) for each in await sari.messages()][-2:] == ["satu", "dua"]
    await bot.session.close()
