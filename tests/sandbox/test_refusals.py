"""What Telegram refuses is refused, in its words and with its codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramForbiddenError, TelegramUnauthorizedError
from aiogram.types import BufferedInputFile

from nobs_bot.clock import ManualClock
from nobs_bot.sandbox import SandboxServer, the_cast
from nobs_bot.sandbox.files import MAX_DOWNLOAD_BYTES
from tests.conftest import TOKEN
from tests.phone import Phone
from tests.sandbox.conftest import BUDI, SARI, a_jpeg


async def call(sandbox: SandboxServer, method: str, **params: Any) -> Any:
    url = f"{sandbox.api_url}/bot{TOKEN}/{method}"
    async with aiohttp.ClientSession() as session, session.post(url, json=params) as answer:
        body = await answer.json()
        assert body["ok"] or body["error_code"] == answer.status
        return body


def inline(**button: Any) -> Any:
    return {"inline_keyboard": [[{"text": "A"} | button]]}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n "}, "message text is empty"),
        ({"text": "<b></b>", "parse_mode": "HTML"}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "x", "reply_markup": inline(callback_data="x" * 65)}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "reply_markup": inline(callback_data="é" * 33)}, "BUTTON_DATA_INVALID"),
        (
            {"text": "x", "reply_markup": inline()},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"text": "x", "reply_markup": inline(url="http://localhost")},
            "inline keyboard button URL 'http://localhost' is invalid: Wrong HTTP URL",
        ),
        (
            {"text": "x", "reply_markup": inline(web_app={"url": "http://example.org"})},
            "inline keyboard button Web App URL 'http://example.org' is invalid: "
            "Only HTTPS links are allowed",
        ),
        ({"text": "x", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ({"text": "x", "reply_markup": []}, "object expected as reply markup"),
        ({"text": "x", "parse_mode": "BBCode"}, "unsupported parse_mode"),
        ({"text": "x", "reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"text": "x", "chat_id": 5}, "chat not found"),
        ({"text": "x", "chat_id": BUDI}, "chat not found"),
        ({"text": "x", "chat_id": "@channel"}, "chat not found"),
        ({"text": "x", "chat_id": ""}, "chat_id is empty"),
    ],
)
async def test_a_message_is_refused(
    sandbox: SandboxServer, sari: Phone, params: dict[str, Any], words: str
) -> None:
    answer = await call(sandbox, "sendMessage", **({"chat_id": SARI} | params))
    assert (answer["error_code"], answer["description"]) == (400, f"Bad Request: {words}")


async def test_4096_characters_64_bytes_and_1024_of_caption_are_enough(
    sandbox: SandboxServer, sari: Phone, aio: Bot
) -> None:
    markup = inline(callback_data="x" * 64)
    text = "<b>" + "x" * 4096 + "</b>"
    await aio.send_photo(SARI, BufferedInputFile(a_jpeg(), "a.jpg"), caption="x" * 1024)
    answer = await call(
        sandbox, "sendMessage", chat_id=SARI, text=text, parse_mode="HTML", reply_markup=markup
    )
    assert answer["ok"] is True


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("editMessageText", {"text": "lain", "message_id": 999}, "message to edit not found"),
        ("editMessageText", {"text": "lain", "message_id": 1}, "message can't be edited"),
        ("editMessageCaption", {"message_id": 2}, "there is no caption in the message to edit"),
        ("deleteMessage", {"message_id": 999}, "message to delete not found"),
        ("copyMessage", {"from_chat_id": SARI, "message_id": 999}, "message to copy not found"),
        (
            "forwardMessage",
            {"from_chat_id": SARI, "message_id": 999},
            "message to forward not found",
        ),
        ("sendPhoto", {}, "there is no photo in the request"),
        ("sendDocument", {"document": "nope"}, "wrong file identifier/HTTP URL specified"),
        ("sendPhoto", {"photo": "https://example.org/a.jpg"}, "failed to get HTTP URL content"),
        ("sendMediaGroup", {"media": []}, "media group must include 2-10 items"),
        ("sendLocation", {"latitude": 91, "longitude": 0}, "wrong location specified"),
        ("sendChatAction", {"action": "dancing"}, "wrong parameter action in request"),
        ("getFile", {"file_id": "nope"}, "invalid file_id"),
        (
            "setMyCommands",
            {"commands": [{"command": "Ä", "description": "x"}]},
            "BOT_COMMAND_INVALID",
        ),
        ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "MESSAGE_TOO_LONG"),
        (
            "answerCallbackQuery",
            {"callback_query_id": "1"},
            "query is too old and response timeout expired or query ID is invalid",
        ),
    ],
)
async def test_a_call_is_refused(
    sandbox: SandboxServer, sari: Phone, method: str, params: dict[str, Any], words: str
) -> None:
    assert (await call(sandbox, "sendMessage", chat_id=SARI, text="nomor dua"))["ok"]
    answer = await call(sandbox, method, **({"chat_id": SARI} | params))
    assert (answer["error_code"], answer["description"]) == (400, f"Bad Request: {words}")


async def test_an_edit_that_changes_nothing_is_refused(sandbox: SandboxServer, sari: Phone) -> None:
    markup = inline(callback_data="a")
    same = {"chat_id": SARI, "text": "<b>sama</b>", "parse_mode": "HTML", "reply_markup": markup}
    sent = (await call(sandbox, "sendMessage", **same))["result"]
    place = {"message_id": sent["message_id"]}
    expected = (
        "Bad Request: message is not modified: specified new message content and reply markup "
        "are exactly the same as a current content and reply markup of the message"
    )
    first = await call(sandbox, "editMessageText", **same, **place)
    assert first["description"] == expected
    changed = same | place | {"text": "sama"}
    assert (await call(sandbox, "editMessageText", **changed))["ok"]
    assert (await call(sandbox, "editMessageText", **changed))["description"] == expected


async def test_pictures_that_are_none_too_big_or_too_long(aio: Bot, sari: Phone) -> None:
    cases = [
        (b"no picture", "IMAGE_PROCESS_FAILED"),
        (a_jpeg(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
        (b"x" * (10 * 1024 * 1024 + 1), "too big for a photo"),
        (b"", "file must be non-empty"),
    ]
    for data, words in cases:
        with pytest.raises(Exception, match=words):
            await aio.send_photo(SARI, BufferedInputFile(data, "a.jpg"))


async def test_files_beyond_20_mb_cannot_be_downloaded_nor_beyond_50_sent(
    aio: Bot, sari: Phone
) -> None:
    large = await sari.document(bytes(MAX_DOWNLOAD_BYTES + 1), "rekaman.dav")
    with pytest.raises(Exception, match="Bad Request: file is too big"):
        await aio.get_file(large["document"]["file_id"])
    with pytest.raises(Exception, match="Request Entity Too Large"):
        await aio.send_document(SARI, BufferedInputFile(bytes(50 * 1024 * 1024 + 1), "a.bin"))


async def test_a_photo_is_no_document(aio: Bot, sari: Phone) -> None:
    photo = await sari.photo(a_jpeg())
    with pytest.raises(Exception, match="can't use file of type Photo as Document"):
        await aio.send_document(SARI, photo["photo"][-1]["file_id"])


async def test_whoever_blocked_the_bot_is_out_of_reach_until_unblocking(
    aio: Bot, sari: Phone
) -> None:
    await sari.block()
    with pytest.raises(TelegramForbiddenError, match="Forbidden: bot was blocked by the user"):
        await aio.send_message(SARI, "halo?")
    await sari.unblock()
    assert (await aio.send_message(SARI, "halo!")).text == "halo!"


async def test_a_wrong_token_and_an_unknown_method(sandbox: SandboxServer) -> None:
    api = TelegramAPIServer.from_base(sandbox.api_url)
    async with Bot("42:other", AiohttpSession(api=api)) as stranger:
        with pytest.raises(TelegramUnauthorizedError, match="Unauthorized"):
            await stranger.get_me()
    answer = await call(sandbox, "sendGift")
    assert (answer["error_code"], answer["description"]) == (404, "Not Found: method not found")


async def test_time_limits_of_taps_and_deletions() -> None:
    clock = ManualClock(datetime(2026, 11, 14, 8, tzinfo=UTC))
    server = SandboxServer(TOKEN, cast=the_cast(), clock=clock)
    await server.start()
    try:
        sari = Phone(server.api_url, SARI)
        await sari.start()
        markup = inline(callback_data="a")
        sent = await call(server, "sendMessage", chat_id=SARI, text="?", reply_markup=markup)
        assert sent["result"]["date"] == int(clock.now().timestamp())
        (query_id,) = await sari.tap("A")
        clock.advance(timedelta(seconds=61))
        late = await call(server, "answerCallbackQuery", callback_query_id=query_id)
        assert late["description"].startswith("Bad Request: query is too old")
        place = {"chat_id": SARI, "message_id": sent["result"]["message_id"]}
        clock.advance(timedelta(hours=48))
        refused = await call(server, "deleteMessage", **place)
        assert refused["description"] == "Bad Request: message can't be deleted for everyone"
        assert (await call(server, "editMessageText", text="lama", **place))["ok"]
    finally:
        await server.stop()


async def test_limits_are_kept_when_enforced() -> None:
    clock = ManualClock(datetime(2026, 11, 14, 8, tzinfo=UTC))
    server = SandboxServer(TOKEN, cast=the_cast(), clock=clock, enforce_limits=True)
    await server.start()
    try:
        for member in the_cast():
            await Phone(server.api_url, member.person_id).start()
        send = {"chat_id": SARI, "text": "x"}
        codes = [(await call(server, "sendMessage", **send)).get("error_code") for _ in range(5)]
        assert codes == [None, None, None, 429, 429]
        refused = await call(server, "sendMessage", **send)
        assert refused["description"] == "Too Many Requests: retry after 1"
        assert refused["parameters"] == {"retry_after": 1}
        assert (await call(server, "sendChatAction", chat_id=SARI, action="typing"))["ok"]
        clock.advance(timedelta(seconds=1))
        sent = await call(server, "sendMessage", **send)
        place = {"chat_id": SARI, "message_id": sent["result"]["message_id"]}
        assert (await call(server, "editMessageText", text="y", **place))["ok"]
        group = server.world.new_group("Polsek", [SARI]).chat_id
        clock.advance(timedelta(seconds=60))
        codes = [
            (await call(server, "sendMessage", chat_id=group, text="x")).get("error_code")
            for _ in range(21)
        ]
        assert codes == [None] * 20 + [429]
    finally:
        await server.stop()
