"""Reads what a camera offers from its session description (RFC 8866)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nobs_bot.streams.report import Failure, Unusable

# RTP's name to FFmpeg's, for what both OpenCV and RTP can carry.
CODECS = {
    "H264": "h264",
    "H265": "hevc",
    "JPEG": "mjpeg",
    "MP4V-ES": "mpeg4",
    "MP2T": "mpegts",
    "MPV": "mpeg2video",
    "H263": "h263",
    "H263-1998": "h263",
    "H263-2000": "h263",
    "VP8": "vp8",
    "VP9": "vp9",
    "AV1": "av1",
}
_STATIC_TYPES = {"26": "JPEG", "32": "MPV", "33": "MP2T", "34": "H263"}
_RTPMAP = re.compile(r"^a=rtpmap:(\d+)\s+([A-Za-z0-9.-]+)/", re.MULTILINE)


@dataclass(frozen=True)
class Description:
    """
    The one video track that a check looks at.

    Attributes:
        codec: As FFmpeg calls it.
        text: The description with every other track left out, so that no sound is sent.
    """

    codec: str
    text: bytes


def read_description(body: bytes) -> Description:
    """
    Find the first video track that can be decoded.

    Raises:
        Unusable: No description at all (`not_a_camera`), no video in it (`no_pictures`),
            or only video in an unknown format (`unsupported_codec`).
    """
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    if not text.startswith("v="):
        raise Unusable(Failure.NOT_A_CAMERA)
    session, *tracks = re.split(r"^(?=m=)", text, flags=re.MULTILINE)
    videos = [track for track in tracks if track.startswith("m=video")]
    if not videos:
        raise Unusable(Failure.NO_PICTURES)
    names = [_encoding(track) for track in videos]
    for track, name in zip(videos, names, strict=True):
        if name in CODECS:
            kept = (session + track).strip().replace("\n", "\r\n") + "\r\n"
            return Description(CODECS[name], kept.encode())
    raise Unusable(Failure.UNSUPPORTED_CODEC, codec=names[0][:40])


def _encoding(track: str) -> str:
    words = track.split("\n", 1)[0].split()
    payload_type = words[3] if len(words) > 3 else ""
    mapped: dict[str, str] = dict(_RTPMAP.findall(track))
    return mapped.get(payload_type, _STATIC_TYPES.get(payload_type, "unknown")).upper()
