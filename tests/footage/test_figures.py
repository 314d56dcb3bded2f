"""Figures of requests: counted right, by area, without anybody's name; and the weekly word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from nobs_bot.footage import agreement, retention
from nobs_bot.footage.figures import Figures, as_csv, figures, rows, tell_weekly, year_of
from nobs_bot.footage.request import Outcome, Purpose, Reply
from nobs_bot.people.roles import Role, grant
from tests.cast import KECAMATAN, MONDAY, OTHER_KECAMATAN, House
from tests.footage.requests import QUESTION, asks, close, hand_over, reply, send

WEEK = timedelta(days=7)


async def count(house: House, areas: list[str] | None = None) -> Figures:
    async with house.office.look() as work:
        return await figures(work, MONDAY - WEEK, MONDAY + 60 * WEEK, areas)


async def a_month(house: House) -> None:
    """One request that helped, one beyond the limits that was declined, one needless emergency."""
    await house.approved()
    await house.approved("Budi")
    helped = await send(house)
    first, second = await asks(house)
    house.clock.advance(timedelta(hours=2))
    await reply(house, first.id, Reply.HAS)
    await hand_over(house, first.id)
    house.clock.advance(timedelta(hours=2))
    await reply(house, second.id, Reply.REFUSED, "Budi")
    await close(house, helped, outcome=Outcome.HELPED)
    large = replace(QUESTION, radius_m=800, purpose=Purpose.BRAWL)
    declined = await send(house, large)
    emergency = await send(house, large, emergency="Anak hilang di sekitar sini")
    async with house.acting("Kartika") as (work, who):
        await agreement.decide(work, declined, who, agreed=False, reason="terlalu luas")
        await agreement.review(work, emergency, who, justified=False, reason="bukan darurat")


async def test_everything_is_counted_once(house: House) -> None:
    await a_month(house)
    found = await count(house)
    assert (found.requests, found.emergencies, found.needless_emergencies) == (3, 1, 1)
    assert (found.agreed, found.declined) == (0, 1)
    assert (found.asked, found.silent, found.clips, found.erased) == (4, 2, 1, 0)
    assert found.median_answer == timedelta(hours=3)
    assert found.by_purpose[Purpose.BRAWL] == 2
    assert found.by_outcome[Outcome.HELPED] == 1
    assert found.by_reply[Reply.REFUSED] == 1


async def test_only_the_supervisors_areas_count(house: House) -> None:
    await a_month(house)
    assert (await count(house, [KECAMATAN])).requests == 3
    assert (await count(house, [OTHER_KECAMATAN])).requests == 0


async def test_what_is_outside_the_time_does_not_count(house: House) -> None:
    await a_month(house)
    async with house.office.look() as work:
        assert (await figures(work, *year_of(work, 2025))).requests == 0
        assert (await figures(work, *year_of(work, 2026))).requests == 3


async def test_erased_clips_are_counted(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    [ask] = await asks(house)
    await hand_over(house, ask.id)
    await close(house, request_id, outcome=Outcome.NOT_NEEDED)
    house.clock.advance(timedelta(days=31))
    async with house.office.work() as work:
        await retention.erase_due(work)
    assert (await count(house)).erased == 1
    assert (await count(house, [OTHER_KECAMATAN])).erased == 0


async def test_the_table_opens_in_a_spreadsheet_and_names_nobody(house: House) -> None:
    await a_month(house)
    found = await count(house)
    for words in house.office.texts:
        table = as_csv(words, found).decode("utf-8-sig")
        lines = table.splitlines()
        assert len(lines) == len(rows(words, found)) + 1
        assert all(line.count(";") == 1 for line in lines)
        for private in ("Sari", "Budi", "Rahmat", "LP/B", "Duri", "K-100", "R-100"):
            assert private not in table


async def test_supervisors_hear_of_last_week_once_on_monday_morning(house: House) -> None:
    await a_month(house)
    house.clock.advance(timedelta(days=6))
    before = len(await house.told("Kartika"))

    async def tell() -> int:
        async with house.office.work() as work:
            return await tell_weekly(work)

    assert await tell() == 0  # a Sunday
    house.clock.advance(timedelta(hours=12))
    while house.clock.now().astimezone(house.office.settings.zone).hour < 8:
        assert await tell() == 0
        house.clock.advance(timedelta(hours=1))
    assert await tell() == 1
    assert await tell() == 0
    told = (await house.told("Kartika"))[before:]
    assert len(told) == 1
    assert "Senin, 16 November – Minggu, 22 November" in told[0]
    assert "Permintaan rekaman: 3" in told[0]


async def test_everybody_else_hears_nothing(house: House) -> None:
    async with house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.REVIEWER, KECAMATAN, granted_by=None)
    async with house.office.work() as work:
        assert await tell_weekly(work) == 1
    assert await house.told("Citra") == []
