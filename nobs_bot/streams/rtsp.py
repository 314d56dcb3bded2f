"""RTSP as far as a check needs it (RFC 2326): messages, the media between them, a connection."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.digest import Challenge, strongest_challenge
from nobs_bot.streams.report import Failure, Unusable

MESSAGE_LIMIT = 64 * 1024
_STATUS = re.compile(rb"RTSP/[12]\.\d (\d{3})(?: [^\r\n]*)?")
_REQUEST = re.compile(rb"[A-Z_]{3,20} \S+ RTSP/[12]\.\d")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_MEDIA = 0x24  # "$", which starts a frame of interleaved media


class NotRtsp(Exception):  # noqa: N818 - what was seen
    """The other side does not speak RTSP, or not within the limits."""


@dataclass
class RtspMessage:
    """One request or reply; header names keep their spelling and compare without case."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def status(self) -> int | None:
        """The status code of a reply; None for a request."""
        return int(self.start.split(" ")[1]) if self.start.startswith("RTSP/") else None

    @property
    def method(self) -> str:
        return self.start.split(" ")[0]

    @property
    def url(self) -> str:
        return self.start.split(" ")[1]

    def header(self, name: str) -> str | None:
        return next(iter(self.all_headers(name)), None)

    def all_headers(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def encode(self) -> bytes:
        """The message as bytes, its Content-Length set to the body's."""
        kept = [(key, value) for key, value in self.headers if key.lower() != "content-length"]
        if self.body:
            kept.append(("Content-Length", str(len(self.body))))
        head = "".join(f"{key}: {value}\r\n" for key, value in kept)
        return f"{self.start}\r\n{head}\r\n".encode() + self.body


class RtspParser:
    """
    Cuts a byte stream into messages and runs of interleaved media, wherever `recv` cut it.

    Media is passed on as it comes, frames whole or not: only its framing is followed, so
    that nothing inside a frame can pass for a message.
    """

    def __init__(self) -> None:
        self._held = b""
        self._media_left = 0

    def feed(self, data: bytes) -> Iterator[RtspMessage | bytes]:
        """
        What *data* completes, in order; to be read to its end before more is fed.

        Raises:
            NotRtsp: The bytes are not RTSP, or a message is over 64 KB.
        """
        if self._held:
            data, self._held = self._held + data, b""
        at = 0
        while at < len(data):
            end = self._end_of_media(data, at)
            if end > at:
                yield data if end - at == len(data) else data[at:end]
                at = end
                continue
            if data[at] in b"\r\n":
                at += 1
                continue
            message, end = _message(data, at)
            if message is None:
                self._held = data[at:]
                break
            yield message
            at = end

    def _end_of_media(self, data: bytes, at: int) -> int:
        end = at + self._media_left
        while end + 4 <= len(data) and data[end] == _MEDIA:
            end += 4 + (data[end + 2] << 8 | data[end + 3])
        self._media_left = max(0, end - len(data))
        return min(end, len(data))


def _message(data: bytes, at: int) -> tuple[RtspMessage | None, int]:
    """The message that starts at *at* and where it ends; None while some of it is missing."""
    if data[at] == _MEDIA:  # fewer than the four bytes of its frame's header
        return None, at
    found = _HEAD_END.search(data, at, at + MESSAGE_LIMIT)
    first_line = data[at : at + MESSAGE_LIMIT].partition(b"\n")
    if first_line[1]:
        _refuse_foreign(first_line[0].rstrip(b"\r"))
    if found is None:
        if len(data) - at >= MESSAGE_LIMIT:
            raise NotRtsp
        return None, at
    message = _head(data[at : found.start()])
    end = found.end() + _body_length(message)
    if end - at > MESSAGE_LIMIT:
        raise NotRtsp
    if end > len(data):
        return None, at
    message.body = data[found.end() : end]
    return message, end


def _refuse_foreign(line: bytes) -> None:
    if not _STATUS.fullmatch(line) and not _REQUEST.fullmatch(line):
        raise NotRtsp


def _head(data: bytes) -> RtspMessage:
    start, *lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    pairs = (line.partition(":") for line in lines)
    return RtspMessage(start, [(key.strip(), value.strip()) for key, _, value in pairs])


def _body_length(message: RtspMessage) -> int:
    text = message.header("Content-Length") or "0"
    if not text.isascii() or not text.isdigit():
        raise NotRtsp
    return int(text[:9])


@dataclass
class _Asked:
    """A request on its way."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes
    on_reply: Callable[[RtspMessage], None]
    tries: int = 1


class RtspLink(asyncio.Protocol):
    """
    Our side of a connection to a camera; answers its challenge with the address's password.

    Attributes:
        challenge: The last one met, to be carried to a second connection.
        on_media: Takes runs of interleaved media as they arrive.
        on_end: Called once, with the failure that ended the connection, or None where the
            camera closed it.
    """

    def __init__(self, address: StreamAddress, challenge: Challenge | None = None) -> None:
        self.challenge = challenge
        self.on_media: Callable[[bytes], None] = lambda _: None
        self.on_end: Callable[[Failure | None], None] = lambda _: None
        self.transport: asyncio.Transport | None = None
        self._address = address
        self._parser = RtspParser()
        self._asked: dict[int, _Asked] = {}
        self._sequence = 0
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(None)

    def data_received(self, data: bytes) -> None:
        try:
            for item in self._parser.feed(data):
                self._take(item)
        except NotRtsp:
            self._end(Failure.NOT_A_CAMERA)

    def _take(self, item: RtspMessage | bytes) -> None:
        if self._ended:
            return
        if isinstance(item, bytes):
            self.on_media(item)
        elif item.status is None:
            self._refuse(item)
        else:
            self._settle(item)

    async def ask(self, method: str, headers: list[tuple[str, str]] | None = None) -> RtspMessage:
        """
        Send a request about the whole stream and wait for its answer.

        Raises:
            Unusable: The connection ended first (`not_a_camera`), or the answer is a
                redirect.
        """
        future: asyncio.Future[RtspMessage] = asyncio.get_running_loop().create_future()

        def take(reply: RtspMessage) -> None:
            if not future.done():
                future.set_result(reply)

        def give_up(failure: Failure | None) -> None:
            if not future.done():
                future.set_exception(Unusable(failure or Failure.NOT_A_CAMERA))

        self.on_end = give_up
        self.send(method, self._address.request_url, headers or [], b"", take)
        return await future

    def send(
        self,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes,
        on_reply: Callable[[RtspMessage], None],
    ) -> None:
        """Send a request; *on_reply* is called in the order in which the camera speaks."""
        self._transmit(_Asked(method, url, headers, body, on_reply))

    def relay_media(self, frames: bytes) -> None:
        """Send interleaved media (receiver reports) to the camera."""
        if self.transport is not None and not self._ended:
            self.transport.write(frames)

    def close(self) -> None:
        """Close the connection, once what was written is out."""
        self._ended = True
        if self.transport is not None:
            self.transport.close()

    def _transmit(self, asked: _Asked) -> None:
        if self._ended or self.transport is None:
            self.on_end(None)
            return
        self._sequence += 1
        self._asked[self._sequence] = asked
        headers = [("CSeq", str(self._sequence)), ("User-Agent", "NoBlindspot"), *asked.headers]
        if self.challenge is not None and self._address.has_credentials:
            answer = self.challenge.answer(
                asked.method, asked.url, self._address.username, self._address.password
            )
            headers.append(("Authorization", answer))
        message = RtspMessage(f"{asked.method} {asked.url} RTSP/1.0", headers, asked.body)
        self.transport.write(message.encode())

    def _settle(self, reply: RtspMessage) -> None:
        status = reply.status or 0
        if 300 <= status < 400:
            self._end(Failure.REDIRECTED)
            return
        asked = self._asked_for(reply)
        if asked is None or 100 <= status < 200:
            return
        if status == 401 and self._may_answer(reply, asked):
            asked.tries += 1
            self._transmit(asked)
            return
        asked.on_reply(reply)

    def _asked_for(self, reply: RtspMessage) -> _Asked | None:
        # Some cameras forget the number; requests go out one at a time, so it is the oldest.
        text = reply.header("CSeq") or ""
        number = int(text) if text.isascii() and text.isdigit() else min(self._asked, default=0)
        return self._asked.pop(number, None)

    def _may_answer(self, reply: RtspMessage, asked: _Asked) -> bool:
        challenge = strongest_challenge(reply.all_headers("WWW-Authenticate"))
        if challenge is None or not self._address.has_credentials:
            return False
        first_answer = self.challenge is None and asked.tries == 1
        self.challenge = challenge
        return first_answer or (challenge.stale and asked.tries <= 2)

    def _refuse(self, request: RtspMessage) -> None:
        """Answer what the camera asks of us: a redirect ends it, all else is not for us."""
        if request.method == "REDIRECT":
            self._end(Failure.REDIRECTED)
        elif self.transport is not None and not self._ended:
            headers = [("CSeq", request.header("CSeq") or "0")]
            self.transport.write(RtspMessage("RTSP/1.0 501 Not Implemented", headers).encode())

    def _end(self, failure: Failure | None) -> None:
        if self._ended:
            return
        self.close()
        self.on_end(failure)
