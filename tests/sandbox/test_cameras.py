"""The demo's cameras, seen by our checker and by OpenCV alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nobs_bot.sandbox.cameras import CameraInfo, DemoCameras
from nobs_bot.sandbox.cameras.clip import cached
from nobs_bot.streams.address import parse_address
from nobs_bot.streams.check import Failure, Finding, StreamChecker, Verdict
from nobs_bot.streams.comparison import Change
from nobs_bot.streams.turning import compare
from nobs_bot.streams.vetting import Network
from tests.streams.conftest import LOOPBACK

READ = """
import os, sys, cv2
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp"
capture = cv2.VideoCapture(sys.stdin.readline().strip(), cv2.CAP_FFMPEG)
frames = [capture.read() for _ in range(20)]
print(sum(ok for ok, _ in frames), frames[-1][1].shape)
"""


@pytest.fixture
async def cameras(scenes: Path) -> AsyncIterator[dict[str, CameraInfo]]:
    demo = DemoCameras()
    infos = await demo.start(cache_dir=scenes)
    yield {info.key: info for info in infos}
    await demo.stop()


@pytest.fixture
async def checker() -> AsyncIterator[StreamChecker]:
    allowed: list[Network] = [LOOPBACK]
    checker = StreamChecker(allowed_networks=allowed, watch_s=1.0)
    yield checker
    await checker.close()


@pytest.mark.parametrize(
    ("key", "verdict", "finding"),
    [
        ("good", Verdict.GOOD, None),
        ("covered", Verdict.POOR, Finding.COVERED),
        ("black", Verdict.POOR, Finding.BLACK),
    ],
)
async def test_each_scene_is_judged_as_what_it_shows(
    cameras: dict[str, CameraInfo],
    checker: StreamChecker,
    key: str,
    verdict: Verdict,
    finding: Finding | None,
) -> None:
    info = cameras[key]
    address = parse_address(info.url).with_credentials(info.username, info.password)
    report = await checker.check(address)
    assert (report.verdict, report.codec, report.width) == (verdict, "h264", 1280)
    assert report.findings[:1] == ((finding,) if finding else ())


async def test_each_camera_has_a_password_of_its_own(
    cameras: dict[str, CameraInfo], checker: StreamChecker
) -> None:
    address = parse_address(cameras["good"].url)
    other = cameras["covered"]
    assert (await checker.check(address)).failure is Failure.PASSWORD_NEEDED
    crossed = address.with_credentials(other.username, other.password)
    assert (await checker.check(crossed)).failure is Failure.WRONG_PASSWORD


async def test_info_shows_no_password(cameras: dict[str, CameraInfo]) -> None:
    for info in cameras.values():
        assert info.password not in repr(info)
        assert parse_address(info.url).public == info.url


async def test_opencv_alone_reads_it(cameras: dict[str, CameraInfo]) -> None:
    info = cameras["good"]
    url = parse_address(info.url).with_credentials(info.username, info.password).url
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", READ],
        input=url,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stdout.strip() == "20 (720, 1280, 3)"


async def test_many_viewers_at_once(cameras: dict[str, CameraInfo], checker: StreamChecker) -> None:
    info = cameras["good"]
    address = parse_address(info.url).with_credentials(info.username, info.password)
    reports = await asyncio.gather(*(checker.check(address) for _ in range(3)))
    assert [report.verdict for report in reports] == [Verdict.GOOD] * 3


def test_kept_clip_is_used_and_a_broken_one_replaced(scenes: Path) -> None:
    path = next(scenes.glob("good-*.clip"))
    name = path.name.removesuffix(".clip")

    def never():
        raise AssertionError
        yield

    kept = cached(scenes, name, never(), fps=15)
    assert len(kept.frames) == 90
    (scenes / "broken.clip").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(AssertionError):
        cached(scenes, "broken", never(), fps=15)


async def test_the_camera_on_the_corner_shows_that_it_was_turned(
    scenes: Path, checker: StreamChecker
) -> None:
    demo = DemoCameras()
    infos = {info.key: info for info in await demo.start(cache_dir=scenes)}
    try:
        info = infos["corner"]
        address = parse_address(info.url).with_credentials(info.username, info.password)
        before = await checker.check(address)
        assert before.verdict is Verdict.GOOD
        heading = demo.headings()["corner"]
        assert await demo.turn("corner", heading + 31) == heading + 30
        after = await checker.check(address)
        assert before.still
        assert after.still
        found = compare(before.still, after.still, 80)
        assert found.change is Change.TURNED
        assert found.yaw_deg == pytest.approx(30, abs=1)
        assert (await demo.still("corner")).startswith(b"\xff\xd8")
        for key in ("good", "unknown"):
            with pytest.raises(KeyError):
                await demo.turn(key, 10)
    finally:
        await demo.stop()
