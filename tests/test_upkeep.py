"""What the calendar asks for, and that it is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from nobs_bot.messaging import outbox
from nobs_bot.messaging.message import Message
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.chain import seal_lines
from nobs_bot.storage.retention import Kind, lapsed
from nobs_bot.upkeep import keep_up
from tests.cameras.test_recording import recorded
from tests.cast import DISTRICT, House


async def kept_up(house: House) -> int:
    async with house.office.work() as work:
        return await keep_up(work)


async def waiting(house: House) -> dict[Kind, int]:
    async with house.office.look() as work:
        return dict(await lapsed(work))


@pytest.fixture
async def budi(any_house: House) -> House:
    """A house of which Budi is the administrator."""
    async with any_house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    await seal_lines(any_house.office)
    return any_house


async def test_what_a_term_erased_is_told_the_next_morning_and_written_down(budi: House) -> None:
    house = budi
    await house.draft("Citra")
    await house.draft("Sari")
    await recorded(house)
    house.clock.advance(timedelta(days=40))
    while await kept_up(house):
        pass
    before = len(await house.told("Budi"))
    assert await waiting(house) == {}, "the day is not over"
    house.clock.advance(timedelta(days=1))
    assert await waiting(house) == {Kind.DRAFTS: 2, Kind.RECORDINGS: 1}
    await kept_up(house)
    [told] = (await house.told("Budi"))[before:]
    assert "2 pendaftaran yang tidak selesai; 1 catatan yang tidak diambil alih" in told
    async with house.office.look() as work:
        query = select(AuditLine).where(AuditLine.act == Act.TERMS_KEPT)
        [line] = (await work.session.execute(query)).scalars()
        assert line.read_details(work) == {"drafts": 2, "recordings": 1}
    house.clock.advance(timedelta(days=1))
    await kept_up(house)
    assert "terhapus" not in (await house.told("Budi"))[-1].lower(), "told once"


async def test_messages_have_a_term_too(budi: House) -> None:
    house = budi
    async with house.office.work() as work:
        await outbox.enqueue(work, 7, Message(text="kabar"), "kabar")
        [row] = await outbox.claim(work, 1)
        await outbox.settle(work, row, outbox.Delivery.SENT, message_id=1)
    house.clock.advance(timedelta(days=31))
    await kept_up(house)
    house.clock.advance(timedelta(days=1))
    assert await waiting(house) == {Kind.MESSAGES: 1}


async def test_without_an_administrator_it_waits_to_be_told(any_house: House) -> None:
    house = any_house
    await house.draft("Citra")
    house.clock.advance(timedelta(days=40))
    await kept_up(house)
    house.clock.advance(timedelta(days=3))
    await kept_up(house)
    assert await waiting(house) == {Kind.DRAFTS: 1}
