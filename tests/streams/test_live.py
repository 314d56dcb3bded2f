"""Live pictures: from real cameras, packed anew and never decoded, however many watch."""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import AsyncIterator

import av
import psutil
import pytest

from nobs_bot.sandbox.cameras import packets, server
from nobs_bot.sandbox.cameras.clip import Clip
from nobs_bot.sandbox.cameras.server import CameraServer, Channel
from nobs_bot.streams.address import StreamAddress, parse_address
from nobs_bot.streams.check import StreamChecker
from nobs_bot.streams.live import (
    MOST_BEHIND_BYTES,
    LiveStreams,
    Piece,
    PieceKind,
    TooMany,
    Watcher,
)
from nobs_bot.streams.mime import mime_of
from nobs_bot.streams.report import Failure
from tests.rtsp import start_rtsp_camera
from tests.streams.test_check import size_of


@pytest.fixture
async def live(checker: StreamChecker) -> AsyncIterator[LiveStreams]:
    streams = LiveStreams(checker, most=2)
    yield streams
    await streams.close()


@pytest.fixture
async def demo_camera(street: Clip) -> AsyncIterator[tuple[CameraServer, StreamAddress]]:
    camera = CameraServer({"/shop": Channel(street, "warga", "rahasia")}, auth="digest")
    port = await camera.start("127.0.0.1", 0)
    yield camera, parse_address(f"rtsp://warga:rahasia@127.0.0.1:{port}/shop")
    await camera.stop()


async def pieces_of(watcher: Watcher, kind: PieceKind, count: int) -> list[Piece]:
    """What comes until there are *count* pieces of this kind."""
    pieces: list[Piece] = []
    async with asyncio.timeout(12):
        async for piece in watcher.pieces():
            pieces.append(piece)
            if sum(each.kind is kind for each in pieces) == count:
                return pieces
    raise AssertionError(f"ended with {watcher.failure} after {len(pieces)} pieces")


def played(pieces: list[Piece]) -> list[av.VideoFrame]:
    """The pictures in what was sent, as a player would show them."""
    whole = b"".join(p.data for p in pieces if p.kind in (PieceKind.START, PieceKind.MEDIA))
    with av.open(io.BytesIO(whole), format="mp4") as container:
        return list(container.decode(video=0))


@pytest.mark.rtsp
@pytest.mark.parametrize(
    ("codec", "auth", "sample"), [("h264", "digest", "avc1."), ("h265", "basic", "hvc1.")]
)
async def test_a_real_camera_comes_as_fragmented_mp4(
    live: LiveStreams, codec: str, auth: str, sample: str
) -> None:
    with start_rtsp_camera(codec, auth) as real:
        async with live.watch("one", real.address) as watcher:
            pieces = await pieces_of(watcher, PieceKind.MEDIA, 8)
    opened, start = pieces[:2]
    assert opened.about is not None
    assert opened.about["mime"].startswith(f'video/mp4; codecs="{sample}')
    assert opened.about["mime"] == mime_of(start.data)
    assert (opened.about["width"], opened.about["height"]) == (1280, 720)
    assert start.data[4:8] == b"ftyp"
    frames = played(pieces)
    assert len(frames) >= 8
    assert (frames[0].width, frames[0].height) == (1280, 720)
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))


async def test_a_camera_that_says_nothing_of_its_stream_beforehand(
    live: LiveStreams,
    demo_camera: tuple[CameraServer, StreamAddress],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def terse(clip: Clip, host: str) -> str:
        return re.sub(r";sprop-parameter-sets=\S+", "", packets.description(clip, host))

    monkeypatch.setattr(server, "description", terse)
    async with live.watch("one", demo_camera[1]) as watcher:
        pieces = await pieces_of(watcher, PieceKind.MEDIA, 4)
    assert pieces[0].about is not None
    assert pieces[0].about["mime"] is not None
    assert played(pieces)


@pytest.mark.rtsp
async def test_what_browsers_cannot_play_comes_as_a_still_each_second(live: LiveStreams) -> None:
    with start_rtsp_camera("mjpeg", "none") as real:
        async with live.watch("one", real.address) as watcher:
            pieces = await pieces_of(watcher, PieceKind.STILL, 2)
            begun = time.monotonic()
            pieces += await pieces_of(watcher, PieceKind.STILL, 2)
    assert pieces[0].about is not None
    assert pieces[0].about["mime"] is None
    assert {piece.kind for piece in pieces[1:]} == {PieceKind.STILL}
    assert size_of(pieces[-1].data) == (1280, 720)
    assert 1.5 < time.monotonic() - begun < 4


async def test_a_browser_that_cannot_play_it_asks_for_stills(
    live: LiveStreams, demo_camera: tuple[CameraServer, StreamAddress]
) -> None:
    async with live.watch("one", demo_camera[1]) as watcher:
        await pieces_of(watcher, PieceKind.MEDIA, 1)
        watcher.want_stills()
        pieces = await pieces_of(watcher, PieceKind.STILL, 2)
    assert size_of(pieces[-1].data) == (1280, 720)


async def test_one_connection_however_many_watch_and_the_late_begin_at_a_keyframe(
    live: LiveStreams, demo_camera: tuple[CameraServer, StreamAddress]
) -> None:
    address = demo_camera[1]
    async with live.watch("one", address) as first:
        await pieces_of(first, PieceKind.MEDIA, 12)
        async with live.watch("one", address) as second:
            pieces = await pieces_of(second, PieceKind.MEDIA, 2)
            assert connections_to(address.port) == 1
            assert pieces[1].kind is PieceKind.START
            assert pieces[2].is_key
            assert played(pieces)
        await pieces_of(first, PieceKind.MEDIA, 1)
        assert live.count == 1
    assert live.count == 0
    assert connections_to(address.port) == 0


def connections_to(port: int) -> int:
    connections = psutil.Process().net_connections("tcp")
    return sum(bool(c.raddr) and c.raddr.port == port for c in connections)


async def test_no_more_cameras_than_may_be_watched_at_once(
    live: LiveStreams, demo_camera: tuple[CameraServer, StreamAddress]
) -> None:
    address = demo_camera[1]
    async with live.watch("one", address), live.watch("two", address):
        with pytest.raises(TooMany):
            async with live.watch("three", address):
                pass
        async with live.watch("two", address) as again:
            await pieces_of(again, PieceKind.MEDIA, 1)


async def test_a_wrong_password_is_a_result(
    live: LiveStreams, demo_camera: tuple[CameraServer, StreamAddress]
) -> None:
    port = demo_camera[1].port
    wrong = parse_address(f"rtsp://warga:salah@127.0.0.1:{port}/shop")
    async with live.watch("one", wrong) as watcher:
        assert [piece async for piece in watcher.pieces()] == []
        assert watcher.failure is Failure.WRONG_PASSWORD


async def test_what_is_not_vetted_is_not_watched(live: LiveStreams) -> None:
    async with live.watch("one", parse_address("rtsp://10.0.0.7/stream")) as watcher:
        assert [piece async for piece in watcher.pieces()] == []
        assert watcher.failure is Failure.PRIVATE_ADDRESS


async def test_a_camera_that_goes_away_ends_the_stream_and_may_be_watched_again(
    live: LiveStreams, demo_camera: tuple[CameraServer, StreamAddress]
) -> None:
    camera, address = demo_camera
    async with live.watch("one", address) as watcher:
        await pieces_of(watcher, PieceKind.MEDIA, 1)
        await camera.stop()
        async with asyncio.timeout(8):
            async for _ in watcher.pieces():
                pass
        assert watcher.failure is not None
        await camera.start("127.0.0.1", address.port)
        async with live.watch("one", address) as again:
            await pieces_of(again, PieceKind.MEDIA, 1)
            assert live.count == 1


async def test_whoever_cannot_follow_goes_on_at_a_keyframe(
    live: LiveStreams, demo_camera: tuple[CameraServer, StreamAddress]
) -> None:
    async with live.watch("one", demo_camera[1]) as watcher:
        await pieces_of(watcher, PieceKind.START, 1)
        block = bytes(MOST_BEHIND_BYTES // 4)
        for number in range(9):
            watcher.take(Piece(PieceKind.MEDIA, block, is_key=number == 8))
        pieces = await pieces_of(watcher, PieceKind.MEDIA, 1)
    assert pieces[-1].is_key
    assert len(pieces) == 1


async def test_the_child_ends_with_the_last_watcher(
    live: LiveStreams,
    checker: StreamChecker,
    demo_camera: tuple[CameraServer, StreamAddress],
) -> None:
    async with live.watch("one", demo_camera[1]) as watcher:
        await pieces_of(watcher, PieceKind.MEDIA, 1)
        (child,) = checker.children._running.values()
        assert psutil.pid_exists(child.pid)
    assert not psutil.pid_exists(child.pid)
