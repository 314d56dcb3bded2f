"""What people do arrives as updates that both libraries read; polling and webhook."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import telegram
from aiogram import Bot
from aiogram.exceptions import TelegramConflictError
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Update
from aiohttp import web

from nobs_bot.sandbox import SandboxServer
from tests.conftest import TOKEN
from tests.phone import Phone
from tests.sandbox.conftest import BUDI, SARI, a_jpeg

KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Ya", callback_data="consent:yes")]]
)


@pytest.fixture
async def raw(sandbox: SandboxServer) -> Any:
    async with aiohttp.ClientSession() as session:

        async def call(method: str, **params: Any) -> Any:
            url = f"{sandbox.api_url}/bot{TOKEN}/{method}"
            async with session.post(url, json=params) as answer:
                return await answer.json()

        yield call


async def everything_a_person_does(aio: Bot, sari: Phone) -> None:
    await sari.start("undangan_7")
    await sari.send("halo, lihat https://contoh.id #kamera", reply_to=1)
    await sari.send("dari grup", forwarded_from="Pak RT")
    await sari.location(-6.1456, 106.7989)
    await sari.venue(-6.1456, 106.7989, "Toko Sari", "Jl. Duri Selatan")
    await sari.photo(a_jpeg(), "toko saya")
    await sari.album([a_jpeg(), a_jpeg(300, 300)])
    await sari.document(b"isi", "bukti.pdf", "application/pdf")
    await sari.video(b"bukan video")
    await sari.contact()
    await sari.contact(own=False)
    await sari.sticker()
    await sari.voice()
    await aio.send_message(SARI, "Setuju?", reply_markup=KEYBOARD)
    await sari.tap("Ya")
    await sari.block()


async def test_all_updates_are_read_by_both_libraries(aio: Bot, raw: Any, sari: Phone) -> None:
    await everything_a_person_does(aio, sari)
    updates = (await raw("getUpdates"))["result"]
    ours = [Update.model_validate(update, context={"bot": aio}) for update in updates]
    theirs = [telegram.Update.de_json(update, None) for update in updates]
    kinds = [update.event_type for update in ours]
    assert kinds == ["message"] * 14 + ["callback_query", "my_chat_member"]
    assert [update.update_id for update in theirs] == [update.update_id for update in ours]
    contents = [update.message.content_type for update in ours if update.message]
    assert contents == [
        *["text"] * 3,
        *["location", "venue", "photo", "photo", "photo", "document", "video"],
        *["contact", "contact", "sticker", "voice"],
    ]
    start, link, forward = (update.message for update in theirs[:3])
    assert start.parse_entities(["bot_command"]) == {start.entities[0]: "/start"}
    assert [entity.type for entity in link.entities] == ["url", "hashtag"]
    assert link.reply_to_message.text == "/start"
    assert forward.forward_origin.sender_user.first_name == "Pak RT"
    album = [update.message for update in theirs[6:8]]
    assert album[0].media_group_id == album[1].media_group_id is not None
    own, other = theirs[10].message.contact, theirs[11].message.contact
    assert (own.user_id, other.user_id) == (SARI, None)
    assert theirs[14].callback_query.data == "consent:yes"
    assert theirs[15].my_chat_member.new_chat_member.status == "kicked"


async def test_an_offset_confirms_what_lies_before(raw: Any, sari: Phone) -> None:
    for text in ("a", "b", "c"):
        await sari.send(text)
    first = (await raw("getUpdates", limit=2))["result"]
    again = (await raw("getUpdates", limit=2))["result"]
    assert first == again
    rest = (await raw("getUpdates", offset=first[-1]["update_id"] + 1))["result"]
    assert [update["message"]["text"] for update in rest] == ["c"]
    assert len((await raw("getUpdates"))["result"]) == 1
    await sari.send("d")
    newest = (await raw("getUpdates", offset=-1))["result"]
    assert [update["message"]["text"] for update in newest] == ["d"]


async def test_a_long_poll_ends_with_the_first_update(raw: Any, sari: Phone) -> None:
    poll = asyncio.create_task(raw("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    await sari.send("akhirnya")
    assert (await poll)["result"][0]["message"]["text"] == "akhirnya"


async def test_a_second_poll_ends_the_first(raw: Any, sari: Phone) -> None:
    poll = asyncio.create_task(raw("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    await raw("getUpdates")
    answer = await poll
    assert (answer["error_code"], answer["description"]) == (
        409,
        "Conflict: terminated by other getUpdates request; "
        "make sure that only one bot instance is running",
    )


async def test_polling_is_refused_while_a_webhook_is_set(aio: Bot) -> None:
    await aio.set_webhook("http://127.0.0.1:9/")
    with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook"):
        await aio.get_updates()


async def test_only_allowed_updates_come(raw: Any, aio: Bot, sari: Phone) -> None:
    await raw("getUpdates", allowed_updates=["callback_query"])
    await sari.send("nobody hears this")
    await aio.send_message(SARI, "Setuju?", reply_markup=KEYBOARD)
    await sari.tap("Ya", times=10)
    updates = (await raw("getUpdates"))["result"]
    assert [update["callback_query"]["data"] for update in updates] == ["consent:yes"] * 10


async def test_a_stale_tap_carries_the_message_as_it_is_now(
    raw: Any, aio: Bot, sari: Phone
) -> None:
    sent = await aio.send_message(SARI, "Setuju?", reply_markup=KEYBOARD)
    await aio.edit_message_text("Terima kasih", chat_id=SARI, message_id=sent.message_id)
    with pytest.raises(AssertionError, match="no button 'Ya'; there are: none"):
        await sari.tap("Ya")
    await sari.tap_data(sent.message_id, "consent:yes")
    await aio.delete_message(SARI, sent.message_id)
    await sari.tap_data(sent.message_id, "consent:yes")
    edited, deleted = (
        Update.model_validate(update).callback_query.message
        for update in (await raw("getUpdates"))["result"]
    )
    assert edited.text == "Terima kasih"
    assert (deleted.message_id, deleted.date) == (sent.message_id, 0)


@dataclass
class Hook:
    """A bot's webhook that answers as told."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    got: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        status = self.statuses.pop(0) if self.statuses else 200
        update = await request.json()
        self.got.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), update))
        return web.json_response(self.answer, status=status)

    def texts(self) -> list[str]:
        return [update["message"]["text"] for _, update in self.got if "message" in update]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.got) < count:
                await asyncio.sleep(0.02)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()


async def test_a_webhook_gets_updates_in_order_with_its_secret(
    aio: Bot, sari: Phone, hook: Hook
) -> None:
    await sari.send("before")
    await aio.set_webhook(hook.url, secret_token="rahasia")
    for text in ("1", "2", "3"):
        await sari.send(text)
    await hook.until(4)
    assert hook.texts() == ["before", "1", "2", "3"]
    assert {secret for secret, _ in hook.got} == {"rahasia"}
    assert (await aio.get_webhook_info()).pending_update_count == 0


async def test_a_failed_delivery_comes_again_and_holds_up_only_its_chat(
    aio: Bot, sari: Phone, hook: Hook, sandbox: SandboxServer
) -> None:
    hook.statuses = [500, 502]
    await aio.set_webhook(hook.url)
    await sari.send("1")
    await sari.send("2")
    await hook.until(1)
    await Phone(sandbox.api_url, BUDI).send("Budi")
    await hook.until(5)
    # Two deliveries failed, of whomever; each came again, and "2" never before "1" had passed.
    texts = hook.texts()
    assert sorted(set(texts)) == ["1", "2", "Budi"]
    assert len(texts) == 5
    assert texts.index("2") > max(at for at, text in enumerate(texts) if text == "1")
    info = await aio.get_webhook_info()
    assert info.last_error_message.startswith("Wrong response from the webhook: 50")


async def test_a_webhook_may_answer_with_a_method(aio: Bot, sari: Phone, hook: Hook) -> None:
    hook.answer = {"method": "sendMessage", "chat_id": SARI, "text": "lewat jawaban"}
    await aio.set_webhook(hook.url)
    await sari.send("halo")
    assert (await sari.expect("lewat jawaban"))["text"] == "lewat jawaban"


async def test_pending_updates_can_be_dropped(aio: Bot, sari: Phone, hook: Hook) -> None:
    await sari.send("lost")
    await aio.set_webhook(hook.url, drop_pending_updates=True)
    await sari.send("kept")
    await hook.until(1)
    assert hook.texts() == ["kept"]


async def test_updates_come_twice_or_out_of_order_on_purpose(
    aio: Bot, sari: Phone, hook: Hook, sandbox: SandboxServer
) -> None:
    await aio.set_webhook(hook.url)
    await sari.send("a")
    await hook.until(1)
    async with aiohttp.ClientSession() as session:

        async def control(path: str, **body: Any) -> None:
            url = f"{sandbox.api_url}/sim/updates/{path}"
            async with session.post(url, json=body) as answer:
                assert answer.ok

        await control("repeat", count=1)
        await hook.until(2)
        await control("hold")
        await sari.send("b")
        await sari.send("c")
        await control("release", order="reversed")
    await hook.until(4)
    assert hook.texts() == ["a", "a", "c", "b"]
    assert hook.got[0] == hook.got[1]


async def test_a_repeated_update_comes_once_more_by_polling(
    raw: Any, sari: Phone, sandbox: SandboxServer
) -> None:
    await sari.send("a")
    (update,) = (await raw("getUpdates"))["result"]
    offset = update["update_id"] + 1
    assert (await raw("getUpdates", offset=offset))["result"] == []
    sandbox.inbox.repeat(1)
    assert (await raw("getUpdates", offset=offset))["result"] == [update]
    assert (await raw("getUpdates", offset=offset))["result"] == []
