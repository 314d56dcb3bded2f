"""
What a child does to make a copy for viewing: H.264 in MP4, small, with words burnt in.

Only the child runs this. The copy is a derivative: it says so in every picture.
"""

from __future__ import annotations

import io
import time
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np

from nobs_bot.footage.playing import MOST_PIXELS, duration_s, open_clip
from nobs_bot.streams.forkserver import Channel

LONGEST_S = 600.0
MOST_BYTES = 45 * 1024 * 1024
_HEIGHT = 720
_FPS = 15
_MOST_BITS_A_SECOND = 2_000_000
# MP4 ends with its index, and the rate control may overshoot
_ROOM_BYTES = 2 * 1024 * 1024
_PIECE_BYTES = 1 << 20
_BAND = 36
_MILLISECOND = Fraction(1, 1000)


def make_copy(
    channel: Channel, *, size_bytes: int, label: str, longest_s: float, work_s: float
) -> None:
    """
    Send the copy in pieces, then {"done": ...}.

    Args:
        label: What is burnt in, in ASCII.
        longest_s: How much of the clip is copied.
        work_s: After so long we end with what there is.
    """
    try:
        with open_clip(channel, size_bytes) as source:
            copy = _Copy(source, label, longest_s)
            copy.make(time.monotonic() + work_s)
    except (av.FFmpegError, OSError, ValueError, MemoryError, IndexError):
        channel.send({"done": {"frames": 0}})
        return
    made = copy.whole()
    if copy.frames:
        for at in range(0, len(made), _PIECE_BYTES):
            channel.send({"piece": True}, made[at : at + _PIECE_BYTES])
    channel.send({"done": copy.outcome()})


class _Copy:
    """The copy as it grows, in memory: it is small by its own limit."""

    def __init__(self, source: av.container.InputContainer, label: str, longest_s: float) -> None:
        self._source = source
        self._video = source.streams.video[0]
        self._video.thread_type = "NONE"
        self._label = label
        self._longest_s = longest_s
        self._out = io.BytesIO()
        self._target: Any = None
        self._stream: Any = None
        self._first_s: float | None = None
        self._last_s = -1.0
        self.frames = 0
        self.is_cut = False

    def make(self, until: float) -> None:
        seen = 0
        for packet in self._source.demux(self._video):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue
            for frame in frames:
                seen += 1
                if not self._take(frame, seen) or time.monotonic() > until:
                    self.is_cut = True
                    self._finish()
                    return
        self._finish()

    def whole(self) -> bytes:
        return self._out.getvalue()

    def outcome(self) -> dict[str, Any]:
        return {
            "frames": self.frames,
            "is_cut": self.is_cut,
            "duration_ms": round(max(0.0, self._last_s) * 1000),
        }

    def _take(self, frame: av.VideoFrame, seen: int) -> bool:
        """Copy one frame, unless it comes too soon; False where the copy is full."""
        if frame.width * frame.height > MOST_PIXELS:
            return False
        # raw streams have no times: reckon with their rate
        rate = float(self._video.average_rate or self._video.guessed_rate or 25) or 25.0
        at_s = frame.time if frame.time is not None else (seen - 1) / rate
        if self._first_s is None:
            self._first_s = at_s
        at_s -= self._first_s
        if at_s > self._longest_s or self._out.tell() > MOST_BYTES - _ROOM_BYTES:
            return False
        if self.frames and at_s - self._last_s < 0.95 / _FPS:
            return True
        self._encode(frame, at_s)
        return True

    def _encode(self, frame: av.VideoFrame, at_s: float) -> None:
        if self._stream is None:
            self._open(frame)
        size = {"width": self._stream.width, "height": self._stream.height}
        picture = frame.reformat(**size, format="yuv420p").to_ndarray()
        burn_in(picture, self._stream.height, self._label)
        fresh = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        fresh.pts, fresh.time_base = round(at_s * 1000), _MILLISECOND
        for packet in self._stream.encode(fresh):
            self._target.mux(packet)
        self._last_s = at_s
        self.frames += 1

    def _open(self, frame: av.VideoFrame) -> None:
        scale = min(1.0, _HEIGHT / frame.height, 1280 / frame.width)
        self._target = av.open(self._out, "w", format="mp4")
        self._stream = self._target.add_stream("libx264", rate=_FPS)
        self._stream.width = max(16, round(frame.width * scale / 2) * 2)
        self._stream.height = max(16, round(frame.height * scale / 2) * 2)
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _MILLISECOND
        rate = self._bits_a_second()
        self._stream.options = {
            "preset": "veryfast",
            "crf": "26",
            "maxrate": str(rate),
            "bufsize": str(2 * rate),
            # the limit on processor time counts every thread
            "threads": "1",
        }

    def _bits_a_second(self) -> int:
        seconds = min(self._longest_s, duration_s(self._source, self._video) or self._longest_s)
        fitting = (MOST_BYTES - 2 * _ROOM_BYTES) * 8 / max(1.0, seconds)
        return int(min(_MOST_BITS_A_SECOND, fitting))

    def _finish(self) -> None:
        if self._target is None:
            return
        for packet in self._stream.encode():
            self._target.mux(packet)
        self._target.close()


def burn_in(picture: np.ndarray[Any, Any], height: int, label: str) -> None:
    """Write *label* onto a dark band over the top of a planar 4:2:0 picture."""
    width = picture.shape[1]
    band = min(_BAND, height // 4 * 2)
    luma, chroma = picture[:height], picture[height:]
    luma[:band] = 16
    # each chroma plane has a quarter of the samples, two of its rows in one of the array's
    grey_rows = band // 4 + (band % 4 > 0)
    chroma[:grey_rows] = 128
    chroma[height // 4 : height // 4 + grey_rows] = 128
    face, thickness = cv2.FONT_HERSHEY_SIMPLEX, 1
    (length, _), _ = cv2.getTextSize(label, face, 1.0, thickness)
    scale = min(0.7, 0.95 * width / length)
    cv2.putText(luma, label, (8, round(band * 0.7)), face, scale, 235, thickness, cv2.LINE_AA)
