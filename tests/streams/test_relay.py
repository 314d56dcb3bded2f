"""The relay between a camera and the child that decodes."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

import pytest

from nobs_bot.sandbox.cameras.clip import Clip
from nobs_bot.sandbox.cameras.server import CameraServer, Channel
from nobs_bot.streams.address import parse_address
from nobs_bot.streams.check import StreamChecker
from nobs_bot.streams.relay import relay_for


async def look_and_hang_up(url: str) -> None:
    """Play until pictures come, and be gone without a word, as a child that has enough."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    wanted = (
        f"SETUP {url}/track1 RTSP/1.0\r\nCSeq: 1\r\n"
        "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
        f"PLAY {url} RTSP/1.0\r\nCSeq: 2\r\n\r\n",
    )
    for each in wanted:
        writer.write(each.encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"RTSP/1.0 200")
    await reader.readexactly(1000)
    writer.close()


async def test_what_comes_after_the_child_has_left_goes_nowhere(
    checker: StreamChecker, street: Clip, caplog: pytest.LogCaptureFixture
) -> None:
    camera = CameraServer({"/shop": Channel(street, "warga", "rahasia")}, auth="digest")
    port = await camera.start("127.0.0.1", 0)
    welcome = await checker.approach(parse_address(f"rtsp://warga:rahasia@127.0.0.1:{port}/shop"))
    relay = relay_for(welcome, stall_timeout_s=5)
    passed = 0

    def counted(frames: bytes) -> None:
        nonlocal passed
        passed += 1
        pass_media(frames)

    try:
        await relay.open()
        with caplog.at_level(logging.WARNING, "asyncio"):
            await look_and_hang_up(relay.url)
            pass_media = welcome.link.on_media
            welcome.link.on_media = counted
            async with asyncio.timeout(10):
                while passed < 20:
                    await asyncio.sleep(0.1)
    finally:
        relay.close()
        await camera.stop()
    assert caplog.messages == []
