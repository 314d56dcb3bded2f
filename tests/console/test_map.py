"""The map: who sees which cameras, what of them, and that it draws and keeps itself up."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import delete, select, text

from nobs_bot.cameras import atlas, review, rights
from nobs_bot.cameras.atlas import COLUMNS
from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.sticker import LabelSize
from nobs_bot.cameras.stickers import print_batch
from nobs_bot.console import feed
from nobs_bot.coverage import hotspots
from nobs_bot.coverage.hotspots import HotspotKind, Spot
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.audit import Act, AuditLine
from tests.cast import DISTRICT, KELURAHAN, OTHER_KECAMATAN, SHOP, House
from tests.console.axe import violations
from tests.console.hall import Hall, Visitor

# in Cengkareng, so outside of Tambora
FAR = (-6.1475, 106.7305)
WATCHED = (SHOP[0] - 0.00008, SHOP[1] + 0.00008)


async def lines(house: House, act: Act, owner: str) -> int:
    async with house.office.look() as work:
        query = select(AuditLine.id).where(
            AuditLine.act == act, AuditLine.owner_id == house.ids[owner]
        )
        return len((await work.session.execute(query)).all())


async def numbers(visitor: Visitor) -> dict[int, str]:
    """State of each camera on the officer's map."""
    columns = (await visitor.json("peta/kamera"))["columns"]
    states = ("approved", "paused", "waiting", "change_asked", "gone")
    return {
        number: states[state]
        for number, state in zip(columns["number"], columns["state"], strict=True)
    }


async def test_an_officer_sees_the_cameras_of_their_areas(any_hall: Hall) -> None:
    house = any_hall.house
    await house.approved()
    await house.waiting("Budi")
    await house.approved("Budi", at=FAR)
    await house.draft("Sari")
    seen = {name: await numbers(await any_hall.enter(name)) for name in ("Dewi", "Rahmat", "Wayan")}
    assert seen == {
        "Dewi": {1001: "approved", 1002: "waiting"},
        "Rahmat": {1001: "approved"},
        "Wayan": {1001: "approved"},
    }
    kartika = await numbers(await any_hall.enter("Kartika"))
    assert kartika == {1001: "approved", 1002: "waiting", 1003: "approved"}


async def test_what_is_sent_names_nobody(hall: Hall) -> None:
    await hall.house.approved()
    rahmat = await hall.enter("Rahmat")
    sheet = await rahmat.json("peta/kamera")
    assert set(sheet["columns"]) == set(COLUMNS)
    for secret in ("Sari", "5550", "rtsp"):
        assert secret not in json.dumps(sheet)


async def test_the_administrator_alone_has_no_map(hall: Hall) -> None:
    async with hall.house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    budi_in = await hall.enter("Budi")
    for path in ("peta", "peta/kamera", "peta/rawan", "peta/butaan", "peta/siaran", "kamera/1001"):
        assert (await budi_in.get(path))[0] == 403, path
    assert (await budi_in.post("peta/tanah", {"lat": SHOP[0], "lon": SHOP[1]}))[0] == 403


async def test_owners_can_read_that_their_cameras_stood_on_a_map_once_a_week(hall: Hall) -> None:
    house = hall.house
    await house.approved()
    rahmat = await hall.enter("Rahmat")
    for _ in range(3):
        await rahmat.json("peta/kamera")
    assert await lines(house, Act.COVERAGE_SEEN, "Sari") == 1
    await house.approved()
    await rahmat.json("peta/kamera")
    assert await lines(house, Act.COVERAGE_SEEN, "Sari") == 2
    await (await hall.enter("Dewi")).json("peta/kamera")
    assert await lines(house, Act.COVERAGE_SEEN, "Sari") == 4


async def test_a_sheet_is_kept_by_no_browser(hall: Hall) -> None:
    """Whoever sits there next has another map, and so has who lost an area."""
    house = hall.house
    camera_id = await house.approved()
    rahmat = await hall.enter("Rahmat")
    async with rahmat.session.get(f"{hall.root}/peta/kamera") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers
    async with house.acting("Sari") as (work, sari):
        rights.pause(work, await house.camera(work, camera_id), sari)
    assert await numbers(rahmat) == {1001: "paused"}


async def test_a_camera_is_opened_by_its_number_and_its_owner_can_read_that(hall: Hall) -> None:
    house = hall.house
    await house.approved()
    rahmat = await hall.enter("Rahmat")
    status, page = await rahmat.get("kamera/1001")
    assert status == 200
    assert "K-1001" in page
    assert "tenggara" in page
    assert "Ibu Sari" not in page
    assert await lines(house, Act.CAMERA_OPENED, "Sari") == 1
    assert await lines(house, Act.OWNER_SHOWN, "Sari") == 0
    status, page = await rahmat.post("kamera/1001/pemilik?bagian=1")
    assert status == 200
    assert "Ibu Sari" in page
    assert "<html" not in page
    assert await lines(house, Act.OWNER_SHOWN, "Sari") == 1


async def test_a_camera_says_where_its_sticker_is(hall: Hall) -> None:
    house = hall.house
    await house.approved()
    rahmat = await hall.enter("Rahmat")
    assert "Belum punya stiker" in (await rahmat.get("kamera/1001"))[1]
    async with house.acting("Kartika") as (work, kartika):
        await print_batch(work, kartika, KELURAHAN, LabelSize.SMALL)
    assert "Stiker: dicetak" in (await rahmat.get("kamera/1001?bagian=1"))[1]


@pytest.mark.parametrize("number", ["1001", "9999", "0"])
async def test_a_camera_elsewhere_is_as_one_that_is_not_there(hall: Hall, number: str) -> None:
    await hall.house.approved("Sari", at=FAR)
    rahmat = await hall.enter("Rahmat")
    answers = [await rahmat.get(f"kamera/{number}"), await rahmat.post(f"kamera/{number}/pemilik")]
    assert [status for status, _ in answers] == [404, 404]
    assert all("tidak ada di wilayah Anda" in page for _, page in answers)
    assert await lines(hall.house, Act.CAMERA_OPENED, "Sari") == 0


async def test_what_sees_a_place_is_told_and_logged(hall: Hall) -> None:
    house = hall.house
    await house.approved()
    await house.approved("Budi", heading_deg=315.0)
    rahmat = await hall.enter("Rahmat")
    place = {"lat": WATCHED[0], "lon": WATCHED[1]}
    _, text = await rahmat.post("peta/tanah", place, Accept="application/json")
    assert json.loads(text)["cameras"] == [1001]
    assert await lines(house, Act.GROUND_ASKED, "Sari") == 1
    assert await lines(house, Act.GROUND_ASKED, "Budi") == 0
    for lat, lon in ((FAR[0], FAR[1]), (0, 0), ("x", 1), (91, 0), ("nan", "nan")):
        status, _ = await rahmat.post("peta/tanah", {"lat": lat, "lon": lon})
        assert status in (403, 409), (lat, lon)


async def test_hotspots_are_those_of_the_officers_areas(hall: Hall) -> None:
    house = hall.house
    async with house.acting("Kartika") as (work, kartika):
        for lat, lon in (SHOP, FAR):
            spot = Spot(HotspotKind.BRAWL, lat, lon, 100.0)
            await hotspots.enter(work, kartika, house.areas, spot)
    assert len(await (await hall.enter("Kartika")).json("peta/rawan")) == 2
    assert [each["name"] for each in await (await hall.enter("Rahmat")).json("peta/rawan")] == [
        "H-1001"
    ]


async def test_blind_spots_are_those_of_the_officers_areas(hall: Hall) -> None:
    house = hall.house
    async with house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.REVIEWER, OTHER_KECAMATAN, granted_by=None)
    here = await (await hall.enter("Rahmat")).json("peta/butaan")
    there = await (await hall.enter("Budi")).json("peta/butaan")
    box_here, box_there = (
        {(line[1] // 1000, line[2] // 1000) for line in each["lines"]} for each in (here, there)
    )
    assert len(here["lines"]) > 50
    assert not box_here & box_there
    assert not here["is_upper_bound"]


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("K-1001", "K-1001"),
        ("1001", "K-1001"),
        ("tambora", "Tambora"),
        ("Duri Selatan", "Duri Selatan"),
        ("-6.1534, 106.7981", "-6.15340, 106.79810"),
        ("jembatan besi", "Jembatan Besi"),
    ],
)
async def test_places_are_found(hall: Hall, query: str, label: str) -> None:
    await hall.house.approved()
    found = await (await hall.enter("Rahmat")).json(f"peta/cari?q={query}")
    assert label in found[0]["label"], found


async def test_a_search_finds_no_camera_of_elsewhere(hall: Hall) -> None:
    await hall.house.approved("Sari", at=FAR)
    rahmat = await hall.enter("Rahmat")
    assert await rahmat.json("peta/cari?q=K-1001") == []
    assert await rahmat.json("peta/cari?q=") == []
    assert await rahmat.json("peta/cari?q=" + "x" * 500) == []


# live


class Events:
    """What a map is told."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def next(self) -> tuple[str, Any]:
        async with asyncio.timeout(10):
            event = ""
            async for raw in self._answer.content:
                name, _, value = raw.decode().strip().partition(": ")
                if name == "event":
                    event = value
                if name == "data":
                    return event, json.loads(value)
        raise AssertionError("the line ended")


async def test_changes_come_to_those_who_may_see_them(any_hall: Hall) -> None:
    hall, house = any_hall, any_hall.house
    near, far = await house.waiting(), await house.approved("Budi", at=FAR)
    dewi, rahmat = await hall.enter("Dewi"), await hall.enter("Rahmat")
    async with (
        dewi.session.get(f"{hall.root}/peta/siaran") as hers,
        rahmat.session.get(f"{hall.root}/peta/siaran") as his,
    ):
        assert hers.headers["Content-Type"] == "text/event-stream"
        for_dewi, for_rahmat = Events(hers), Events(his)
        assert (await for_dewi.next())[0] == (await for_rahmat.next())[0] == "edition"
        async with house.acting("Budi") as (work, budi):
            rights.pause(work, await house.camera(work, far), budi)
        async with house.acting("Dewi") as (work, who):
            (await house.camera(work, near)).review_by = who.id
            await review.approve(work, near, who)
        for events in (for_dewi, for_rahmat):
            event, [row] = await events.next()
            assert (event, row[0], row[8]) == ("cameras", 1001, 0)
        async with house.acting("Sari") as (work, sari):
            await rights.withdraw(work, await house.camera(work, near), sari)
        _, [row] = await for_rahmat.next()
        assert (row[0], row[1], row[8]) == (1001, None, 4)


async def test_a_change_that_comes_late_is_a_change(any_hall: Hall) -> None:
    house = any_hall.house
    early, late = await house.approved(), await house.approved("Budi", at=FAR)
    async with house.office.look() as work:
        newest = await atlas.newest_change(work)
        before, known = await atlas.change_mark(work, 0), await atlas.changes(work, 0)
    async with house.office.look() as work:
        assert await atlas.change_mark(work, 0) == before
    assert set(known) == {early, late}
    # written down by another process before the newest, and committed after it
    async with house.office.work() as work:
        camera = await house.camera(work, early)
        camera.paused_at = work.now
        await work.session.flush()
        camera.change_id = known[early] + 1
    async with house.office.look() as work:
        assert await atlas.newest_change(work) == newest
        assert await atlas.change_mark(work, 0) != before
        fresh = [each for each, change in (await atlas.changes(work, 0)).items()]
        assert {each.camera_id for each in await atlas.shown_now(work, fresh)} == {early, late}
        assert await atlas.changes(work, known[late]) == {}


async def test_changes_are_told_after_every_known_camera_was_erased(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = hall.house
    monkeypatch.setattr(feed, "LOOK_EVERY_S", 0.05)
    gone = await house.approved()
    rahmat = await hall.enter("Rahmat")
    async with rahmat.session.get(f"{hall.root}/peta/siaran") as his:
        events = Events(his)
        assert (await events.next())[0] == "edition"
        async with house.office.work() as work:
            for table in ("camera_photos", "audit_lines", "camera_checks", "camera_health"):
                await work.session.execute(text(f"DELETE FROM {table}"))
            await work.session.execute(delete(Camera).where(Camera.id == gone))
        await asyncio.sleep(0.3)
        await house.approved("Budi")
        # between its submission and its approval somebody may have looked
        async with asyncio.timeout(15):
            event, [row] = await events.next()
            while row[8] != 0:
                event, [row] = await events.next()
        assert (event, row[8]) == ("cameras", 0)


async def test_a_line_ends_with_the_session_and_the_server_stops_at_once(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nobs_bot.console.map_page._ASSURE_EVERY_S", 0.2)
    rahmat, other = await hall.enter("Rahmat"), await hall.enter("Rahmat")
    async with other.session.get(f"{hall.root}/peta/siaran") as answer:
        events = Events(answer)
        await events.next()
        await other.post("keluar")
        assert await events.next() == ("over", None)
    async with rahmat.session.get(f"{hall.root}/peta/siaran") as answer:
        await Events(answer).next()
        began = asyncio.get_running_loop().time()
        await hall.site.stop()
        assert asyncio.get_running_loop().time() - began < 5


# in a browser


async def on_the_map(hall: Hall, browser: Browser, name: str, **options: Any) -> Page:
    context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    page = await context.new_page()
    foreign: list[str] = []
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("http://127.0.0.1:", "blob:", "data:"))
            else foreign.append(request.url)
        ),
    )
    page.on("pageerror", lambda error: foreign.append(str(error)))
    await page.goto(await hall.link(name))
    await page.get_by_role("button", name="Masuk", exact=True).click()
    await page.goto(f"{hall.root}/peta#18/{SHOP[0]}/{SHOP[1]}")
    await page.wait_for_function("() => document.querySelector('main').dataset.ready")
    assert foreign == []
    return page


@pytest.mark.browser
async def test_the_map_in_a_browser(hall: Hall, browser: Browser) -> None:
    house = hall.house
    await house.approved()
    page = await on_the_map(hall, browser, "Rahmat")
    await expect(page.get_by_text("1 kamera di layar dari 1")).to_be_visible()
    # a click on the camera, which is in the middle
    box = await page.locator("#map").bounding_box()
    assert box is not None
    middle = {"x": box["width"] / 2, "y": box["height"] / 2}
    await page.locator("#map").click(position=middle)
    panel = page.locator("#panel")
    await expect(panel.get_by_role("heading", name="K-1001")).to_be_visible()
    await expect(panel.get_by_text("Ibu Sari")).to_have_count(0)
    await panel.get_by_role("button", name="Tampilkan nama pemilik").click()
    await expect(panel.get_by_text("Ibu Sari")).to_be_visible()
    assert await violations(page) == []
    # a click on the ground that it sees, south-east of it
    await page.locator("#map").click(position={"x": middle["x"] + 25, "y": middle["y"] + 25})
    await expect(panel.get_by_text("1 kamera melihat titik ini")).to_be_visible()
    # another one appears by itself
    await house.approved("Budi", at=(SHOP[0] + 0.0002, SHOP[1]))
    await expect(page.get_by_text("2 kamera di layar dari 2")).to_be_visible()
    await page.get_by_label("ikut serta").uncheck()
    await expect(page.get_by_text("0 kamera di layar dari 2")).to_be_visible()
    await page.get_by_label("ikut serta").check()
    await page.get_by_label("Cari tempat").fill("K-1002")
    await page.get_by_role("button", name="Cari").click()
    await expect(panel.get_by_role("heading", name="K-1002")).to_be_visible()


async def test_who_is_searched_for_by_number_can_read_that(hall: Hall) -> None:
    await hall.house.approved()
    rahmat = await hall.enter("Rahmat")
    assert (await rahmat.json("peta/cari?q=1001"))[0]["camera"] == 1001
    assert await lines(hall.house, Act.COVERAGE_SEEN, "Sari") == 1
