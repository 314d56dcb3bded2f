"""MJPEG and HLS: what is played, and what a playlist cannot reach."""

from __future__ import annotations

import asyncio
import io
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from nobs_bot.sandbox.cameras import scenes
from nobs_bot.streams.check import Failure, StreamChecker, Verdict
from nobs_bot.streams.digest import answer_matches
from nobs_bot.streams.hls import chosen_variant
from tests.streams.hostile import PASSWORD, USER, Canary, saying, self_signed, serving
from tests.streams.test_failures import at, free_port


@asynccontextmanager
async def site(
    routes: dict[str, object], context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """An HTTP server with handlers or fixed bytes by path."""
    app = web.Application()
    for path, content in routes.items():
        app.router.add_get(path, content if callable(content) else _fixed(content))
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    try:
        yield port
    finally:
        await runner.cleanup()


def _fixed(content: object):
    async def handler(_: web.Request) -> web.Response:
        assert isinstance(content, bytes)
        return web.Response(body=content, content_type="application/octet-stream")

    return handler


@pytest.fixture(scope="module")
def jpegs() -> list[bytes]:
    pictures = (picture for picture, _ in zip(scenes.good(), range(8), strict=False))
    return [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]


@pytest.fixture(scope="module")
def segments() -> list[bytes]:
    """Three seconds of the street as MPEG-TS, one second each."""
    pictures = iter(scenes.good())
    return [_segment(pictures, start) for start in (0, 15, 30)]


def _segment(pictures: Iterator[np.ndarray], start: int) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.time_base = Fraction(1, 15)
        stream.options = {"preset": "ultrafast", "tune": "zerolatency"}
        for number in range(start, start + 15):
            frame = av.VideoFrame.from_ndarray(next(pictures), format="bgr24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def mjpeg(jpegs: list[bytes], allow=lambda _: None):
    async def handler(request: web.Request) -> web.StreamResponse:
        refusal = allow(request)
        if refusal is not None:
            return refusal
        response = web.StreamResponse()
        response.content_type = "multipart/x-mixed-replace; boundary=frame"
        await response.prepare(request)
        try:
            for number in range(1000):
                jpeg = jpegs[number % len(jpegs)]
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                await response.write(head.encode() + jpeg + b"\r\n")
                await asyncio.sleep(0.08)
        except ConnectionError:
            pass
        return response

    return handler


def demand(challenge: str):
    def allow(request: web.Request) -> web.Response | None:
        answer = request.headers.get("Authorization", "")
        if answer and answer_matches(answer, "GET", USER, PASSWORD):
            return None
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    return allow


@pytest.mark.parametrize(
    "challenge",
    [
        'Basic realm="cam"',
        'Digest realm="cam", nonce="abc", qop="auth", algorithm=MD5',
        'Digest realm="cam", nonce="abc", qop="auth,auth-int", algorithm=SHA-256, opaque="o"',
        'Basic realm="cam", Digest realm="cam", nonce="abc"',
    ],
)
async def test_mjpeg_with_password(
    checker: StreamChecker, jpegs: list[bytes], challenge: str
) -> None:
    async with site({"/video": mjpeg(jpegs, demand(challenge))}) as port:
        address = at(port, "/video", scheme="http")
        report = await checker.check(address)
        wrong = await checker.check(address.with_credentials(USER, "no"))
        missing = await checker.check(address.with_credentials("", ""))
    assert (report.verdict, report.codec, report.width) == (Verdict.GOOD, "mjpeg", 1280)
    assert wrong.failure is Failure.WRONG_PASSWORD
    assert missing.failure is Failure.PASSWORD_NEEDED


async def test_mjpeg_over_tls_says_that_the_certificate_was_not_verified(
    checker: StreamChecker, jpegs: list[bytes], tmp_path: Path
) -> None:
    async with site({"/video": mjpeg(jpegs)}, self_signed(tmp_path)) as port:
        report = await checker.check(at(port, "/video", scheme="https"))
    assert report.verdict is Verdict.GOOD
    assert report.measures["tls_unverified"] == 1.0


async def test_mjpeg_of_8192_by_4320_is_too_large(checker: StreamChecker) -> None:
    huge = cv2.imencode(".jpg", np.zeros((4320, 8192, 3), np.uint8))[1].tobytes()
    async with site({"/video": mjpeg([huge])}) as port:
        report = await checker.check(at(port, "/video", scheme="http"))
    assert report.failure is Failure.TOO_LARGE


async def test_mjpeg_without_pictures_is_no_pictures(checker: StreamChecker) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n"
    async with serving(saying(head + b"--x\r\n" * 10)) as port:
        report = await checker.check(at(port, scheme="http"))
    assert report.failure is Failure.NO_PICTURES


def playlist(*lines: str, end: bool = True) -> bytes:
    head = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:0"]
    return "\n".join([*head, *lines, *(["#EXT-X-ENDLIST"] if end else []), ""]).encode()


def entries(*uris: str) -> list[str]:
    return [line for uri in uris for line in ("#EXTINF:1.0,", uri)]


async def test_hls_is_played(checker: StreamChecker, segments: list[bytes]) -> None:
    routes = {f"/hls/{n}.ts": segment for n, segment in enumerate(segments)}
    routes["/hls/live.m3u8"] = playlist(*entries("0.ts", "1.ts", "/hls/2.ts"))
    async with site(routes) as port:
        report = await checker.check(at(port, "/hls/live.m3u8", scheme="http"))
    assert (report.verdict, report.codec, report.width) == (Verdict.GOOD, "h264", 1280)
    assert report.fps is not None
    assert 13 < report.fps < 17


async def test_hls_master_playlist_with_key(checker: StreamChecker, segments: list[bytes]) -> None:
    key, vector = os.urandom(16), bytes(16)
    routes: dict[str, object] = {"/k": key}
    for number, segment in enumerate(segments):
        padder = padding.PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
        padded = padder.update(segment) + padder.finalize()
        routes[f"/{number}.ts"] = encryptor.update(padded) + encryptor.finalize()
    secret = f'#EXT-X-KEY:METHOD=AES-128,URI="/k",IV=0x{vector.hex()}'
    routes["/main.m3u8"] = playlist(secret, *entries("0.ts", "1.ts", "2.ts"))
    small, full = "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=320x240", "RESOLUTION=1280x720"
    routes["/master.m3u8"] = (
        f"#EXTM3U\n{small}\nmissing.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2,{full}\nmain.m3u8\n"
    ).encode()
    async with site(routes) as port:
        report = await checker.check(at(port, "/master.m3u8", scheme="http"))
    assert (report.verdict, report.codec) == (Verdict.GOOD, "h264")


@pytest.mark.parametrize(
    "lines",
    [
        entries("http://127.0.0.2:{port}/0.ts"),
        ['#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.2:{port}/k"', *entries("0.ts")],
        ['#EXT-X-MAP:URI="http://127.0.0.2:{port}/init.mp4"', *entries("0.ts")],
        entries("http://2130706434:{port}/0.ts"),
        entries("//127.0.0.2:{port}/0.ts"),
    ],
)
async def test_hls_cannot_reach_what_was_not_vetted(
    checker: StreamChecker, segments: list[bytes], lines: list[str]
) -> None:
    canary = Canary()
    async with serving(canary, host="127.0.0.2") as canary_port:
        text = playlist(*[line.replace("{port}", str(canary_port)) for line in lines])
        async with site({"/live.m3u8": text, "/0.ts": segments[0]}) as port:
            report = await checker.check(at(port, "/live.m3u8", scheme="http"))
    assert (report.failure, canary.visits) == (Failure.FORBIDDEN_ADDRESS, 0)


@pytest.mark.parametrize(
    "uri", ["file:///etc/passwd", "concat:/etc/passwd", "rtsp://127.0.0.1/", "data:,x"]
)
async def test_hls_names_nothing_but_http(checker: StreamChecker, uri: str) -> None:
    async with site({"/live.m3u8": playlist(*entries(uri))}) as port:
        report = await checker.check(at(port, "/live.m3u8", scheme="http"))
    assert report.failure is Failure.FORBIDDEN_ADDRESS


async def test_hls_segment_that_redirects_is_cut(checker: StreamChecker) -> None:
    canary = Canary()
    async with serving(canary) as canary_port:

        async def elsewhere(_: web.Request) -> web.Response:
            raise web.HTTPFound(f"http://127.0.0.1:{canary_port}/")

        routes = {"/live.m3u8": playlist(*entries("0.ts")), "/0.ts": elsewhere}
        async with site(routes) as port:
            report = await checker.check(at(port, "/live.m3u8", scheme="http"))
    assert (report.failure, canary.visits) == (Failure.REDIRECTED, 0)


async def test_hls_sends_the_password_to_its_own_host_only(
    checker: StreamChecker, segments: list[bytes]
) -> None:
    asked: list[str | None] = []

    async def curious(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization"))
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})

    async with site({"/0.ts": curious}) as other_port:
        text = playlist(*entries(f"http://127.0.0.1:{other_port}/0.ts"))
        async with site({"/live.m3u8": text}) as port:
            await checker.check(at(port, "/live.m3u8", scheme="http"))
    assert set(asked) == {None}


def test_one_letter_without_end_in_a_playlist_does_not_hold_everybody_up() -> None:
    began = time.process_time()
    assert chosen_variant("#EXTM3U\n#EXT-X-STREAM-INF:" + "A" * 60_000 + "\nx.m3u8") == "x.m3u8"
    assert time.process_time() - began < 1
