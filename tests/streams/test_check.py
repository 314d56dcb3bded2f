"""Streams that can be looked at: real servers, awkward ones, and what must never show."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from nobs_bot.sandbox.cameras import scenes
from nobs_bot.sandbox.cameras.clip import Clip, encode
from nobs_bot.streams.address import parse_address
from nobs_bot.streams.check import CheckReport, Failure, Finding, Stage, StreamChecker, Verdict
from tests.rtsp import start_rtsp_camera
from tests.streams.hostile import PASSWORD, USER, camera, meddling, self_signed, serving
from tests.streams.test_failures import at


def size_of(jpeg: bytes | None) -> tuple[int, int]:
    assert jpeg is not None
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return picture.shape[1], picture.shape[0]


def assert_good(report: CheckReport, codec: str) -> None:
    assert (report.verdict, report.failure, report.codec) == (Verdict.GOOD, None, codec)
    assert (report.width, report.height) == (1280, 720)
    assert report.findings == ()
    assert size_of(report.still) == (1280, 720)


@pytest.mark.rtsp
@pytest.mark.parametrize(
    ("codec", "auth", "named"),
    [
        ("h264", "digest", "h264"),
        ("h264", "basic", "h264"),
        ("h265", "digest", "hevc"),
        ("mjpeg", "none", "mjpeg"),
    ],
)
async def test_real_server_is_good(
    checker: StreamChecker, codec: str, auth: str, named: str
) -> None:
    with start_rtsp_camera(codec, auth) as real:
        assert_good(await checker.check(real.address), named)


@pytest.mark.rtsp
async def test_url_typed_raw_with_every_awkward_character(checker: StreamChecker) -> None:
    with start_rtsp_camera(password="p@ss:w/rd%#?1") as real:
        typed = f"rtsp://admin:p@ss:w/rd%#?1@127.0.0.1:{real.port}/stream"
        assert_good(await checker.check(parse_address(typed)), "h264")


async def test_stages_come_in_order(checker: StreamChecker, street: Clip) -> None:
    stages: list[Stage] = []

    async def note(stage: Stage) -> None:
        stages.append(stage)

    async with camera(street) as port:
        report = await checker.check(at(port), note)
    assert_good(report, "h264")
    assert stages == list(Stage)


async def test_frame_rate_is_that_of_the_arriving_pictures(
    checker: StreamChecker, street: Clip
) -> None:
    async with camera(street) as port:
        report = await checker.check(at(port))
    assert report.fps is not None
    assert 12 < report.fps < 18


async def test_report_is_ready_for_json(checker: StreamChecker, street: Clip) -> None:
    async with camera(street) as port:
        report = await checker.check(at(port))
    fields = json.loads(json.dumps(report.as_dict()))
    assert fields["verdict"] == "good"
    assert fields["measures"]["frames"] >= 2
    assert "still" not in fields


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "MD5-sess"])
async def test_digest_algorithms(checker: StreamChecker, street: Clip, algorithm: str) -> None:
    async with camera(street, algorithm=algorithm) as port:
        assert_good(await checker.check(at(port)), "h264")


async def test_replies_split_into_single_bytes(checker: StreamChecker, street: Clip) -> None:
    seen = 0

    async def meddle(data: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        split = max(0, min(len(data), 4000 - seen))
        seen += len(data)
        for byte in data[:split]:
            writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        writer.write(data[split:])

    async with camera(street) as port, meddling(port, meddle) as split_port:
        assert_good(await checker.check(at(split_port)), "h264")


async def test_camera_that_hangs_up_after_its_challenge(
    checker: StreamChecker, street: Clip
) -> None:
    async def meddle(data: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        if b" 401 " in data:
            await writer.drain()
            writer.close()
            raise ConnectionAbortedError

    # The nonce lives with the camera's connection, so this one only takes basic.
    async with camera(street, auth="basic") as port, meddling(port, meddle) as own_port:
        assert_good(await checker.check(at(own_port)), "h264")


async def test_rtsps_says_that_the_certificate_was_not_verified(
    checker: StreamChecker, street: Clip, tmp_path: Path
) -> None:
    async def meddle(data: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    context = self_signed(tmp_path)
    async with camera(street) as port, meddling(port, meddle, context=context) as own_port:
        report = await checker.check(at(own_port, scheme="rtsps"))
    assert_good(report, "h264")
    assert report.measures["tls_unverified"] == 1.0


async def test_stall_in_mid_stream_still_reports_what_came(
    checker: StreamChecker, street: Clip
) -> None:
    passed = 0

    async def meddle(data: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal passed
        passed += len(data)
        if passed < 400_000:
            writer.write(data)

    async with camera(street) as port, meddling(port, meddle) as own_port:
        report = await checker.check(at(own_port))
    assert (report.verdict, report.failure) == (Verdict.GOOD, None)
    assert report.measures["frames"] >= 2
    assert size_of(report.still) == (1280, 720)


async def test_camera_is_told_good_bye(checker: StreamChecker, street: Clip) -> None:
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        camera_reader, camera_writer = await asyncio.open_connection("127.0.0.1", camera_port)

        async def back() -> None:
            while data := await camera_reader.read(65536):
                writer.write(data)

        task = asyncio.create_task(back())
        while data := await reader.read(65536):
            heard.extend(data)
            camera_writer.write(data)
        task.cancel()
        camera_writer.transport.abort()

    async with camera(street) as camera_port, serving(listen) as port:
        await checker.check(at(port))
        await asyncio.sleep(0.2)
    assert b"TEARDOWN rtsp://127.0.0.1" in heard
    assert PASSWORD.encode() not in heard


async def test_nothing_shows_the_password(
    checker: StreamChecker, street: Clip, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []

    async def look(_: Stage) -> None:
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            folder = Path("/proc") / str(process.pid)
            for name in ("cmdline", "environ"):
                seen.append((folder / name).read_bytes().decode("utf-8", "replace"))

    async with camera(street) as port:
        address = at(port)
        report = await checker.check(address, look)
        wrong = await checker.check(address.with_credentials(USER, "Rahasia-99"), look)
    assert len(seen) > 2 * len(Stage)
    shown = " ".join([*seen, caplog.text, repr(report), repr(wrong), repr(address), str(address)])
    for secret in (PASSWORD, "Rahasia-99", "p%40ss"):
        assert secret not in shown


async def test_checks_side_by_side_do_not_mix(checker: StreamChecker, street: Clip) -> None:
    async with camera(street) as port:
        wrong = at(port).with_credentials(USER, "wrong")
        reports = await asyncio.gather(
            checker.check(at(port)), checker.check(wrong), checker.check(at(port))
        )
    assert [report.failure for report in reports] == [None, Failure.WRONG_PASSWORD, None]


async def test_cancelled_check_leaves_no_child(checker: StreamChecker, street: Clip) -> None:
    watching = asyncio.Event()

    async def note(stage: Stage) -> None:
        if stage is Stage.watching:
            watching.set()

    async with camera(street) as port:
        task = asyncio.create_task(checker.check(at(port), note))
        await watching.wait()
        (forkserver,) = psutil.Process().children()
        assert len(forkserver.children()) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert forkserver.children() == []


async def test_dead_forkserver_is_replaced(checker: StreamChecker, street: Clip) -> None:
    async with camera(street) as port:
        assert_good(await checker.check(at(port)), "h264")
        (forkserver,) = psutil.Process().children()
        forkserver.kill()
        await asyncio.sleep(0.2)
        assert_good(await checker.check(at(port)), "h264")


async def test_still_has_a_long_side_of_1280(checker: StreamChecker) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (1440, 2560, 3), np.uint8)
    pictures = [cv2.GaussianBlur(np.roll(picture, n * 9, 1), (0, 0), 5) for n in range(15)]
    async with camera(encode(iter(pictures), fps=15)) as port:
        report = await checker.check(at(port))
    assert (report.width, report.height) == (2560, 1440)
    assert size_of(report.still) == (1280, 720)


async def test_small_picture_is_good_with_a_remark(checker: StreamChecker, street: Clip) -> None:
    small = (
        cv2.resize(picture, (320, 240))
        for picture, _ in zip(scenes.good(), range(15), strict=False)
    )
    async with camera(encode(small, fps=15)) as port:
        report = await checker.check(at(port))
    assert (report.verdict, report.findings) == (Verdict.GOOD, (Finding.LOW_RESOLUTION,))
