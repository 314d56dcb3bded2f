"""A look at a camera: who may, under whose terms, and that the owner is told and can end it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from nobs_bot.cameras.connection import forget_stream
from nobs_bot.cameras.rights import pause
from nobs_bot.errors import Refusal
from nobs_bot.footage.live import terms, views
from nobs_bot.footage.live.record import Ending, LiveTerms
from nobs_bot.footage.live.rights import LiveHolder
from nobs_bot.messaging.chats import mark_unreachable
from nobs_bot.people.roles import Role, end_role, grant, grants_of
from nobs_bot.storage.audit import Act, AuditLine
from tests.cast import OTHER_KECAMATAN, House
from tests.footage.live.looking import CASE, DEMAND, all_views, change, look, shared, view


async def acts(house: House, owner: str = "Sari") -> list[Act]:
    async with house.office.look() as work:
        query = (
            select(AuditLine.act)
            .where(AuditLine.owner_id == house.ids[owner])
            .where(AuditLine.act.in_((Act.LIVE_OPENED, Act.LIVE_ENDED)))
            .order_by(AuditLine.id)
        )
        return list((await work.session.execute(query)).scalars())


async def stop(house: House, view_id: int, name: str = "Sari") -> None:
    async with house.acting(name) as (work, who):
        await views.stop(work, view_id, who)


async def test_the_owner_is_told_at_once_who_looks_and_why(any_house: House) -> None:
    house = any_house
    camera_id = await shared(house)
    view_id = await look(house, camera_id)
    message = (await house.messages("Sari"))[-1]
    for said in ("Rahmat", "penyidik", "K-1001", CASE, "begal", "10.05 WIB"):
        assert said in message.text
    assert message.keyboard[0][0].payload.startswith("live.stop")
    assert await acts(house) == [Act.LIVE_OPENED]
    found = await view(house, view_id)
    assert found.ends_at - found.started_at == timedelta(minutes=5)
    assert CASE.encode() not in found.words, "the case is sealed"


@pytest.mark.parametrize("name", ["Citra", "Dewi", "Wayan", "Sari"])
async def test_nobody_but_investigators_and_supervisors_looks(house: House, name: str) -> None:
    camera_id = await shared(house)
    with pytest.raises(Refusal, match=r"live\.not_here"):
        await look(house, camera_id, name)
    assert await all_views(house) == []
    assert len(await house.told("Sari")) == len(await house.told("Sari"))


async def test_an_investigator_of_elsewhere_does_not_learn_that_it_is_there(house: House) -> None:
    camera_id = await shared(house)
    async with house.acting("Rahmat") as (work, who):
        for held in await grants_of(work, who.id):
            held.ended_at = work.now
        await grant(work, who, Role.INVESTIGATOR, OTHER_KECAMATAN, granted_by=None)
    for each in (camera_id, camera_id + 1):
        with pytest.raises(Refusal, match=r"live\.not_here"):
            await look(house, each)


@pytest.mark.parametrize(
    ("about", "refused"),
    [
        ({"share_live": False}, "live.not_shared"),
        ({"stream": None, "stream_index": None}, "live.not_shared"),
    ],
)
async def test_what_is_not_shared_is_not_shown(
    house: House, about: dict[str, Any], refused: str
) -> None:
    camera_id = await shared(house)
    await change(house, camera_id, **about)
    with pytest.raises(Refusal, match=refused):
        await look(house, camera_id)


async def test_a_paused_camera_is_as_if_it_were_not_there(house: House) -> None:
    camera_id = await shared(house)
    async with house.acting("Sari") as (work, who):
        pause(work, await house.camera(work, camera_id), who)
    with pytest.raises(Refusal, match=r"live\.not_here"):
        await look(house, camera_id)


@pytest.mark.parametrize(
    "demand",
    [
        replace(DEMAND, minutes=16),
        replace(DEMAND, minutes=0),
        replace(DEMAND, case_number="?"),
        replace(DEMAND, emergency_reason="x"),
        replace(DEMAND, emergency_reason="x" * 301),
    ],
)
async def test_a_demand_that_is_none_is_refused(house: House, demand: views.Demand) -> None:
    camera_id = await shared(house)
    with pytest.raises(Refusal):
        await look(house, camera_id, demand=demand)
    assert await all_views(house) == []


async def test_hours_that_the_owner_allows(house: House) -> None:
    camera_id = await shared(house)
    async with house.acting("Sari") as (work, who):
        camera = await house.camera(work, camera_id)
        await terms.set_hours(work, camera, who, (22 * 60, 5 * 60))
    with pytest.raises(Refusal, match=r"live\.not_now"):
        await look(house, camera_id)
    house.clock.advance(timedelta(hours=18, minutes=57))  # 04.57 WIB
    found = await view(house, await look(house, camera_id))
    assert found.ends_at - found.started_at == timedelta(minutes=3), "no longer than the hours"


async def test_emergencies_only(house: House) -> None:
    camera_id = await shared(house)
    async with house.acting("Sari") as (work, who):
        await terms.switch_emergencies(work, await house.camera(work, camera_id), who)
    with pytest.raises(Refusal, match=r"live\.emergencies_only"):
        await look(house, camera_id)
    urgent = replace(DEMAND, emergency_reason="Korban masih <di dalam> toko")
    await look(house, camera_id, demand=urgent)
    assert "Korban masih &lt;di dalam&gt; toko" in (await house.told("Sari"))[-1]
    assert "Korban masih" in (await house.told("Kartika"))[-1], "somebody above hears of it"


async def test_no_emergency_without_anybody_above(house: House) -> None:
    camera_id = await shared(house)
    urgent = replace(DEMAND, emergency_reason="Korban masih di dalam toko")
    with pytest.raises(Refusal, match=r"request\.no_supervisor"):
        await look(house, camera_id, "Kartika", urgent)


async def test_an_owner_who_cannot_be_told_is_not_looked_at(house: House) -> None:
    camera_id = await shared(house)
    async with house.acting("Sari") as (work, who):
        assert who.telegram_id is not None
        await mark_unreachable(work, who.telegram_id, "forbidden")
    with pytest.raises(Refusal, match=r"live\.owner_unreachable"):
        await look(house, camera_id)


async def test_a_second_tap_is_the_same_look(house: House) -> None:
    camera_id = await shared(house)
    first = await look(house, camera_id)
    told = len(await house.told("Sari"))
    assert await look(house, camera_id) == first
    assert len(await house.told("Sari")) == told
    assert await look(house, camera_id, "Kartika") != first


async def test_for_another_case_it_is_another_look(any_house: House) -> None:
    house = any_house
    camera_id = await shared(house)
    first = await look(house, camera_id)
    second = await look(house, camera_id, demand=replace(DEMAND, case_number="LP/B/7/XI/2026"))
    assert second != first
    assert (await view(house, first)).ending is Ending.VIEWER
    assert (await view(house, second)).ended_at is None
    assert "LP/B/7/XI/2026" in "\n".join(await house.told("Sari"))


async def test_looks_do_not_add_up_to_a_watch(house: House) -> None:
    camera_id = await shared(house)
    quarter = replace(DEMAND, minutes=15)
    for _ in range(4):
        await look(house, camera_id, demand=quarter)
        house.clock.advance(timedelta(minutes=16))
        async with house.office.work() as work:
            await views.end_lost(work)
    with pytest.raises(Refusal, match=r"live\.enough"):
        await look(house, camera_id)
    with pytest.raises(Refusal, match=r"live\.enough"):
        await look(house, camera_id, "Kartika")
    house.clock.advance(timedelta(hours=23))
    await look(house, camera_id)


async def test_the_owner_ends_it_with_one_tap_and_it_rests(any_house: House) -> None:
    house = any_house
    camera_id = await shared(house)
    view_id = await look(house, camera_id)
    house.clock.advance(timedelta(minutes=2))
    await stop(house, view_id)
    found = await view(house, view_id)
    assert found.ending is Ending.OWNER
    assert found.due_at is None
    assert "Anda menghentikannya" in (await house.told("Sari"))[-1]
    assert await acts(house) == [Act.LIVE_OPENED, Act.LIVE_ENDED]
    with pytest.raises(Refusal, match=r"live\.over_already"):
        await stop(house, view_id)
    with pytest.raises(Refusal, match=r"live\.rests"):
        await look(house, camera_id)
    async with house.acting("Sari") as (work, _):
        await terms.end_rest(work, await house.camera(work, camera_id))
    await look(house, camera_id)


async def test_nobody_else_ends_an_owners_look(house: House) -> None:
    view_id = await look(house, await shared(house))
    for name in ("Budi", "Rahmat", "Citra"):
        with pytest.raises(Refusal, match=r"live\.not_yours"):
            await stop(house, view_id, name)
    assert (await view(house, view_id)).ended_at is None


async def test_a_page_that_is_gone_ends_it_and_so_does_time(house: House) -> None:
    camera_id = await shared(house)
    view_id = await look(house, camera_id)
    house.clock.advance(timedelta(seconds=20))
    async with house.office.work() as work:
        found = await views.locked(work, view_id)
        assert found is not None
        views.report(work, found)
    house.clock.advance(timedelta(seconds=20))
    async with house.office.work() as work:
        assert await views.end_lost(work) == 0
    house.clock.advance(timedelta(seconds=20))
    async with house.office.work() as work:
        assert await views.end_lost(work) == 1
    assert (await view(house, view_id)).ending is Ending.LOST
    again = await look(house, camera_id)
    house.clock.advance(timedelta(hours=1))
    async with house.office.work() as work:
        await views.end_lost(work)
    found = await view(house, again)
    assert found.ending is Ending.TIME
    assert found.ended_at == found.ends_at, "whoever was down, it lasted no longer"


async def test_who_left_the_page_has_a_moment_to_come_back(house: House) -> None:
    view_id = await look(house, await shared(house))
    async with house.office.work() as work:
        found = await views.locked(work, view_id)
        assert found is not None
        views.left(work, found)
    house.clock.advance(views.COMES_BACK_WITHIN + timedelta(seconds=1))
    async with house.office.work() as work:
        assert await views.end_lost(work) == 1


@pytest.mark.parametrize("what", ["pause", "switch", "stream", "withdrawn"])
async def test_what_the_owner_does_to_the_camera_ends_it(house: House, what: str) -> None:
    camera_id = await shared(house)
    view_id = await look(house, camera_id)
    async with house.acting("Sari") as (work, who):
        camera = await house.camera(work, camera_id)
        if what == "pause":
            pause(work, camera, who)
        elif what == "switch":
            camera.share_live = False
        elif what == "stream":
            forget_stream(camera)
        else:
            await views.let_go_of(work, camera)
    async with house.office.look() as work:
        assert await views.over(work, [view_id]) == {view_id: Ending.CAMERA}


async def test_terms_that_change_meanwhile_end_what_they_do_not_allow(house: House) -> None:
    camera_id = await shared(house)
    view_id = await look(house, camera_id)
    async with house.acting("Budi") as (work, who):
        await grant(work, who, Role.SUPERVISOR, "31.73", granted_by=None)
    urgent = replace(DEMAND, emergency_reason="Ada korban")
    urgent_id = await look(house, camera_id, "Kartika", urgent)
    async with house.acting("Sari") as (work, who):
        camera = await house.camera(work, camera_id)
        await terms.set_hours(work, camera, who, (6 * 60, 18 * 60))
        await views.end_what_is_not_allowed(work, camera)
    assert (await view(house, view_id)).ending is None, "it is ten in the morning"
    async with house.acting("Sari") as (work, who):
        camera = await house.camera(work, camera_id)
        await terms.switch_emergencies(work, camera, who)
        await views.end_what_is_not_allowed(work, camera)
    assert (await view(house, view_id)).ending is Ending.CAMERA
    assert (await view(house, urgent_id)).ending is None
    async with house.acting("Sari") as (work, who):
        camera = await house.camera(work, camera_id)
        await terms.set_hours(work, camera, who, (22 * 60, 5 * 60))
        await views.end_what_is_not_allowed(work, camera)
    assert (await view(house, urgent_id)).ending is Ending.CAMERA


async def test_a_role_that_ended_ends_it(house: House) -> None:
    camera_id = await shared(house)
    view_id = await look(house, camera_id)
    async with house.acting("Kartika") as (work, chief):
        await grant(work, chief, Role.ADMINISTRATOR, "31.73", granted_by=None)
        (held,) = await grants_of(work, house.ids["Rahmat"])
        await end_role(work, held.id, chief)
    async with house.office.look() as work:
        found = await view(house, view_id)
        assert not await views.may_still(work, found, await house.camera(work, camera_id))


async def test_the_list_holds_what_may_be_watched_in_the_area(house: House) -> None:
    mine = await shared(house)
    await house.approved("Budi")
    async with house.office.look() as work:
        assert [c.id for c in await views.cameras_to_watch(work, ["31.73.04"])] == [mine]
        assert await views.cameras_to_watch(work, [OTHER_KECAMATAN]) == []
        assert await views.cameras_to_watch(work, ["31.73.0"]) == []
        assert [c.id for c in await views.cameras_to_watch(work, ["31.73"], 1001)] == [mine]
        assert await views.cameras_to_watch(work, ["31.73"], 1002) == []


async def test_the_owner_takes_a_copy_and_is_forgotten(any_house: House) -> None:
    house = any_house
    camera_id = await shared(house)
    async with house.acting("Sari") as (work, who):
        await terms.set_hours(work, await house.camera(work, camera_id), who, (60, 120))
    async with house.acting("Sari") as (work, _):
        await work.session.execute(update(LiveTerms).values(from_min=None, until_min=None))
    await look(house, camera_id)
    async with house.office.work() as work:
        (copy,) = await LiveHolder().export(work, house.ids["Sari"])
        assert copy["case_number"] == CASE
        await LiveHolder().erase(work, house.ids["Sari"])
    assert await all_views(house) == []
    async with house.office.look() as work:
        assert (await work.session.execute(select(LiveTerms))).first() is None


async def test_one_tap_ends_what_every_officer_sees(any_house: House) -> None:
    camera_id = await shared(any_house)
    one = await look(any_house, camera_id, "Rahmat")
    two = await look(any_house, camera_id, "Kartika")
    await stop(any_house, one)
    async with any_house.office.look() as work:
        assert set(await views.over(work, [one, two])) == {one, two}
    assert {each.ending for each in await all_views(any_house)} == {Ending.OWNER}
