"""
Streams handed to a district's media server.

Neither MediaMTX nor go2rtc is to be had here, so the server is one of ours that speaks their API
and really fetches what it was given; its RTSP side is a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import av
import pytest
from aiohttp import web

from nobs_bot.sandbox.cameras.clip import Clip
from nobs_bot.sandbox.cameras.server import CameraServer, Channel
from nobs_bot.streams.address import StreamAddress, parse_address
from nobs_bot.streams.check import StreamChecker
from nobs_bot.streams.live import LiveStreams, PieceKind
from nobs_bot.streams.mediaserver import Make, MediaServer, is_near
from tests.streams.test_live import pieces_of, played


@dataclass
class Server:
    """What speaks both APIs, and what it was told."""

    clip: Clip
    rtsp: CameraServer
    sources: dict[str, str] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    _held: list[asyncio.Task[None]] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v3/config/paths/add/{name}", self._add),
            web.get("/v3/paths/get/{name}", self._get),
            web.delete("/v3/config/paths/delete/{name}", self._delete),
            web.put("/api/streams", self._put),
            web.delete("/api/streams", self._drop),
        ]

    async def _add(self, request: web.Request) -> web.Response:
        about = await request.json()
        return self._take(request.match_info["name"], about["source"])

    async def _put(self, request: web.Request) -> web.Response:
        return self._take(request.query["name"], request.query["src"])

    def _take(self, name: str, source: str) -> web.Response:
        self.sources[name] = source
        self.seen.append(source)
        self._held.append(asyncio.create_task(asyncio.to_thread(self._fetch, name, source)))
        return web.Response()

    def _fetch(self, name: str, source: str) -> None:
        """Read on while the stream is configured, as such a server does."""
        with av.open(source, options={"rtsp_transport": "tcp"}, timeout=5) as stream:
            for packet in stream.demux(video=0):
                if packet.size and name not in self.fetched:
                    self.rtsp.channels[f"/{name}"] = Channel(self.clip, "", "")
                    self.fetched.append(name)
                if name not in self.sources:
                    return

    async def _get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.sources:
            return web.Response(status=404)
        return web.json_response({"name": name, "ready": name in self.fetched})

    async def _delete(self, request: web.Request) -> web.Response:
        return self._forget(request.match_info["name"])

    async def _drop(self, request: web.Request) -> web.Response:
        return self._forget(request.query["src"])

    def _forget(self, name: str) -> web.Response:
        self.rtsp.channels.pop(f"/{name}", None)
        return web.Response(status=200 if self.sources.pop(name, None) else 404)


@asynccontextmanager
async def running(clip: Clip, make: Make) -> AsyncIterator[tuple[Server, MediaServer]]:
    rtsp = CameraServer({}, auth="none")
    rtsp_port = await rtsp.start("127.0.0.1", 0)
    server = Server(clip, rtsp)
    app = web.Application()
    app.add_routes(server.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    api, play = f"http://127.0.0.1:{port}", f"rtsp://127.0.0.1:{rtsp_port}"
    try:
        yield server, MediaServer(make, api, play)
    finally:
        await runner.cleanup()
        await rtsp.stop()


@pytest.fixture
async def camera(street: Clip) -> AsyncIterator[StreamAddress]:
    server = CameraServer({"/shop": Channel(street, "warga", "rahasia")}, auth="digest")
    port = await server.start("127.0.0.1", 0)
    yield parse_address(f"rtsp://warga:rahasia@127.0.0.1:{port}/shop")
    await server.stop()


async def test_mediamtx_holds_the_relays_stream_and_knows_no_password(
    checker: StreamChecker, street: Clip, camera: StreamAddress
) -> None:
    async with running(street, Make.MEDIAMTX) as (server, media):
        live = LiveStreams(checker, server=media)
        async with live.watch("one", camera) as watcher:
            pieces = await pieces_of(watcher, PieceKind.MEDIA, 4)
            assert played(pieces)
            (source,) = server.sources.values()
            assert source.startswith("rtsp://127.0.0.1:")
            for secret in ("rahasia", "warga", f":{camera.port}"):
                assert secret not in source
        assert server.sources == {}, "nothing of it stays in the server's configuration"
        await live.close()


async def test_go2rtc_is_asked_in_its_own_way(
    checker: StreamChecker, street: Clip, camera: StreamAddress
) -> None:
    async with running(street, Make.GO2RTC) as (server, media), asyncio.timeout(15):
        async with media.holding("rtsp://127.0.0.1:1/x") as url:
            (name,) = server.sources
            assert url.endswith(f"/{name}")
        assert server.sources == {}


async def test_without_the_server_the_picture_comes_all_the_same(
    checker: StreamChecker, street: Clip, camera: StreamAddress
) -> None:
    async with running(street, Make.MEDIAMTX) as (_, media):
        pass  # it is gone now
    live = LiveStreams(checker, server=media)
    async with live.watch("one", camera) as watcher:
        assert played(await pieces_of(watcher, PieceKind.MEDIA, 3))
    await live.close()


@pytest.mark.parametrize("source", ["exec:rm", "ffmpeg:x", "echo:x", "http://127.0.0.1/", ""])
async def test_nothing_but_rtsp_is_ever_handed_over(street: Clip, source: str) -> None:
    async with running(street, Make.GO2RTC) as (server, media):
        with pytest.raises(Exception, match="only streams of our relay"):
            async with media.holding(source):
                pass
        assert server.seen == []


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://127.0.0.1:9997", True),
        ("http://localhost:1984", True),
        ("http://[::1]:9997", True),
        ("http://10.1.2.3:9997", True),
        ("http://192.168.1.5", True),
        ("http://8.8.8.8:9997", False),
        ("http://0.0.0.0:9997", False),
        ("http://169.254.169.254", False),
        ("http://media.example.org:9997", False),
        ("", False),
    ],
)
def test_it_is_on_this_machine_or_in_a_private_network(url: str, near: bool) -> None:
    assert is_near(url) is near
    if not near:
        with pytest.raises(ValueError, match="private network"):
            MediaServer(Make.MEDIAMTX, url, "rtsp://127.0.0.1:8554")
