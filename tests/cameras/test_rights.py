"""What an owner may always do: pause, change what is shared, and leave."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, text

from nobs_bot.cameras import rights
from nobs_bot.cameras.checks import Check, ask_check
from nobs_bot.cameras.connection import read_address, refuse_factory_password, set_stream
from nobs_bot.cameras.lookalikes import lookalikes, neighbours
from nobs_bot.cameras.photos import Photo, fetch_photos
from nobs_bot.cameras.record import Camera, State, Turning, camera_of, cameras_owned
from nobs_bot.errors import Refusal
from nobs_bot.places.geodesy import ahead
from nobs_bot.storage.audit import Act, lines_about
from nobs_bot.storage.doomed import remove_doomed
from tests.cameras.test_photos import Telegram, picture
from tests.cast import MONDAY, SHOP, House

ADDRESS = "rtsp://warga:tops3cret@cam.example/1"


async def with_stream(house: House, camera_id: int, address: str = ADDRESS) -> None:
    async with house.office.work() as work:
        set_stream(work, await house.camera(work, camera_id), read_address(address))


async def test_withdrawing_erases_secrets_place_and_pictures_at_once(any_house: House) -> None:
    camera_id = await any_house.approved()
    await with_stream(any_house, camera_id)
    await fetch_photos(any_house.office, any_house.files, Telegram(picture()))
    async with any_house.acting("Sari") as (work, sari):
        camera = await any_house.camera(work, camera_id)
        await ask_check(work, camera, tell_owner=True)
        await work.session.flush()
        await rights.withdraw(work, camera, sari)
    async with any_house.office.look() as work:
        camera = await any_house.camera(work, camera_id)
        kept = {
            name: value for name, value in camera.as_row().items() if value not in (None, False)
        }
        assert set(kept) == {
            "id",
            "number",
            "owner_id",
            "state",
            "area_code",
            "sharing_chosen",
            "created_at",
            "touched_at",
            "submitted_at",
            "decided_at",
            "withdrawn_at",
            "turning",
            "change_id",
        }
        assert camera.turning is Turning.UNKNOWN
        assert (camera.state, camera.withdrawn_at) == (State.WITHDRAWN, MONDAY)
        assert (await work.session.execute(select(Photo))).all() == []
        assert (await work.session.execute(select(Check))).all() == []
        assert (await lines_about(work, any_house.ids["Sari"]))[0].act is Act.WITHDRAWN
    assert await remove_doomed(any_house.office, any_house.files) == 1


# on SQLite nobody writes beside anybody
@pytest.mark.parametrize(
    "seated_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
async def test_a_check_that_ends_during_a_withdrawal_leaves_no_picture(any_house: House) -> None:
    house = any_house
    camera_id = await house.approved()
    async with house.office.work() as work:
        camera = await house.camera(work, camera_id)
        set_stream(work, camera, read_address("rtsp://warga:rahasia@cam.example/1"))
        await ask_check(work, camera, tell_owner=True)

    async def withdraws() -> None:
        async with house.acting("Sari") as (work, sari):
            camera = await work.session.get(Camera, camera_id)
            assert camera is not None
            await rights.withdraw(work, camera, sari)

    async with house.office.work() as ending:
        query = select(Check).where(Check.camera_id == camera_id).with_for_update()
        check = (await ending.session.execute(query)).scalar_one()
        check.still_name = "stills/seen"
        await ending.session.flush()
        await house.files.put("stills/seen", b"what the camera saw")
        withdrawal = asyncio.create_task(withdraws())
        await asyncio.sleep(0.5)
        assert not withdrawal.done()
    await withdrawal
    await remove_doomed(house.office, house.files)
    assert not await house.files.exists("stills/seen")


async def test_a_withdrawn_camera_is_nobodys_any_more(house: House) -> None:
    camera_id = await house.approved()
    async with house.acting("Sari") as (work, sari):
        await rights.withdraw(work, await camera_of(work, camera_id, sari.id), sari)
        await work.session.flush()
        assert await cameras_owned(work, sari.id) == []
        with pytest.raises(Refusal, match=r"cameras\.not_yours"):
            await camera_of(work, camera_id, sari.id)


@pytest.mark.parametrize("name", ["Budi", "Dewi", "Citra", "Kartika"])
async def test_another_persons_camera_is_as_if_it_were_not(house: House, name: str) -> None:
    camera_id = await house.approved()
    async with house.acting(name) as (work, who):
        with pytest.raises(Refusal) as theirs:
            await camera_of(work, camera_id, who.id)
        with pytest.raises(Refusal) as none:
            await camera_of(work, 4711, who.id)
        assert theirs.value.text_key == none.value.text_key
        assert theirs.value.params == none.value.params


async def test_pausing_and_resuming_take_effect_once(house: House) -> None:
    camera_id = await house.approved()
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        for _ in range(2):
            rights.pause(work, camera, sari)
        assert not camera.is_active
        for _ in range(2):
            rights.resume(work, camera, sari)
        assert camera.is_active
        await work.session.flush()
        acts = [line.act for line in await lines_about(work, sari.id)]
        assert acts[:2] == [Act.RESUMED, Act.PAUSED]
        assert acts.count(Act.PAUSED) == acts.count(Act.RESUMED) == 1


async def test_each_switch_turns_and_is_logged(house: House) -> None:
    camera_id = await house.approved()
    async with house.acting("Sari") as (work, sari):
        camera = await house.camera(work, camera_id)
        for what in rights.SHARES:
            before = getattr(camera, f"share_{what}")
            assert rights.switch_share(work, camera, sari, what) is not before
        assert (camera.share_footage, camera.share_stills, camera.share_live) == (
            False,
            True,
            True,
        )
        assert camera.state is State.APPROVED
        with pytest.raises(Refusal, match=r"buttons\.stale"):
            rights.switch_share(work, camera, sari, "owner_id")
        await work.session.flush()
        [newest, *_] = await lines_about(work, sari.id)
        assert newest.read_details(work) == {"field": "live", "value": True}


async def test_the_password_is_in_no_column(house: House) -> None:
    camera_id = await house.approved()
    await with_stream(house, camera_id)
    async with house.office.database.engine.connect() as connection:
        for row in (await connection.execute(text("SELECT * FROM cameras"))).all():
            assert not any(b"tops3cret" in value for value in row if isinstance(value, bytes))
            assert "tops3cret" not in str(row)


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("rtsp://admin:admin@cam.example/1", True),
        ("rtsp://admin:12345@cam.example/1", True),
        ("rtsp://admin:h4rd-to-guess-7@cam.example/1", False),
    ],
)
def test_factory_passwords_are_refused(address: str, refused: bool) -> None:
    if not refused:
        refuse_factory_password(read_address(address))
        return
    with pytest.raises(Refusal, match=r"stream\.factory_password"):
        refuse_factory_password(read_address(address))


# lookalikes


async def resembling(house: House, camera_id: int) -> list[tuple[str, bool]]:
    async with house.office.look() as work:
        camera = await house.camera(work, camera_id)
        return [(each.camera.name, each.same_stream) for each in await lookalikes(work, camera)]


@pytest.mark.parametrize(
    ("metres", "heading", "suspicious"),
    [
        (0, 135.0, True),
        (14, 135.0, True),
        (14, 135.0 + 45, True),
        (14, 135.0 + 46, False),
        (14, None, True),
        (16, 135.0, False),
    ],
)
async def test_the_same_mount_and_direction_is_suspicious(
    house: House, metres: float, heading: float | None, suspicious: bool
) -> None:
    await house.approved("Budi", at=ahead(*SHOP, 30, metres), heading_deg=heading)
    camera_id = await house.waiting()
    assert await resembling(house, camera_id) == ([("K-1001", False)] if suspicious else [])


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("rtsp://warga:tops3cret@cam.example/1", True),
        ("rtsp://other:an0ther@CAM.example:554/1", True),
        ("rtsp://warga:tops3cret@cam.example/2", False),
        ("rtsp://warga:tops3cret@cam.example:8554/1", False),
    ],
)
async def test_the_same_stream_is_found_wherever_it_is_said_to_hang(
    house: House, other: str, same: bool
) -> None:
    elsewhere = await house.approved("Budi", at=(-6.1360, 106.7300))
    await with_stream(house, elsewhere, other)
    camera_id = await house.waiting()
    await with_stream(house, camera_id)
    assert await resembling(house, camera_id) == ([("K-1001", True)] if same else [])


async def test_cameras_without_a_stream_are_not_alike_for_that(house: House) -> None:
    await house.approved("Budi", at=ahead(*SHOP, 0, 500))
    assert await resembling(house, await house.waiting()) == []


async def test_drafts_and_withdrawn_cameras_are_no_lookalikes(house: House) -> None:
    await house.draft("Budi")
    gone = await house.approved("Kartika")
    async with house.acting("Kartika") as (work, kartika):
        await rights.withdraw(work, await house.camera(work, gone), kartika)
    assert await resembling(house, await house.waiting()) == []


async def test_neighbours_are_those_that_take_part_nearby(house: House) -> None:
    near = await house.approved("Budi", at=ahead(*SHOP, 90, 80))
    await house.approved("Budi", at=ahead(*SHOP, 90, 400))
    await house.draft("Kartika")
    camera_id = await house.waiting()
    async with house.office.look() as work:
        found = await neighbours(work, await house.camera(work, camera_id))
        assert [each.id for each in found] == [near]
