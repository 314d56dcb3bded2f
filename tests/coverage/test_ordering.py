"""Orders: who may have what, what owners read of it, a survey's child that dies, last week."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from shapely import box
from shapely.geometry import shape
from sqlalchemy import select

from nobs_bot.cameras.record import Drift
from nobs_bot.cameras.rights import pause
from nobs_bot.coverage import hotspots
from nobs_bot.coverage.basemap import DATA
from nobs_bot.coverage.history import keep_weekly
from nobs_bot.coverage.hotspots import HotspotKind, Spot
from nobs_bot.coverage.ordering import Means, carry_out, order, order_table
from nobs_bot.coverage.orders import CoverageFigure, CoverageOrder, Wanted
from nobs_bot.coverage.surveyor import Standing, Surveyor, standing
from nobs_bot.coverage.turn import Turn, TurnState
from nobs_bot.coverage.turned import _conclude
from nobs_bot.coverage.worklist import GIVEN_UP_AFTER, ask_owner, replace_proposals
from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.people.roles import Role, grant, grants_of
from nobs_bot.places.importing import import_layer
from nobs_bot.places.layers import Layer
from nobs_bot.storage.audit import Act, lines_about
from nobs_bot.streams.children import Child, Children
from nobs_bot.streams.comparison import Change, Comparison
from tests.cast import DISTRICT, KECAMATAN, KELURAHAN, OTHER_KECAMATAN, House

# beside Jembatan Dua: to the east there is little road, to the south-east a lot
CORNER = (-6.14271, 106.79329)
TABLE = b"kind,lat,lon,radius_m\nbrawl,-6.1534,106.7981,150\n"


class Downloads:
    """Telegram's files, of which there is one."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def stream(self, file_id: str) -> AsyncIterator[bytes]:
        yield self.content


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    made = Children()
    yield made
    await made.close()


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the roads of Tambora only, which are reckoned in a moment."""
    folder = tmp_path_factory.mktemp("town")
    roads = json.loads((DATA / "roads.geojson").read_text(encoding="utf-8"))
    tambora = box(106.785, -6.165, 106.815, -6.13)
    roads["features"] = [
        each for each in roads["features"] if shape(each["geometry"]).intersects(tambora)
    ]
    path = folder / "roads.geojson"
    path.write_text(json.dumps(roads), encoding="utf-8")
    import_layer(path, Layer.ROADS, folder)
    return folder


@pytest.fixture
async def means(house: House, children: Children, town: Path) -> AsyncIterator[Means]:
    surveyor = Surveyor(children, "Polres Metro Jakarta Barat", town)
    yield Means(house.office, house.files, surveyor, house.areas, Downloads(TABLE))
    await surveyor.close()


async def ordered(
    house: House,
    means: Means,
    who: str,
    what: Wanted,
    area: str = KECAMATAN,
    place: tuple[float, float, float] | None = None,
) -> str:
    """What comes of an order: the text of the message."""
    async with house.acting(who) as (work, officer):
        assert await order(work, officer, what, area, place)
    assert await carry_out(means) == 1
    assert await carry_out(means) == 0
    return (await house.told(who))[-1]


async def seen_m(house: House, means: Means, area: str = KECAMATAN) -> float:
    async with house.office.look() as work:
        stands = await standing(work)
    return float((await means.surveyor.ask("figures", stands, areas=[area]))["whole"]["seen_m"])


@pytest.mark.parametrize("who", ["Wayan", "Dewi", "Rahmat", "Kartika"])
async def test_officers_get_figures_and_a_protected_chart(
    house: House, means: Means, who: str
) -> None:
    await house.approved("Sari", at=CORNER, heading_deg=135.0, range_m=40.0)
    told = await ordered(house, means, who, Wanted.COVERAGE)
    assert "Cakupan: Tambora" in told
    assert "kesalahan arah dan letak" in told
    message = (await house.messages(who))[-1]
    assert message.protected
    picture = await house.files.get(message.pictures[0].name)
    with Image.open(BytesIO(picture)) as image:
        assert image.size == (1200, 900)


@pytest.mark.parametrize(
    ("who", "what", "area"),
    [
        ("Citra", Wanted.COVERAGE, KECAMATAN),
        ("Sari", Wanted.RECRUIT, KELURAHAN),
        ("Wayan", Wanted.COVERAGE, OTHER_KECAMATAN),
        ("Wayan", Wanted.COVERAGE, DISTRICT),
        ("Wayan", Wanted.WORKLIST, KECAMATAN),
        ("Rahmat", Wanted.EXPORT, KECAMATAN),
        ("Dewi", Wanted.TABLE, KECAMATAN),
    ],
)
async def test_nobody_orders_what_is_not_theirs(
    house: House, who: str, what: Wanted, area: str
) -> None:
    async with house.acting(who) as (work, person):
        with pytest.raises(Refusal, match=r"roles\."):
            await order(work, person, what, area)
        if what is Wanted.TABLE:
            with pytest.raises(Refusal, match=r"roles\."):
                await order_table(work, person, "file")


async def test_a_role_that_ended_meanwhile_gets_nothing(house: House, means: Means) -> None:
    await house.approved("Sari", at=CORNER)
    async with house.acting("Wayan") as (work, wayan):
        await order(work, wayan, Wanted.COVERAGE, KECAMATAN)
        for held in await grants_of(work, wayan.id):
            held.ended_at = work.now
    await carry_out(means)
    [message] = await house.messages("Wayan")
    assert not message.pictures
    assert "hanya untuk petugas" in message.text


async def test_an_order_that_waits_is_not_given_twice(house: House) -> None:
    async with house.acting("Wayan") as (work, wayan):
        assert await order(work, wayan, Wanted.COVERAGE, KECAMATAN)
        assert not await order(work, wayan, Wanted.COVERAGE, KECAMATAN)
        assert await order(work, wayan, Wanted.COVERAGE, KECAMATAN, (*CORNER, 300.0))


async def test_owners_read_once_a_day_that_they_stood_on_a_chart(
    house: House, means: Means
) -> None:
    await house.approved("Sari", at=CORNER)
    await house.approved("Budi", at=(-6.17, 106.76))
    await ordered(house, means, "Wayan", Wanted.COVERAGE)
    await ordered(house, means, "Wayan", Wanted.COVERAGE, KECAMATAN, (*CORNER, 300.0))

    async def times(owner: str) -> int:
        async with house.office.look() as work:
            lines = await lines_about(work, house.ids[owner])
            return sum(line.act is Act.COVERAGE_SEEN for line in lines)

    assert (await times("Sari"), await times("Budi")) == (1, 0)
    house.clock.advance(timedelta(days=1, hours=1))
    await ordered(house, means, "Wayan", Wanted.COVERAGE)
    assert await times("Sari") == 2


async def test_hotspots_of_other_areas_are_neither_told_nor_labelled(
    house: House, means: Means
) -> None:
    async with house.acting("Kartika") as (work, kartika):
        for place in (CORNER, (-6.17, 106.76)):
            spot = Spot(HotspotKind.BRAWL, *place, 100.0)
            await hotspots.enter(work, kartika, house.areas, spot)
    told = await ordered(house, means, "Wayan", Wanted.COVERAGE)
    assert "H-1001" in told
    assert "H-1002" not in told


async def test_this_week_is_held_against_the_last(house: House, means: Means) -> None:
    first = await ordered(house, means, "Wayan", Wanted.COVERAGE)
    assert "minggu lalu" not in first
    house.clock.advance(timedelta(days=7))
    await house.approved("Sari", at=CORNER, heading_deg=135.0, range_m=40.0)
    second = await ordered(house, means, "Wayan", Wanted.COVERAGE)
    assert "lebih banyak daripada minggu lalu" in second
    async with house.office.look() as work:
        days = (await work.session.execute(select(CoverageFigure.day).distinct())).all()
    assert len(days) == 2


async def test_what_does_not_take_part_or_work_is_not_counted(house: House, means: Means) -> None:
    camera_id = await house.approved("Sari", at=CORNER, heading_deg=135.0, range_m=40.0)
    whole = await seen_m(house, means)
    assert whole > 30
    for change, counts in (
        ({"drift": Drift.DEAD}, False),
        ({"drift": Drift.COVERED}, False),
        ({"drift": Drift.MOVED}, True),
        ({"drift": None, "paused_at": house.clock.now()}, False),
        ({"paused_at": None, "indoors": True}, False),
        ({"indoors": None}, True),
    ):
        async with house.office.work() as work:
            camera = await house.camera(work, camera_id)
            for name, value in change.items():
                setattr(camera, name, value)
        now = await seen_m(house, means)
        assert now == pytest.approx(whole if counts else 0), change


async def test_a_worklist_is_made_and_the_field_officer_hears(house: House, means: Means) -> None:
    await house.approved("Sari", at=CORNER, heading_deg=90.0, range_m=40.0)
    told = await ordered(house, means, "Kartika", Wanted.WORKLIST)
    assert "1 kamera sebaiknya diarahkan ulang" in told
    assert "1 kamera di wilayah Anda" in (await house.told("Wayan"))[-1]
    async with house.office.look() as work:
        [turn] = (await work.session.execute(select(Turn))).scalars()
    assert turn.to_deg == 135
    assert turn.gain_m > 40
    assert turn.about["gained"]
    again = await ordered(house, means, "Kartika", Wanted.WORKLIST, OTHER_KECAMATAN)
    assert "tidak ada kamera yang perlu" in again


async def test_places_to_recruit_come_as_a_list_and_a_map(house: House, means: Means) -> None:
    told = await ordered(house, means, "Wayan", Wanted.RECRUIT, KELURAHAN)
    assert "1. " in told
    assert "https://www.google.com/maps?q=-6." in told
    message = (await house.messages("Wayan"))[-1]
    assert len(message.pictures[0].about["cones"]) > 5
    assert message.protected


async def test_an_export_is_a_file_without_people(house: House, means: Means) -> None:
    await house.approved("Sari", at=CORNER)
    await ordered(house, means, "Kartika", Wanted.EXPORT)
    message = (await house.messages("Kartika"))[-1]
    whole = json.loads(await house.files.get(message.pictures[0].name))
    assert [each["id"] for each in whole["features"]] == ["K-1001"]
    assert message.document == "kamera.geojson"


async def test_a_table_is_fetched_and_kept_or_refused_with_its_line(
    house: House, means: Means
) -> None:
    for content, said in (
        (TABLE, "1 titik rawan dicatat"),
        (TABLE.replace(b"brawl", b"x"), "Baris 2, kolom kind"),
        (b"\xff\xfe", "bukan CSV"),
        (b"," * 600_000, "terlalu besar"),
    ):
        assert isinstance(means.downloads, Downloads)
        means.downloads.content = content
        async with house.acting("Kartika") as (work, kartika):
            await order_table(work, kartika, "file")
        await carry_out(means)
        assert said in (await house.told("Kartika"))[-1]


async def test_a_child_that_was_killed_is_replaced(house: House, means: Means) -> None:
    await house.approved("Sari", at=CORNER, heading_deg=135.0, range_m=40.0)
    before = await seen_m(house, means)
    asked = means.surveyor._asked
    assert asked is not None
    os.kill(asked.child.pid, signal.SIGKILL)
    assert await seen_m(house, means) == before
    assert means.surveyor._asked is not asked


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, Child]]:
    """What children were told: the order, how many cameras or hotspots with it, and whom."""
    told: list[tuple[str, int, Child]] = []
    give = Child.give

    async def listened(child: Child, message: dict[str, Any], blob: bytes = b"") -> None:
        if "do" in message:
            told.append((message["do"], len(json.loads(blob)), child))
        await give(child, message, blob)

    monkeypatch.setattr(Child, "give", listened)
    return told


def a_large_register(count: int) -> Standing:
    """Cameras along the road at the corner."""
    lat, lon = CORNER
    sees = 135.0, 80.0, 20.0, False, ()
    return Standing([(each, lat, lon + each * 1e-6, *sees) for each in range(1, count + 1)], [])


async def metres(means: Means, stands: Standing) -> float:
    return float((await means.surveyor.ask("figures", stands, areas=[DISTRICT]))["whole"]["seen_m"])


async def test_a_large_register_is_told_in_parts(
    means: Means, given: list[tuple[str, int, Child]]
) -> None:
    many = a_large_register(500)
    few = Standing(many.cameras[-100:], [])
    seen = await metres(means, many)
    parts = [("hold", 200), ("hold", 200), ("hold", 100), ("stand", 0)]
    assert [each[:2] for each in given] == [*parts, ("figures", 0)]
    # who was told everything is not told again
    assert await metres(means, many) == seen
    assert [each[:2] for each in given[5:]] == [("figures", 0)]
    # and what is not named any more is gone
    assert await metres(means, few) < seen
    await means.surveyor.close()
    alone = await metres(means, few)
    assert await metres(means, many) == pytest.approx(seen)
    assert await metres(means, few) == pytest.approx(alone)


async def test_a_child_that_dies_while_it_is_told_leaves_nothing_out(
    means: Means, given: list[tuple[str, int, Child]], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = a_large_register(500)
    seen = await metres(means, many)
    await means.surveyor.close()
    given.clear()
    give = Child.give

    async def killed(child: Child, message: dict[str, Any], blob: bytes = b"") -> None:
        await give(child, message, blob)
        if "do" in message and len(given) == 2:
            os.kill(child.pid, signal.SIGKILL)

    monkeypatch.setattr(Child, "give", killed)
    assert await metres(means, many) == pytest.approx(seen)
    assert [each[1] for each in given] == [200, 200, 200, 200, 100, 0, 0]
    assert len({each[2].pid for each in given[2:]}) == 1


async def test_what_is_asked_about_a_camera_that_is_not_there_is_refused(
    means: Means, given: list[tuple[str, int, Child]]
) -> None:
    few = a_large_register(3)
    with pytest.raises(ExternalError, match="refused: KeyError"):
        await means.surveyor.ask("gain", few, camera=7, to_deg=90.0)
    # the child lives on, and knows what stands
    assert (await means.surveyor.ask("gain", few, camera=2, to_deg=90.0))["camera"] == 2
    assert [each[0] for each in given] == ["hold", "stand", "gain", "gain"]


async def test_a_page_does_not_wait_for_ever_for_the_orders_of_others(means: Means) -> None:
    few = a_large_register(3)
    async with means.surveyor._our_turn(None):
        with pytest.raises(ExternalError, match="busy"):
            await means.surveyor.ask("figures", few, patience_s=0.01, areas=[DISTRICT])
    await metres(means, few)


async def test_others_are_answered_while_a_large_register_is_told(means: Means) -> None:
    """Whoever waits gets a turn after each part, not once the child has all of it."""
    parts = 0
    turns: set[int] = set()
    give = Child.give

    async def count(child: Child, message: dict[str, Any], blob: bytes = b"") -> None:
        nonlocal parts
        parts += message.get("do") == "hold"
        await give(child, message, blob)

    async def others() -> None:
        while True:
            turns.add(parts)
            await asyncio.sleep(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Child, "give", count)
        waiting = asyncio.create_task(others())
        await metres(means, a_large_register(500))
        waiting.cancel()
    assert turns == {0, 1, 2, 3}


async def test_an_idle_child_goes(house: House, children: Children, town: Path) -> None:
    surveyor = Surveyor(children, "Polres Metro Jakarta Barat", town, idle_s=0.05)
    async with house.office.look() as work:
        stands = await standing(work)
    await surveyor.ask("figures", stands, areas=[KELURAHAN])
    asked = surveyor._asked
    assert asked is not None
    await asked.child.ended.wait()
    assert surveyor._asked is None
    await surveyor.ask("figures", stands, areas=[KELURAHAN])
    await surveyor.close()


async def test_an_order_that_fails_is_tried_again_and_then_told(
    house: House, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*arguments: object, **more: object) -> object:
        raise ExternalError("no child")

    monkeypatch.setattr(means.surveyor, "ask", broken)
    async with house.acting("Wayan") as (work, wayan):
        await order(work, wayan, Wanted.COVERAGE, KECAMATAN)
    for _ in range(3):
        assert await carry_out(means) == 1
        house.clock.advance(timedelta(minutes=1))
    assert "gagal beberapa kali" in (await house.told("Wayan"))[-1]
    async with house.office.look() as work:
        assert not (await work.session.execute(select(CoverageOrder))).first()


async def test_close_up_nothing_is_told_from_beyond_the_border(house: House, means: Means) -> None:
    async with house.office.look() as work:
        stands = await standing(work)
    here, radius_m = {"lat": CORNER[0], "lon": CORNER[1]}, 600.0

    async def length_m(*areas: str) -> float:
        asked = await means.surveyor.ask(
            "figures", stands, areas=list(areas), radius_m=radius_m, **here
        )
        return float(asked["whole"]["length_m"])

    inside, everything = await length_m(KECAMATAN), await length_m(DISTRICT)
    assert 0 < inside < everything
    told = await ordered(house, means, "Wayan", Wanted.COVERAGE, KECAMATAN, (*CORNER, radius_m))
    assert f"dari {inside / 1000:.1f} km".replace(".", ",", 1) in told


async def test_owners_beyond_the_border_stand_on_no_chart(house: House, means: Means) -> None:
    beyond = (CORNER[0], CORNER[1] - 0.004)
    area = house.areas.locate(*beyond)
    assert area is not None
    assert not area.code.startswith(KECAMATAN)
    await house.approved("Sari", at=beyond)
    await house.approved("Budi", at=CORNER)
    await ordered(house, means, "Wayan", Wanted.COVERAGE, KECAMATAN, (*CORNER, 300.0))
    for owner, lines in (("Sari", []), ("Budi", [Role.FIELD_OFFICER])):
        async with house.office.look() as work:
            about = await lines_about(work, house.ids[owner])
        assert [e.actor_role for e in about if e.act is Act.COVERAGE_SEEN] == lines


async def test_cameras_that_are_not_in_the_survey_do_not_stop_the_worklist(
    house: House, means: Means
) -> None:
    await house.approved("Sari", at=CORNER, heading_deg=90.0, range_m=40.0)
    for owner, change in (("Budi", {"indoors": True}), ("Citra", {"drift": Drift.DEAD})):
        camera_id = await house.approved(owner, at=CORNER, heading_deg=90.0)
        async with house.office.work() as work:
            for name, value in change.items():
                setattr(await house.camera(work, camera_id), name, value)
    told = await ordered(house, means, "Kartika", Wanted.WORKLIST)
    assert "1 kamera sebaiknya diarahkan ulang" in told


async def test_an_owner_who_was_asked_meanwhile_is_not_proposed_again(
    house: House, means: Means
) -> None:
    camera_id = await house.approved("Sari", at=CORNER, heading_deg=90.0, range_m=40.0)
    await ordered(house, means, "Kartika", Wanted.WORKLIST)
    async with house.acting("Wayan") as (work, wayan):
        [turn] = (await work.session.execute(select(Turn))).scalars()
        await ask_owner(work, turn.id, wayan)
        move = {"camera": camera_id, "to_deg": 0.0, "gain_m": 9.0, "worth": 9.0}
        assert await replace_proposals(work, KECAMATAN, [move]) == 0
    house.clock.advance(GIVEN_UP_AFTER + timedelta(days=1))
    assert "1 kamera" in await ordered(house, means, "Kartika", Wanted.WORKLIST)
    async with house.office.look() as work:
        states = {each.state for each in (await work.session.execute(select(Turn))).scalars()}
    assert states == {TurnState.DROPPED, TurnState.PROPOSED}


async def test_a_turned_camera_that_was_paused_meanwhile_is_left_to_an_officer(
    house: House, means: Means, given: list[tuple[str, int, Child]]
) -> None:
    camera_id = await house.approved("Sari", at=CORNER, heading_deg=90.0, range_m=40.0)
    await ordered(house, means, "Kartika", Wanted.WORKLIST)
    async with house.acting("Wayan") as (work, wayan):
        [turn] = (await work.session.execute(select(Turn))).scalars()
        await ask_owner(work, turn.id, wayan)
    async with house.acting("Sari") as (work, sari):
        [turn] = (await work.session.execute(select(Turn))).scalars()
        turn.state, turn.from_deg = TurnState.TURNED, 90.0
        pause(work, await house.camera(work, camera_id), sari)
    seen = Comparison(Change.TURNED, yaw_deg=turn.to_deg - 90.0)
    await _conclude(house.office, means.surveyor, turn, seen)
    assert "gain" not in [each[0] for each in given]
    assert "Mohon dipastikan di tempat" in (await house.told("Wayan"))[-1]


async def test_figures_are_kept_each_week_whoever_looks(house: House, means: Means) -> None:
    async def keep() -> int:
        return await keep_weekly(house.office, means.surveyor, DISTRICT)

    assert await keep() == 0
    await house.approved("Sari", at=CORNER, heading_deg=135.0, range_m=40.0)
    assert await keep() == 1
    assert await keep() == 0
    house.clock.advance(timedelta(days=7))
    assert await keep() == 1


async def test_an_officer_of_two_areas_sees_both(house: House, means: Means) -> None:
    async with house.acting("Wayan") as (work, wayan):
        await grant(work, wayan, Role.FIELD_OFFICER, OTHER_KECAMATAN, granted_by=None)
    assert "Cakupan" in await ordered(house, means, "Wayan", Wanted.COVERAGE, OTHER_KECAMATAN)
