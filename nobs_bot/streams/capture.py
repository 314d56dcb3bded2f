"""
What the child does: open the relay's stream with OpenCV, watch it for a moment, judge it.

Only the child runs this. Hostile pictures stay in a process that can be killed.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from cv2.typing import MatLike

from nobs_bot.streams.forkserver import Channel
from nobs_bot.streams.judge import judge

STILL_LONG_SIDE = 1280
STILL_QUALITY = 85
MAX_PIXELS = 4096 * 3072  # the largest cameras that people buy
MAX_FRAMES = 150
READ_AHEAD_FRAMES = 4
_OPTIONS = {
    "rtsp": "rtsp_transport;tcp|allowed_media_types;video|protocol_whitelist;rtsp,tcp,rtp"
    "|format_whitelist;rtsp,sdp,mpegts",
    "mjpeg": "protocol_whitelist;http,tcp|format_whitelist;mpjpeg,mjpeg",
    "hls": "protocol_whitelist;http,tcp,crypto|format_whitelist;hls,mpegts,mov"
    "|allowed_extensions;ALL|extension_picky;0|http_persistent;0|http_multiple;0",
}
_QUICK = "max_redirects;0|analyzeduration;200000|probesize;500000|fpsprobesize;0"


def warm_up() -> None:
    """Do once, before any fork, what costs time when done first; without any thread."""
    cv2.setNumThreads(1)
    cv2.ocl.setUseOpenCL(False)
    picture = np.zeros((360, 640, 3), np.uint8)
    judge([picture, picture], 1.0)
    cv2.imencode(".jpg", picture)


def options_for(kind: str) -> dict[str, str]:
    """FFmpeg's options for a relay's *kind* of stream: what it may do, cut down to the need."""
    return dict(pair.split(";", 1) for pair in f"{_OPTIONS[kind]}|{_QUICK}".split("|"))


def open_stream(url: str, kind: str, open_timeout_s: float) -> cv2.VideoCapture:
    """Open *url* with what FFmpeg may do cut down to what *kind* needs."""
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = f"{_OPTIONS[kind]}|{_QUICK}"
    timeout_ms = int(open_timeout_s * 1000)
    settings = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms]
    settings += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms]
    settings += [cv2.CAP_PROP_N_THREADS, 2]  # however many cores: threads cost memory
    return cv2.VideoCapture(url, cv2.CAP_FFMPEG, settings)


@dataclass
class Watched:
    """What arrived: how many frames, when, and three of them."""

    pictures: list[MatLike] = field(default_factory=list)
    arrivals_s: list[float] = field(default_factory=list)
    stamps_s: list[float] = field(default_factory=list)
    too_large: bool = False

    @property
    def count(self) -> int:
        return len(self.arrivals_s)

    @property
    def seen_s(self) -> float:
        return self.arrivals_s[-1] - self.arrivals_s[0] if self.arrivals_s else 0.0

    def fps(self, kind: str) -> float | None:
        """
        Frames a second over what was watched; None for fewer than two.

        A camera may send a burst of what it had stored, so its own clock counts too where
        it is believable. MJPEG has no clock, and HLS arrives in pieces.
        """
        # What opening the stream had read ahead comes at once, and has no stamps yet.
        start = min(READ_AHEAD_FRAMES, self.count // 2)
        if self.count - start < 2:
            return None
        arrived_s = self.arrivals_s[-1] - self.arrivals_s[start]
        stamped_s = self.stamps_s[-1] - self.stamps_s[start]
        if kind == "mjpeg" or not 0 < stamped_s < 4 * arrived_s + 20:
            span_s = arrived_s
        else:
            span_s = stamped_s if kind == "hls" else max(arrived_s, stamped_s)
        return (self.count - 1 - start) / span_s if span_s > 0 else None


def watch(channel: Channel, *, url: str, kind: str, watch_s: float, open_timeout_s: float) -> None:
    """
    Watch one stream and report over *channel*.

    Sends {"opened": ...}, {"first": true}, {"judging": true} as they happen and at last
    {"done": ...} with the still as its blob.
    """
    capture = open_stream(url, kind, open_timeout_s)
    if not capture.isOpened():
        channel.send({"done": {"frames": 0}})
        return
    opened = {
        "width": int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        "height": int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        "codec": _codec(capture),
    }
    channel.send({"opened": opened})
    watched = watch_frames(channel, capture, kind, watch_s)
    if watched.too_large:
        channel.send({"done": {"frames": watched.count, "too_large": True}})
    elif not watched.pictures:
        channel.send({"done": {"frames": 0}})
    else:
        _report(channel, watched, kind)


def watch_frames(channel: Channel, capture: cv2.VideoCapture, kind: str, watch_s: float) -> Watched:
    """Count what arrives for *watch_s*, and keep the first, a middle and the last picture."""
    watched = Watched()
    while not _has_seen_enough(watched, kind, watch_s):
        if _is_too_large(capture):
            watched.too_large = True
            break
        if not capture.grab():
            break
        _note(watched, capture)
        if watched.count == 1:
            channel.send({"first": True})
        if _is_due(watched, watch_s) and not _keep(watched, capture):
            break
    if watched.pictures and len(watched.pictures) < 3 and watched.count > len(watched.pictures):
        _keep(watched, capture)
    return watched


def _note(watched: Watched, capture: cv2.VideoCapture) -> None:
    watched.arrivals_s.append(time.monotonic())
    watched.stamps_s.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)


def _has_seen_enough(watched: Watched, kind: str, watch_s: float) -> bool:
    if watched.count < 2:
        return False
    seen_s = watched.seen_s
    if kind == "hls":
        seen_s = max(seen_s, watched.stamps_s[-1] - watched.stamps_s[0])
    return seen_s >= watch_s or watched.count >= MAX_FRAMES


def _is_due(watched: Watched, watch_s: float) -> bool:
    """Whether this frame is one to keep: turning a frame into a picture costs time."""
    return watched.seen_s >= len(watched.pictures) * watch_s / 2


def _keep(watched: Watched, capture: cv2.VideoCapture) -> bool:
    done, picture = capture.retrieve()
    if done and picture is not None:
        if picture.shape[0] * picture.shape[1] > MAX_PIXELS:
            watched.too_large = True
            return False
        watched.pictures.append(picture)
    return bool(done)


def _is_too_large(capture: cv2.VideoCapture) -> bool:
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    return bool(width * height > MAX_PIXELS)


def _report(channel: Channel, watched: Watched, kind: str) -> None:
    channel.send({"judging": True})
    fps = watched.fps(kind)
    judgement = judge(watched.pictures, fps)
    height, width = watched.pictures[-1].shape[:2]
    done: dict[str, Any] = {
        "frames": watched.count,
        "width": width,
        "height": height,
        "fps": fps,
        "findings": judgement.findings,
        "measures": judgement.measures,
    }
    channel.send({"done": done}, still_of(watched.pictures[-1]))


def still_of(picture: MatLike) -> bytes:
    """The picture as a JPEG whose long side is at most 1280."""
    height, width = picture.shape[:2]
    scale = STILL_LONG_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, STILL_QUALITY])
    return bytes(data.tobytes()) if done else b""


def _codec(capture: cv2.VideoCapture) -> str | None:
    number = int(capture.get(cv2.CAP_PROP_FOURCC))
    text = number.to_bytes(4, "little", signed=number < 0).decode("latin-1").strip("\0 ").lower()
    names = {"avc1": "h264", "hev1": "hevc", "hvc1": "hevc", "mjpg": "mjpeg"}
    return names.get(text, text if text.isalnum() else None)
