"""Faults on purpose, the record, and who may use the control interface."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from nobs_bot.sandbox import SandboxServer
from tests.phone import Phone
from tests.sandbox.conftest import BUDI, SARI, a_jpeg


async def sim(sandbox: SandboxServer, method: str, path: str, **more: Any) -> Any:
    url = f"{sandbox.api_url}/sim/{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, **more) as answer:
        assert answer.ok, await answer.text()
        return await answer.json()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "429", "retry_after": 7}, TelegramRetryAfter),
        ({"kind": "403"}, TelegramForbiddenError),
        ({"kind": "5xx", "status": 502}, TelegramServerError),
        ({"kind": "cut"}, TelegramNetworkError),
        ({"kind": "hang", "hang_s": 0.2}, TelegramNetworkError),
    ],
)
async def test_a_call_fails_on_purpose_once_in_one_chat(
    sandbox: SandboxServer, aio: Bot, sari: Phone, fault: dict[str, Any], error: type[Exception]
) -> None:
    await Phone(sandbox.api_url, BUDI).start()
    armed = fault | {"method": "sendMessage", "chat_id": SARI}
    await sim(sandbox, "POST", "faults", json=armed)
    await aio.send_message(BUDI, "tidak terganggu")
    with pytest.raises(error) as caught:
        await aio.send_message(SARI, "gagal")
    if isinstance(caught.value, TelegramRetryAfter):
        assert caught.value.retry_after == 7
    await aio.send_message(SARI, "berhasil")
    assert [m["text"] for m in await sari.messages()] == ["/start", "berhasil"]
    assert (await sim(sandbox, "GET", "faults"))["faults"] == []


async def test_an_answer_can_be_lost_after_the_message_was_taken(
    sandbox: SandboxServer, aio: Bot, sari: Phone
) -> None:
    body = {"method": "sendMessage", "kind": "cut", "when": "after"}
    await sim(sandbox, "POST", "faults", json=body)
    with pytest.raises(TelegramNetworkError):
        await aio.send_message(SARI, "sampai")
    assert (await sari.last())["text"] == "sampai"


async def test_faults_are_disarmed_and_unknown_ones_refused(sandbox: SandboxServer) -> None:
    await sim(sandbox, "POST", "faults", json={"method": "*", "kind": "5xx", "times": 9})
    assert (await sim(sandbox, "DELETE", "faults"))["faults"] == []
    with pytest.raises(AssertionError, match="kind must be one of"):
        await sim(sandbox, "POST", "faults", json={"method": "*", "kind": "gremlin"})


async def test_a_password_is_found_wherever_it_went(
    sandbox: SandboxServer, aio: Bot, sari: Phone
) -> None:
    secret = "Rahasia-77"
    asked = await sari.send(f"rtsp://admin:{secret}@192.168.1.64/")
    await aio.delete_message(SARI, asked["message_id"])
    note = await sari.document(f"sandi {secret}".encode(), "catatan.txt")
    sent = await aio.send_message(SARI, f"Anda menulis {secret}")
    await aio.edit_message_text("Sudah dihapus", chat_id=SARI, message_id=sent.message_id)
    found = await sim(sandbox, "GET", "search", params={"text": secret})
    assert [m["message_id"] for m in found["messages"]] == [asked["message_id"], sent.message_id]
    assert found["files"] == [note["document"]["file_id"]]
    assert len(found["calls"]) == 1
    nothing = await sim(sandbox, "GET", "search", params={"text": "Rahasia-78"})
    assert nothing == {"calls": [], "messages": [], "toasts": [], "files": []}


async def test_calls_and_messages_are_recorded_with_times(
    sandbox: SandboxServer, aio: Bot, sari: Phone
) -> None:
    await aio.send_message(SARI, "tercatat")
    (call,) = (await sim(sandbox, "GET", "calls", params={"method": "sendMessage"}))["calls"]
    assert (call["params"]["text"], call["answer"]["ok"]) == ("tercatat", True)
    assert abs(call["at"] - sandbox.world.clock.now().timestamp()) < 60
    ever = (await sim(sandbox, "GET", "messages"))["messages"]
    assert [each["body"]["text"] for each in ever] == ["/start", "tercatat"]


async def test_a_new_person_can_join(sandbox: SandboxServer) -> None:
    body = {"name": "Joko", "language_code": "en", "phone": "+628111"}
    joko = await sim(sandbox, "POST", "persons", json=body)
    sent = await Phone(sandbox.api_url, joko["person_id"]).contact()
    assert sent["contact"]["phone_number"] == "628111"
    assert sent["from"]["language_code"] == "en"


async def test_photos_lose_their_exif(sandbox: SandboxServer, sari: Phone) -> None:
    marked = a_jpeg()
    marked = (
        marked[:2] + b"\xff\xe1\x00\x16Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00ABCD" + marked[2:]
    )
    await sari.photo(marked)
    found = await sim(sandbox, "GET", "search", params={"text": "Exif"})
    assert found["files"] == []


async def test_what_a_person_cannot_do_is_said(sandbox: SandboxServer, sari: Phone) -> None:
    await sari.block()
    with pytest.raises(AssertionError, match="Sari has blocked the bot"):
        await sari.send("halo")
    await sari.unblock()
    with pytest.raises(AssertionError, match="no keyboard button 'Ya'; there are: none"):
        await sari.press("Ya")
    with pytest.raises(AssertionError, match="IMAGE_PROCESS_FAILED"):
        await sari.photo(b"no picture")


async def test_a_tap_prefers_the_whole_label_and_the_newest_message(aio: Bot, sari: Phone) -> None:
    for marker in ("lama", "baru"):
        labels = (("Ya, nanti", f"{marker}:nanti"), ("Ya", f"{marker}:ya"))
        row = [InlineKeyboardButton(text=text, callback_data=data) for text, data in labels]
        markup = InlineKeyboardMarkup(inline_keyboard=[row])
        await aio.send_message(SARI, marker, reply_markup=markup)
    await sari.tap("Ya")
    await sari.tap("nanti")
    taps = [update.callback_query.data for update in await aio.get_updates()]
    assert taps == ["baru:ya", "baru:nanti"]


async def test_expect_waits_for_what_is_new_and_shows_the_chat_when_it_fails(
    aio: Bot, sari: Phone
) -> None:
    await aio.send_message(SARI, "lama")
    await sari.send("hai")
    with pytest.raises(AssertionError, match="no new message with 'lama'\nthe chat:"):
        await sari.expect("lama", timeout_s=0.2)
    waiting = asyncio.create_task(sari.expect("baru"))
    await asyncio.sleep(0.05)
    sent = await aio.send_message(SARI, "yang baru")
    assert (await waiting)["message_id"] == sent.message_id


async def test_events_tell_what_happens(sandbox: SandboxServer, aio: Bot, sari: Phone) -> None:
    url = f"{sandbox.api_url}/sim/events"
    params = {"person_id": str(SARI)}
    async with aiohttp.ClientSession() as session, session.get(url, params=params) as stream:
        assert await stream.content.readuntil(b"\n\n") == b"retry: 1000\n\n"
        await aio.send_chat_action(SARI, "typing")
        data = await stream.content.readuntil(b"\n\n")
        expected = f'data: {{"type": "action", "person_id": {SARI}, "action": "typing"}}\n\n'
        assert data.decode() == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:80"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ],
)
async def test_other_sites_are_kept_out(sandbox: SandboxServer, headers: dict[str, str]) -> None:
    url = f"{sandbox.api_url}/sim/persons/{SARI}/start"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json={}, headers=headers) as answer:
            assert answer.status == 403
        async with session.get(f"{sandbox.api_url}/sim/cast", headers=headers) as answer:
            assert answer.status == 403
    assert sandbox.world.messages == {}


async def test_an_uploaded_page_is_never_shown_as_one(sandbox: SandboxServer, sari: Phone) -> None:
    sent = await sari.document(b"<script>alert(1)</script>", "a.html", "text/html")
    url = f"{sandbox.api_url}/sim/files/{sent['document']['file_id']}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


async def test_without_cameras_none_can_be_turned(sandbox: SandboxServer) -> None:
    async with aiohttp.ClientSession(sandbox.api_url) as session:
        async with session.get("/sim/cameras") as answer:
            assert await answer.json() == {"headings": {}}
        async with session.post("/sim/cameras", json={"key": "x", "heading_deg": 1}) as answer:
            assert answer.status == 409
        async with session.get("/sim/cameras/x") as answer:
            assert answer.status == 404
