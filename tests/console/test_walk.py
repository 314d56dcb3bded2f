"""Every route of the command centre tried by everybody, and every page looked at by axe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page

from nobs_bot.cameras import review
from nobs_bot.cameras.photos import fetch_photos
from nobs_bot.console.gate import allowed_at
from nobs_bot.footage.live.record import Ending
from nobs_bot.footage.live.views import end, locked
from nobs_bot.footage.request import clips_of
from nobs_bot.people.roles import Role, grant, grants_of
from tests.cameras.test_photos import Telegram, picture
from tests.cast import DISTRICT, SHOP, House
from tests.console.axe import violations
from tests.console.hall import Hall
from tests.footage.live.looking import look as watch
from tests.footage.live.looking import shared
from tests.footage.requests import asks, hand_over, send

F, R, I, S, A = Role  # noqa: E741 - one letter a column of the table
ON_MAPS, ANYBODY = {F, R, I, S}, None
# where somebody wants to look at the pages: a folder for pictures of them
PICTURES = os.environ.get("NOBS_PICTURES")

# who may; whatever is not in here is a mistake, and whatever is asked by others is refused
ROUTES: dict[str, set[Role] | None] = {
    "GET /aset/{mark}/{name}": ANYBODY,
    "GET /masuk/{token}": ANYBODY,
    "POST /masuk/{token}": ANYBODY,
    "GET /masuk": ANYBODY,
    "GET /aplikasi": ANYBODY,
    "POST /aplikasi": ANYBODY,
    "POST /pilih": ANYBODY,
    "GET ": {F, R, I, S, A},
    "GET /": {F, R, I, S, A},
    "POST /keluar": {F, R, I, S, A},
    "POST /terjaga": {F, R, I, S, A},
    "POST /sesi/{session}/akhiri": {F, R, I, S, A},
    "GET /peta": ON_MAPS,
    "GET /peta/dasar": ON_MAPS,
    "GET /peta/jalan": ON_MAPS,
    "GET /peta/kamera": ON_MAPS,
    "GET /peta/rawan": ON_MAPS,
    "GET /peta/butaan": ON_MAPS,
    "GET /peta/cari": ON_MAPS,
    "GET /peta/ubin/{z}/{x}/{y}": ON_MAPS,
    "GET /peta/siaran": ON_MAPS,
    "POST /peta/tanah": ON_MAPS,
    "GET /kamera/{number}": ON_MAPS,
    "POST /kamera/{number}/pemilik": ON_MAPS,
    "GET /antrean": {R},
    "POST /antrean/ambil": {R},
    "GET /antrean/{number}": {R},
    "GET /antrean/{number}/gambar/{at}": {R},
    "POST /antrean/{number}/setujui": {R},
    "POST /antrean/{number}/perbaiki": {R},
    "POST /antrean/{number}/tolak": {R},
    "POST /antrean/{number}/lepas": {R},
    "GET /permintaan": {I, S},
    "GET /permintaan/{request}": {I, S},
    "POST /permintaan/{request}/{act}": {I, S},
    "POST /permintaan/{request}/ekspor": {I, S},
    "GET /permintaan/{request}/klip/{clip}": {I, S},
    "GET /permintaan/{request}/klip/{clip}/isi": {I, S},
    "GET /permintaan/{request}/klip/{clip}/asli": {I, S},
    "POST /permintaan/{request}/klip/{clip}/salinan": {I, S},
    "GET /cakupan": ON_MAPS,
    "POST /cakupan/hitung": ON_MAPS,
    "GET /cakupan/rekrut": ON_MAPS,
    "GET /cakupan/tugas": {F, S},
    "POST /cakupan/tugas/susun": {S},
    "POST /cakupan/tugas/{turn}/tanya": {F, S},
    "POST /cakupan/tugas/{turn}/selesai": {F, S},
    "POST /cakupan/tugas/{turn}/terlihat": {F, S},
    "GET /kesehatan": ON_MAPS,
    "GET /kesehatan/diam": ON_MAPS,
    "GET /kemajuan": {F, R, I, S, A},
    "GET /kemajuan/tabel.csv": {F, R, I, S, A},
    "POST /kemajuan/target": {S},
    "GET /petugas": {A},
    "POST /petugas/undang": {A},
    "GET /petugas/{grant}": {A},
    "POST /petugas/{grant}/nama": {A},
    "POST /petugas/{grant}/akhiri": {A},
    "GET /catatan": {S, A},
    "POST /catatan/unduh": {S, A},
    "GET /langsung": {I, S},
    "GET /langsung/{camera}": {I, S},
    "POST /langsung/{camera}": {I, S},
    "GET /langsung/lihat/{view}": {I, S},
    "POST /langsung/lihat/{view}/akhiri": {I, S},
    "GET /langsung/lihat/{view}/siaran": {I, S},
    "GET /sistem": {A},
    "POST /sistem": {A},
    "POST /sistem/{key}/akhiri": {A},
    # these know programs by their keys, which tests/console/api tries
    "GET /api/v1/openapi.json": ANYBODY,
    "GET /api/v1/areas": ANYBODY,
    "GET /api/v1/cameras": ANYBODY,
    "GET /api/v1/cameras/{number}": ANYBODY,
    "GET /api/v1/watchers": ANYBODY,
    "GET /api/v1/requests": ANYBODY,
    "GET /api/v1/requests/{number}": ANYBODY,
    "GET /api/v1/progress": ANYBODY,
    "* /api/v1/{rest}": ANYBODY,
}


def named(route: web.RouteDef) -> str:
    """A route without the forms of its parameters."""
    path, depth = "", 0
    for letter in route.path:
        depth += (letter == "{") - (letter == "}")
        path += letter if depth == 0 or (depth == 1 and letter != ":") else ""
        if depth == 1 and letter == ":":
            depth = 10
        if depth == 9:
            depth, path = 0, path + "}"
    return f"{route.method} {path}"


def test_the_table_has_every_route_and_the_gate_says_the_same(hall: Hall) -> None:
    said = {}
    for route in hall.centre._routes():
        allowed = allowed_at(route.handler)
        assert allowed is not None, f"{named(route)} says nothing, so nobody may"
        said[named(route)] = set(allowed.roles) if allowed.roles is not None else None
    assert said == ROUTES


async def one_of_each(hall: Hall) -> dict[Role, str]:
    """Somebody with each role and no other."""
    async with hall.house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    return {F: "Wayan", R: "Dewi", I: "Rahmat", S: "Kartika", A: "Budi"}


def filled_in(path: str) -> str:
    values = {"session": 1, "number": 1001, "at": 0, "grant": 1, "token": "x" * 43}
    values |= {
        "request": 1,
        "clip": 1,
        "act": "tutup",
        "camera": 1,
        "view": 1,
        "key": 1,
        "z": 0,
        "x": 0,
        "y": 0,
    }
    values |= {"turn": 1}
    for name, value in {**values, "mark": "0" * 12, "name": "icon.svg"}.items():
        path = path.replace(f"{{{name}}}", str(value))
    return path.removeprefix("/")


async def test_who_may_not_is_refused_everywhere_and_who_may_is_not(hall: Hall) -> None:
    await hall.house.waiting()
    who = await one_of_each(hall)
    stranger = hall.stranger()
    inside = {role: await hall.enter(name) for role, name in who.items()}
    endless = "GET /peta/siaran"
    # leaving comes last, since nobody may anything afterwards
    for route, roles in sorted(ROUTES.items(), key=lambda each: "keluar" in each[0]):
        method, _, path = route.partition(" ")
        path = filled_in(path)
        if roles is None:
            continue
        assert (await stranger.ask(method, path))[0] == 401, route
        for role, visitor in inside.items():
            if role in roles and route == endless:
                continue
            status, text = await visitor.ask(method, path)
            if role in roles:
                assert status not in (401, 500), (route, role)
                # the very thing may still be elsewhere, which is the use case's word
                is_the_gates = "hanya untuk petugas yang ditunjuk" in text
                assert not is_the_gates, (route, role)
            else:
                assert status == 403, (route, role)


@pytest.mark.parametrize("name", ["Sari", "Budi", "Citra"])
async def test_who_has_no_role_does_not_come_in_at_all(hall: Hall, name: str) -> None:
    stranger = hall.stranger()
    with pytest.raises(Exception, match=r"roles\.needed"):
        await hall.link(name)
    assert (await stranger.get(""))[0] == 401


# axe


async def with_a_clip(house: House) -> tuple[int, int]:
    """Dewi asks Budi, who sends a file; ids of request and clip."""
    request_id = await send(house, name="Dewi")
    [ask] = await asks(house)
    await hand_over(house, ask.id, name="Budi")
    async with house.office.look() as work:
        [clip] = await clips_of(work, request_id)
    return request_id, clip.id


async def prepared(hall: Hall) -> list[str]:
    """A camera on the map, one in Dewi's hands, and Dewi with every role; paths of all pages."""
    house = hall.house
    camera_id = await shared(house, "Budi", at=(SHOP[0] + 0.0003, SHOP[1]))
    await house.waiting()
    await fetch_photos(house.office, house.files, Telegram(picture()))
    async with house.acting("Dewi") as (work, dewi):
        for role in Role:
            await grant(work, dewi, role, DISTRICT, granted_by=None)
        await work.session.flush()
        await review.take(work, dewi)
    request_id, clip_id = await with_a_clip(house)
    view_id, ended_id = await ended_and_going_on(house, camera_id)
    async with house.office.look() as work:
        [held, *_] = await grants_of(work, house.ids["Rahmat"])
    return [
        *("", "peta", "antrean", "antrean/1002", "antrean?selesai=approved&kamera=1002"),
        *("kamera/1001", "petugas", f"petugas/{held.id}", "catatan", "aplikasi"),
        *("permintaan", f"permintaan/{request_id}", f"permintaan/{request_id}/klip/{clip_id}"),
        *("cakupan?wilayah=31.73.04", "cakupan/tugas", "cakupan/rekrut?wilayah=31.73.04.1006"),
        *("kesehatan", "kesehatan?wilayah=31.73.04", "kesehatan/diam"),
        *("kemajuan", "kemajuan?wilayah=31.73.04"),
        *("langsung", f"langsung/{camera_id}", "sistem"),
        *(f"langsung/lihat/{view_id}", f"langsung/lihat/{ended_id}?selesai"),
        *("kamera/9999", "antrean/9999", "nothing"),
    ]


async def ended_and_going_on(house: House, camera_id: int) -> tuple[int, int]:
    """Two looks of Dewi's, the first of which is over; ids of the second and the first."""
    first = await watch(house, camera_id, "Dewi")
    async with house.acting("Dewi") as (work, _):
        over = await locked(work, first)
        assert over is not None
        await end(work, over, Ending.VIEWER)
    return await watch(house, camera_id, "Dewi"), first


async def look(page: Page, name: str) -> None:
    assert await violations(page) == [], name
    width = await page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], f"{name} is {width} px wide"  # type: ignore[index]
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.browser
@pytest.mark.parametrize(("language", "scheme"), [("id", "light"), ("en", "dark")])
async def test_axe_finds_nothing_on_any_page(
    hall: Hall, browser: Browser, scheme: str, language: str
) -> None:
    paths = await prepared(hall)
    width, height = (390, 844) if scheme == "dark" else (1280, 800)
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    )
    await context.add_cookies(
        [{"name": "konsol-bahasa", "value": language, "url": f"{hall.root}/"}]
    )
    page = await context.new_page()
    tag = f"{language}-{width}"
    link = await hall.link("Dewi")
    await page.goto(f"{hall.root}/peta")
    await look(page, f"{tag}-signed-out")
    await page.goto(link)
    assert await page.get_attribute("html", "lang") == language
    await look(page, f"{tag}-landing")
    await page.locator("main form button").click()
    for path in paths:
        await page.goto(f"{hall.root}/{path}")
        if path == "peta":
            await page.wait_for_function("() => document.querySelector('main').dataset.ready")
        await look(page, f"{tag}-{path.replace('?', '/').replace('/', '-') or 'home'}")
    await page.goto(link)
    await look(page, f"{tag}-link-over")
