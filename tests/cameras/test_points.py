"""Points: who may name them, which cameras belong to them, and what counts as watched."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from nobs_bot.cameras import points, rights
from nobs_bot.cameras.connection import read_address, set_stream
from nobs_bot.cameras.points import PointCount, Watch
from nobs_bot.cameras.progress import progress, within
from nobs_bot.errors import Refusal
from nobs_bot.people.roles import Role, grant
from nobs_bot.places.geodesy import ahead
from nobs_bot.places.points import NamedPoint
from nobs_bot.storage.audit import Act, AuditLine
from tests.cast import DISTRICT, KECAMATAN, OTHER_KECAMATAN, SHOP, House

GATE = "Pintu utara Pasar Duri"


async def named(house: House, name: str = GATE, officer: str = "Wayan", **about: Any) -> int:
    async with house.acting(officer) as (work, who):
        at = about.get("at", SHOP)
        return (await points.name_point(work, who, house.areas, name, at)).id


async def watch(house: House, point_id: int) -> Watch:
    async with house.office.look() as work:
        point = await work.session.get(NamedPoint, point_id)
        assert point is not None
        return await points.watch_of(work, point)


async def connect(house: House, camera_id: int) -> None:
    async with house.office.work() as work:
        address = read_address(f"rtsp://admin:x@cam{camera_id}.example/1")
        set_stream(work, await house.camera(work, camera_id), address)


async def test_cameras_within_the_radius_belong_to_it(any_house: House) -> None:
    house = any_house
    point_id = await named(house)
    near = await house.approved(at=ahead(*SHOP, 45, 98))
    await house.approved("Budi", at=ahead(*SHOP, 45, 103))
    assert await watch(house, point_id) == Watch(1, 0)
    await connect(house, near)
    assert await watch(house, point_id) == Watch(1, 1)
    async with house.acting("Wayan") as (work, wayan):
        await points.set_radius(work, point_id, wayan, 150)
    assert await watch(house, point_id) == Watch(2, 1)
    # what waits, rests or has left does not watch
    await house.waiting("Citra", at=SHOP)
    async with house.acting("Sari") as (work, sari):
        rights.pause(work, await house.camera(work, near), sari)
    assert await watch(house, point_id) == Watch(1, 0)
    async with house.acting("Sari") as (work, sari):
        await rights.withdraw(work, await house.camera(work, near), sari)
    assert await watch(house, point_id) == Watch(1, 0)


@pytest.mark.parametrize("bearing", range(0, 360, 30))
async def test_the_circle_is_one_in_every_direction(house: House, bearing: int) -> None:
    point_id = await named(house)
    await house.approved(at=ahead(*SHOP, bearing, 99))
    await house.approved("Budi", at=ahead(*SHOP, bearing, 101))
    assert await watch(house, point_id) == Watch(1, 0)


async def test_progress_counts_those_with_a_connected_camera(any_house: House) -> None:
    house = any_house
    await named(house)
    await named(house, "Simpang Duri", at=ahead(*SHOP, 90, 300))
    gone = await named(house, "Pos lama", at=ahead(*SHOP, 0, 60))
    await connect(house, await house.approved())
    async with house.acting("Wayan") as (work, wayan):
        await points.remove(work, gone, wayan)
    async with house.office.look() as work:
        counts = (await points.count_points(work)).values()
        assert sum(each.named for each in counts) == 2
        assert sum(each.watched for each in counts) == 1
        whole = within(await progress(work, house.areas), KECAMATAN)
        assert (whole.points_named, whole.points_watched) == (2, 1)
        elsewhere = within(await progress(work, house.areas), OTHER_KECAMATAN)
        assert (elsewhere.points_named, elsewhere.points_watched) == (0, 0)
    assert PointCount() == PointCount(0, 0)


async def test_a_name_is_once_in_a_kelurahan_until_it_is_free(house: House) -> None:
    first = await named(house)
    with pytest.raises(Refusal, match="name_taken"):
        await named(house, GATE.upper())
    async with house.acting("Wayan") as (work, wayan):
        await points.remove(work, first, wayan)
        await points.remove(work, first, wayan)
    second = await named(house)
    async with house.acting("Wayan") as (work, wayan):
        with pytest.raises(Refusal, match="name_taken"):
            await points.restore(work, first, wayan)
        await points.rename(work, second, wayan, "Pintu  selatan ")
        await points.restore(work, first, wayan)
        names = [point.name for point, _ in await points.points_in(work, [DISTRICT])]
        assert names == ["Pintu selatan", GATE]


@pytest.mark.parametrize("name", ["", "ab", "  a  ", "123", "x" * 61, "\n\n"])
async def test_what_is_no_name_is_refused(house: House, name: str) -> None:
    with pytest.raises(Refusal, match="name_wrong"):
        await named(house, name)


@pytest.mark.parametrize("name", ["Sari", "Citra", "Dewi", "Rahmat"])
async def test_only_field_officers_and_supervisors_name_points(house: House, name: str) -> None:
    with pytest.raises(Refusal, match="roles"):
        await named(house, officer=name)
    point_id = await named(house)
    async with house.acting(name) as (work, who):
        for act in (
            points.rename(work, point_id, who, "Lain"),
            points.set_radius(work, point_id, who, 150),
            points.remove(work, point_id, who),
            points.restore(work, point_id, who),
        ):
            with pytest.raises(Refusal, match="roles"):
                await act


async def test_another_areas_officer_learns_nothing_of_a_point(house: House) -> None:
    point_id = await named(house)
    async with house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.SUPERVISOR, OTHER_KECAMATAN, granted_by=None)
    async with house.acting("Citra") as (work, citra):
        with pytest.raises(Refusal, match="none_such"):
            await points.point_for(work, point_id, citra)
        with pytest.raises(Refusal, match="roles"):
            await points.name_point(work, citra, house.areas, "Simpang", SHOP)
        with pytest.raises(Refusal, match="roles"):
            await points.remove(work, point_id, citra)
        with pytest.raises(Refusal, match="outside"):
            await points.name_point(work, citra, house.areas, "Bandung", (-6.9, 107.6))
        codes = await points.areas_known(work, citra)
        assert await points.points_in(work, codes) == []
    async with house.acting("Sari") as (work, sari):
        with pytest.raises(Refusal, match="roles"):
            await points.areas_known(work, sari)


async def test_every_change_is_logged_and_a_double_tap_once(house: House) -> None:
    point_id = await named(house)
    async with house.acting("Wayan") as (work, wayan):
        for _ in range(2):
            await points.set_radius(work, point_id, wayan, 50)
            await points.rename(work, point_id, wayan, "Pintu selatan")
        for _ in range(2):
            await points.remove(work, point_id, wayan)
        with pytest.raises(Refusal, match="stale"):
            await points.set_radius(work, point_id, wayan, 99)
    async with house.office.look() as work:
        query = select(AuditLine.act).order_by(AuditLine.id)
        acts = (await work.session.execute(query)).scalars().all()
    wanted = [Act.POINT_NAMED, Act.POINT_CHANGED, Act.POINT_CHANGED, Act.POINT_REMOVED]
    assert [act for act in acts if act.value.startswith("point_")] == wanted
