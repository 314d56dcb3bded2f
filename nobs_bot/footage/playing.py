"""
What a child does with a clip: open it with FFmpeg, play a little of it, say what it is.

Only the child runs this. It has no file, no key and no network: the bytes come through its socket,
block by block, from the parent.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import av

from nobs_bot.streams.forkserver import Channel

BLOCK_BYTES = 1 << 20
_BLOCKS_HELD = 8
# the largest pictures of cameras that are sold, panoramic ones included
MOST_PIXELS = 8192 * 4320
_MOST_PACKETS = 600
_FRAMES = 3
# no playlist, no picture list, nothing else that names other files; and no way to open them
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,m4v,mjpeg,mpjpeg"
    ",flv,asf,dhav,hxvs,ogg,ivf,obu,mxf,gxf,dv,rm,h263,vc1,av1,wav"
)
_OPTIONS = {
    "format_whitelist": _FORMATS,
    "protocol_whitelist": "none",
    "probesize": "8000000",
    "analyzeduration": "10000000",
    "max_streams": "32",
}


class Borrowed(io.RawIOBase):
    """A clip's bytes, asked for one block at a time."""

    def __init__(self, channel: Channel, size_bytes: int) -> None:
        self._channel = channel
        self._size = size_bytes
        self._at = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        wanted = left if size < 0 else min(size, left)
        if not wanted:
            return b""
        number, start = divmod(self._at, BLOCK_BYTES)
        # what does not fit into this block is asked for by the next call
        piece = self._block(number)[start : start + wanted]
        self._at += len(piece)
        return piece

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            _, block = self._channel.ask({"read": number})
            self._blocks[number] = block
            if len(self._blocks) > _BLOCKS_HELD:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]


def open_clip(channel: Channel, size_bytes: int) -> av.container.InputContainer:
    """Raises `av.FFmpegError` where FFmpeg makes nothing of it."""
    borrowed = Borrowed(channel, size_bytes)
    return av.open(borrowed, "r", container_options=_OPTIONS, metadata_errors="ignore")


def look(channel: Channel, *, size_bytes: int) -> None:
    """Send {"done": ...}: what plays, or {"plays": false}."""
    try:
        with open_clip(channel, size_bytes) as container:
            channel.send({"done": _describe(container)})
    except (av.FFmpegError, OSError, ValueError, MemoryError):
        channel.send({"done": {"plays": False}})


def _describe(container: av.container.InputContainer) -> dict[str, Any]:
    if not container.streams.video:
        return {"plays": False, "container": container.format.name}
    video = container.streams.video[0]
    width, height = video.codec_context.width, video.codec_context.height
    found: dict[str, Any] = {
        "plays": False,
        "container": container.format.name,
        "codec": video.codec_context.name,
        "width": width,
        "height": height,
        "has_sound": bool(container.streams.audio),
    }
    if width * height > MOST_PIXELS:
        return found
    video.thread_type = "NONE"
    frames = 0
    for _ in some_frames(container, video):
        frames += 1
        if frames >= _FRAMES:
            break
    found["plays"] = frames > 0
    # a raw stream tells its size only once it was decoded
    found["width"], found["height"] = video.codec_context.width, video.codec_context.height
    if (seconds := duration_s(container, video)) is not None:
        found["duration_ms"] = round(seconds * 1000)
    if (rate := video.average_rate or video.guessed_rate) is not None:
        found["frames_per_1000_s"] = round(float(rate) * 1000)
    return found


def some_frames(
    container: av.container.InputContainer, video: av.VideoStream
) -> Iterator[av.VideoFrame]:
    """The first frames; gives up where many packets make none."""
    packets = 0
    for packet in container.demux(video):
        packets += 1
        if packets > _MOST_PACKETS:
            return
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue  # a recording cut out of a longer one begins with pieces of pictures
        for frame in frames:
            if frame.width * frame.height > MOST_PIXELS:
                return
            yield frame


def duration_s(container: av.container.InputContainer, video: av.VideoStream) -> float | None:
    """How long it says it is; None where it does not, or says nonsense."""
    seconds = None
    if container.duration:
        seconds = container.duration / av.time_base
    elif video.duration and video.time_base:
        seconds = float(video.duration * video.time_base)
    return seconds if seconds is not None and 0 < seconds < 366 * 86400 else None
