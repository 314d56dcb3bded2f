"""Clips on the screen: the copy for viewing, or the original as it came, in ranges."""

from __future__ import annotations

import re
import time

from aiohttp import web

from nobs_bot.console.gate import Gate, Officer, allow, officer
from nobs_bot.console.requests_page import SEERS
from nobs_bot.console.safety import row_id
from nobs_bot.console.shell import Shell
from nobs_bot.errors import Refusal
from nobs_bot.footage.clips import clip_for, record_opened
from nobs_bot.footage.request import Clip, FootageRequest
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.work import Office, Work

_CLIP = r"/permintaan/{request:\d{1,19}}/klip/{clip:\d{1,19}}"
# what a browser plays by itself; anything else is handed over as a file that is never opened here
_PLAYED = {"video/mp4", "video/webm", "image/jpeg", "image/png"}
_RANGE = re.compile(r"^bytes=(\d{1,15})-(\d{1,15})?$")
_PIECE_BYTES = 1 << 20
_MOST_NOTED = 10_000
# a clip of gigabytes on a slow line takes an hour, and a role may end within it
LOOK_AGAIN_S = 2.0


class ClipPage:
    """
    Serves a clip to the officers of its request.

    The owner reads who opened it. A player asks for many pieces: a session's first is noted, in
    this process; after a restart once more, rather than never.
    """

    def __init__(self, office: Office, gate: Gate, shell: Shell, files: FileStore) -> None:
        self._office = office
        self._gate = gate
        self._shell = shell
        self._files = files
        self._noted: set[tuple[int, int, str]] = set()

    def routes(self) -> list[web.RouteDef]:
        """The player, and what it plays."""
        return [
            web.get(_CLIP, self._player),
            web.get(_CLIP + "/isi", self._content),
            web.get(_CLIP + "/asli", self._original),
        ]

    async def _clip(
        self, work: Work, request: web.Request, me: Officer
    ) -> tuple[Clip, FootageRequest]:
        clip, found = await clip_for(work, row_id(request, "clip"), await me.person(work))
        if found.id != row_id(request, "request"):
            raise Refusal("request.not_yours")
        return clip, found

    @allow(*SEERS)
    async def _player(self, request: web.Request) -> web.Response:
        me = officer(request)
        async with self._office.look() as work:
            clip, found = await self._clip(work, request, me)
        kind = "video/mp4" if clip.viewing_name else clip.media_type or ""
        return self._shell.page(
            request,
            "clip.html",
            clip={"id": clip.id, "sha256": clip.sha256 or "–", "is_copy": bool(clip.viewing_name)},
            request_id=found.id,
            request_name=found.name,
            kind=kind if kind in _PLAYED else "",
        )

    @allow(*SEERS)
    async def _content(self, request: web.Request) -> web.StreamResponse:
        """The copy for viewing where there is one, else the original where a browser plays it."""
        me = officer(request)
        async with self._office.work() as work:
            clip, found = await self._clip(work, request, me)
            kind = "video/mp4" if clip.viewing_name else clip.media_type or ""
            if kind not in _PLAYED:
                raise web.HTTPNotFound
            await self._note(work, me, clip, found, "copy" if clip.viewing_name else "original")
        return await self._send(request, clip.viewing_name or clip.file_name or "", kind)

    @allow(*SEERS)
    async def _original(self, request: web.Request) -> web.StreamResponse:
        """The original, byte by byte as it came, as a file."""
        me = officer(request)
        async with self._office.work() as work:
            clip, found = await self._clip(work, request, me)
            await self._note(work, me, clip, found, "original")
        name = f"{found.name}-{clip.id}"
        kind = "application/octet-stream"
        return await self._send(request, clip.file_name or "", kind, file_name=name)

    async def _note(
        self, work: Work, me: Officer, clip: Clip, found: FootageRequest, what: str
    ) -> None:
        mark = (me.session_id, clip.id, what)
        if mark in self._noted:
            return
        record_opened(work, clip, found, await me.person(work), what)
        await work.session.flush()
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted.add(mark)

    async def _send(
        self, request: web.Request, name: str, kind: str, *, file_name: str | None = None
    ) -> web.StreamResponse:
        file = await self._files.open(name)
        first, last = _asked(request.headers.get("Range", ""), file.size)
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(last - first + 1)}
        if file_name is not None:
            headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
        is_part = "Range" in request.headers
        if is_part:
            headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
        response = web.StreamResponse(status=206 if is_part else 200, headers=headers)
        response.content_type = kind
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        at, looked_at = first, time.monotonic()
        while at <= last:
            if time.monotonic() - looked_at >= LOOK_AGAIN_S:
                if not await self._gate.is_same(request):
                    _cut(request)
                    return response
                looked_at = time.monotonic()
            piece = await file.read(at, min(_PIECE_BYTES, last - at + 1))
            await response.write(piece)
            at += len(piece)
        await response.write_eof()
        return response


def _cut(request: web.Request) -> None:
    # no proper end: what came would look like the whole clip
    if request.transport is not None:
        request.transport.abort()


def _asked(header: str, size: int) -> tuple[int, int]:
    """
    The first and the last byte that are asked for.

    Raises:
        HTTPRequestRangeNotSatisfiable: there are none such.
    """
    if not header:
        return 0, size - 1
    found = _RANGE.match(header)
    if found is None or int(found.group(1)) >= size:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    first = int(found.group(1))
    last = int(found.group(2)) if found.group(2) else size - 1
    if last < first:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return first, min(last, size - 1)
