"""The socket over which a look's picture goes to the officer's page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Hashable
from typing import Any

from aiohttp import WSMsgType, web

from nobs_bot.cameras.connection import stream_of
from nobs_bot.cameras.record import Camera
from nobs_bot.console.gate import Gate, allow, officer
from nobs_bot.console.live.guard import Guard
from nobs_bot.console.safety import row_id
from nobs_bot.errors import Refusal
from nobs_bot.footage.live import views
from nobs_bot.footage.live.record import Ending
from nobs_bot.footage.live.views import VIEWERS
from nobs_bot.storage.work import Office
from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.live import LiveStreams, PieceKind, TooMany, Watcher
from nobs_bot.texts import plain

log = logging.getLogger(__name__)

REPORT_EVERY_S = 5.0
_MOST_ASKED_BYTES = 1024
# the first byte of a binary message says what the rest is
_MARKS = {PieceKind.START: b"\x00", PieceKind.MEDIA: b"\x01", PieceKind.STILL: b"\x02"}


class Socket:
    """
    Serves one look's picture, for as long as it lasts.

    To the page, text: {"opened": {"mime", "width", "height"}}, {"lost": sentence, "why": sentence}
    where the camera went away (the page may connect again while the look lasts), {"ended":
    sentence} once it is over. Binary: a mark (0 initialisation segment, 1 fragment, 2 JPEG), then
    the thing itself. From the page: {"stills": true} where it cannot play the stream.
    """

    def __init__(self, office: Office, streams: LiveStreams, gate: Gate) -> None:
        self._office = office
        self._streams = streams
        self._gate = gate
        self._guard = Guard(office)

    @allow(*VIEWERS, is_activity=False)
    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Show what the camera sends until the look is over, or the page is closed."""
        self._gate.check_origin(request)
        view_id = row_id(request, "view")
        camera_id, index, address = await self._camera(request, view_id)
        socket = web.WebSocketResponse(max_msg_size=_MOST_ASKED_BYTES, heartbeat=20, compress=False)
        await socket.prepare(request)
        look = _Look(self._office, self._gate, request, socket, view_id=view_id, stream_index=index)
        async with self._guard.over(view_id) as ended:
            showing = asyncio.create_task(look.show(self._streams, (camera_id, index), address))
            listening = asyncio.create_task(look.listen())
            waited: set[asyncio.Future[Any]] = {ended, showing, listening}
            try:
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            finally:
                showing.cancel()
                listening.cancel()
                for each in await asyncio.gather(showing, listening, return_exceptions=True):
                    if isinstance(each, Exception):
                        log.error("a live picture broke off: %s", type(each).__name__)
                if ended.done():
                    await look.tell(ended=f"live.over.{ended.result().value}")
                await asyncio.shield(self._leave(view_id))
        await socket.close()
        return socket

    async def _camera(
        self, request: web.Request, view_id: int
    ) -> tuple[int, bytes | None, StreamAddress]:
        """Which camera it is and where; raises `Refusal` where the look is over, or another's."""
        me = officer(request)
        async with self._office.look() as work:
            view = await views.own_view(work, view_id, await me.person(work))
            camera = await work.session.get(Camera, view.camera_id)
            if view.ended_at is not None or view.ends_at <= work.now or camera is None:
                raise Refusal("live.over")
            address = stream_of(work, camera)
            if address is None:
                raise Refusal("live.not_shared", camera=camera.name)
            return camera.id, camera.stream_index, address

    async def _leave(self, view_id: int) -> None:
        async with self._office.work() as work:
            view = await views.locked(work, view_id)
            if view is not None:
                views.left(work, view)


class _Moved(Exception):  # noqa: N818 - what was seen
    """The camera has another address now; whoever connects again reaches it there."""


class _Look:
    """One open socket."""

    def __init__(
        self,
        office: Office,
        gate: Gate,
        request: web.Request,
        socket: web.WebSocketResponse,
        *,
        view_id: int,
        stream_index: bytes | None,
    ) -> None:
        self._office = office
        self._gate = gate
        self._request = request
        self._socket = socket
        self._view_id = view_id
        self._stream_index = stream_index
        self._watcher: Watcher | None = None

    async def show(self, streams: LiveStreams, key: Hashable, address: StreamAddress) -> None:
        """Pass on what the camera sends; returns once it sends no more."""
        try:
            async with streams.watch(key, address) as self._watcher:
                if not await self._pass_on(self._watcher):
                    # the guard reads from the row why it is over, and says so
                    await asyncio.Event().wait()
                failure = self._watcher.failure
        except TooMany:
            await self.tell(lost="live.too_many")
        except _Moved:
            await self.tell(lost="live.camera_gone")
        else:
            await self.tell(
                lost="live.camera_gone", why=f"check.failure.{failure.value}" if failure else ""
            )

    async def _pass_on(self, watcher: Watcher) -> bool:
        """False where the officer may not see it any more."""
        clock = asyncio.get_running_loop().time
        next_report = 0.0
        async for piece in watcher.pieces():
            if piece.kind is PieceKind.OPENED:
                await self._say({"opened": piece.about})
                continue
            if piece.kind is not PieceKind.START and clock() >= next_report:
                next_report = clock() + REPORT_EVERY_S
                if not await self._report():
                    return False
            with contextlib.suppress(ConnectionError):
                await self._socket.send_bytes(_MARKS[piece.kind] + piece.data)
        return True

    async def _report(self) -> bool:
        """Note that the picture is still shown; False where it may be no longer."""
        is_good = await self._gate.is_same(self._request)
        async with self._office.work() as work:
            view = await views.locked(work, self._view_id)
            if view is None or view.ended_at is not None:
                return False
            camera = await work.session.get(Camera, view.camera_id)
            if camera is None or not is_good or not await views.may_still(work, view, camera):
                await views.end(work, view, Ending.RIGHT)
                return False
            if camera.stream_index != self._stream_index:
                raise _Moved
            views.report(work, view)
            return True

    async def listen(self) -> None:
        """Heed the page; returns once it is closed."""
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                return
            with contextlib.suppress(ValueError, AttributeError):
                wants_stills = json.loads(message.data).get("stills") is True
                if wants_stills and self._watcher is not None:
                    self._watcher.want_stills()

    async def tell(self, **keys: str) -> None:
        """Send sentences by their keys."""
        words = officer(self._request).words
        await self._say({name: plain(words(key)) if key else "" for name, key in keys.items()})

    async def _say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):
            await self._socket.send_json(message)
