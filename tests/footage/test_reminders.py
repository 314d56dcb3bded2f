"""Reminders: by day, before the deadline, three at the most, and none to those who answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nobs_bot.footage.owners import ask_for_what_was_saved
from nobs_bot.footage.reminders import MOST_REMINDERS, remind_owners, reminder_at
from nobs_bot.footage.request import FootageRequest, Kind, Reply
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import MONDAY, House
from tests.footage.requests import QUESTION, asks, close, hand_over, reply, send

JAKARTA = ZoneInfo("Asia/Jakarta")


@given(
    asked=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    hours=st.floats(0, 24 * 30),
    number=st.integers(0, 5),
)
def test_no_reminder_comes_by_night_late_or_at_once(
    asked: datetime, hours: float, number: int
) -> None:
    asked = asked.replace(tzinfo=UTC)
    deadline = asked + timedelta(hours=hours)
    moment = reminder_at(asked, deadline, number, JAKARTA)
    if moment is None:
        return
    assert number < MOST_REMINDERS
    assert asked + timedelta(hours=1) <= moment < deadline
    assert time(7) <= moment.astimezone(JAKARTA).time() < time(21)


@pytest.mark.parametrize("days", [1, 2, 7, 30])
def test_with_a_day_or_more_there_is_one_in_any_case(days: int) -> None:
    for hour in range(24):
        asked = MONDAY + timedelta(hours=hour)
        assert any(
            reminder_at(asked, asked + timedelta(days=days), number, JAKARTA)
            for number in range(MOST_REMINDERS)
        )


async def live(house: House, span: timedelta) -> int:
    """Let time go on by quarters of an hour; returns how many reminders went out."""
    before = len(await house.told("Sari"))
    for _ in range(span // timedelta(minutes=15)):
        house.clock.advance(timedelta(minutes=15))
        await remind_owners(house.office)
    return len(await house.told("Sari")) - before


async def test_a_silent_owner_is_reminded_three_times_and_never_again(house: House) -> None:
    await house.approved()
    await send(house)
    assert await live(house, timedelta(days=7)) == 3
    last = (await house.told("Sari"))[-1]
    assert "Pengingat" in last
    assert "sukarela" in last
    async with house.office.look() as work:
        acts = [line.act for line in await lines_about(work, house.ids["Sari"])]
    assert acts.count(Act.REMINDED) == 3


@pytest.mark.parametrize(
    "answer", [Reply.NOTHING, Reply.REFUSED, Reply.HELP, Reply.SAVED, Reply.NOT_MINE]
)
async def test_whoever_answered_is_left_alone(house: House, answer: Reply) -> None:
    await house.approved()
    await send(house)
    [ask] = await asks(house)
    await reply(house, ask.id, answer)
    assert await live(house, timedelta(days=3)) == 0


async def test_who_has_it_is_reminded_until_it_is_there(house: House) -> None:
    await house.approved()
    await send(house)
    [ask] = await asks(house)
    await reply(house, ask.id, Reply.HAS)
    assert await live(house, timedelta(days=3)) == 1
    assert "belum kami terima" in (await house.told("Sari"))[-1]
    await hand_over(house, ask.id)
    assert await live(house, timedelta(days=4)) == 0


async def test_who_saved_it_is_reminded_once_it_is_asked_for(house: House) -> None:
    await house.approved()
    request_id = await send(house, replace(QUESTION, kind=Kind.PRESERVE))
    [ask] = await asks(house)
    await reply(house, ask.id, Reply.SAVED)
    assert await live(house, timedelta(days=2)) == 0
    async with house.acting("Rahmat") as (work, rahmat):
        request = await work.session.get(FootageRequest, request_id)
        assert request is not None
        await ask_for_what_was_saved(work, request, rahmat)
    assert await live(house, timedelta(days=4)) >= 1


async def test_a_closed_request_reminds_nobody(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    await close(house, request_id)
    assert await live(house, timedelta(days=3)) == 0


async def test_the_recorders_deadline_comes_before_the_requests(house: House) -> None:
    await house.approved(retention_days=2)
    await send(house)
    [ask] = await asks(house)
    assert ask.due_at is not None
    assert ask.overwritten_at is not None
    assert ask.due_at < ask.overwritten_at
    assert await live(house, timedelta(days=7)) in (2, 3)


async def test_silence_is_not_told_as_a_refusal(house: House) -> None:
    await house.approved()
    await send(house)
    await live(house, timedelta(days=6))
    [ask] = await asks(house)
    assert ask.reply is Reply.NONE_YET
    assert await house.told("Rahmat") == []
