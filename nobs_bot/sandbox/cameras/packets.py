"""H.264 in RTP (RFC 6184), interleaved in the RTSP connection (RFC 2326, 10.12)."""

from __future__ import annotations

import base64
import secrets
import struct
from collections.abc import Iterator

from nobs_bot.sandbox.cameras.clip import Clip

PAYLOAD_TYPE = 96
CLOCK_HZ = 90_000
_MAX_PAYLOAD = 1400
_RTP_HEAD = struct.Struct(">BBHII")
_FRAME_HEAD = struct.Struct(">cBH")
_FU_A = 28


class Packetizer:
    """Numbers and stamps the packets of one session."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._sequence = secrets.randbelow(1 << 16)
        self._source = secrets.randbits(32)
        self._first_stamp = secrets.randbits(31)

    def frame(self, units: list[bytes], number: int, fps: int) -> bytes:
        """All of one frame's packets, each in its interleaved frame."""
        stamp = (self._first_stamp + number * CLOCK_HZ // fps) & 0xFFFFFFFF
        payloads = [payload for unit in units for payload in _payloads(unit)]
        packets = []
        for place, payload in enumerate(payloads):
            last = 0x80 if place == len(payloads) - 1 else 0
            head = _RTP_HEAD.pack(0x80, last | PAYLOAD_TYPE, self._sequence, stamp, self._source)
            self._sequence = (self._sequence + 1) & 0xFFFF
            length = len(head) + len(payload)
            packets += [_FRAME_HEAD.pack(b"$", self._channel, length), head, payload]
        return b"".join(packets)


def description(clip: Clip, host: str) -> str:
    """The session description (RFC 8866) that goes with the packets."""
    sets = ",".join(base64.b64encode(unit).decode() for unit in (clip.sps, clip.pps))
    lines = [
        "v=0",
        f"o=- 1 1 IN IP4 {host}",
        "s=Demo camera",
        f"c=IN IP4 {host}",
        "t=0 0",
        "a=control:*",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}",
        f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={clip.sps[1:4].hex()};"
        f"sprop-parameter-sets={sets}",
        f"a=framerate:{clip.fps}",
        "a=control:track1",
    ]
    return "\r\n".join(lines) + "\r\n"


def _payloads(unit: bytes) -> Iterator[bytes]:
    if len(unit) <= _MAX_PAYLOAD:
        yield unit
        return
    indicator, kind = (unit[0] & 0xE0) | _FU_A, unit[0] & 31
    starts = range(1, len(unit), _MAX_PAYLOAD)
    for start in starts:
        edge = (0x80 if start == 1 else 0) | (0x40 if start == starts[-1] else 0)
        yield bytes((indicator, edge | kind)) + unit[start : start + _MAX_PAYLOAD]
