"""What an investigator is told: soon, bundled, nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from nobs_bot.errors import Refusal
from nobs_bot.footage import answers
from nobs_bot.footage.news import PAUSE, _tell, tell_news
from nobs_bot.footage.request import Ask, FootageRequest, Reply, note_of
from nobs_bot.people.roles import grants_of
from nobs_bot.places.geodesy import ahead
from nobs_bot.storage.leases import claim
from tests.cast import SHOP, House
from tests.footage.requests import asks, hand_over, news, reply, send


async def test_answers_of_many_owners_come_in_one_message(house: House) -> None:
    for owner in ("Sari", "Budi", "Citra"):
        await house.approved(owner)
    await send(house)
    first, second, third = await asks(house)
    await reply(house, first.id, Reply.HAS, "Sari")
    await reply(house, second.id, Reply.REFUSED, "Budi")
    await news(house)
    [told] = await house.told("Rahmat")
    for part in ("K-1001", "punya rekaman", "K-1002", "tidak bersedia", "2 dari 3"):
        assert part in told
    assert "K-1003" not in told
    await reply(house, third.id, Reply.NOTHING, "Citra")
    await news(house)
    assert "K-1003" in (await house.told("Rahmat"))[-1]
    assert "K-1001" not in (await house.told("Rahmat"))[-1]


async def test_the_first_news_comes_at_once_the_next_a_little_later(house: House) -> None:
    await house.approved()
    await house.approved("Budi")
    await send(house)
    first, second = await asks(house)
    await reply(house, first.id, Reply.HAS)
    house.clock.advance(timedelta(seconds=2))
    assert await tell_news(house.office) == 1
    await reply(house, second.id, Reply.NOTHING, "Budi")
    house.clock.advance(timedelta(seconds=2))
    assert await tell_news(house.office) == 0
    house.clock.advance(PAUSE)
    assert await tell_news(house.office) == 1


async def test_what_comes_while_news_is_told_is_told_the_next_time(any_house: House) -> None:
    """With several processes an owner answers while another one gathers what is to be told."""
    house = any_house
    await house.approved()
    await house.approved("Budi")
    await send(house)
    first, second = await asks(house)
    await reply(house, first.id, Reply.HAS)
    house.clock.advance(timedelta(seconds=2))
    async with house.office.work() as work:
        [request] = await claim(work, FootageRequest, lease=timedelta(minutes=1), limit=1)
        answering = asyncio.create_task(reply(house, second.id, Reply.NOTHING, "Budi"))
        # it has read the request by then, or waits until we are through
        await asyncio.wait([answering], timeout=0.5)
        await _tell(work, request)
    await answering
    house.clock.advance(PAUSE)
    assert await tell_news(house.office) == 1
    told = await house.told("Rahmat")
    assert ["K-1001" in each for each in told] == [True, False]
    assert ["K-1002" in each for each in told] == [False, True]


async def test_where_nothing_changed_nothing_is_told(house: House) -> None:
    await house.approved()
    await send(house)
    house.clock.advance(timedelta(days=1))
    assert await tell_news(house.office) == 0
    assert await house.told("Rahmat") == []


async def test_news_has_an_end_however_many_there_are(house: House) -> None:
    for step in range(14):
        await house.approved(at=ahead(*SHOP, 0, step), heading_deg=0.0)
    await send(house)
    for ask in await asks(house):
        await reply(house, ask.id, Reply.NOTHING)
    await news(house)
    [told] = await house.told("Rahmat")
    assert "dan 2 kabar lagi" in told
    assert "14 dari 14" in told


async def test_a_clip_comes_with_a_button_that_opens_it(house: House) -> None:
    await house.approved()
    await send(house)
    [ask] = await asks(house)
    await hand_over(house, ask.id)
    await news(house)
    message = (await house.messages("Rahmat"))[-1]
    assert "sudah diterima" in message.text
    assert any((b.payload or "").startswith("req.clip:") for row in message.keyboard for b in row)


async def test_an_owners_note_is_sealed_and_news(house: House) -> None:
    await house.approved()
    await send(house)
    [ask] = await asks(house)
    async with house.acting("Sari") as (work, sari):
        await answers.add_note(work, ask.id, sari, "Motor belok kiri pukul 21.40")
        with pytest.raises(Refusal, match=r"clip\.note\.long"):
            await answers.add_note(work, ask.id, sari, "x" * 501)
    async with house.office.look() as work:
        kept = await work.session.get(Ask, ask.id)
        assert kept is not None
        assert kept.note is not None
        assert b"belok" not in kept.note
        assert note_of(work, kept) == "Motor belok kiri pukul 21.40"
    await news(house)
    assert len(await house.told("Rahmat")) == 1


async def test_nobody_writes_a_note_for_another(house: House) -> None:
    await house.approved()
    await send(house)
    [ask] = await asks(house)
    async with house.acting("Budi") as (work, budi):
        with pytest.raises(Refusal, match=r"ask\.not_yours"):
            await answers.add_note(work, ask.id, budi, "salah alamat")


async def test_where_the_investigator_lost_the_role_a_supervisor_hears(house: House) -> None:
    await house.approved()
    await send(house)
    [ask] = await asks(house)
    async with house.acting("Rahmat") as (work, rahmat):
        for held in await grants_of(work, rahmat.id):
            held.ended_at = work.now
    await reply(house, ask.id, Reply.HAS)
    await news(house)
    assert await house.told("Rahmat") == []
    assert "punya rekaman" in (await house.told("Kartika"))[-1]


async def test_a_camera_that_is_not_the_owners_is_looked_over(house: House) -> None:
    await house.approved()
    await send(house)
    [ask] = await asks(house)
    await reply(house, ask.id, Reply.NOT_MINE)
    [told] = await house.told("Dewi")
    assert "K-1001" in told
    await news(house)
    assert "bukan kameranya" in (await house.told("Rahmat"))[-1]
