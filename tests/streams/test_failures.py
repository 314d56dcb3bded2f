"""Every failure there is, each from a server that really does it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import pytest

from nobs_bot.sandbox.cameras.clip import Clip
from nobs_bot.streams.address import StreamAddress, assemble
from nobs_bot.streams.check import Failure, StreamChecker, Verdict
from tests.rtsp import start_rtsp_camera
from tests.streams.hostile import (
    DESCRIBED,
    PASSWORD,
    SDP,
    SET_UP,
    USER,
    Canary,
    camera,
    dripping,
    meddling,
    rtsp,
    saying,
    serving,
    silent,
)


def at(port: int, path: str = "/stream", *, scheme: str = "rtsp") -> StreamAddress:
    return assemble(scheme, "127.0.0.1", port, path, username=USER, password=PASSWORD)


async def failure_of(checker: StreamChecker, address: StreamAddress) -> Failure | None:
    report = await checker.check(address)
    assert (report.verdict is Verdict.FAILED) == (report.failure is not None)
    return report.failure


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def resolver_to(*ips: str):
    async def resolve(host: str, port: int) -> Sequence[str]:
        if not ips:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return ips

    return resolve


@pytest.mark.parametrize(
    ("ips", "failure"),
    [
        ([], Failure.NAME_NOT_RESOLVED),
        (["192.168.1.64"], Failure.PRIVATE_ADDRESS),
        (["127.0.0.1"], Failure.FORBIDDEN_ADDRESS),
    ],
)
async def test_address_that_may_not_be_connected_to_is_not(
    ips: list[str], failure: Failure
) -> None:
    canary = Canary()
    checker = StreamChecker(resolver=resolver_to(*ips))
    async with serving(canary) as port:
        report = await checker.check(assemble("rtsp", "kamera.example", port, "/"))
    await checker.close()
    assert (report.verdict, report.failure, canary.visits) == (Verdict.FAILED, failure, 0)


async def test_closed_port_refuses(checker: StreamChecker) -> None:
    assert await failure_of(checker, at(free_port())) is Failure.REFUSED


@pytest.mark.parametrize("scheme", ["rtsp", "http", "https", "rtsps"])
async def test_silence_is_no_answer(checker: StreamChecker, scheme: str) -> None:
    async with serving(silent) as port:
        assert await failure_of(checker, at(port, scheme=scheme)) is Failure.NO_ANSWER


async def test_slow_drip_is_no_answer(checker: StreamChecker) -> None:
    async with serving(dripping(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n" * 50)) as port:
        assert await failure_of(checker, at(port)) is Failure.NO_ANSWER


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        ("rtsp", b"SSH-2.0-dropbear\r\n"),
        ("rtsp", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("rtsp", b""),
        ("rtsp", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n" + b"X-Pad: " + b"x" * 100_000),
        ("rtsp", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 120000000\r\n\r\nv=0"),
        ("rtsp", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: -5\r\n\r\n"),
        ("rtsps", b"RTSP/1.0 200 OK\r\n\r\n"),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"),
        ("http", b"HTTP/1.1 200 OK\r\n" + b"X-Pad: x\r\n" * 20_000),
        ("http", b"HTTP/1.1 200 OK\r\nX-Pad: " + b"x" * 200_000),
        ("http", b"SSH-2.0-dropbear\r\n"),
        ("http", b""),
    ],
)
async def test_something_else_is_not_a_camera(
    checker: StreamChecker, scheme: str, said: bytes
) -> None:
    async with serving(saying(said)) as port:
        assert await failure_of(checker, at(port, scheme=scheme)) is Failure.NOT_A_CAMERA


async def test_description_of_120_megabytes_is_not_read(checker: StreamChecker) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 120000000\r\n\r\n")
        while True:
            writer.write(b"a=x\r\n" * 1000)
            await writer.drain()

    async with serving(endless) as port:
        assert await failure_of(checker, at(port)) is Failure.NOT_A_CAMERA


@pytest.mark.parametrize("auth", ["digest", "basic"])
async def test_password_wrong_or_missing(checker: StreamChecker, street: Clip, auth: str) -> None:
    async with camera(street, auth=auth) as port:
        wrong = at(port).with_credentials(USER, "wrong")
        missing = at(port).with_credentials("", "")
        assert await failure_of(checker, wrong) is Failure.WRONG_PASSWORD
        assert await failure_of(checker, missing) is Failure.PASSWORD_NEEDED


async def test_path_that_is_not_there(checker: StreamChecker, street: Clip) -> None:
    async with camera(street) as port:
        assert await failure_of(checker, at(port, "/other")) is Failure.NO_SUCH_PATH
    gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with serving(saying(gone)) as port:
        assert await failure_of(checker, at(port, scheme="http")) is Failure.NO_SUCH_PATH


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
async def test_rtsp_redirect_is_not_followed(checker: StreamChecker, method: str) -> None:
    canary = Canary()
    async with serving(canary) as canary_port:
        there = [("Location", f"rtsp://127.0.0.1:{canary_port}/stream")]
        answers = {"DESCRIBE": DESCRIBED, "SETUP": SET_UP, method: (302, there, b"")}
        async with serving(rtsp(**answers)) as port:
            assert await failure_of(checker, at(port)) is Failure.REDIRECTED
    assert canary.visits == 0


async def test_rtsp_redirect_to_itself_ends_at_the_first(checker: StreamChecker) -> None:
    requests = 0

    async def loop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        while request := await reader.readuntil(b"\r\n\r\n"):
            requests += 1
            url = request.split()[1].decode()
            writer.write(f"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {url}\r\n\r\n".encode())

    async with serving(loop) as port:
        assert await failure_of(checker, at(port)) is Failure.REDIRECTED
    assert requests == 1


async def test_rtsp_redirect_request_in_mid_stream_is_cut(
    checker: StreamChecker, street: Clip
) -> None:
    canary = Canary()
    async with serving(canary) as canary_port, camera(street) as camera_port:
        redirect = (
            f"REDIRECT rtsp://x RTSP/1.0\r\nLocation: rtsp://127.0.0.1:{canary_port}/\r\n\r\n"
        )

        async def meddle(data: bytes, writer: asyncio.StreamWriter) -> None:
            at_media = data.find(b"$\x00")
            if at_media >= 0:
                writer.write(data[:at_media] + redirect.encode())
            else:
                writer.write(data)

        async with meddling(camera_port, meddle) as port:
            assert await failure_of(checker, at(port)) is Failure.REDIRECTED
        assert canary.visits == 0


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_http_redirect_is_not_followed(checker: StreamChecker, status: int) -> None:
    canary = Canary()
    async with serving(canary) as canary_port:
        location = f"http://127.0.0.1:{canary_port}/"
        said = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n\r\n"
        async with serving(saying(said.encode())) as port:
            assert await failure_of(checker, at(port, scheme="http")) is Failure.REDIRECTED
    assert canary.visits == 0


async def test_play_without_media_is_no_pictures(checker: StreamChecker) -> None:
    async with serving(rtsp(DESCRIBE=DESCRIBED, SETUP=SET_UP)) as port:
        assert await failure_of(checker, at(port)) is Failure.NO_PICTURES


@pytest.mark.parametrize(
    "transport", ["RTP/AVP/TCP;interleaved=0-1", "RTP/AVP;unicast;client_port=1-2"]
)
async def test_description_and_setup_cannot_point_elsewhere(
    checker: StreamChecker, transport: str
) -> None:
    canary = Canary()
    async with serving(canary) as port_there:
        there = f"rtsp://127.0.0.1:{port_there}/x"
        sdp = SDP.replace("track1", there).replace("t=0 0", "c=IN IP4 127.0.0.1\r\nt=0 0")
        base = [("Content-Base", there), ("Content-Location", there)]
        set_up = [("Transport", f"{transport};source=127.0.0.1;server_port={port_there}-1")]
        answers = {
            "DESCRIBE": (200, base, sdp.encode()),
            "SETUP": (200, [*set_up, ("Session", "abc")], b""),
        }
        async with serving(rtsp(**answers)) as port:
            assert await failure_of(checker, at(port)) is Failure.NO_PICTURES
    assert canary.visits == 0


async def test_sound_alone_is_no_pictures(checker: StreamChecker) -> None:
    sound = SDP.replace("m=video", "m=audio").replace("H264", "PCMU").encode()
    async with serving(rtsp(DESCRIBE=(200, [], sound))) as port:
        assert await failure_of(checker, at(port)) is Failure.NO_PICTURES


async def test_media_that_drips_ends_at_the_deadline() -> None:
    loopback = ipaddress.ip_network("127.0.0.1/32")
    checker = StreamChecker(allowed_networks=[loopback], connect_timeout_s=1.5, deadline_s=4)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(rtsp(DESCRIBE=DESCRIBED, SETUP=SET_UP)(reader, writer))
        try:
            await asyncio.sleep(1)
            writer.write(b"$\x00\xff\xff")
            while True:
                writer.write(b"\x80")
                await asyncio.sleep(0.1)
        finally:
            task.cancel()

    async with serving(drip) as port:
        assert await failure_of(checker, at(port)) is Failure.NO_PICTURES
    await checker.close()


async def test_unknown_codec_is_named(checker: StreamChecker) -> None:
    described = (200, [], SDP.replace("H264", "H266").encode())
    async with serving(rtsp(DESCRIBE=described)) as port:
        report = await checker.check(at(port))
    assert (report.failure, report.codec) == (Failure.UNSUPPORTED_CODEC, "H266")


async def test_single_jpeg_over_http_is_no_stream(checker: StreamChecker) -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff"
    async with serving(saying(said)) as port:
        report = await checker.check(at(port, scheme="http"))
    assert (report.failure, report.codec) == (Failure.UNSUPPORTED_CODEC, "image/jpeg")


async def test_picture_of_8192_by_4320_is_too_large(checker: StreamChecker, huge: Clip) -> None:
    async with camera(huge) as port:
        assert await failure_of(checker, at(port)) is Failure.TOO_LARGE


@pytest.mark.rtsp
async def test_real_server_tells_its_failures_apart(checker: StreamChecker) -> None:
    with start_rtsp_camera() as real:
        wrong = real.address.with_credentials("admin", "admin")
        missing = real.address.with_credentials("", "")
        other = at(real.port, "/other")
        assert await failure_of(checker, wrong) is Failure.WRONG_PASSWORD
        assert await failure_of(checker, missing) is Failure.PASSWORD_NEEDED
        assert await failure_of(checker, other) is Failure.NO_SUCH_PATH
    assert await failure_of(checker, real.address) is Failure.REFUSED


@pytest.mark.rtsp
async def test_real_server_with_jpeg2000_is_unsupported(checker: StreamChecker) -> None:
    with start_rtsp_camera("jpeg2000", "none", width=320, height=240) as real:
        report = await checker.check(real.address)
    assert (report.failure, report.codec) == (Failure.UNSUPPORTED_CODEC, "JPEG2000")
