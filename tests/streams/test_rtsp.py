"""The parser: any cut of the bytes gives the same messages and the same media."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nobs_bot.streams.report import Failure, Unusable
from nobs_bot.streams.rtsp import MESSAGE_LIMIT, NotRtsp, RtspMessage, RtspParser
from nobs_bot.streams.sdp import read_description

FRAME = b"$\x00\x00\x1eRTSP/1.0 302 Moved\r\nLocation: "
WIRE = (
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\ncontent-length: 5\r\n\r\nv=0\r\n"
    + FRAME
    + b"$\x01\x00\x00"
    + b"RTSP/1.0 302 Moved\r\nCSeq: 2\r\nLocation: rtsp://x/\r\n\r\n"
    + b"\r\nOPTIONS * RTSP/1.0\nCSeq: 9\n\n"
    + FRAME
)


def parsed(*pieces: bytes) -> tuple[list[str], bytes]:
    parser = RtspParser()
    starts, media = [], b""
    for piece in pieces:
        for item in parser.feed(piece):
            if isinstance(item, RtspMessage):
                starts.append(f"{item.start}|{item.header('cseq')}|{item.body.decode()}")
            else:
                media += item
    return starts, media


EXPECTED = (
    ["RTSP/1.0 200 OK|1|v=0\r\n", "RTSP/1.0 302 Moved|2|", "OPTIONS * RTSP/1.0|9|"],
    FRAME + b"$\x01\x00\x00" + FRAME,
)


def test_frame_length_of_the_example() -> None:
    assert len(FRAME) == 4 + 0x1E


def test_whole() -> None:
    assert parsed(WIRE) == EXPECTED


def test_byte_by_byte() -> None:
    assert parsed(*[WIRE[n : n + 1] for n in range(len(WIRE))]) == EXPECTED


@given(st.lists(st.integers(0, len(WIRE)), max_size=12))
def test_any_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WIRE)]
    assert parsed(*[WIRE[a:b] for a, b in pairwise(edges)]) == EXPECTED


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-x\r\n",
        b"\x16\x03\x01\x00\n",
        b"x" * MESSAGE_LIMIT,
        b"RTSP/1.0 200 OK\r\nX: " + b"x" * MESSAGE_LIMIT,
        b"RTSP/1.0 200 OK\r\nContent-Length: 65536\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 1e3\r\n\r\n",
    ],
)
def test_foreign_or_oversized_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(NotRtsp):
        parsed(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        _, media = parsed(data)
    except NotRtsp:
        return
    assert media in data


def test_description_keeps_one_video_track() -> None:
    sdp = (
        b"v=0\no=- 1 1 IN IP4 10.0.0.5\ns=x\nt=0 0\nm=audio 0 RTP/AVP 8\na=control:a\n"
        b"m=video 0 RTP/AVP 97\na=rtpmap:97 H266/90000\nm=video 0 RTP/AVP 96\n"
        b"a=rtpmap:96 H265/90000\na=control:v\nm=application 0 RTP/AVP 107\n"
    )
    found = read_description(sdp)
    assert found.codec == "hevc"
    assert found.text.decode().split("\r\n") == [
        *["v=0", "o=- 1 1 IN IP4 10.0.0.5", "s=x", "t=0 0"],
        *["m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000", "a=control:v", ""],
    ]


@pytest.mark.parametrize(
    ("sdp", "failure"),
    [
        (b"", Failure.NOT_A_CAMERA),
        (b"<html>", Failure.NOT_A_CAMERA),
        (b"v=0\nm=audio 0 RTP/AVP 0\n", Failure.NO_PICTURES),
        (b"v=0\nm=video 0 RTP/AVP 96\n", Failure.UNSUPPORTED_CODEC),
        (b"v=0\nm=video\n", Failure.UNSUPPORTED_CODEC),
    ],
)
def test_description_without_usable_video(sdp: bytes, failure: Failure) -> None:
    with pytest.raises(Unusable) as caught:
        read_description(sdp)
    assert caught.value.failure is failure


def test_static_payload_type_needs_no_map() -> None:
    assert read_description(b"v=0\nm=video 0 RTP/AVP 26\n").codec == "mjpeg"
