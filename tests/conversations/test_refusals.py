"""What the bot says in a whole conversation, held against a second judge of Telegram's rules."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from aiogram import types
from teremok import MockBot

from handlers.filters import number
from nobs_bot.errors import Refusal
from tests.conversations.enrolling import consent, submit, until_sharing, without_stream
from tests.installation import Installation

CALLS = {"sendMessage": "send_message", "editMessageText": "edit_message_text"}


async def _calls(here: Installation) -> list[dict[str, Any]]:
    url = f"{here.sandbox.api_url}/sim/calls"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        body = await answer.json()
        calls: list[dict[str, Any]] = body["calls"]
        return calls


def _markup(raw: Any) -> types.InlineKeyboardMarkup | None:
    raw = json.loads(raw) if isinstance(raw, str) else raw
    if isinstance(raw, dict) and "inline_keyboard" in raw:
        return types.InlineKeyboardMarkup.model_validate(raw)
    return None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_nothing_that_the_bot_says_is_refused(here: Installation) -> None:
    sari, dewi, kartika = (here.phone(name) for name in ("Sari", "Dewi", "Kartika"))
    await dewi.start()
    await kartika.start()  # hears of the week by herself, where it is Monday
    await consent(sari)
    await until_sharing(sari)
    await without_stream(sari)
    await submit(sari)
    await dewi.send("/antrean")
    await dewi.expect("menunggu")
    await dewi.tap("Ambil yang paling lama")
    await dewi.expect("Ibu Sari")
    for command in ("/bantuan", "/privasi", "/riwayat", "/kamera", "/bahasa", "/batal", "/apa"):
        await sari.send(command)
        await sari.expect("")
    judge, judged = MockBot(), 0
    for call in await _calls(here):
        if call["answer"] is None:
            continue  # the long poll that still waits
        assert call["answer"]["ok"] or "not modified" in call["answer"]["description"], call
        if call["method"] not in CALLS:
            continue
        params = call["params"]
        sent = await judge.send_message(
            chat_id=1,
            text=params["text"],
            parse_mode=params.get("parse_mode"),
            reply_markup=_markup(params.get("reply_markup")),
        )
        assert sent.text
        judged += 1
    assert judged > 15


@pytest.mark.parametrize("given", ["", "x", str(2**63), str(-(2**63) - 1)])
def test_a_forged_number_is_an_old_button(given: str) -> None:
    with pytest.raises(Refusal, match=r"buttons\.stale"):
        number((given,))
