"""A request in the cast's house, for the tests of this folder."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from nobs_bot.footage import answers, asking
from nobs_bot.footage.clips import add_clip, fetch_clips
from nobs_bot.footage.news import tell_news
from nobs_bot.footage.question import Question
from nobs_bot.footage.request import Ask, FootageRequest, Outcome, Purpose, Reply
from nobs_bot.footage.times import Window
from tests.cameras.test_photos import Telegram
from tests.cast import KELURAHAN, MONDAY, SHOP, House

QUESTION = Question(
    *SHOP,
    KELURAHAN,
    "Jl. Duri Selatan",
    100,
    (Window(MONDAY - timedelta(hours=13), MONDAY - timedelta(hours=12)),),
    "LP/B/1042/XI/2026/SPKT",
    Purpose.ROBBERY,
    "Motor <hitam> tanpa pelat",
)


async def send(
    house: House, question: Question = QUESTION, name: str = "Rahmat", **more: Any
) -> int:
    """Send a request; returns its id."""
    async with house.acting(name) as (work, who):
        return (await asking.send(work, who, question, **more)).id


async def request(house: House, request_id: int) -> FootageRequest:
    """The request as it stands."""
    async with house.office.look() as work:
        found = await work.session.get(FootageRequest, request_id)
        assert found is not None
        return found


async def asks(house: House) -> list[Ask]:
    """All asks, the oldest first."""
    async with house.office.look() as work:
        return list((await work.session.execute(select(Ask).order_by(Ask.id))).scalars())


async def reply(house: House, ask_id: int, answer: Reply, name: str = "Sari") -> bool:
    """Answer; returns whether that was new."""
    async with house.acting(name) as (work, owner):
        _, is_new = await answers.answer(work, ask_id, owner, answer)
        return is_new


async def close(
    house: House, request_id: int, name: str = "Rahmat", outcome: Outcome = Outcome.HELPED
) -> None:
    """Close a request."""
    async with house.acting(name) as (work, who):
        found = await work.session.get(FootageRequest, request_id)
        assert found is not None
        await answers.close(work, found, who, outcome)


async def news(house: House) -> None:
    """Let what is to be told to investigators fall due, and tell it."""
    house.clock.advance(timedelta(minutes=1))
    await tell_news(house.office)


async def hand_over(
    house: House, ask_id: int, content: bytes = b"footage", name: str = "Sari", **more: Any
) -> None:
    """Send a file in the chat, and have it taken over."""
    about = {"name": "kamera.dav", "size_bytes": len(content), "recompressed": False} | more
    async with house.acting(name) as (work, owner):
        await add_clip(work, ask_id, owner, file_id="f", unique_id=f"u{ask_id}", **about)
    while await fetch_clips(house.office, house.files, Telegram(content), house.looker):
        pass
