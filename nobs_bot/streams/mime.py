"""What a browser is told about a stream before it plays it (RFC 6381; ISO/IEC 14496-15)."""

from __future__ import annotations

import struct


def mime_of(start: bytes) -> str | None:
    """
    The media type with its codecs parameter, read from an MP4 initialisation segment.

    Returns:
        `video/mp4; codecs="avc1.64001f"` and the like; None where the segment describes neither
        H.264 nor H.265.
    """
    for box, read in ((b"avcC", _avc), (b"hvcC", _hevc)):
        at = start.find(box)
        if at >= 0:
            try:
                return f'video/mp4; codecs="{read(start[at + 4 :])}"'
            except (struct.error, IndexError):
                return None
    return None


def _avc(record: bytes) -> str:
    _, profile, compatibility, level = struct.unpack_from(">BBBB", record)
    return f"avc1.{profile:02x}{compatibility:02x}{level:02x}"


def _hevc(record: bytes) -> str:
    _, profile, compatibility, constraints, level = struct.unpack_from(">BBI6sB", record)
    space = ("", "A", "B", "C")[profile >> 6]
    tier = "H" if profile & 0x20 else "L"
    # RFC 6381 counts the flags of compatibility from the other end
    flags = int(f"{compatibility:032b}"[::-1], 2)
    shown = constraints.rstrip(b"\0")
    parts = [f"hvc1.{space}{profile & 31}", f"{flags:X}", f"{tier}{level}"]
    return ".".join([*parts, *(f"{byte:X}" for byte in shown)])
