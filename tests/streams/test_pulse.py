"""A pulse from real servers, from awkward ones, and never from where it must not go."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from nobs_bot.sandbox.cameras.clip import Clip
from nobs_bot.streams.address import StreamAddress, parse_address
from nobs_bot.streams.keyframes import ENOUGH_PICTURES, KeyframeWatch
from nobs_bot.streams.pulse import neighbourhood, take_pulse
from nobs_bot.streams.report import Failure
from tests.rtsp import start_rtsp_camera
from tests.streams.conftest import LOOPBACK
from tests.streams.hostile import (
    DESCRIBED,
    PASSWORD,
    SET_UP,
    USER,
    Canary,
    camera,
    meddling,
    rtsp,
    saying,
    serving,
    silent,
)
from tests.streams.test_failures import at, free_port, resolver_to


async def failure_of(address: StreamAddress, **more: Any) -> Failure | None:
    limits = {"connect_timeout_s": 1.5, "deadline_s": 6, "allowed_networks": [LOOPBACK], **more}
    return (await take_pulse(address, **limits)).failure


@pytest.mark.rtsp
@pytest.mark.parametrize(
    ("codec", "auth"),
    [("h264", "digest"), ("h264", "basic"), ("h265", "digest"), ("mjpeg", "none")],
)
async def test_a_real_server_has_a_pulse(codec: str, auth: str) -> None:
    with start_rtsp_camera(codec, auth) as real:
        assert await failure_of(real.address) is None
        # the session was given back: a camera that keeps few has room for the next
        assert await failure_of(real.address) is None


@pytest.mark.rtsp
async def test_a_real_server_refuses_what_is_wrong() -> None:
    with start_rtsp_camera("h264", "digest") as real:
        wrong = real.address.with_credentials(USER, "wrong")
        assert await failure_of(wrong) is Failure.WRONG_PASSWORD
        elsewhere = parse_address(f"rtsp://127.0.0.1:{real.port}/nowhere")
        elsewhere = elsewhere.with_credentials(real.address.username, real.address.password)
        assert await failure_of(elsewhere) is Failure.NO_SUCH_PATH


async def test_the_demos_camera_has_a_pulse(street: Clip) -> None:
    async with camera(street) as port:
        assert await failure_of(at(port)) is None
        wrong = at(port).with_credentials(USER, "wrong")
        assert await failure_of(wrong) is Failure.WRONG_PASSWORD


async def test_what_comes_cut_into_pieces_is_a_pulse_too(street: Clip) -> None:
    async def crumble(data: bytes, writer: asyncio.StreamWriter) -> None:
        for at_byte in range(0, len(data), 211):
            writer.write(data[at_byte : at_byte + 211])
            await writer.drain()

    async with camera(street) as port, meddling(port, crumble) as meddled:
        assert await failure_of(at(meddled)) is None


async def test_failures_are_told_apart() -> None:
    assert await failure_of(at(free_port())) is Failure.REFUSED
    async with serving(silent) as port:
        assert await failure_of(at(port)) is Failure.NO_ANSWER
    async with serving(saying(b"SSH-2.0-dropbear\r\n")) as port:
        assert await failure_of(at(port)) is Failure.NOT_A_CAMERA
    async with serving(rtsp(DESCRIBE=(404, [], b""))) as port:
        assert await failure_of(at(port)) is Failure.NO_SUCH_PATH
    # it describes its stream, lets itself be set up, and sends nothing
    handler = rtsp(DESCRIBE=DESCRIBED, SETUP=SET_UP, PLAY=(200, [("Session", "1")], b""))
    async with serving(handler) as port:
        assert await failure_of(at(port), deadline_s=2) is Failure.NO_PICTURES


async def test_a_redirect_is_not_followed() -> None:
    canary = Canary()
    async with serving(canary) as trap:
        moved = (302, [("Location", f"rtsp://127.0.0.1:{trap}/")], b"")
        async with serving(rtsp(DESCRIBE=DESCRIBED, SETUP=moved)) as port:
            assert await failure_of(at(port)) is Failure.REDIRECTED
    assert canary.visits == 0


@pytest.mark.parametrize(
    ("ips", "failure"),
    [
        ([], Failure.NAME_NOT_RESOLVED),
        (["192.168.1.64"], Failure.PRIVATE_ADDRESS),
        (["169.254.169.254"], Failure.FORBIDDEN_ADDRESS),
    ],
)
async def test_nothing_is_connected_to_that_was_not_vetted(
    ips: list[str], failure: Failure
) -> None:
    canary = Canary()
    async with serving(canary) as port:
        address = parse_address(f"rtsp://kamera.rumah.ddns.net:{port}/")
        pulse = await take_pulse(address, resolver=resolver_to(*ips))
    assert (pulse.failure, pulse.network, canary.visits) == (failure, "*.ddns.net", 0)


async def test_jpegs_over_http_are_a_pulse() -> None:
    async def mjpeg(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n"
        )
        for block in (b"--x\r\n\r\n\xff\xd8", b"\x00" * 70_000, b"\xff\xd9"):
            writer.write(block)
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(mjpeg) as port:
        assert await failure_of(at(port, scheme="http")) is None


async def test_no_secret_is_logged(street: Clip, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with camera(street) as port:
        await failure_of(at(port))
        await failure_of(at(port).with_credentials(USER, PASSWORD + "x"))
    assert PASSWORD not in caplog.text


# keyframes


def packet(payload: bytes, *, marker: bool = False, channel: int = 0, extended: bool = False):
    first = 0x90 if extended else 0x80
    header = bytes((first, 96 | marker << 7)) + bytes(10)
    if extended:
        header += b"\xbe\xde\x00\x01" + bytes(4)
    body = header + payload
    return b"$" + bytes((channel,)) + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("codec", "payload", "is_key"),
    [
        ("h264", b"\x65\x88\x84", True),
        ("h264", b"\x41\x9a\x24", False),
        ("h264", b"\x67\x42\x00\x1f", False),
        ("h264", b"\x7c\x85\x88", True),
        ("h264", b"\x7c\x45\x88", False),
        ("h264", b"\x18\x00\x03\x67\x42\x00\x00\x02\x65\x88", True),
        ("h264", b"\x18\xff\xff\x67", False),
        ("hevc", b"\x26\x01\xaf", True),
        ("hevc", b"\x02\x01\xd0", False),
        ("hevc", b"\x62\x01\x93\x00", True),
        ("hevc", b"\x62\x01\x13\x00", False),
        ("hevc", b"\x60\x01\x00\x03\x40\x01\x0c\x00\x03\x28\x01\xaf", True),
    ],
)
def test_keyframes_are_told_from_the_rest(codec: str, payload: bytes, is_key: bool) -> None:
    for extended in (False, True):
        watch = KeyframeWatch(codec, 0)
        stream = packet(b"\x01\x00\x00", channel=1) + packet(payload, extended=extended)
        for at_byte in range(len(stream)):
            watch.feed(stream[at_byte : at_byte + 1])
        assert watch.has_keyframe is is_key
        assert watch.pictures == 0


def test_many_pictures_do_where_no_keyframe_ever_comes() -> None:
    watch = KeyframeWatch("h264", 0)
    for _ in range(ENOUGH_PICTURES):
        assert not watch.is_satisfied
        watch.feed(packet(b"\x41\x9a\x24", marker=True))
    assert watch.is_satisfied


def test_rubbish_is_no_picture() -> None:
    watch = KeyframeWatch("h264", 0)
    for rubbish in (b"", b"$", b"$\x00\x00\x00", b"$\x00\x00\x02\x00\x00", bytes(5000), b"$" * 999):
        watch.feed(rubbish)
    assert not watch.is_satisfied


@pytest.mark.parametrize(
    ("host", "shared"),
    [
        ("36.68.12.7", "36.68.0.0/16"),
        ("2001:448a:2020::7", "2001:448a::/32"),
        ("Kamera.Rumah.DDNS.net.", "*.ddns.net"),
        ("localhost", "*.localhost"),
    ],
)
def test_a_neighbourhood_is_what_fails_as_one(host: str, shared: str) -> None:
    assert neighbourhood(host) == shared
