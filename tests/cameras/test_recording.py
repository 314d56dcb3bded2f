"""What an officer records before the owner consents: for a while, and the owner's to end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from nobs_bot.cameras import enrolment, recording
from nobs_bot.cameras.claim import Claim, offer, open_claim
from nobs_bot.cameras.lookalikes import lookalikes
from nobs_bot.cameras.photos import Photo, add_photo, fetch_photos
from nobs_bot.cameras.record import Camera, PlaceKind, State, cameras_owned, contact_of
from nobs_bot.cameras.takeover import take_over, turn_down
from nobs_bot.coverage.watching import seeing
from nobs_bot.errors import Refusal
from nobs_bot.people.consent import give_consent
from nobs_bot.people.persons import Person, set_phone
from nobs_bot.storage.audit import Act, lines_about
from tests.cameras.test_photos import Telegram
from tests.cast import KELURAHAN, SHOP, House

ELSEWHERE = (-6.1700, 106.7300)
PHONE = "0812 5550 199"


async def recorded(house: House, *, at: tuple[float, float] = SHOP, whole: bool = True) -> int:
    """A camera that Wayan wrote down."""
    async with house.acting("Wayan") as (work, wayan):
        camera = await recording.begin_recording(work, wayan)
        enrolment.set_place_kind(work, camera, PlaceKind.SHOP)
        await recording.locate(work, camera, wayan, house.areas, at, accuracy_m=8.0)
        owner = await work.session.get(Person, camera.owner_id)
        assert owner is not None
        enrolment.set_contact_name(work, camera, owner, "Ibu Sari")
        enrolment.set_contact_phone(work, camera, owner, PHONE, verified=False)
        enrolment.set_heading(work, camera, 135.0)
        await add_photo(work, camera, "file-1", "unique-1")
        if whole:
            await recording.hand_over(work, camera, wayan)
        return camera.id


async def link_to(house: House, camera_id: int) -> str:
    async with house.office.work() as work:
        return offer(work, await house.camera(work, camera_id))


async def opened_by(house: House, name: str, link: str) -> int:
    async with house.acting(name) as (work, who):
        claim, _ = await open_claim(work, who, link)
        return claim.id


async def test_a_record_takes_no_part_in_anything(any_house: House) -> None:
    camera_id = await recorded(any_house)
    neighbour_id = await any_house.approved("Budi")
    async with any_house.acting("Sari") as (work, sari):
        camera = await any_house.camera(work, camera_id)
        assert (camera.state, camera.number, camera.is_active) == (State.RECORDED, None, False)
        assert camera.area_code == KELURAHAN
        assert camera.accuracy_m == 8.0
        assert [each.id for each in await seeing(work, *SHOP, radius_m=50)] == [neighbour_id]
        assert await lookalikes(work, await any_house.camera(work, neighbour_id)) == []
        assert await cameras_owned(work, camera.owner_id) == []
        assert await enrolment.draft_of(work, sari) is None


async def test_the_owner_takes_it_over_and_reads_who_wrote_it_down(any_house: House) -> None:
    camera_id = await recorded(any_house)
    async with any_house.office.look() as work:
        stood_in = (await any_house.camera(work, camera_id)).owner_id
    any_house.clock.advance(timedelta(hours=5))
    claim_id = await opened_by(any_house, "Sari", await link_to(any_house, camera_id))
    async with any_house.acting("Sari") as (work, sari):
        await give_consent(work, sari)
        set_phone(work, sari, "+6281255500777", verified=True)
        [camera] = await take_over(work, sari, claim_id)
        assert (camera.owner_id, camera.state) == (sari.id, State.DRAFT)
        # Telegram's word for the number outweighs what was written down
        contact = contact_of(work, camera)
        assert (contact.name, contact.phone) == ("Ibu Sari", "+6281255500777")
        assert contact.phone_verified
        assert (await enrolment.missing(work, camera)) == "width"
    async with any_house.office.look() as work:
        assert await work.session.get(Person, stood_in) is None
        assert (await work.session.execute(select(Claim))).all() == []
        acts = {line.act: line for line in await lines_about(work, any_house.ids["Sari"])}
        assert acts[Act.RECORDED].actor_id == any_house.ids["Wayan"]
        assert acts[Act.CLAIMED].at - acts[Act.RECORDED].at == timedelta(hours=5)
    [told] = await any_house.told("Wayan")
    assert "mengambil alih 1 kamera" in told


async def test_all_cameras_of_one_owner_go_together(any_house: House) -> None:
    first = await recorded(any_house)
    async with any_house.acting("Wayan") as (work, wayan):
        beside = await any_house.camera(work, first)
        second = await recording.begin_recording(work, wayan, beside)
        assert contact_of(work, second).name == "Ibu Sari"
        await recording.locate(work, second, wayan, any_house.areas, SHOP)
        await recording.hand_over(work, second, wayan)
    claim_id = await opened_by(any_house, "Sari", await link_to(any_house, first))
    async with any_house.acting("Sari") as (work, sari):
        await give_consent(work, sari)
        assert len(await take_over(work, sari, claim_id)) == 2


async def test_an_unfinished_record_stays_with_the_officer(any_house: House) -> None:
    """What the owner takes over is what was handed over; the rest keeps its own stand-in."""
    first = await recorded(any_house)
    async with any_house.acting("Wayan") as (work, wayan):
        second = await recording.begin_recording(work, wayan, await any_house.camera(work, first))
        second_id = second.id
    claim_id = await opened_by(any_house, "Sari", await link_to(any_house, first))
    async with any_house.acting("Sari") as (work, sari):
        await give_consent(work, sari)
        [taken] = await take_over(work, sari, claim_id)
        assert taken.id == first
    async with any_house.acting("Wayan") as (work, wayan):
        left = await recording.recording_of(work, second_id, wayan)
        await recording.erase_recording(work, left, actor=wayan)
    async with any_house.office.look() as work:
        persons = (await work.session.execute(select(Person.id))).scalars().all()
        assert set(persons) == set(any_house.ids.values())


async def test_the_owner_has_it_erased_without_a_reason(any_house: House) -> None:
    camera_id = await recorded(any_house)
    link = await link_to(any_house, camera_id)
    claim_id = await opened_by(any_house, "Sari", link)
    async with any_house.acting("Sari") as (work, sari):
        assert await turn_down(work, sari, claim_id) == 1
    async with any_house.office.look() as work:
        for kind in (Camera, Photo, Claim):
            assert (await work.session.execute(select(kind))).all() == []
        assert len((await work.session.execute(select(Person))).all()) == len(any_house.ids)
    [told] = await any_house.told("Wayan")
    assert "dihapus" in told
    with pytest.raises(Refusal, match=r"claim\.not_valid"):
        await opened_by(any_house, "Sari", link)


async def test_erasing_takes_what_the_officer_has_not_finished(any_house: House) -> None:
    first = await recorded(any_house)
    async with any_house.acting("Wayan") as (work, wayan):
        await recording.begin_recording(work, wayan, await any_house.camera(work, first))
    claim_id = await opened_by(any_house, "Sari", await link_to(any_house, first))
    async with any_house.acting("Sari") as (work, sari):
        assert await turn_down(work, sari, claim_id) == 2
    async with any_house.office.look() as work:
        assert (await work.session.execute(select(Camera))).all() == []
        assert len((await work.session.execute(select(Person))).all()) == len(any_house.ids)


async def test_of_two_links_used_at_once_one_takes_it_over(any_house: House) -> None:
    camera_id = await recorded(any_house)
    claims = {}
    for name in ("Sari", "Budi"):
        claims[name] = await opened_by(any_house, name, await link_to(any_house, camera_id))
        async with any_house.acting(name) as (work, who):
            await give_consent(work, who)

    async def take(name: str) -> str:
        async with any_house.acting(name) as (work, who):
            await take_over(work, who, claims[name])
            # the other comes while this one is not committed yet
            await asyncio.sleep(0.3)
        return name

    outcomes = await asyncio.gather(*map(take, claims), return_exceptions=True)
    [winner] = [each for each in outcomes if isinstance(each, str)]
    [loser] = [each for each in outcomes if not isinstance(each, str)]
    assert isinstance(loser, Refusal)
    async with any_house.office.look() as work:
        camera = await any_house.camera(work, camera_id)
        assert (camera.owner_id, camera.state) == (any_house.ids[winner], State.DRAFT)


async def test_an_officer_does_not_erase_what_is_just_taken_over(any_house: House) -> None:
    camera_id = await recorded(any_house)
    claim_id = await opened_by(any_house, "Sari", await link_to(any_house, camera_id))
    async with any_house.acting("Sari") as (work, sari):
        await give_consent(work, sari)

    async def take() -> None:
        async with any_house.acting("Sari") as (work, sari):
            await take_over(work, sari, claim_id)
            await asyncio.sleep(0.3)

    async def erase() -> None:
        await asyncio.sleep(0.1)
        async with any_house.acting("Wayan") as (work, wayan):
            camera = await recording.recording_of(work, camera_id, wayan)
            await recording.erase_recording(work, camera, actor=wayan)

    taken, erased = await asyncio.gather(take(), erase(), return_exceptions=True)
    assert taken is None
    assert isinstance(erased, Refusal)
    async with any_house.office.look() as work:
        assert (await any_house.camera(work, camera_id)).owner_id == any_house.ids["Sari"]


async def test_a_photo_that_is_none_is_asked_of_the_officer(any_house: House) -> None:
    camera_id = await recorded(any_house)
    await fetch_photos(any_house.office, any_house.files, Telegram(b"no picture"))
    [told] = await any_house.messages("Wayan")
    [[again]] = told.keyboard
    assert again.payload == f"rec.photos:{camera_id}"


async def test_nobody_consents_in_an_owners_place(any_house: House) -> None:
    camera_id = await recorded(any_house)
    link = await link_to(any_house, camera_id)
    with pytest.raises(Refusal, match=r"claim\.own_record"):
        await opened_by(any_house, "Wayan", link)
    claim_id = await opened_by(any_house, "Sari", link)
    async with any_house.acting("Sari") as (work, sari):
        with pytest.raises(Refusal, match=r"consent\.needed"):
            await take_over(work, sari, claim_id)


async def test_a_claim_is_whose_phone_opened_it(any_house: House) -> None:
    camera_id = await recorded(any_house)
    link = await link_to(any_house, camera_id)
    claim_id = await opened_by(any_house, "Sari", link)
    for act in (take_over, turn_down):
        async with any_house.acting("Citra") as (work, citra):
            await give_consent(work, citra)
            with pytest.raises(Refusal, match=r"claim\.not_valid"):
                await act(work, citra, claim_id)
    for forged in (link + "x", "klaim_", "klaim_" + "A" * 32):
        with pytest.raises(Refusal, match=r"claim\.not_valid"):
            await opened_by(any_house, "Citra", forged)


async def test_officers_reach_their_own_records_only(any_house: House) -> None:
    camera_id = await recorded(any_house)
    async with any_house.acting("Dewi") as (work, dewi):
        with pytest.raises(Refusal, match=r"roles\.needed"):
            await recording.begin_recording(work, dewi)
        with pytest.raises(Refusal, match=r"record\.over"):
            await recording.recording_of(work, camera_id, dewi)


async def test_no_officer_records_beyond_the_own_areas(any_house: House) -> None:
    with pytest.raises(Refusal, match=r"roles\.not_here"):
        await recorded(any_house, at=ELSEWHERE)
    with pytest.raises(Refusal, match=r"location\.outside"):
        await recorded(any_house, at=(-6.9, 107.6))
    async with any_house.office.look() as work:
        assert (await work.session.execute(select(Camera))).all() == []


async def test_what_no_owner_takes_over_is_erased(any_house: House) -> None:
    camera_id = await recorded(any_house)
    link = await link_to(any_house, camera_id)
    claim_id = await opened_by(any_house, "Sari", link)
    any_house.clock.advance(timedelta(days=29, hours=23))
    async with any_house.office.work() as work:
        assert await recording.erase_unclaimed(work) == 0
    any_house.clock.advance(timedelta(hours=2))
    async with any_house.acting("Sari") as (work, sari):
        await give_consent(work, sari)
        with pytest.raises(Refusal, match=r"claim\.not_valid"):
            await take_over(work, sari, claim_id)
    async with any_house.office.work() as work:
        assert await recording.erase_unclaimed(work) == 1
        assert await recording.erase_unclaimed(work) == 0
        for kind in (Camera, Photo, Claim):
            assert (await work.session.execute(select(kind))).all() == []
