"""From the first draft to the queue: what may be answered, and what must be there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from nobs_bot.cameras import connection, enrolment
from nobs_bot.cameras.checks import ask_check
from nobs_bot.cameras.enrolment import erase_silent_drafts, missing, submit
from nobs_bot.cameras.photos import Photo, add_photo, drop_photos, photo_count
from nobs_bot.cameras.record import Camera, State, Width, contact_of
from nobs_bot.errors import Refusal
from nobs_bot.people.consent import give_consent, withdraw_consent
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import KELURAHAN, MONDAY, SHOP, House


async def count(house: House, kind: Any) -> int:
    async with house.office.look() as work:
        query = select(func.count()).select_from(kind)
        return int((await work.session.execute(query)).scalar_one())


async def test_without_consent_nothing_begins(house: House) -> None:
    async with house.acting("Sari") as (work, sari):
        with pytest.raises(Refusal, match=r"consent\.needed"):
            await enrolment.begin(work, sari)
    assert await count(house, Camera) == 0


async def test_a_draft_begins_with_what_is_known_of_the_owner(house: House) -> None:
    async with house.acting("Sari") as (work, sari):
        await give_consent(work, sari)
        camera = await enrolment.begin(work, sari)
        assert contact_of(work, camera).name == "Sari"
        assert (camera.state, camera.number) == (State.DRAFT, None)
        assert (camera.share_footage, camera.share_stills, camera.share_live) == (
            True,
            False,
            False,
        )
        draft = await enrolment.draft_of(work, sari)
        assert draft is not None
        assert draft.id == camera.id


async def test_a_whole_draft_is_submitted_with_a_number(house: House) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        assert await submit(work, camera, sari) == 0
        assert (camera.state, camera.name, camera.area_code) == (
            State.WAITING,
            "K-1001",
            KELURAHAN,
        )
        assert camera.submitted_at == MONDAY
        await work.session.flush()
        assert (await lines_about(work, sari.id))[0].act is Act.SUBMITTED


async def test_how_many_wait_before_it_counts_the_same_kelurahan(house: House) -> None:
    await house.waiting()
    house.clock.advance(timedelta(minutes=1))
    await house.waiting("Budi", at=(-6.1360, 106.7300))
    house.clock.advance(timedelta(minutes=1))
    camera_id = await house.draft("Budi")
    async with house.acting("Budi") as (work, budi):
        assert await submit(work, await house.camera(work, camera_id), budi) == 1


async def test_submitting_after_consent_was_withdrawn_is_refused(house: House) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, sari):
        await withdraw_consent(work, sari)
        with pytest.raises(Refusal, match=r"consent\.needed"):
            await submit(work, await house.camera(work, camera_id), sari)


@pytest.mark.parametrize(
    ("field", "gap"),
    [
        ({"place_kind": None}, "place"),
        ({"area_code": None}, "location"),
        ({"heading_deg": None}, "heading"),
        ({"width": None}, "width"),
        ({"range_m": None}, "range"),
        ({"indoors": None}, "indoors"),
        ({"retention_days": None}, "retention"),
        ({"sharing_chosen": False}, "sharing"),
        ({"share_stills": True}, "stream"),
        ({"share_live": True}, "stream"),
    ],
)
async def test_each_gap_is_named_and_keeps_it_out_of_the_queue(
    house: House, field: dict[str, Any], gap: str
) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        for name, value in field.items():
            setattr(camera, name, value)
        assert await missing(work, camera) == gap
        with pytest.raises(Refusal, match=r"enrol\.summary\.incomplete"):
            await submit(work, camera, sari)
        assert camera.number is None


async def test_a_camera_without_photos_is_not_whole(house: House) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, _):
        await drop_photos(work, camera_id)
        await work.session.flush()
        assert await missing(work, await house.camera(work, camera_id)) == "photos"


@pytest.mark.parametrize(("heading", "width"), [(None, Width.NORMAL), (None, Width.ALL_ROUND)])
async def test_an_unknown_heading_is_an_answer(house: House, heading: None, width: Width) -> None:
    camera_id = await house.draft(heading_deg=heading, width=width)
    async with house.acting("Sari") as (work, _):
        assert await missing(work, await house.camera(work, camera_id)) is None


async def test_nothing_shared_is_refused(house: House) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        camera.share_footage = False
        with pytest.raises(Refusal, match=r"enrol\.sharing\.nothing"):
            await submit(work, camera, sari)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Ibu Sari", "Ibu Sari"),
        ("  Ibu   Sari \n", "Ibu Sari"),
        ("Ng", "Ng"),
        ("Bpk. 7up", "Bpk. 7up"),
        ("S", None),
        ("", None),
        ("12345", None),
        ("...", None),
        ("a" * 80, "a" * 80),
        ("a" * 81, None),
    ],
)
async def test_names(house: House, name: str, kept: str | None) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        if kept is None:
            with pytest.raises(Refusal, match=r"enrol\.name\.wrong"):
                enrolment.set_contact_name(work, camera, sari, name)
            return
        enrolment.set_contact_name(work, camera, sari, name)
        assert contact_of(work, camera).name == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("0812 3456 7890", "+6281234567890"),
        ("+62 812-3456-7890", "+6281234567890"),
        ("62812 3456 7890", "+6281234567890"),
        ("(021) 5556789", "+62215556789"),
        ("+49 30 901820", "+4930901820"),
        ("0812", None),
        ("110", None),
        ("halo", None),
        ("", None),
        ("+999 123", None),
    ],
)
def test_phone_numbers(text: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(Refusal, match=r"enrol\.phone\.wrong"):
            enrolment.read_phone(text)
    else:
        assert enrolment.read_phone(text) == kept


async def test_a_number_that_telegram_vouches_for_may_come_without_its_plus(house: House) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        enrolment.set_contact_phone(work, camera, sari, "628125550101", verified=True)
        contact = contact_of(work, camera)
        assert (contact.phone, contact.phone_verified) == ("+628125550101", True)


@pytest.mark.parametrize("place", [(-6.9175, 107.6191), (-6.2, 106.9), (0.0, 0.0)])
async def test_a_place_outside_is_refused_and_not_kept(
    house: House, place: tuple[float, float]
) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, _):
        camera = await house.camera(work, camera_id)
        with pytest.raises(Refusal, match=r"location\.outside"):
            enrolment.set_location(work, camera, house.areas, *place)
        assert (camera.lat, camera.lon) == SHOP


async def test_the_pin_is_moved_by_metres_and_not_over_the_edge(house: House) -> None:
    from nobs_bot.places.geodesy import offset_m

    camera_id = await house.draft()
    async with house.acting("Sari") as (work, _):
        camera = await house.camera(work, camera_id)
        enrolment.nudge(work, camera, house.areas, 5, -25)
        assert offset_m(*SHOP, camera.lat or 0, camera.lon or 0) == pytest.approx((5, -25), abs=0.1)
        with pytest.raises(Refusal, match=r"location\.outside"):
            enrolment.nudge(work, camera, house.areas, 50_000, 0)


@pytest.mark.parametrize(("given", "kept"), [(0, 0), (359.5, 359.5), (360, 0), (-15, 345)])
async def test_headings_stay_within_the_circle(house: House, given: float, kept: float) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, _):
        camera = await house.camera(work, camera_id)
        enrolment.set_heading(work, camera, given)
        assert (camera.heading_deg, camera.heading_unknown) == (kept, False)


@pytest.mark.parametrize("days", [-1, 366, 100_000])
async def test_days_that_no_recorder_keeps_are_refused(house: House, days: int) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, _):
        with pytest.raises(Refusal, match=r"enrol\.retention\.wrong"):
            enrolment.set_retention(work, await house.camera(work, camera_id), days)


async def test_what_was_changed_after_review_must_be_looked_at_again(house: House) -> None:
    camera_id = await house.approved()
    async with house.acting("Sari") as (work, _):
        camera = await house.camera(work, camera_id)
        enrolment.set_heading(work, camera, 90)
        assert camera.state is State.CHANGE_ASKED
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        await submit(work, camera, sari)
        assert (camera.state, camera.name) == (State.WAITING, "K-1001")


async def test_declining_the_stream_forgets_its_secrets(house: House) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, _):
        camera = await house.camera(work, camera_id)
        camera.share_stills = camera.share_live = True
        address = connection.read_address("rtsp://warga:tops3cret@cam.example/1")
        connection.set_stream(work, camera, address)
        assert b"tops3cret" not in (camera.stream or b"")
        assert connection.stream_of(work, camera) == address
        enrolment.decline_stream(work, camera)
        assert (camera.stream, camera.stream_index) == (None, None)
        assert not camera.needs_stream
        assert await missing(work, camera) is None


async def test_a_draft_is_erased_after_fourteen_silent_days(any_house: House) -> None:
    silent, kept = await any_house.draft(), await any_house.waiting("Budi")
    async with any_house.acting("Sari") as (work, _):
        await ask_check(work, await any_house.camera(work, silent), tell_owner=False)
    any_house.clock.advance(timedelta(days=14))
    async with any_house.office.work() as work:
        assert await erase_silent_drafts(work) == 0
    any_house.clock.advance(timedelta(seconds=1))
    async with any_house.office.work() as work:
        assert await erase_silent_drafts(work) == 1
    async with any_house.office.look() as work:
        assert (await work.session.execute(select(Camera.id))).scalars().all() == [kept]
        assert (await work.session.execute(select(Photo.camera_id))).scalars().all() == [kept]


async def test_a_word_from_the_owner_keeps_the_draft(house: House) -> None:
    camera_id = await house.draft()
    house.clock.advance(timedelta(days=13))
    async with house.acting("Sari") as (work, _):
        enrolment.set_indoors(work, await house.camera(work, camera_id), True)
    house.clock.advance(timedelta(days=13))
    async with house.office.work() as work:
        assert await erase_silent_drafts(work) == 0


async def test_the_same_photo_twice_is_one_and_four_are_enough(house: House) -> None:
    camera_id = await house.draft()
    async with house.acting("Sari") as (work, _):
        camera = await house.camera(work, camera_id)
        assert await add_photo(work, camera, "again", "unique") == 1
        for number in range(2, 5):
            assert await add_photo(work, camera, f"f{number}", f"u{number}") == number
        with pytest.raises(Refusal, match=r"enrol\.photos\.enough"):
            await add_photo(work, camera, "f5", "u5")
        assert await photo_count(work, camera_id) == 4
