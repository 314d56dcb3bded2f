"""The officers' queue: their area, one at a time, decided once, and the owner told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from nobs_bot.cameras import enrolment, review
from nobs_bot.cameras.record import State, reason_of
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import meet, set_name
from nobs_bot.people.roles import Role, grant
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import DISTRICT, KECAMATAN, KELURAHAN, OTHER_KECAMATAN, House

CENGKARENG = (-6.1360, 106.7300)


async def a_second_reviewer(house: House, name: str = "Kartika", area: str = KECAMATAN) -> None:
    async with house.acting(name) as (work, who):
        await grant(work, who, Role.REVIEWER, area, granted_by=None)


async def take(house: House, name: str = "Dewi") -> int | None:
    async with house.acting(name) as (work, who):
        camera = await review.take(work, who)
        return camera.id if camera else None


async def approve(house: House, camera_id: int, name: str = "Dewi") -> None:
    async with house.acting(name) as (work, who):
        await review.approve(work, camera_id, who)


async def refused(house: House, camera_id: int, key: str, name: str = "Dewi") -> None:
    with pytest.raises(Refusal) as refusal:
        await approve(house, camera_id, name)
    assert refusal.value.text_key == key


async def test_the_queue_counts_the_officers_areas(house: House) -> None:
    await house.waiting()
    house.clock.advance(timedelta(minutes=5))
    await house.waiting("Budi")
    await house.waiting("Budi", at=CENGKARENG)
    async with house.acting("Dewi") as (work, dewi):
        [waiting] = await review.queue(work, dewi)
        assert (waiting.area_code, waiting.count) == (KELURAHAN, 2)
    async with house.acting("Citra") as (work, citra):
        with pytest.raises(Refusal, match=r"roles\.needed"):
            await review.queue(work, citra)


async def test_the_longest_waiting_is_handed_out_first(house: House) -> None:
    first = await house.waiting()
    house.clock.advance(timedelta(minutes=5))
    second = await house.waiting("Budi")
    await a_second_reviewer(house)
    assert await take(house) == first
    assert await take(house, "Kartika") == second
    # the one that she holds already comes again
    assert await take(house) == first


async def test_nothing_free_is_nothing(house: House) -> None:
    assert await take(house) is None
    await house.waiting("Budi", at=CENGKARENG)
    assert await take(house) is None


async def test_a_camera_is_lent_for_ten_minutes(house: House) -> None:
    camera_id = await house.waiting()
    await a_second_reviewer(house)
    assert await take(house) == camera_id
    house.clock.advance(timedelta(minutes=10) - timedelta(seconds=1))
    assert await take(house, "Kartika") is None
    await refused(house, camera_id, "review.taken_by_another", "Kartika")
    house.clock.advance(timedelta(seconds=1))
    assert await take(house, "Kartika") == camera_id
    await refused(house, camera_id, "review.taken_by_another")
    await approve(house, camera_id, "Kartika")


async def test_one_that_is_given_back_is_free_at_once(house: House) -> None:
    camera_id = await house.waiting()
    await a_second_reviewer(house)
    await take(house)
    async with house.acting("Kartika") as (work, kartika):
        review.release(await house.camera(work, camera_id), kartika)
    assert await take(house, "Kartika") is None
    async with house.acting("Dewi") as (work, dewi):
        review.release(await house.camera(work, camera_id), dewi)
    assert await take(house, "Kartika") == camera_id


async def test_an_officer_does_not_review_the_own_camera(house: House) -> None:
    camera_id = await house.waiting("Dewi")
    assert await take(house) is None
    await refused(house, camera_id, "review.own_camera")
    await a_second_reviewer(house)
    assert await take(house, "Kartika") == camera_id


@pytest.mark.parametrize("name", ["Citra", "Sari", "Wayan", "Rahmat", "Kartika"])
async def test_who_is_no_reviewer_there_decides_nothing(house: House, name: str) -> None:
    camera_id = await house.waiting()
    await refused(house, camera_id, "roles.not_here", name)


async def test_a_reviewer_of_another_kecamatan_decides_nothing(house: House) -> None:
    camera_id = await house.waiting()
    await a_second_reviewer(house, "Budi", OTHER_KECAMATAN)
    await refused(house, camera_id, "roles.not_here", "Budi")
    await a_second_reviewer(house, "Budi", DISTRICT)
    await take(house, "Budi")
    await approve(house, camera_id, "Budi")


async def test_an_approved_camera_takes_part_and_its_owner_hears_once(house: House) -> None:
    camera_id = await house.waiting()
    await take(house)
    await approve(house, camera_id)
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        assert camera.is_active
        assert (camera.decided_by, camera.review_by) == (house.ids["Dewi"], None)
        acts = [line.act for line in await lines_about(work, sari.id)]
        assert acts[:2] == [Act.APPROVED, Act.REVIEW_OPENED]
    [told] = await house.told("Sari")
    assert "K-1001" in told
    await refused(house, camera_id, "review.already_decided")


async def test_a_change_names_its_field_and_carries_the_officers_words(house: House) -> None:
    camera_id = await house.waiting()
    await take(house)
    async with house.acting("Dewi") as (work, dewi):
        await review.ask_change(work, camera_id, dewi, "photos", " Fotonya <gelap>, mohon ulang ")
    async with house.office.look() as work:
        camera = await house.camera(work, camera_id)
        assert (camera.state, camera.change_field) == (State.CHANGE_ASKED, "photos")
        assert reason_of(work, camera) == "Fotonya <gelap>, mohon ulang"
        assert b"gelap" not in (camera.reason or b"")
    [told] = await house.messages("Sari")
    assert "&lt;gelap&gt;" in told.text
    assert told.keyboard[0][0].payload == f"enrol.edit:{camera_id}:photos"


async def test_a_change_of_no_such_field_is_refused(house: House) -> None:
    camera_id = await house.waiting()
    await take(house)
    async with house.acting("Dewi") as (work, dewi):
        with pytest.raises(Refusal, match=r"buttons\.stale"):
            await review.ask_change(work, camera_id, dewi, "owner", "tolong diganti")


@pytest.mark.parametrize("reason", list(review.RejectReason))
async def test_a_picked_reason_is_told_in_the_owners_language(
    house: House, reason: review.RejectReason
) -> None:
    camera_id = await house.waiting()
    await take(house)
    async with house.acting("Sari") as (_, sari):
        sari.language = "en"
    async with house.acting("Dewi") as (work, dewi):
        await review.reject(work, camera_id, dewi, reason.value)
        wanted = work.texts.of("en")(f"review.reason.{reason}")
    async with house.office.look() as work:
        camera = await house.camera(work, camera_id)
        assert camera.state is State.REJECTED
        assert reason_of(work, camera) == wanted
    [told] = await house.told("Sari")
    assert wanted.split("'")[0] in told


@pytest.mark.parametrize("words", ["", "  ", "no", "x" * 501])
async def test_own_words_must_say_something(house: House, words: str) -> None:
    camera_id = await house.waiting()
    await take(house)
    async with house.acting("Dewi") as (work, dewi):
        with pytest.raises(Refusal, match=r"review\.reason_length"):
            await review.reject(work, camera_id, dewi, words)
    async with house.office.look() as work:
        assert (await house.camera(work, camera_id)).state is State.WAITING


async def test_of_two_officers_who_take_at_once_each_gets_another(any_house: House) -> None:
    first, second = await any_house.waiting(), await any_house.waiting("Budi")
    await a_second_reviewer(any_house)
    taken = await asyncio.gather(take(any_house), take(any_house, "Kartika"))
    assert sorted(each or 0 for each in taken) == sorted((first, second))


async def test_of_two_decisions_at_once_one_counts(any_house: House) -> None:
    camera_id = await any_house.waiting()
    await take(any_house)

    async def decides(word: str) -> str:
        try:
            async with any_house.acting("Dewi") as (work, dewi):
                if word == "yes":
                    await review.approve(work, camera_id, dewi)
                else:
                    await review.reject(work, camera_id, dewi, "not_own")
        except Refusal as refusal:
            return refusal.text_key
        return "done"

    results = await asyncio.gather(decides("yes"), decides("no"))
    assert sorted(results) == ["done", "review.already_decided"]
    assert len(await any_house.told("Sari")) == 1


async def test_one_that_was_withdrawn_meanwhile_cannot_be_decided(house: House) -> None:
    from nobs_bot.cameras import rights

    camera_id = await house.waiting()
    await take(house)
    async with house.acting("Sari") as (work, sari):
        await rights.withdraw(work, await house.camera(work, camera_id), sari)
    await refused(house, camera_id, "review.already_decided")


async def test_reviewers_of_the_area_are_told_once_and_the_owner_is_not(house: House) -> None:
    camera_id = await house.waiting("Dewi")
    await a_second_reviewer(house)
    for _ in range(2):
        async with house.office.work() as work:
            await review.announce(work, await house.camera(work, camera_id))
    assert len(await house.told("Kartika")) == 1
    assert await house.told("Dewi") == []
    assert await house.told("Rahmat") == []


async def test_the_officers_of_another_area_hear_nothing(house: House) -> None:
    async with house.office.work() as work:
        other = meet(work, 710_000_099, None)
        set_name(work, other, "Lain")
        await work.session.flush()
        await grant(work, other, Role.REVIEWER, OTHER_KECAMATAN, granted_by=None)
    camera_id = await house.waiting()
    async with house.office.work() as work:
        await review.announce(work, await house.camera(work, camera_id))
    assert len(await house.told("Dewi")) == 1
    from sqlalchemy import select

    from nobs_bot.messaging.outbox import Outgoing

    async with house.office.look() as work:
        chats = set((await work.session.execute(select(Outgoing.chat_id))).scalars())
    assert 710_000_099 not in chats


async def test_an_old_button_decides_on_nothing_that_was_not_seen(
    house: House, areas: Areas
) -> None:
    camera_id = await house.waiting()
    async with house.acting("Dewi") as (work, dewi):
        await review.take(work, dewi)
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        enrolment.set_location(work, camera, areas, -6.1540, 106.8000)
        enrolment.set_heading(work, camera, 10)
        await enrolment.submit(work, camera, sari)
    for decide in (review.approve, review.decidable):
        async with house.acting("Dewi") as (work, dewi):
            with pytest.raises(Refusal, match=r"review\.not_taken"):
                await decide(work, camera_id, dewi)
    async with house.acting("Dewi") as (work, dewi):
        await review.take(work, dewi)
        assert (await review.approve(work, camera_id, dewi)).state is State.APPROVED
