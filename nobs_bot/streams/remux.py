"""
What the child of a live view does: read the relay's stream, pack it anew, decode nothing.

H.264 and H.265 become fragmented MP4 (ISO/IEC 14496-12), which browsers play through Media Source
Extensions. Whatever a browser cannot play is decoded for it, once a second, into a still. Only the
child runs this.
"""

from __future__ import annotations

import io
import select
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import av
import av.logging
from av.video.codeccontext import VideoCodecContext

from nobs_bot.streams.capture import MAX_PIXELS, options_for, still_of
from nobs_bot.streams.forkserver import Channel
from nobs_bot.streams.mime import mime_of

if TYPE_CHECKING:
    VideoPacket = av.Packet[av.VideoStream]

FRAGMENT_S = 0.12
STILL_EVERY_S = 1.0
PACKABLE = frozenset({"h264", "hevc"})
# a camera whose clock was set jumps; what is played must go on where it was
_JUMP_S = 2.0
_STEP_S = 1 / 25
_MP4 = {"movflags": "frag_every_frame+empty_moov+default_base_moof+skip_trailer"}


def show(channel: Channel, *, url: str, kind: str, open_timeout_s: float) -> None:
    """
    Pass one stream on over *channel* until it ends or the parent does.

    Sends {"opened": {"mime": str or None, "codec", "width", "height"}} with the initialisation
    segment as its blob (none where `mime` is None: such a stream comes as stills alone), then
    {"media": true, "key": bool} with whole fragments, the first of a GOP marked `key`, and
    {"still": true} with a JPEG. From {"stills": true} of the parent on, stills come too.
    """
    av.logging.set_level(None)  # FFmpeg's messages carry addresses
    try:
        with av.open(
            url,
            container_options=options_for(kind),
            timeout=(open_timeout_s, open_timeout_s),
            metadata_errors="ignore",
        ) as source:
            if source.streams.video:
                _Showing(channel, source.streams.video[0]).go(source)
    except (av.FFmpegError, OSError, ValueError, MemoryError):
        return  # the parent knows from its relay what became of the camera


class _Showing:
    """One stream on its way from packets to messages."""

    def __init__(self, channel: Channel, video: av.VideoStream) -> None:
        self._channel = channel
        self._video = video
        self._clock = _Clock(float(video.time_base or 1))
        self._packer: _Packer | None = None
        self._stills: _Stills | None = None
        video.thread_type = "NONE"

    def go(self, source: av.container.InputContainer) -> None:
        codec = self._video.codec_context
        if codec.width * codec.height > MAX_PIXELS:
            return
        is_begun = False
        for packet in self._clock.stamped(source.demux(self._video)):
            if not is_begun:
                if not packet.is_keyframe:
                    continue
                self._begin(packet)
                is_begun = True
            self._heed()
            # a decoder reads a packet before the packer hands it over to its own stream
            if self._stills is not None and (picture := self._stills.picture(packet)):
                self._channel.send({"still": True}, picture)
            if self._packer is not None:
                for is_key, fragment in self._packer.pack(packet):
                    self._channel.send({"media": True, "key": is_key}, fragment)

    def _begin(self, packet: VideoPacket) -> None:
        codec = self._video.codec_context
        opened: dict[str, Any] = {
            "mime": None,
            "codec": codec.name,
            "width": codec.width,
            "height": codec.height,
        }
        start = b""
        if codec.name in PACKABLE:
            self._packer = _Packer(self._video, packet)
            start = self._packer.start
            opened["mime"] = mime_of(start)
        if opened["mime"] is None:
            self._packer = None
            self._stills = _Stills(self._video)
            start = b""
        self._channel.send({"opened": opened}, start)

    def _heed(self) -> None:
        """Take an order of the parent, where there is one; raises `EOFError` where it is gone."""
        if select.select([self._channel], [], [], 0)[0]:
            order, _ = self._channel.receive()
            if order.get("stills") and self._stills is None:
                self._stills = _Stills(self._video)


class _Clock:
    """Gives packets times that rise, whatever the camera's do."""

    def __init__(self, tick_s: float) -> None:
        self._step = max(1, round(_STEP_S / tick_s))
        self._jump = max(1, round(_JUMP_S / tick_s))
        self._shift = 0
        self._last: int | None = None

    def stamped(self, packets: Iterator[VideoPacket]) -> Iterator[VideoPacket]:
        """
        The packets with both times set; those that repeat a time are left out.

        The first ones of a stream may come before its times are known: they are put before the
        first that has one.
        """
        held: list[VideoPacket] = []
        for packet in packets:
            if not packet.size:
                continue
            if packet.dts is None and packet.pts is None:
                if self._last is None and len(held) < 64:
                    held.append(packet)
                continue
            for place, early in enumerate(held):
                known = packet.dts if packet.dts is not None else packet.pts
                assert known is not None
                early.dts = early.pts = known - self._step * (len(held) - place)
            for each in (*held, packet):
                if self._fit(each):
                    yield each
            held.clear()

    def _fit(self, packet: VideoPacket) -> bool:
        dts = packet.dts if packet.dts is not None else packet.pts
        assert dts is not None
        pts = packet.pts if packet.pts is not None else dts
        if self._last is not None and abs(dts + self._shift - self._last) > self._jump:
            self._shift = self._last + self._step - dts
        dts, pts = dts + self._shift, pts + self._shift
        if self._last is not None and dts <= self._last:
            return False
        self._last, packet.dts, packet.pts = dts, dts, max(dts, pts)
        return True


class _Packer:
    """
    Fragmented MP4, a few frames a fragment, each GOP beginning a fragment of its own.

    Attributes:
        start: The initialisation segment.
    """

    def __init__(self, video: av.VideoStream, keyframe: VideoPacket) -> None:
        self._sink = _Sink()
        self._output = av.open(self._sink, "w", format="mp4", options=_MP4)
        self._track = self._output.add_stream_from_template(video)
        if not video.codec_context.extradata:
            # a camera that did not describe its stream says it with every keyframe
            self._track.codec_context.extradata = bytes(keyframe)
        self._output.start_encoding()
        self.start = self._sink.take()
        self._waiting: list[bytes] = []
        self._is_key = True
        self._begun_at = time.monotonic()
        # FFmpeg lets a frame out once the next one tells how long it was
        self._last_was_key = False

    def pack(self, packet: VideoPacket) -> Iterator[tuple[bool, bytes]]:
        """Fragments that are whole by now, and whether each begins with a keyframe."""
        is_key = bool(packet.is_keyframe)
        packet.stream = self._track
        self._output.mux(packet)
        if piece := self._sink.take():
            if self._last_was_key and self._waiting:
                yield self._let_out()
            self._is_key = self._is_key if self._waiting else self._last_was_key
            self._waiting.append(piece)
            if time.monotonic() - self._begun_at >= FRAGMENT_S:
                yield self._let_out()
        self._last_was_key = is_key

    def _let_out(self) -> tuple[bool, bytes]:
        fragment = b"".join(self._waiting)
        self._waiting.clear()
        self._begun_at = time.monotonic()
        return self._is_key, fragment


class _Stills:
    """A picture a second: of keyframes where they come often enough, else of all frames."""

    def __init__(self, video: av.VideoStream) -> None:
        decoder = av.CodecContext.create(video.codec_context.name, "r")
        assert isinstance(decoder, VideoCodecContext)
        self._decoder = decoder
        self._decoder.extradata = video.codec_context.extradata
        self._decoder.thread_type = "NONE"
        self._last_at = self._key_at = -STILL_EVERY_S
        self._all_frames = False
        self._is_in_step = False

    def picture(self, packet: VideoPacket) -> bytes | None:
        """A JPEG where one is due and the packet completes one."""
        now = time.monotonic()
        if packet.is_keyframe:
            self._all_frames = now - self._key_at > 1.5 * STILL_EVERY_S
            self._key_at, self._is_in_step = now, True
        elif not self._all_frames or not self._is_in_step:
            return None
        is_due = now - self._last_at >= STILL_EVERY_S * 0.95
        if not is_due and not self._all_frames:
            return None
        try:
            frames = self._decoder.decode(packet)
        except av.InvalidDataError:
            self._is_in_step = False
            return None
        if not is_due or not frames or frames[-1].width * frames[-1].height > MAX_PIXELS:
            return None
        self._last_at = now
        return still_of(frames[-1].to_ndarray(format="bgr24"))


class _Sink(io.RawIOBase):
    """Collects what the muxer writes."""

    def __init__(self) -> None:
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = bytes(self._data)
        self._data.clear()
        return taken
