"""HLS (RFC 8216) fetched by ourselves: every address vetted, everything under a limit."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urljoin, urlsplit

from nobs_bot.streams.address import AddressFault, StreamAddress, parse_address
from nobs_bot.streams.http import HttpReply, get
from nobs_bot.streams.report import Failure, Unusable
from nobs_bot.streams.vetting import Vetted

PLAYLIST_LIMIT = 64 * 1024
SEGMENT_LIMIT = 12 * 1024 * 1024
TOTAL_LIMIT = 48 * 1024 * 1024
MEDIA_TYPES = frozenset(
    {
        "application/vnd.apple.mpegurl",
        "application/x-mpegurl",
        "application/mpegurl",
        "audio/mpegurl",
        "audio/x-mpegurl",
    }
)
PLAYLIST_NAME = "live.m3u8"

_KEPT = re.compile(
    r"#EXTM3U|#EXT-X-(?:(?:VERSION|TARGETDURATION|MEDIA-SEQUENCE|DISCONTINUITY-SEQUENCE):\d{1,18}"
    r"|DISCONTINUITY|ENDLIST|INDEPENDENT-SEGMENTS|PLAYLIST-TYPE:(?:VOD|EVENT)"
    r"|BYTERANGE:\d{1,12}(?:@\d{1,12})?)"
)
_DURATION = re.compile(r"#EXTINF:(\d{1,6}(?:\.\d{1,9})?)")
# a name is tried once, from its beginning and whole: else 60 KB of one letter take a minute
_ATTRIBUTE = re.compile(r'(?<![A-Z0-9-])([A-Z0-9-]++)=(?:"([^"]*)"|([^",]*))')
_SUFFIXES = frozenset({".ts", ".mp4", ".m4s", ".m4v", ".m2ts"})

Vetter = Callable[[str, int], Awaitable[Vetted | Failure]]


class HlsSource:
    """
    A playlist and what it names, as the child may see it: under names of our own.

    Attributes:
        fault: Why something that the playlist names was not fetched.
    """

    def __init__(self, address: StreamAddress, vet: Vetter, *, timeout_s: float) -> None:
        self.fault: Failure | None = None
        self._address = address
        self._vet = vet
        self._timeout_s = timeout_s
        self._text: str | None = None
        self._names: dict[str, StreamAddress] = {}
        self._numbers: dict[str, str] = {}
        self._fetched_bytes = 0
        self._last: tuple[str, bytes] = ("", b"")

    async def open(self, content: bytes) -> None:
        """
        Take the playlist that the handshake met; of a master playlist, choose a variant.

        Raises:
            Unusable: It is no playlist, or the variant cannot be had.
        """
        self._text = _checked(content)
        variant = chosen_variant(self._text)
        if variant is not None:
            self._address = self._resolved(variant)
            self._text = _checked(await self._fetch(self._address, PLAYLIST_LIMIT))
            if chosen_variant(self._text) is not None:
                raise Unusable(Failure.NOT_A_CAMERA)

    async def read(self, name: str) -> bytes:
        """
        What the child asks for by one of our names.

        Raises:
            Unusable: It may not be had; `fault` says why.
            KeyError: No such name was given out.
        """
        try:
            if name == PLAYLIST_NAME:
                return await self._playlist()
            return await self._resource(name)
        except Unusable as unusable:
            self.fault = unusable.failure
            raise

    async def _playlist(self) -> bytes:
        text, self._text = self._text, None
        if text is None:
            text = _checked(await self._fetch(self._address, PLAYLIST_LIMIT))
        return rewritten(text, self._name).encode()

    async def _resource(self, name: str) -> bytes:
        if self._last[0] != name:
            address = self._names[name]
            if self._fetched_bytes > TOTAL_LIMIT:
                raise Unusable(Failure.TOO_LARGE)
            self._last = (name, await self._fetch(address, SEGMENT_LIMIT))
            self._fetched_bytes += len(self._last[1])
        return self._last[1]

    def _name(self, uri: str, suffix: str) -> str:
        address = self._resolved(uri)
        name = self._numbers.get(address.request_url)
        if name is None:
            suffix = suffix or PurePosixPath(urlsplit(address.path).path).suffix.lower()
            suffix = suffix if suffix in {*_SUFFIXES, ".key"} else ".ts"
            name = self._numbers[address.request_url] = f"{len(self._names)}{suffix}"
            self._names[name] = address
        return name

    def _resolved(self, uri: str) -> StreamAddress:
        try:
            address = parse_address(urljoin(self._address.request_url, uri))
            if address.is_rtsp:
                raise Unusable(Failure.FORBIDDEN_ADDRESS)
            here = self._address
            if (address.scheme, address.host, address.port) == (here.scheme, here.host, here.port):
                return address.with_credentials(here.username, here.password)
        except (AddressFault, ValueError):
            raise Unusable(Failure.FORBIDDEN_ADDRESS) from None
        return replace(address, username="", password="")

    async def _fetch(self, address: StreamAddress, limit: int) -> bytes:
        vetted = await self._vet(address.host, address.port)
        if isinstance(vetted, Failure):
            raise Unusable(vetted)
        reply = await get(address, vetted, timeout_s=self._timeout_s)
        try:
            return await _content(reply, limit, self._timeout_s)
        finally:
            reply.close()


async def _content(reply: HttpReply, limit: int, timeout_s: float) -> bytes:
    if reply.status != 200:
        raise Unusable(Failure.NO_SUCH_PATH if reply.status < 500 else Failure.NO_PICTURES)
    return await reply.whole(limit, timeout_s=timeout_s)


def chosen_variant(text: str) -> str | None:
    """The URI of a master playlist's best picture up to 1080p; None for a media playlist."""
    variants: list[tuple[tuple[bool, int], str]] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF:"):
            uri = next((later.strip() for later in lines if later and later[0] != "#"), "")
            variants.append((_preference(_attributes(line)), uri))
    return max(variants)[1] if variants else None


def _preference(attributes: dict[str, str]) -> tuple[bool, int]:
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", attributes.get("RESOLUTION", ""))
    if found is None:
        return True, 0
    width, height = int(found[1]), int(found[2])
    fits = width <= 1920 and height <= 1920
    return fits, width * height if fits else -width * height


def rewritten(text: str, name: Callable[[str, str], str]) -> str:
    """
    The playlist with every URI replaced by *name(uri, suffix)*, and unknown tags left out.

    Raises:
        Unusable: It is encrypted in a way that FFmpeg cannot read (`unsupported_codec`).
    """
    lines = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("#EXT-X-KEY:"):
            lines.append(_key(_attributes(line), name))
        elif line.startswith("#EXT-X-MAP:"):
            lines.append(_map(_attributes(line), name))
        elif found := _DURATION.match(line):
            lines.append(f"#EXTINF:{found[1]},")
        elif line.startswith("#"):
            lines += [line] if _KEPT.fullmatch(line) else []
        elif line:
            lines.append(name(line, ""))
    return "\n".join(lines) + "\n"


def _key(attributes: dict[str, str], name: Callable[[str, str], str]) -> str:
    method = attributes.get("METHOD", "")
    if method == "NONE":
        return "#EXT-X-KEY:METHOD=NONE"
    if method != "AES-128":
        raise Unusable(Failure.UNSUPPORTED_CODEC, codec=f"HLS {method[:20]}")
    vector = attributes.get("IV", "")
    tail = f",IV={vector}" if re.fullmatch(r"0[xX][0-9A-Fa-f]{1,32}", vector) else ""
    return f'#EXT-X-KEY:METHOD=AES-128,URI="{name(attributes.get("URI", ""), ".key")}"{tail}'


def _map(attributes: dict[str, str], name: Callable[[str, str], str]) -> str:
    part = attributes.get("BYTERANGE", "")
    tail = f',BYTERANGE="{part}"' if re.fullmatch(r"\d{1,12}@\d{1,12}", part) else ""
    return f'#EXT-X-MAP:URI="{name(attributes.get("URI", ""), ".mp4")}"{tail}'


def _attributes(line: str) -> dict[str, str]:
    listed = line.partition(":")[2]
    return {key: quoted or bare for key, quoted, bare in _ATTRIBUTE.findall(listed)}


def _checked(content: bytes) -> str:
    text = content.decode("utf-8", "replace").lstrip("\ufeff")
    if not text.startswith("#EXTM3U"):
        raise Unusable(Failure.NOT_A_CAMERA)
    return text
