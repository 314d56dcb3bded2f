"""Live pictures of cameras: one connection to a camera and one child, however many watch."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import urlsplit

from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.check import StreamChecker
from nobs_bot.streams.children import Child, ForkserverBroken
from nobs_bot.streams.mediaserver import MediaServer, MediaServerDown
from nobs_bot.streams.relay import relay_for
from nobs_bot.streams.report import Failure, Unusable

log = logging.getLogger(__name__)

MOST_STREAMS = 50
# whoever is further behind goes on at the next keyframe; a GOP of 4K fits
MOST_BEHIND_BYTES = 6 * 1024 * 1024
_TASK = "nobs_bot.streams.remux:show"
_DEADLINE_S = 3600.0
RTSP_PORT = 554


class PieceKind(Enum):
    """What a watcher is handed."""

    OPENED = auto()
    START = auto()
    MEDIA = auto()
    STILL = auto()


@dataclass(frozen=True)
class Piece:
    """
    One thing to show.

    Attributes:
        about: Of an OPENED one: `mime` (None where only stills come), `codec`, `width`, `height`.
        data: An initialisation segment, a fragment of MP4, or a JPEG.
        is_key: Whether a fragment begins with a keyframe.
    """

    kind: PieceKind
    data: bytes = b""
    is_key: bool = False
    about: dict[str, Any] | None = None


class TooMany(Exception):  # noqa: N818 - a result
    """As many cameras are being watched as may be at once."""


class Watcher:
    """One of those who watch a camera; made by `LiveStreams.watch`."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._waiting: deque[Piece] = deque()
        self._bytes = 0
        self._awaits_key = False
        self._something = asyncio.Event()

    @property
    def failure(self) -> Failure | None:
        """Why the camera's stream ended; None while it has not, or where it was ended here."""
        return self._stream.failure

    def want_stills(self) -> None:
        """For a browser that cannot play the stream: a still a second from now on."""
        self._stream.want_stills()

    async def pieces(self) -> AsyncIterator[Piece]:
        """What there is to show, as it comes, until the stream ends."""
        while True:
            while self._waiting:
                piece = self._waiting.popleft()
                self._bytes -= len(piece.data)
                yield piece
            if self._stream.has_ended:
                return
            self._something.clear()
            await self._something.wait()

    def take(self, piece: Piece) -> None:
        """Put a piece behind the others; one who cannot follow is moved on to the next keyframe."""
        if piece.kind is PieceKind.MEDIA:
            if self._bytes > MOST_BEHIND_BYTES:
                self._drop_media()
            if self._awaits_key and not piece.is_key:
                return
            self._awaits_key = False
        elif piece.kind is PieceKind.STILL:
            self._drop(PieceKind.STILL)
        self._waiting.append(piece)
        self._bytes += len(piece.data)
        self._something.set()

    def wake(self) -> None:
        self._something.set()

    def _drop_media(self) -> None:
        self._drop(PieceKind.MEDIA)
        self._awaits_key = True

    def _drop(self, kind: PieceKind) -> None:
        self._waiting = deque(each for each in self._waiting if each.kind is not kind)
        self._bytes = sum(len(each.data) for each in self._waiting)


class LiveStreams:
    """
    The cameras that are being watched now, in this process.

    Args:
        checker: Vets addresses, shakes hands and forks children, as for checks.
        most: Cameras at once.
        server: Holds RTSP streams in place of our own relay's child, where there is one.
    """

    def __init__(
        self,
        checker: StreamChecker,
        *,
        most: int = MOST_STREAMS,
        server: MediaServer | None = None,
    ) -> None:
        self._checker = checker
        self._most = most
        self._server = server
        self._streams: dict[Hashable, _Stream] = {}

    @asynccontextmanager
    async def watch(self, key: Hashable, address: StreamAddress) -> AsyncIterator[Watcher]:
        """
        Watch a camera; the last to leave closes its connection.

        Args:
            key: Which camera: who gives the same shares its connection.

        Raises:
            TooMany: as many cameras are being watched as may be.
        """
        stream = self._streams.get(key)
        if stream is None or stream.has_ended:
            if sum(not each.has_ended for each in self._streams.values()) >= self._most:
                raise TooMany
            stream = self._streams[key] = _Stream(self._checker, address, self._server)
        watcher = stream.admit()
        try:
            yield watcher
        finally:
            if stream.dismiss(watcher):
                if self._streams.get(key) is stream:
                    del self._streams[key]
                await stream.stop()

    async def close(self) -> None:
        """End them all."""
        streams = list(self._streams.values())
        self._streams.clear()
        for stream in streams:
            await stream.stop()

    @property
    def count(self) -> int:
        """How many cameras are connected."""
        return sum(not each.has_ended for each in self._streams.values())


class _Stream:
    """One camera's connection, its child, and those who watch."""

    def __init__(
        self, checker: StreamChecker, address: StreamAddress, server: MediaServer | None
    ) -> None:
        self.failure: Failure | None = None
        self._server = server
        self._checker = checker
        self._address = address
        self._watchers: list[Watcher] = []
        self._head: list[Piece] = []
        self._since_key: list[Piece] = []
        self._child: Child | None = None
        self._wants_stills = False
        self._asking: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._run(), name="live stream")

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    def admit(self) -> Watcher:
        """One more watcher; who comes late begins at the last keyframe."""
        watcher = Watcher(self)
        for piece in (*self._head, *self._since_key):
            watcher.take(piece)
        self._watchers.append(watcher)
        return watcher

    def dismiss(self, watcher: Watcher) -> bool:
        """Let one go; True where nobody is left."""
        self._watchers.remove(watcher)
        return not self._watchers

    def want_stills(self) -> None:
        if not self._wants_stills:
            self._wants_stills = True
            self._ask_for_stills()

    def _ask_for_stills(self) -> None:
        if self._child is not None and self._wants_stills:
            self._asking = asyncio.create_task(self._child.give({"stills": True}))

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            try:
                await self._once(self._server)
            except MediaServerDown as exc:
                log.warning("live view goes on without the media server: %s", exc)
                await self._once(None)
        except Unusable as unusable:
            self.failure = unusable.failure
        except (ForkserverBroken, OSError):
            self.failure = Failure.NO_PICTURES
        finally:
            # this task is done only once it has returned
            asyncio.get_running_loop().call_soon(self._wake)

    async def _once(self, server: MediaServer | None) -> None:
        """From the relay itself, or from the media server that holds the relay's stream."""
        welcome = await self._checker.approach(self._address)
        relay = relay_for(welcome, stall_timeout_s=self._checker.connect_timeout_s)
        try:
            if server is None or relay.kind != "rtsp":
                await relay.open()
                await self._show(relay.url, relay.kind)
            else:
                await relay.open(server.own_address())
                async with server.holding(relay.url) as url:
                    await self._show(url, relay.kind)
            self.failure = relay.fault or Failure.NO_PICTURES
        finally:
            relay.close()

    async def _show(self, url: str, kind: str) -> None:
        child = await self._checker.children.fork()
        try:
            arguments = {
                "url": url,
                "kind": kind,
                "open_timeout_s": self._checker.connect_timeout_s + 1,
            }
            order = {"task": _TASK, "arguments": arguments, "deadline_s": _DEADLINE_S}
            await child.give(order | {"port": urlsplit(url).port or RTSP_PORT})
            self._child = child
            self._ask_for_stills()
            async for message, blob in child.messages():
                self._pass_on(message, blob)
        finally:
            self._child = None
            if self._asking is not None:
                self._asking.cancel()
            await child.end()

    def _pass_on(self, message: dict[str, Any], blob: bytes) -> None:
        if "opened" in message:
            self._head = [Piece(PieceKind.OPENED, about=_believable(message["opened"]))]
            if blob:
                self._head.append(Piece(PieceKind.START, blob))
            for piece in self._head:
                self._hand_out(piece)
        elif "media" in message:
            piece = Piece(PieceKind.MEDIA, blob, is_key=message.get("key") is True)
            self._keep(piece)
            self._hand_out(piece)
        elif "still" in message:
            self._hand_out(Piece(PieceKind.STILL, blob))

    def _keep(self, piece: Piece) -> None:
        """Keep what came since the last keyframe, as far as it is worth keeping."""
        if piece.is_key:
            self._since_key = [piece]
        elif self._since_key:
            self._since_key.append(piece)
            if sum(len(each.data) for each in self._since_key) > MOST_BEHIND_BYTES:
                self._since_key = []

    def _hand_out(self, piece: Piece) -> None:
        for watcher in self._watchers:
            watcher.take(piece)

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.wake()


def _believable(said: dict[str, Any]) -> dict[str, Any]:
    """What a child said of its stream, reduced to what it may say: a broken one says anything."""
    mime = said.get("mime")
    is_mime = isinstance(mime, str) and mime.isascii() and mime.startswith('video/mp4; codecs="')
    return {
        "mime": str(mime)[:80] if is_mime else None,
        "codec": str(said.get("codec"))[:16],
        "width": int(said.get("width") or 0),
        "height": int(said.get("height") or 0),
    }
