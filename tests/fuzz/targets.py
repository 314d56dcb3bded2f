"""
What is fuzzed: each target takes any bytes and may refuse them only as its readers are told.

Whatever else comes out of a target is a finding: an exception that nobody awaits, or a promise
that is not kept.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from nobs_bot.cameras.lists.columns import match
from nobs_bot.cameras.lists.table import UnreadableList, read_table
from nobs_bot.cameras.lists.taking import read_entries
from nobs_bot.console.tus import _checksum, _metadata
from nobs_bot.errors import Refusal
from nobs_bot.footage.archive import NotAnExport
from nobs_bot.footage.times import read_windows
from nobs_bot.footage.verify import verify
from nobs_bot.places.areas import Areas, load_areas
from nobs_bot.places.reading import read_location
from nobs_bot.streams.address import AddressFault, parse_address
from nobs_bot.streams.digest import strongest_challenge
from nobs_bot.streams.hls import chosen_variant, rewritten
from nobs_bot.streams.http import _read_head
from nobs_bot.streams.report import Unusable
from nobs_bot.streams.rtsp import MESSAGE_LIMIT, NotRtsp, RtspMessage, RtspParser
from nobs_bot.streams.sdp import read_description

Target = Callable[[bytes], None]

NOW = datetime(2026, 11, 16, 3, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Jakarta")


@cache
def _areas() -> Areas:
    return load_areas("Polres Metro Jakarta Barat")


@cache
def _file(suffix: str) -> Path:
    """One file that is written over and over."""
    folder = tempfile.TemporaryDirectory(prefix="fuzz-")
    _folders.append(folder)
    return Path(folder.name) / f"given{suffix}"


_folders: list[tempfile.TemporaryDirectory[str]] = []


def address(data: bytes) -> None:
    """A stream's address as somebody typed it; what is taken is read back the same."""
    try:
        found = parse_address(data.decode("utf-8", "replace"))
    except AddressFault:
        return
    assert parse_address(found.url) == found
    assert not any(each in found.url for each in "\r\n\0 ")
    if len(found.password) > 8:
        assert found.password not in found.public.replace(found.host, "") or (
            found.password in found.path
        )


def rtsp(data: bytes) -> None:
    """What a camera answers over RTSP, cut at its first byte's place."""
    parser, cut = RtspParser(), data[0] if data else 0
    with suppress(NotRtsp):
        for part in (data[1:cut], data[max(1, cut) :]):
            for item in parser.feed(part):
                if isinstance(item, RtspMessage):
                    assert len(item.body) <= MESSAGE_LIMIT
                    strongest_challenge([value for _, value in item.headers])
    assert len(parser._held) <= len(data)


def http(data: bytes) -> None:
    """The head of a camera's HTTP answer."""

    async def read() -> None:
        reader = asyncio.StreamReader(limit=1 << 16)
        reader.feed_data(data)
        reader.feed_eof()
        with suppress(Unusable, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            status, headers = await _read_head(reader)
            assert 0 <= status < 1000
            strongest_challenge([value for _, value in headers])

    asyncio.run(read())


def sdp(data: bytes) -> None:
    """A description; what is passed on to the decoder holds one track, of video."""
    try:
        found = read_description(data)
    except Unusable:
        return
    assert sum(line.startswith(b"m=") for line in found.text.split(b"\r\n")) == 1


def digest(data: bytes) -> None:
    """A challenge; what is answered to it stays one line."""
    challenge = strongest_challenge(data.decode("utf-8", "replace").splitlines())
    if challenge is not None:
        answer = challenge.answer("DESCRIBE", "rtsp://192.0.2.1/", "warga", "rahasia")
        assert not set("\r\n") & set(answer)


def hls(data: bytes) -> None:
    """A playlist; nothing of it is passed on but what we name, and tags that we know."""
    text = data.decode("utf-8", "replace")
    chosen_variant(text)
    try:
        passed_on = rewritten(text, lambda uri, suffix: f"ours{suffix}")
    except Unusable:
        return
    for line in passed_on.splitlines():
        assert line.startswith(("#EXT", "ours")) or not line, line
        assert "://" not in line, line


def location(data: bytes) -> None:
    """A place in words, numbers or a link."""
    with suppress(Refusal):
        point = read_location(data.decode("utf-8", "replace"), _areas())
        assert point is None or (-90 <= point.lat <= 90 and -180 <= point.lon <= 180)


def times(data: bytes) -> None:
    """When it was; stretches have a length, and have been."""
    with suppress(Refusal):
        windows = read_windows(data.decode("utf-8", "replace"), NOW, ZONE)
        assert windows
        for window in windows:
            assert window.start < window.end <= NOW
        assert all(a.end < b.start for a, b in pairwise(windows))


def table(data: bytes) -> None:
    """A list of cameras as CSV: each row is an entry or is told why not."""
    path = _file(".csv")
    path.write_bytes(data)
    with suppress(UnreadableList):
        read = read_table(path)
        with suppress(UnreadableList):
            found = read_entries(read, match(read.header), _areas())
            assert len(found) == len(read.rows)


def tus(data: bytes) -> None:
    """The headers of an upload."""
    text = data.decode("latin-1")
    with suppress(Refusal):
        assert all(len(each) <= 1024 for each in _metadata(text).values())
    with suppress(Refusal):
        _checksum(text)


def archive(data: bytes) -> None:
    """A file that is said to be an export; nothing that was not signed is called whole."""
    path = _file(".zip")
    path.write_bytes(data)
    with suppress(NotAnExport):
        verdict = verify(path)
        assert verdict is not None


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        *(address, rtsp, http, sdp, digest, hls),
        *(location, times, table, tus, archive),
    )
}
