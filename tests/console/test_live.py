"""Live view's pages: who gets in, and what the owner's tap does to the picture."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from nobs_bot.cameras.connection import set_stream
from nobs_bot.cameras.rights import pause
from nobs_bot.footage.live import views
from nobs_bot.footage.live.record import Ending
from nobs_bot.people.roles import Role, end_role, grant, grants_of
from nobs_bot.people.sessions import end_session, sessions_of
from nobs_bot.sandbox.cameras.clip import Clip
from nobs_bot.sandbox.cameras.server import CameraServer, Channel
from nobs_bot.streams.address import StreamAddress, parse_address
from nobs_bot.streams.check import StreamChecker
from nobs_bot.streams.live import LiveStreams
from tests.cast import House
from tests.console.hall import Hall, Visitor, hall_in
from tests.footage.live.looking import CASE, all_views, shared, view
from tests.streams.conftest import LOOPBACK, street

__all__ = ["street"]

FORM = {"perkara": CASE, "keperluan": "robbery", "menit": "5"}
START, MEDIA, STILL = 0, 1, 2


@dataclass
class Stage:
    """The centre with live view, and a camera in the street."""

    hall: Hall
    streams: LiveStreams
    camera: CameraServer
    address: StreamAddress
    camera_id: int

    async def look(self, visitor: Visitor) -> int:
        """Begin a look in the page; returns its id."""
        async with visitor.session.post(
            f"{visitor.root}/langsung/{self.camera_id}", data={"csrf": visitor.csrf, **FORM}
        ) as answer:
            assert answer.status == 200, await answer.text()
            return int(str(answer.url).rpartition("/")[2])

    async def socket(
        self, visitor: Visitor, view_id: int, **headers: str
    ) -> aiohttp.ClientWebSocketResponse:
        address = f"{visitor.root}/langsung/lihat/{view_id}/siaran"
        return await visitor.session.ws_connect(address, headers=headers)


@pytest.fixture
async def stage(house: House, street: Clip) -> AsyncIterator[Stage]:
    async with stage_in(house, street) as ready:
        yield ready


@pytest.fixture
async def any_stage(any_house: House, street: Clip) -> AsyncIterator[Stage]:
    async with stage_in(any_house, street) as ready:
        yield ready


@asynccontextmanager
async def stage_in(house: House, street: Clip) -> AsyncIterator[Stage]:
    checker = StreamChecker(allowed_networks=[LOOPBACK], connect_timeout_s=1.5)
    streams = LiveStreams(checker)
    camera = CameraServer({"/shop": Channel(street, "warga", "rahasia")}, auth="digest")
    port = await camera.start("127.0.0.1", 0)
    address = parse_address(f"rtsp://warga:rahasia@127.0.0.1:{port}/shop")
    camera_id = await shared(house, address=address)

    async with hall_in(house, streams) as hall:
        yield Stage(hall, streams, camera, address, camera_id)
        await streams.close()
    await camera.stop()
    await checker.close()


async def until(socket: aiohttp.ClientWebSocketResponse, wanted: Any) -> list[Any]:
    """What comes up to the first thing that *wanted* takes: dictionaries, (mark, bytes) pairs."""
    heard: list[Any] = []
    async with asyncio.timeout(10):
        async for message in socket:
            is_text = message.type is aiohttp.WSMsgType.TEXT
            heard.append(
                json.loads(message.data) if is_text else (message.data[0], message.data[1:])
            )
            if wanted(heard[-1]):
                return heard
    raise AssertionError(f"closed after {heard[-3:]}")


def is_media(heard: Any) -> bool:
    return isinstance(heard, tuple) and heard[0] == MEDIA


def is_over(heard: Any) -> bool:
    return isinstance(heard, dict) and "ended" in heard


async def test_an_investigator_sees_the_picture_and_the_owner_ends_it_within_a_second(
    any_stage: Stage,
) -> None:
    stage = any_stage
    house = stage.hall.house
    rahmat = await stage.hall.enter("Rahmat")
    status, page = await rahmat.get("langsung")
    assert status == 200
    assert "K-1001" in page
    view_id = await stage.look(rahmat)
    assert "rahasia" not in (await rahmat.get(f"langsung/lihat/{view_id}"))[1]
    socket = await stage.socket(rahmat, view_id)
    heard = await until(socket, is_media)
    assert heard[0]["opened"]["mime"].startswith('video/mp4; codecs="avc1.')
    assert heard[1][0] == START
    assert (await view(house, view_id)).shown_at is not None
    begun = time.monotonic()
    async with house.acting("Sari") as (work, sari):
        await views.stop(work, view_id, sari)
    heard = await until(socket, is_over)
    assert time.monotonic() - begun < 1
    assert "Pemilik menghentikan" in heard[-1]["ended"]
    async with asyncio.timeout(5):
        assert (await socket.receive()).type in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSING,
        )
    assert stage.streams.count == 0
    assert "Pemilik menghentikan" in (await rahmat.get(f"langsung/lihat/{view_id}"))[1]
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await stage.socket(rahmat, view_id)


async def test_two_officers_share_the_connection_and_each_is_told_to_the_owner(
    stage: Stage,
) -> None:
    house = stage.hall.house
    sockets = []
    for name in ("Rahmat", "Kartika"):
        visitor = await stage.hall.enter(name)
        socket = await stage.socket(visitor, await stage.look(visitor))
        await until(socket, is_media)
        sockets.append(socket)
    assert stage.streams.count == 1
    told = "\n".join(await house.told("Sari"))
    assert "Rahmat" in told
    assert "Kartika" in told
    await sockets[0].close()
    await until(sockets[1], is_media)


async def test_stills_where_the_browser_asks_for_them(stage: Stage) -> None:
    rahmat = await stage.hall.enter("Rahmat")
    socket = await stage.socket(rahmat, await stage.look(rahmat))
    await until(socket, is_media)
    await socket.send_str("[1")
    await socket.send_json({"stills": True})
    heard = await until(socket, lambda each: isinstance(each, tuple) and each[0] == STILL)
    assert heard[-1][1].startswith(b"\xff\xd8")


@pytest.mark.parametrize("what", ["pause", "role", "session", "time", "viewer"])
async def test_what_else_ends_it(stage: Stage, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nobs_bot.console.live.socket.REPORT_EVERY_S", 0.1)
    house = stage.hall.house
    rahmat = await stage.hall.enter("Rahmat")
    view_id = await stage.look(rahmat)
    socket = await stage.socket(rahmat, view_id)
    await until(socket, is_media)
    expected = Ending.RIGHT
    if what == "pause":
        expected = Ending.CAMERA
        async with house.acting("Sari") as (work, sari):
            pause(work, await house.camera(work, stage.camera_id), sari)
    elif what == "role":
        async with house.acting("Kartika") as (work, chief):
            await grant(work, chief, Role.ADMINISTRATOR, "31.73", granted_by=None)
            (held,) = await grants_of(work, house.ids["Rahmat"])
            await end_role(work, held.id, chief)
    elif what == "session":
        async with house.acting("Rahmat") as (work, who):
            (session,) = await sessions_of(work, who.id)
            await end_session(work, who, session.id)
    elif what == "time":
        expected = Ending.TIME
        house.clock.advance(timedelta(minutes=6))
    else:
        expected = Ending.VIEWER
        assert (await rahmat.post(f"langsung/lihat/{view_id}/akhiri"))[0] == 200
    await until(socket, is_over)
    async with asyncio.timeout(5):
        while (found := await view(house, view_id)).ending is None:
            await asyncio.sleep(0.05)
    assert found.ending is expected


async def test_a_camera_that_goes_away_is_said_and_the_page_may_come_back(stage: Stage) -> None:
    rahmat = await stage.hall.enter("Rahmat")
    view_id = await stage.look(rahmat)
    socket = await stage.socket(rahmat, view_id)
    await until(socket, is_media)
    await stage.camera.stop()
    heard = await until(socket, lambda each: isinstance(each, dict) and "lost" in each)
    assert heard[-1]["why"]
    await stage.camera.start("127.0.0.1", stage.address.port)
    again = await stage.socket(rahmat, view_id)
    await until(again, is_media)


async def test_a_camera_that_got_another_address_is_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nobs_bot.console.live.socket.REPORT_EVERY_S", 0.1)
    house = stage.hall.house
    rahmat = await stage.hall.enter("Rahmat")
    view_id = await stage.look(rahmat)
    socket = await stage.socket(rahmat, view_id)
    await until(socket, is_media)
    async with house.office.work() as work:
        camera = await house.camera(work, stage.camera_id)
        set_stream(work, camera, parse_address("rtsp://127.0.0.1:1/elsewhere"))
    await until(socket, lambda each: isinstance(each, dict) and "lost" in each)
    assert (await view(house, view_id)).ending is None


async def test_a_wrong_password_is_said_in_words(stage: Stage) -> None:
    house = stage.hall.house
    async with house.office.work() as work:
        camera = await house.camera(work, stage.camera_id)
        set_stream(work, camera, stage.address.with_credentials("warga", "salah"))
    rahmat = await stage.hall.enter("Rahmat")
    socket = await stage.socket(rahmat, await stage.look(rahmat))
    heard = await until(socket, lambda each: isinstance(each, dict) and "lost" in each)
    assert "kata sandi" in heard[-1]["why"]
    assert "salah" not in json.dumps(heard)


@pytest.mark.parametrize(
    "path", ["langsung", "langsung/{c}", "langsung/lihat/{v}", "langsung/lihat/{v}/siaran"]
)
async def test_who_has_no_business_there_gets_in_nowhere(stage: Stage, path: str) -> None:
    rahmat = await stage.hall.enter("Rahmat")
    view_id = await stage.look(rahmat)
    address = path.format(c=stage.camera_id, v=view_id)
    for name in ("Wayan", "Dewi"):
        assert (await (await stage.hall.enter(name)).get(address))[0] == 403
    assert (await stage.hall.stranger().get(address))[0] == 401
    # another officer with every right of their own has none to this look
    status, page = await (await stage.hall.enter("Kartika")).get(address)
    if "{v}" in path:
        assert status == 409
        assert CASE not in page


async def test_nobody_ends_anothers_look_or_begins_without_the_token(stage: Stage) -> None:
    house = stage.hall.house
    rahmat, kartika = await stage.hall.enter("Rahmat"), await stage.hall.enter("Kartika")
    view_id = await stage.look(rahmat)
    assert (await kartika.post(f"langsung/lihat/{view_id}/akhiri"))[0] == 409
    assert (await view(house, view_id)).ended_at is None
    kartika.csrf = "0" * 64
    assert (await kartika.post(f"langsung/{stage.camera_id}", FORM))[0] == 403
    assert len(await all_views(house)) == 1


async def test_a_socket_is_not_opened_from_another_site(stage: Stage) -> None:
    rahmat = await stage.hall.enter("Rahmat")
    view_id = await stage.look(rahmat)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await stage.socket(rahmat, view_id, Origin="https://example.org")
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"perkara": "?"}, "nomor perkara"),
        ({"keperluan": "curiosity"}, ""),
        ({"menit": "60"}, ""),
        ({"darurat": "ya"}, "Tulis alasan"),
    ],
)
async def test_a_form_that_is_wrong_comes_back_with_what_was_typed(
    stage: Stage, form: dict[str, str], said: str
) -> None:
    rahmat = await stage.hall.enter("Rahmat")
    status, page = await rahmat.post(f"langsung/{stage.camera_id}", {**FORM, **form})
    assert status == 409
    assert 'role="alert"' in page
    assert said.casefold() in page.casefold()
    assert f'value="{(FORM | form)["perkara"]}"' in page
    assert await all_views(stage.hall.house) == []


async def test_the_owners_words_stand_on_the_form(stage: Stage) -> None:
    house = stage.hall.house
    view_id = await stage.look(await stage.hall.enter("Rahmat"))
    async with house.acting("Sari") as (work, sari):
        await views.stop(work, view_id, sari)
    status, page = await (await stage.hall.enter("Kartika")).get(f"langsung/{stage.camera_id}")
    assert status == 200
    assert "baru saja menghentikan" in page
