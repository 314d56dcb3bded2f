"""The recorder's clock: read by a person, kept, and told back in the recorder's own time."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from nobs_bot.errors import Refusal
from nobs_bot.footage.recorder import keep_clock_error, read_clock_error
from nobs_bot.footage.request import Ask, Clip
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import House
from tests.footage.requests import asks, hand_over, send

JAKARTA = ZoneInfo("Asia/Jakarta")
AT = datetime(2026, 11, 16, 21, 30, 0, tzinfo=JAKARTA)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("21.37.00", 420),
        ("21:30:00", 0),
        ("21.37", 450),
        ("9.30.00 pm", 0),
        ("Jam 21:23:00 WIB", -420),
        ("20.30.00", -3600),
        ("09.31.00", -43140),
        # over midnight
        ("00.30.00", 3 * 3600),
        ("18.30.00", -3 * 3600),
    ],
)
def test_how_far_ahead_the_clock_is(text: str, seconds: int) -> None:
    assert read_clock_error(text, AT, JAKARTA) == seconds


@pytest.mark.parametrize("text", ["", "entah", "25.00", "21", "21.75", "14/11 21.30", "21.30.99"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"clock\.unclear"):
        read_clock_error(text, AT, JAKARTA)


async def keep(house: House, ask_id: int, error_s: int) -> None:
    async with house.acting("Sari") as (work, sari):
        ask = await work.session.get(Ask, ask_id)
        assert ask is not None
        await keep_clock_error(work, ask, sari, error_s)


async def test_the_next_question_is_in_the_recorders_own_time(house: House) -> None:
    await house.approved()
    await send(house)
    assert "Di perekam Anda" not in (await house.told("Sari"))[-1]
    [ask] = await asks(house)
    await keep(house, ask.id, 7 * 60)
    await send(house)
    asked = (await house.told("Sari"))[-1]
    assert "lebih cepat 7 menit" in asked
    assert "21.07–22.07" in asked


async def test_a_clock_that_is_right_needs_no_word(house: House) -> None:
    await house.approved()
    await send(house)
    [ask] = await asks(house)
    await keep(house, ask.id, 20)
    await send(house)
    assert "Di perekam Anda" not in (await house.told("Sari"))[-1]


async def test_what_was_read_long_ago_is_no_longer_told(house: House) -> None:
    await house.approved(retention_days=365)
    await send(house)
    [ask] = await asks(house)
    await keep(house, ask.id, 7 * 60)
    house.clock.advance(timedelta(days=181))
    await send(house)
    assert "Di perekam Anda" not in (await house.told("Sari"))[-1]


async def test_the_error_is_kept_with_the_clip_and_in_the_owners_log(house: House) -> None:
    await house.approved()
    await send(house)
    [ask] = await asks(house)
    await keep(house, ask.id, -3600)
    await hand_over(house, ask.id)
    async with house.office.look() as work:
        clip = (await work.session.execute(select(Clip))).scalar_one()
        assert clip.clock_error_s == -3600
        acts = [line.act for line in await lines_about(work, house.ids["Sari"])]
        assert Act.CLOCK_READ in acts
