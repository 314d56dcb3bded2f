"""
Stands on loopback between the child that decodes and the camera.

The child knows the relay's address and a token, nothing else: not the camera's address, not
its password. The relay holds the only connection to the camera, answers its challenges and
cuts redirects, so that nothing the camera says can lead anywhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from abc import ABC, abstractmethod
from typing import cast

from nobs_bot.streams.handshake import HlsWelcome, MjpegWelcome, RtspWelcome, Welcome
from nobs_bot.streams.hls import PLAYLIST_NAME, HlsSource
from nobs_bot.streams.http import HttpReply
from nobs_bot.streams.report import Failure, Unusable
from nobs_bot.streams.rtsp import NotRtsp, RtspMessage, RtspParser

LOOPBACK = "127.0.0.1"
_WITHHELD = frozenset({"cseq", "www-authenticate", "location", "authentication-info"})
_REQUEST_LIMIT = 16 * 1024
_GET = re.compile(rb"GET /(\S+)/(\S+) HTTP/1\.[01]")
_RANGE = re.compile(rb"\r\nRange: bytes=(\d{1,12})-(\d{0,12})\r\n", re.IGNORECASE)


class Relay(ABC):
    """
    What the check needs of either relay.

    Attributes:
        kind: "rtsp", "mjpeg" or "hls": which options the decoder needs.
        url: Where the child finds the stream.
        fault: What the relay had to cut or could not get.
    """

    kind: str
    url: str
    fault: Failure | None = None

    @abstractmethod
    async def open(self, host: str = LOOPBACK) -> None:
        """Listen on a free port of loopback, or of an address that a media server reaches."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the child and of the camera."""


def relay_for(welcome: Welcome, *, stall_timeout_s: float) -> Relay:
    """
    The relay for what the handshake met; it takes over the connection to the camera.

    Args:
        stall_timeout_s: A camera silent for so long counts as gone.
    """
    if isinstance(welcome, RtspWelcome):
        return RtspRelay(welcome, stall_timeout_s)
    return HttpRelay(welcome, stall_timeout_s)


class RtspRelay(Relay):
    """Passes requests on under the camera's own URL, and its media back."""

    kind = "rtsp"

    def __init__(self, welcome: RtspWelcome, stall_timeout_s: float) -> None:
        self.welcome = welcome
        self.child: _RtspChild | None = None
        self._stall_timeout_s = stall_timeout_s
        self._token = secrets.token_urlsafe(16)
        self._server: asyncio.Server | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._session: str | None = None

    async def open(self, host: str = LOOPBACK) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _RtspChild(self), host, 0)
        port = self._server.sockets[0].getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"rtsp://{shown}:{port}/{self._token}"
        self.welcome.link.on_end = self._camera_ended

    def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._server is not None:
            self._server.close()
        if self.child is not None:
            self.child.transport.abort()
        self._leave()

    def admit(self, child: _RtspChild) -> bool:
        """Take the first connection that knows the token as the child's; there is one."""
        if self.child is not None:
            return self.child is child
        self.child = child
        self.welcome.link.on_media = self._pass_media
        self._heard_at = asyncio.get_running_loop().time()
        self._look_for_stall()
        return True

    def knows(self, url: str) -> bool:
        return url == self.url or url.startswith((f"{self.url}/", f"{self.url}?"))

    def answer(self, request: RtspMessage, child: _RtspChild) -> None:
        """Answer from the handshake what it asked already; ask the camera the rest."""
        if request.method == "OPTIONS":
            child.reply(request, 200, [("Public", "DESCRIBE, SETUP, PLAY, TEARDOWN")])
        elif request.method == "DESCRIBE":
            child.reply(request, 200, self._description_headers(), self.welcome.description.text)
        else:
            self._ask_camera(request, child)

    def _description_headers(self) -> list[tuple[str, str]]:
        base = self.welcome.reply.header("Content-Base") or self.welcome.reply.header(
            "Content-Location"
        )
        headers = [("Content-Type", "application/sdp")]
        return [*headers, ("Content-Base", base)] if base else headers

    def _ask_camera(self, request: RtspMessage, child: _RtspChild) -> None:
        def pass_reply(reply: RtspMessage) -> None:
            self._note(reply)
            kept = [pair for pair in reply.headers if pair[0].lower() not in _WITHHELD]
            child.reply(request, reply.status or 500, kept, reply.body)

        url = request.url
        if self.knows(url):
            url = self.welcome.address.request_url + url.removeprefix(self.url)
        kept = [
            pair for pair in request.headers if pair[0].lower() in {"transport", "session", "range"}
        ]
        self.welcome.link.send(request.method, url, kept, request.body, pass_reply)

    def _note(self, reply: RtspMessage) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self._session = reply.header("Session") or self._session
        if reply.status in {401, 403}:
            self.fault = Failure.WRONG_PASSWORD

    def _pass_media(self, frames: bytes) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        # a child that has seen enough is gone a moment before we are told to close
        if self.child is not None and not self.child.transport.is_closing():
            self.child.transport.write(frames)

    def _camera_ended(self, failure: Failure | None) -> None:
        self.fault = self.fault or failure
        if self.child is not None:
            self.child.transport.close()

    def _look_for_stall(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._heard_at > self._stall_timeout_s:
            self.welcome.link.close()
            self._camera_ended(None)
            return
        self._watch = loop.call_later(0.25, self._look_for_stall)

    def _leave(self) -> None:
        """Say good-bye, whatever became of the child: cameras keep few sessions."""
        if self._session is not None:
            headers = [("Session", self._session.partition(";")[0])]
            url = self.welcome.address.request_url
            self.welcome.link.on_end = lambda _: None
            self.welcome.link.send("TEARDOWN", url, headers, b"", lambda _: None)
        self.welcome.link.close()


class _RtspChild(asyncio.Protocol):
    """The relay's side of the connection that the child opens."""

    transport: asyncio.Transport

    def __init__(self, relay: RtspRelay) -> None:
        self._relay = relay
        self._parser = RtspParser()
        self._admitted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for item in self._parser.feed(data):
                if isinstance(item, bytes):
                    self._pass_report(item)
                elif item.status is None:
                    self._take(item)
        except NotRtsp:
            self.transport.abort()

    def _take(self, request: RtspMessage) -> None:
        if not self._admitted:
            self._admitted = self._relay.knows(request.url) and self._relay.admit(self)
        if not self._admitted:
            self.transport.abort()
            return
        self._relay.answer(request, self)

    def _pass_report(self, frames: bytes) -> None:
        if self._admitted:
            self._relay.welcome.link.relay_media(frames)

    def reply(
        self,
        request: RtspMessage,
        status: int,
        headers: list[tuple[str, str]],
        body: bytes = b"",
    ) -> None:
        """Answer one of the child's requests."""
        numbered = [("CSeq", request.header("CSeq") or "0"), *headers]
        word = "OK" if status == 200 else "Refused"
        self.transport.write(RtspMessage(f"RTSP/1.0 {status} {word}", numbered, body).encode())

    def pause_writing(self) -> None:
        if self._relay.welcome.link.transport is not None:
            self._relay.welcome.link.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._relay.welcome.link.transport is not None:
            self._relay.welcome.link.transport.resume_reading()


class HttpRelay(Relay):
    """Serves the child an MJPEG stream that is open already, or fetches HLS for it."""

    def __init__(self, welcome: MjpegWelcome | HlsWelcome, stall_timeout_s: float) -> None:
        self._welcome = welcome
        self._stall_timeout_s = stall_timeout_s
        self._token = secrets.token_urlsafe(16)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.kind = "mjpeg" if isinstance(welcome, MjpegWelcome) else "hls"

    async def open(self, host: str = LOOPBACK) -> None:
        self._server = await asyncio.start_server(self._serve, host, 0, limit=_REQUEST_LIMIT)
        port = self._server.sockets[0].getsockname()[1]
        name = "stream" if self.kind == "mjpeg" else PLAYLIST_NAME
        self.url = f"http://{host}:{port}/{self._token}/{name}"

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        self._welcome.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(
                OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
            ):
                request = await reader.readuntil(b"\r\n\r\n")
                await self._answer(request, writer)
        except asyncio.CancelledError:
            # The relay closes: the server's own callback would report this as an error.
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        found = _GET.match(request)
        if found is None or not secrets.compare_digest(found[1], self._token.encode()):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        elif isinstance(self._welcome, MjpegWelcome):
            await self._pump(self._welcome.reply, writer)
        else:
            await self._fetch(self._welcome.source, found[2].decode(), request, writer)

    async def _pump(self, reply: HttpReply, writer: asyncio.StreamWriter) -> None:
        chunked = "Transfer-Encoding: chunked\r\n" if reply.is_chunked else ""
        content_type = reply.header("Content-Type")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{chunked}Connection: close\r\n"
        writer.write(f"{head}\r\n".encode())
        while data := await self._next(reply.reader):
            writer.write(data)
            await writer.drain()

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        async with asyncio.timeout(self._stall_timeout_s):  # TimeoutError is an OSError
            return await reader.read(64 * 1024)

    async def _fetch(
        self, source: HlsSource, name: str, request: bytes, writer: asyncio.StreamWriter
    ) -> None:
        try:
            data = await source.read(name)
        except (Unusable, KeyError):
            self.fault = self.fault or source.fault
            writer.write(
                b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        writer.write(_hls_reply(name, data, request))
        await writer.drain()


def _hls_reply(name: str, data: bytes, request: bytes) -> bytes:
    status, extra = "200 OK", ""
    wanted = _RANGE.search(request)
    if wanted and (wanted[2] or int(wanted[1])):
        start, total = int(wanted[1]), len(data)
        data = data[start : int(wanted[2]) + 1 if wanted[2] else None]
        status = "206 Partial Content"
        extra = f"Content-Range: bytes {start}-{start + len(data) - 1}/{total}\r\n"
    kind = "application/vnd.apple.mpegurl" if name == PLAYLIST_NAME else "application/octet-stream"
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
        f"{extra}Connection: close\r\n\r\n"
    )
    return head.encode() + data
