"""What is small on the line and large once it is unpacked, or never ends."""

from __future__ import annotations

import asyncio
import gzip
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from nobs_bot.streams.check import Failure, StreamChecker
from tests.streams.hostile import Handler, dripping, saying, serving
from tests.streams.test_failures import at, failure_of

# a thousandth of it on the line
UNPACKED = 100 * 1024 * 1024
MJPEG = b"Content-Type: multipart/x-mixed-replace; boundary=x\r\n"
HLS = b"Content-Type: application/vnd.apple.mpegurl\r\n"
MOST_MEMORY = 24 * 1024 * 1024


def packed(compress: Callable[[bytes], bytes]) -> bytes:
    return compress(bytes(UNPACKED))


@pytest.fixture(scope="module", params=["gzip", "deflate"])
def bomb(request: pytest.FixtureRequest) -> bytes:
    """A body with its header, which unpacks to 100 MB."""
    body = packed(gzip.compress if request.param == "gzip" else zlib.compress)
    encoding = str(request.param).encode()
    return b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (encoding, len(body), body)


def answering(*answers: bytes) -> Handler:
    """Says the next of *answers* to each request, and the last to all that follow."""
    left = list(answers)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    return handler


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [(MJPEG, {Failure.NO_PICTURES}), (HLS, {Failure.NOT_A_CAMERA, Failure.TOO_LARGE})],
)
async def test_a_packed_body_is_not_unpacked(
    checker: StreamChecker, bomb: bytes, content_type: bytes, expected: set[Failure]
) -> None:
    tracemalloc.start()
    try:
        async with serving(answering(b"HTTP/1.1 200 OK\r\n" + content_type + bomb)) as port:
            failure = await failure_of(checker, at(port, "/x.m3u8", scheme="http"))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert failure in expected
    assert most < MOST_MEMORY


async def test_a_packed_segment_is_not_unpacked(checker: StreamChecker, bomb: bytes) -> None:
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\nsegment.ts\n#EXT-X-ENDLIST\n"
    head = b"HTTP/1.1 200 OK\r\n" + HLS + b"Content-Length: %d\r\n\r\n" % len(playlist)
    async with serving(answering(head + playlist, b"HTTP/1.1 200 OK\r\n" + bomb)) as port:
        failure = await failure_of(checker, at(port, "/x.m3u8", scheme="http"))
    assert failure in {Failure.NO_PICTURES, Failure.NOT_A_CAMERA, Failure.UNSUPPORTED_CODEC}


def claiming(width: int, height: int) -> bytes:
    """A JPEG of a few hundred bytes whose header says that it is as large as that."""
    jpeg = bytearray(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes())
    at_size = jpeg.index(b"\xff\xc0") + 5
    jpeg[at_size : at_size + 4] = struct.pack(">HH", height, width)
    return bytes(jpeg)


@pytest.mark.parametrize("size", [(65_500, 65_500), (16_384, 16_384), (65_500, 1)])
async def test_a_picture_that_claims_to_be_huge_is_not_made_room_for(
    checker: StreamChecker, size: tuple[int, int]
) -> None:
    jpeg = claiming(*size)
    part = b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
    said = b"HTTP/1.1 200 OK\r\n" + MJPEG + b"\r\n" + (part + jpeg + b"\r\n") * 20
    async with serving(saying(said)) as port:
        failure = await failure_of(checker, at(port, scheme="http"))
    assert failure in {Failure.TOO_LARGE, Failure.NO_PICTURES}


@pytest.mark.parametrize(
    "said",
    [
        b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 200_000,
        b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffff0\r\nx",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\nx",
        b"Content-Length: 99999999999999999999\r\n\r\n#EXTM3U",
        b"Content-Length: 1\r\nContent-Length: 9\r\n\r\n#EXTM3U\n",
        b"\r\n" + b"#EXTM3U\n" * 20_000,
    ],
)
async def test_a_length_that_lies_is_not_believed(checker: StreamChecker, said: bytes) -> None:
    async with serving(saying(b"HTTP/1.1 200 OK\r\n" + HLS + said)) as port:
        failure = await failure_of(checker, at(port, "/x.m3u8", scheme="http"))
    assert failure in {Failure.NOT_A_CAMERA, Failure.TOO_LARGE, Failure.NO_PICTURES}


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nX-Pad: x\r\n" * 50,
        b"HTTP/1.1 200 OK\r\n" + HLS + b"\r\n" + b"#EXTM3U\n" * 50,
    ],
)
async def test_http_that_drips_is_no_answer(checker: StreamChecker, said: bytes) -> None:
    async with serving(dripping(said)) as port:
        failure = await failure_of(checker, at(port, "/x.m3u8", scheme="http"))
    assert failure is Failure.NO_ANSWER
