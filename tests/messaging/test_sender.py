"""The sender against a Telegram that refuses, delays and cuts connections."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from nobs_bot.buttons import Button, button, column
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.gallery import Gallery
from nobs_bot.messaging import outbox
from nobs_bot.messaging.chats import is_reachable
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.messaging.outbox import Delivery, Outgoing
from nobs_bot.messaging.sender import Sender
from nobs_bot.sandbox import SandboxServer
from tests.cast import House
from tests.conftest import TOKEN
from tests.messaging.updates import BUDI, SARI
from tests.phone import Phone, labels_of, words_of


@pytest.fixture
async def sari(sandbox: SandboxServer) -> Phone:
    """Sari's phone; she has started the bot."""
    phone = Phone(sandbox.api_url, SARI)
    await phone.start()
    return phone


@asynccontextmanager
async def sending(
    house: House, sandbox: SandboxServer, token: str = TOKEN
) -> AsyncIterator[Sender]:
    """A sender at work."""
    gallery = Gallery(BaseMap(house.areas), house.files)
    sender = Sender(house.office, token, sandbox.api_url, gallery, per_second=500, idle_s=0.02)
    task = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def put(house: House, message: Message, key: str, chat_id: int = SARI) -> None:
    async with house.office.work() as work:
        await outbox.enqueue(work, chat_id, message, key)


async def row(house: House, key: str) -> Outgoing:
    async with house.office.look() as work:
        query = select(Outgoing).where(Outgoing.dedupe_key == key)
        return (await work.session.execute(query)).scalar_one()


async def settled(house: House, *keys: str) -> list[Delivery]:
    async with asyncio.timeout(20):
        while True:
            states = [(await row(house, key)).state for key in keys]
            if Delivery.PENDING not in states:
                return states
            await asyncio.sleep(0.02)


async def tried(house: House, key: str, times: int) -> Outgoing:
    """The row once it was tried and put off again."""
    async with asyncio.timeout(20):
        while True:
            found = await row(house, key)
            if found.attempts == times and found.lease_until is None:
                return found
            await asyncio.sleep(0.02)


def calls(sandbox: SandboxServer, method: str) -> list[Any]:
    return [call for call in sandbox.api.calls if call.method.lower() == method.lower()]


def fault(sandbox: SandboxServer, kind: str, **more: Any) -> None:
    from nobs_bot.sandbox.faults import Fault

    sandbox.api.faults.arm(Fault(method=more.pop("method", "sendMessage"), kind=kind, **more))


def picture(name: str) -> Picture:
    return Picture(kind=PictureKind.FILE, name=name)


async def keep_picture(house: House, name: str) -> Picture:
    out = BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    await house.files.put(name, out.getvalue())
    return picture(name)


async def test_text_and_buttons_arrive(
    any_house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    keyboard = (
        *column(button("Ya", "yes", 1)),
        (Button(label="Peta", url="https://example.org/"),),
    )
    async with sending(any_house, sandbox):
        await put(any_house, Message(text="<b>Halo</b> &amp; selamat", keyboard=keyboard), "a")
        got = await sari.expect("Halo & selamat")
        assert await settled(any_house, "a") == [Delivery.SENT]
    assert labels_of(got) == ["Ya", "Peta"]
    assert (await row(any_house, "a")).message_id == got["message_id"]


async def test_one_chat_in_order_with_a_pause_the_others_meanwhile(
    house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    await Phone(sandbox.api_url, BUDI).start()
    for text in ("s1", "s2", "s3"):
        await put(house, Message(text=text), text)
    await put(house, Message(text="b1"), "b1", BUDI)
    async with sending(house, sandbox):
        await settled(house, "s1", "s2", "s3", "b1")
    said = [call.params["text"] for call in calls(sandbox, "sendMessage")]
    assert [text for text in said if text.startswith("s")] == ["s1", "s2", "s3"]
    assert said.index("b1") < said.index("s2")


async def test_a_slot_is_changed_in_place(
    any_house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    async with sending(any_house, sandbox):
        await put(any_house, Message(text="Langkah 1", slot="check:1"), "1")
        await settled(any_house, "1")
        await put(any_house, Message(text="Langkah 2", slot="check:1"), "2")
        await settled(any_house, "2")
    assert [words_of(each) for each in await sari.messages()][-1] == "Langkah 2"
    assert len(calls(sandbox, "sendMessage")) == 1
    assert (await row(any_house, "1")).message_id == (await row(any_house, "2")).message_id


async def test_a_slot_whose_message_is_gone_gets_a_new_one(
    house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    async with sending(house, sandbox):
        await put(house, Message(text="Langkah 1", slot="check:1"), "1")
        await settled(house, "1")
        await sari.delete((await row(house, "1")).message_id or 0)
        await put(house, Message(text="Langkah 2", slot="check:1"), "2")
        await settled(house, "2")
        await put(house, Message(text="Langkah 3", slot="check:1"), "3")
        assert await settled(house, "3") == [Delivery.SENT]
    shown = [words_of(each) for each in await sari.messages()]
    assert shown[-1] == "Langkah 3"
    assert "Langkah 2" not in shown
    assert len(calls(sandbox, "sendMessage")) == 2


async def test_a_slot_that_says_so_already_is_fine(
    house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    async with sending(house, sandbox):
        for key in ("1", "2"):
            await put(house, Message(text="Sama", slot="check:1"), key)
            assert await settled(house, key) == [Delivery.SENT]
    assert len(calls(sandbox, "sendMessage")) == 1


async def test_a_picture_takes_the_place_of_no_text(
    house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    shown = await keep_picture(house, "stills/1")
    async with sending(house, sandbox):
        await put(house, Message(text="Langkah 1", slot="check:1"), "1")
        await settled(house, "1")
        await put(house, Message(text="Hasil", slot="check:1", pictures=(shown,)), "2")
        assert await settled(house, "2") == [Delivery.SENT]
    last = await sari.last()
    assert (last["caption"], "photo" in last) == ("Hasil", True)


async def test_albums_documents_and_long_captions(
    house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    first, second = [await keep_picture(house, f"stills/{at}") for at in (1, 2)]
    text = Picture(kind=PictureKind.TEXT, about={"text": '{"a": 1}'})
    async with sending(house, sandbox):
        await put(house, Message(text="Dua foto", pictures=(first, second)), "album")
        await put(house, Message(text="x" * 1_025, pictures=(first,)), "long")
        document = Message(text="Data Anda", pictures=(text,), document="data.json")
        await put(house, document, "document")
        assert await settled(house, "album", "long", "document") == [Delivery.SENT] * 3
    kinds = [
        next((kind for kind in ("photo", "document") if kind in each), "text")
        for each in await sari.messages()
    ][1:]
    assert kinds == ["photo", "photo", "text", "photo", "text", "document"]


async def test_who_blocked_us_is_unreachable_and_the_message_failed(
    any_house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    await sari.block()
    async with sending(any_house, sandbox):
        await put(any_house, Message(text="a"), "a")
        assert await settled(any_house, "a") == [Delivery.FAILED]
    async with any_house.office.look() as work:
        assert not await is_reachable(work, SARI)
    assert "blocked" in str((await row(any_house, "a")).last_error)


async def test_who_never_started_us_is_unreachable(house: House, sandbox: SandboxServer) -> None:
    async with sending(house, sandbox):
        await put(house, Message(text="a"), "a", BUDI)
        assert await settled(house, "a") == [Delivery.FAILED]
    async with house.office.look() as work:
        assert not await is_reachable(work, BUDI)


async def test_a_message_that_telegram_refuses_fails_alone(
    house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    async with sending(house, sandbox):
        await put(house, Message(text="<b>not closed"), "bad")
        await put(house, Message(text="fine"), "fine")
        assert await settled(house, "bad", "fine") == [Delivery.FAILED, Delivery.SENT]
    async with house.office.look() as work:
        assert await is_reachable(work, SARI)


async def test_told_to_wait_it_waits_and_keeps_the_order(
    any_house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    fault(sandbox, "429", retry_after=7)
    async with sending(any_house, sandbox):
        await put(any_house, Message(text="s1"), "s1")
        await put(any_house, Message(text="s2"), "s2")
        waiting = await tried(any_house, "s1", 1)
        assert waiting.due_at - any_house.clock.now() >= timedelta(seconds=7)
        await asyncio.sleep(0.2)
        assert len(calls(sandbox, "sendMessage")) == 1
        any_house.clock.advance(timedelta(seconds=8))
        assert await settled(any_house, "s1", "s2") == [Delivery.SENT] * 2
    texts = [words_of(each) for each in await sari.messages()]
    assert texts[-2:] == ["s1", "s2"]


@pytest.mark.parametrize("kind", ["5xx", "cut"])
async def test_while_telegram_is_broken_the_message_waits(
    any_house: House, sandbox: SandboxServer, sari: Phone, kind: str
) -> None:
    fault(sandbox, kind, times=2)
    async with sending(any_house, sandbox):
        await put(any_house, Message(text="s1"), "s1")
        await put(any_house, Message(text="s2"), "s2")
        for attempt in (1, 2):
            await tried(any_house, "s1", attempt)
            any_house.clock.advance(timedelta(minutes=1))
        assert await settled(any_house, "s1", "s2") == [Delivery.SENT] * 2
    texts = [words_of(each) for each in await sari.messages()]
    assert texts[-2:] == ["s1", "s2"]


async def test_a_lost_answer_means_twice_and_never_not_at_all(
    house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    fault(sandbox, "cut", when="after")
    async with sending(house, sandbox):
        await put(house, Message(text="s1"), "s1")
        await put(house, Message(text="s2"), "s2")
        await tried(house, "s1", 1)
        house.clock.advance(timedelta(minutes=1))
        assert await settled(house, "s1", "s2") == [Delivery.SENT] * 2
    texts = [words_of(each) for each in await sari.messages()]
    assert texts[-3:] == ["s1", "s1", "s2"]


async def test_killed_between_sending_and_settling_it_goes_again(
    house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    await put(house, Message(text="s1"), "s1")
    fault(sandbox, "hang", when="after", hang_s=1)
    sender = Sender(
        house.office,
        TOKEN,
        sandbox.api_url,
        Gallery(BaseMap(house.areas), house.files),
        per_second=500,
    )
    running = asyncio.create_task(sender.run())
    await sari.expect("s1")
    for each in (running, *sender._tasks):
        each.cancel()
    await asyncio.gather(running, *sender._tasks, return_exceptions=True)
    house.clock.advance(outbox.LEASE * 2)
    async with sending(house, sandbox):
        assert await settled(house, "s1") == [Delivery.SENT]
    texts = [words_of(each) for each in await sari.messages()]
    assert texts.count("s1") == 2


async def test_two_senders_share_the_work(
    any_house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    await Phone(sandbox.api_url, BUDI).start()
    for number in range(3):
        for chat_id in (SARI, BUDI):
            await put(any_house, Message(text=f"{number}"), f"{chat_id}:{number}", chat_id)
    async with sending(any_house, sandbox), sending(any_house, sandbox):
        await settled(any_house, *(f"{c}:{n}" for c in (SARI, BUDI) for n in range(3)))
    for chat_id in (SARI, BUDI):
        said = [
            c.params["text"]
            for c in calls(sandbox, "sendMessage")
            if c.params["chat_id"] == str(chat_id)
        ]
        assert said == ["0", "1", "2"]
    async with any_house.office.look() as work:
        assert await work.session.scalar(select(func.sum(Outgoing.attempts))) == 6


async def test_what_is_sent_while_the_database_goes_away_is_there_once(
    house: House, sandbox: SandboxServer, sari: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, times = outbox.settle, iter(range(2))

    async def away(*what: Any, **more: Any) -> None:
        for _ in times:
            raise OperationalError("UPDATE", None, sqlite3.OperationalError("gone"))
        await real(*what, **more)

    monkeypatch.setattr(outbox, "settle", away)
    async with sending(house, sandbox):
        await put(house, Message(text="satu"), "1")
        await put(house, Message(text="dua"), "2")
        assert await settled(house, "1", "2") == [Delivery.SENT] * 2
    assert [words_of(each) for each in await sari.messages()][-2:] == ["satu", "dua"]
    assert sum(words_of(each) == "satu" for each in await sari.messages()) == 1


async def test_a_replaced_token_loses_no_message(
    any_house: House, sandbox: SandboxServer, sari: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    keys = [f"word:{number}" for number in range(5)]
    for number, key in enumerate(keys):
        await put(any_house, Message(text=f"kata {number}"), key)
    async with sending(any_house, sandbox, "4242:revoked-a-moment-ago"):
        assert (await tried(any_house, keys[0], 1)).state is Delivery.PENDING
        await asyncio.sleep(0.3)
    asked = [record for record in caplog.records if "BOT_TOKEN" in record.message]
    assert len(asked) == 1, "told once, and not with every message"
    assert await is_reachable_now(any_house), "it says nothing about the chat"
    any_house.clock.advance(timedelta(minutes=1))
    async with sending(any_house, sandbox):
        assert await settled(any_house, *keys) == [Delivery.SENT] * 5
    words = [words_of(message) for message in await sari.messages()]
    assert [each for each in words if each.startswith("kata")] == [f"kata {n}" for n in range(5)]


async def is_reachable_now(house: House) -> bool:
    async with house.office.look() as work:
        return await is_reachable(work, SARI)


@pytest.mark.parametrize("document", [None, "klip.mp4"], ids=["picture", "document"])
async def test_what_was_erased_before_it_was_sent_holds_nothing_up(
    any_house: House, sandbox: SandboxServer, sari: Phone, document: str | None
) -> None:
    gone = picture("photos/erased")
    await put(any_house, Message(text="satu", pictures=(gone,), document=document), "one")
    await put(any_house, Message(text="dua", pictures=(gone, gone)), "two")
    await put(any_house, Message(text="tiga"), "three")
    async with sending(any_house, sandbox):
        assert await settled(any_house, "one", "two", "three") == [Delivery.SENT] * 3
    words = [words_of(message) for message in await sari.messages()]
    assert [each for each in words if each in ("satu", "dua", "tiga")] == ["satu", "dua", "tiga"]


async def test_a_new_message_stays_one_when_its_picture_is_gone(
    any_house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    there = await keep_picture(any_house, "photos/there")
    await put(any_house, Message(text="lama", pictures=(there,), slot="kartu"), "old")
    async with sending(any_house, sandbox):
        await settled(any_house, "old")
        gone = picture("photos/erased")
        await put(any_house, Message(text="baru", pictures=(gone,), slot="kartu"), "new")
        assert await settled(any_house, "new") == [Delivery.SENT]
    assert words_of((await sari.messages())[-1]) == "baru"


async def test_of_several_pictures_those_that_are_left_are_sent(
    any_house: House, sandbox: SandboxServer, sari: Phone
) -> None:
    there = await keep_picture(any_house, "photos/there")
    gone = picture("photos/erased")
    await put(any_house, Message(text="dua foto", pictures=(gone, there)), "album")
    async with sending(any_house, sandbox):
        assert await settled(any_house, "album") == [Delivery.SENT]
    [sent] = [message for message in await sari.messages() if "photo" in message]
    assert sent["caption"] == "dua foto"
