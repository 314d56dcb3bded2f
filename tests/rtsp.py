"""A real RTSP camera for tests: Debian's gst-rtsp-server in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from nobs_bot.streams.address import StreamAddress, assemble

SYSTEM_PYTHON = Path("/usr/bin/python3")
SCRIPT = Path(__file__).parent / "streams" / "rtsp_server.py"
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0"
    " gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
    " gstreamer1.0-plugins-ugly"
)
_PROBE = "import gi; gi.require_version('GstRtspServer', '1.0')"


@dataclass(frozen=True)
class RtspCamera:
    """A camera that runs: where it is and what opens it."""

    url_public: str
    username: str
    password: str = field(repr=False)
    port: int
    address: StreamAddress


@cache
def missing() -> str | None:
    """Why no camera can run here, in the words of the summary of left-out tests."""
    try:
        done = subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, check=False)
    except OSError:
        done = None
    if done is not None and done.returncode == 0:
        return None
    return f"left out: no gst-rtsp-server; apt-get install --no-install-recommends {PACKAGES}"


@contextmanager
def start_rtsp_camera(
    codec: str = "h264",
    auth: str = "digest",
    username: str = "admin",
    password: str = "p@ss:w/rd%#?1",
    path: str = "/stream",
    **picture: object,
) -> Iterator[RtspCamera]:
    """
    Run a camera for as long as the block lasts; skips the test where none can run.

    Args:
        codec: h264, h265, mjpeg, or jpeg2000, which no check can read.
        auth: none, basic or digest.
        picture: width, height, fps or pattern (videotestsrc's), where the usual
            1280x720 at 15 with full texture and motion is not wanted.
    """
    if reason := missing():
        pytest.skip(reason)
    options = [word for name, value in picture.items() for word in (f"--{name}", str(value))]
    process = subprocess.Popen(
        [SYSTEM_PYTHON, SCRIPT, codec, auth, username, path, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{password}\n")
        process.stdin.flush()
        port = int(process.stdout.readline())
        public = assemble("rtsp", "127.0.0.1", port, path)
        known = ("", "") if auth == "none" else (username, password)
        yield RtspCamera(public.public, username, password, port, public.with_credentials(*known))
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
