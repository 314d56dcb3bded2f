"""Emergencies: out at once, reviewed within a day, and the owners know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from nobs_bot.errors import Refusal
from nobs_bot.footage import agreement, asking
from nobs_bot.footage.clips import open_clip
from nobs_bot.footage.request import Outcome, Reply, RequestState, clips_of
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import DISTRICT, House
from tests.footage.requests import QUESTION, asks, close, hand_over, reply, request, send

LARGE = replace(QUESTION, radius_m=800)
WHY = "Anak hilang, terakhir terlihat di sini"


async def review(house: House, request_id: int, name: str = "Kartika", **more: bool) -> None:
    async with house.acting(name) as (work, who):
        await agreement.review(work, request_id, who, reason="sudah dicek", **more)  # type: ignore[arg-type]


async def test_an_emergency_goes_out_at_once_and_its_owner_is_told_that_it_is_one(
    house: House,
) -> None:
    await house.approved()
    request_id = await send(house, LARGE, emergency=WHY)
    assert (await request(house, request_id)).state is RequestState.SENT
    [asked] = await house.told("Sari")
    assert "permintaan darurat" in asked
    [called] = await house.told("Kartika")
    assert WHY in called
    assert "Selasa, 17 November, 10.00 WIB" in called


async def test_within_the_limits_nothing_is_an_emergency(house: House) -> None:
    await house.approved()
    request_id = await send(house, QUESTION, emergency=WHY)
    assert not (await request(house, request_id)).is_emergency
    assert "darurat" not in (await house.told("Sari"))[0]


async def test_a_justified_one_goes_on(house: House) -> None:
    await house.approved()
    request_id = await send(house, LARGE, emergency=WHY)
    await review(house, request_id, justified=True)
    found = await request(house, request_id)
    assert (found.state, found.was_justified) == (RequestState.SENT, True)
    assert "membenarkan" in (await house.told("Rahmat"))[-1]
    with pytest.raises(Refusal, match=r"agree\.already"):
        await review(house, request_id, justified=False)


async def test_a_needless_one_is_closed_its_owners_told_and_its_clips_doomed(house: House) -> None:
    await house.approved()
    request_id = await send(house, LARGE, emergency=WHY)
    await review(house, request_id, justified=False)
    found = await request(house, request_id)
    assert (found.state, found.outcome) == (RequestState.CLOSED, Outcome.NOT_NEEDED)
    assert found.erase_at is not None
    assert "ternyata tidak perlu" in (await house.told("Sari"))[-1]
    async with house.office.look() as work:
        acts = [line.act for line in await lines_about(work, house.ids["Sari"])]
    assert Act.EMERGENCY_REVIEWED in acts


@pytest.mark.parametrize("name", ["Rahmat", "Dewi", "Sari", "Citra"])
async def test_who_is_no_supervisor_reviews_nothing(house: House, name: str) -> None:
    await house.approved()
    request_id = await send(house, LARGE, emergency=WHY)
    with pytest.raises(Refusal, match=r"roles\.not_here"):
        await review(house, request_id, name, justified=True)


async def test_nobody_reviews_the_own_emergency(house: House) -> None:
    await house.approved()
    async with house.acting("Kartika") as (work, kartika):
        await grant(work, kartika, Role.INVESTIGATOR, DISTRICT, granted_by=None)
    with pytest.raises(Refusal, match=r"request\.no_supervisor"):
        await send(house, LARGE, "Kartika", emergency=WHY)
    async with house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.SUPERVISOR, DISTRICT, granted_by=None)
    request_id = await send(house, LARGE, "Kartika", emergency=WHY)
    with pytest.raises(Refusal, match=r"agree\.own"):
        await review(house, request_id, justified=True)


async def test_an_ordinary_request_is_not_reviewed(house: House) -> None:
    await house.approved()
    request_id = await send(house)
    with pytest.raises(Refusal, match=r"agree\.already"):
        await review(house, request_id, justified=True)


async def test_an_overdue_review_is_asked_for_once_a_day_and_administrators_hear(
    house: House,
) -> None:
    await house.approved()
    async with house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    await send(house, LARGE, emergency=WHY)
    house.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    async with house.office.work() as work:
        assert await agreement.remind_of_reviews(work) == 0
    house.clock.advance(timedelta(seconds=1))
    async with house.office.work() as work:
        assert await agreement.remind_of_reviews(work) == 1
        assert await agreement.remind_of_reviews(work) == 0
    assert "belum diperiksa" in (await house.told("Kartika"))[-1]
    assert "belum diperiksa" in (await house.told("Budi"))[-1]
    house.clock.advance(timedelta(hours=24))
    async with house.office.work() as work:
        assert await agreement.remind_of_reviews(work) == 1
    assert len(await house.told("Kartika")) == 3


@pytest.mark.parametrize("text", ["", "cepat", "x" * 301])
def test_an_emergency_needs_a_reason(text: str) -> None:
    with pytest.raises(Refusal, match=r"emergency\.reason_length"):
        asking.read_emergency(text)


async def test_an_owner_who_was_asked_too_often_is_asked_in_an_emergency(house: House) -> None:
    await house.approved()
    for _ in range(house.office.settings.request_most_per_week):
        await send(house)
    await send(house, LARGE, emergency=WHY)
    assert len(await asks(house)) == house.office.settings.request_most_per_week + 1


async def test_one_that_was_closed_before_its_review_is_undone_all_the_same(house: House) -> None:
    await house.approved()
    request_id = await send(house, LARGE, emergency=WHY)
    [ask] = await asks(house)
    await reply(house, ask.id, Reply.HAS)
    await hand_over(house, ask.id)
    await close(house, request_id, outcome=Outcome.PASSED_ON)
    assert (await request(house, request_id)).erase_at is None
    before = len(await house.told("Sari"))
    await review(house, request_id, justified=False)
    found = await request(house, request_id)
    assert (found.outcome, found.was_justified) == (Outcome.NOT_NEEDED, False)
    assert found.erase_at is not None
    assert len(await house.told("Sari")) == before + 1
    async with house.acting("Rahmat") as (work, rahmat):
        [clip] = await clips_of(work, request_id)
        with pytest.raises(Refusal, match=r"clip\.unjustified"):
            await open_clip(work, clip.id, rahmat)


async def test_the_word_emergency_does_not_walk_round_the_weekly_limit(house: House) -> None:
    await house.approved()
    for _ in range(house.office.settings.request_most_per_week):
        await send(house)
    for more in ({}, {"emergency": WHY}):
        with pytest.raises(Refusal, match=r"request\.nobody"):
            await send(house, **more)
