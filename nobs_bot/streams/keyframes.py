"""Sees whole pictures and keyframes in interleaved RTP, without decoding anything."""

from __future__ import annotations

from collections.abc import Iterator

_MEDIA = 0x24  # "$", which starts a frame of interleaved media
_HEADER = 12
# where packets carry slices of one picture after another, and no keyframe ever comes (gradual
# refresh), so many pictures are as good as one
ENOUGH_PICTURES = 25


class KeyframeWatch:
    """
    Watches one track.

    Args:
        codec: As FFmpeg calls it.
        channel: The interleaved channel of the track's RTP.

    Attributes:
        pictures: How many pictures have ended so far.
        has_keyframe: Whether one of them can be decoded by itself.
    """

    def __init__(self, codec: str, channel: int) -> None:
        self.pictures = 0
        self.has_keyframe = False
        self._codec = codec
        self._channel = channel
        self._held = b""

    @property
    def is_satisfied(self) -> bool:
        """Whether enough was seen to know that the camera sends pictures."""
        return self.has_keyframe or self.pictures >= ENOUGH_PICTURES

    def feed(self, data: bytes) -> None:
        """Take a run of interleaved frames, cut anywhere."""
        for packet in self._packets(data):
            payload = _payload_at(packet)
            if payload is None:
                continue
            ends_picture = bool(packet[1] & 0x80)
            self.pictures += ends_picture
            if self._starts_keyframe(packet, payload, ends_picture=ends_picture):
                self.has_keyframe = True

    def _packets(self, data: bytes) -> Iterator[bytes]:
        data = self._held + data
        at = 0
        while at + 4 <= len(data) and data[at] == _MEDIA:
            end = at + 4 + (data[at + 2] << 8 | data[at + 3])
            if end > len(data):
                break
            if data[at + 1] == self._channel:
                yield data[at + 4 : end]
            at = end
        self._held = data[at:]

    def _starts_keyframe(self, packet: bytes, at: int, *, ends_picture: bool) -> bool:
        if self._codec == "h264":
            return any(kind == 5 for kind in _h264_kinds(packet, at))
        if self._codec == "hevc":
            return any(16 <= kind <= 23 for kind in _hevc_kinds(packet, at))
        # every picture of MJPEG is one; of the rest a whole picture has to do
        return ends_picture


def _payload_at(packet: bytes) -> int | None:
    """Where the payload of an RTP packet begins (RFC 3550); None where it is none."""
    if len(packet) < _HEADER + 2 or packet[0] >> 6 != 2:
        return None
    at = _HEADER + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if at + 4 > len(packet):
            return None
        at += 4 + 4 * (packet[at + 2] << 8 | packet[at + 3])
    return at if at + 2 < len(packet) else None


def _h264_kinds(packet: bytes, at: int) -> Iterator[int]:
    """The types of the NAL units that begin in a packet (RFC 6184)."""
    kind = packet[at] & 0x1F
    if kind == 28:
        if packet[at + 1] & 0x80:
            yield packet[at + 1] & 0x1F
    elif kind == 24:
        yield from (packet[start] & 0x1F for start in _aggregated(packet, at + 1))
    else:
        yield kind


def _hevc_kinds(packet: bytes, at: int) -> Iterator[int]:
    """The same for HEVC (RFC 7798)."""
    kind = packet[at] >> 1 & 0x3F
    if kind == 49:
        if packet[at + 2] & 0x80:
            yield packet[at + 2] & 0x3F
    elif kind == 48:
        yield from (packet[start] >> 1 & 0x3F for start in _aggregated(packet, at + 2))
    else:
        yield kind


def _aggregated(packet: bytes, at: int) -> Iterator[int]:
    """Where each unit of an aggregation packet begins."""
    while at + 2 < len(packet):
        yield at + 2
        at += 2 + (packet[at] << 8 | packet[at + 1])
