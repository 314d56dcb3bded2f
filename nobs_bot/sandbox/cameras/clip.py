"""A scene as H.264, encoded once and kept in a folder."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from cv2.typing import MatLike

_MAGIC = b"NBCLIP02"
_HEAD = struct.Struct(">HI")
_LENGTH = struct.Struct(">I")
_START_CODE = b"\x00\x00\x01"
SPS, PPS = 7, 8
_DROPPED = frozenset({6, 9, SPS, PPS})  # remarks, delimiters; parameter sets go out on their own


@dataclass(frozen=True)
class Clip:
    """
    A loop of H.264.

    Attributes:
        fps: Frames a second.
        sps: Sequence parameter set, and
        pps: picture parameter set, as NAL units without start code.
        frames: Each frame's slices as NAL units; the first is a keyframe.
    """

    fps: int
    sps: bytes
    pps: bytes
    frames: list[list[bytes]]


def encode(pictures: Iterator[MatLike], *, fps: int) -> Clip:
    """Encode BGR pictures of one size, a keyframe each second."""
    packets: list[bytes] = []
    encoder: av.VideoCodecContext | None = None
    for number, picture in enumerate(pictures):
        if encoder is None:
            encoder = _encoder(picture.shape[1], picture.shape[0], fps)
        frame = av.VideoFrame.from_ndarray(picture.astype(np.uint8, copy=False), format="bgr24")
        frame.pts = number
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    if encoder is None:
        raise ValueError("a clip needs at least one picture")
    packets += [bytes(packet) for packet in encoder.encode(None)]
    return _clip(packets, fps)


def cached(folder: Path, name: str, pictures: Iterator[MatLike], *, fps: int) -> Clip:
    """The clip from *folder*, or a new one, which is put there."""
    path = folder / f"{name}.clip"
    try:
        return _unpacked(path.read_bytes())
    except (OSError, ValueError, struct.error):
        clip = encode(pictures, fps=fps)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(_packed(clip))
    unfinished.replace(path)
    return clip


def _encoder(width: int, height: int, fps: int) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, fps)
    encoder.framerate = Fraction(fps)
    encoder.bit_rate = 2_500_000
    encoder.gop_size = fps
    encoder.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": "main",
        "x264-params": "annexb=1:repeat-headers=1:scenecut=0:sliced-threads=0",
    }
    return encoder


def _clip(packets: list[bytes], fps: int) -> Clip:
    first = _units(packets[0])
    sps = next(unit for unit in first if unit[0] & 31 == SPS)
    pps = next(unit for unit in first if unit[0] & 31 == PPS)
    frames = [[u for u in _units(packet) if u[0] & 31 not in _DROPPED] for packet in packets]
    return Clip(fps, sps, pps, frames)


def _units(packet: bytes) -> list[bytes]:
    """Cut Annex B into NAL units."""
    # A start code may have a zero more in front of it; no unit ends with a zero byte.
    return [unit.rstrip(b"\x00") for unit in packet.split(_START_CODE) if unit.rstrip(b"\x00")]


def _packed(clip: Clip) -> bytes:
    units = [[clip.sps, clip.pps], *clip.frames]
    parts = [_MAGIC, _HEAD.pack(clip.fps, len(units))]
    for frame in units:
        parts.append(_LENGTH.pack(len(frame)))
        parts += [_LENGTH.pack(len(unit)) + unit for unit in frame]
    return b"".join(parts)


def _unpacked(data: bytes) -> Clip:
    if not data.startswith(_MAGIC):
        raise ValueError("not a clip")
    fps, count = _HEAD.unpack_from(data, len(_MAGIC))
    at = len(_MAGIC) + _HEAD.size
    frames = []
    for _ in range(count):
        (units,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        frame = []
        for _ in range(units):
            (length,) = _LENGTH.unpack_from(data, at)
            frame.append(data[at + _LENGTH.size : at + _LENGTH.size + length])
            at += _LENGTH.size + length
        frames.append(frame)
    (sps, pps), *pictures = frames
    return Clip(fps, sps, pps, pictures)
