"""A second opinion: where teremok judges a call too, we judge alike."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity
from teremok import MockBot

from tests.phone import Phone
from tests.sandbox.conftest import SARI

SAMPLES: list[dict[str, Any]] = [
    {"text": "halo"},
    {"text": "x" * 4096},
    {"text": "x" * 4097},
    {"text": "📷" * 2048},
    {"text": "📷" * 2049},
    {"text": "<b>tebal</b> <i>miring</i>", "parse_mode": "HTML"},
    {"text": "<b>tebal", "parse_mode": "HTML"},
    {"text": "<h1>judul</h1>", "parse_mode": "HTML"},
    {"text": "<b>a</i>", "parse_mode": "HTML"},
    {"text": "a &lt; b &amp; c", "parse_mode": "HTML"},
    {"text": "<span>a</span>", "parse_mode": "HTML"},
    {"text": '<a href="https://contoh.id">a</a>', "parse_mode": "HTML"},
    {"text": "*tebal* \\- _miring_", "parse_mode": "MarkdownV2"},
    {"text": "1.5", "parse_mode": "MarkdownV2"},
    {"text": "*tebal", "parse_mode": "MarkdownV2"},
    {"text": "[a](https://contoh.id)", "parse_mode": "MarkdownV2"},
    {"text": "[a](https://contoh.id", "parse_mode": "MarkdownV2"},
    {"text": "abc", "entities": [MessageEntity(type="bold", offset=0, length=3)]},
    {"text": "abc", "entities": [MessageEntity(type="bold", offset=1, length=3)]},
    *({"text": "x", "data": "d" * size} for size in (1, 64, 65)),
    {"text": "x", "data": "é" * 33},
]


async def verdict(bot: Bot, sample: dict[str, Any]) -> bool:
    params = dict(sample)
    data = params.pop("data", None)
    if data is not None:
        button = InlineKeyboardButton(text="A", callback_data=data)
        params["reply_markup"] = InlineKeyboardMarkup(inline_keyboard=[[button]])
    try:
        await bot.send_message(SARI, **params)
    except TelegramBadRequest:
        return False
    return True


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: str(sample)[:40])
async def test_the_sandbox_and_teremok_agree(aio: Bot, sari: Phone, sample: dict[str, Any]) -> None:
    assert await verdict(aio, sample) == await verdict(MockBot(), sample)
