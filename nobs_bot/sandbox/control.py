"""
``/sim``: what a test can do to the world, and see of it. JSON; loopback only.

    GET    /sim/health                          {ok: true}
    POST   /sim/faults                          {method, kind: 429|403|5xx|cut|hang, times?,
                                                chat_id?, retry_after?, status?, hang_s?,
                                                when: before|after?}
    GET    /sim/faults, DELETE /sim/faults      those still armed; disarm all
    POST   /sim/limits                          {enforced: bool}
    POST   /sim/queries                         {lifetime_s}: how long a tap can be answered
    GET    /sim/calls?method=M&after=N          every call to the Bot API, with times and answers
    GET    /sim/messages                        every message ever, with versions and deletions
    GET    /sim/files                           every file ever
    GET    /sim/files/FILE_ID                   its bytes
    GET    /sim/search?text=T                   where T occurs: calls, messages, toasts, files
    GET    /sim/updates                         those the bot has not confirmed; the next one's id
    POST   /sim/updates/repeat                  {count?}: deliver the newest once more
    POST   /sim/updates/hold                    keep updates back
    POST   /sim/updates/release                 {order: kept|reversed}: let them go
    POST   /sim/groups                          {title, members: [person id, ...]}
    GET    /sim/cameras                         test cameras that can be turned: {key: degrees}
    POST   /sim/cameras                         {key, heading_deg}: turn one
    GET    /sim/cameras/KEY                     what it sees now, JPEG
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, fields
from typing import Protocol

from aiohttp import web

from nobs_bot.sandbox.api import Api
from nobs_bot.sandbox.editing import Queries
from nobs_bot.sandbox.faults import Fault
from nobs_bot.sandbox.files import FileRecord, Files
from nobs_bot.sandbox.inbox import Inbox
from nobs_bot.sandbox.wire import Json
from nobs_bot.sandbox.world import World

SHOWN_INLINE = {"image/jpeg", "image/png", "image/webp", "video/mp4", "audio/ogg"}


class Turnable(Protocol):
    """Test cameras that can be turned (see `cameras.DemoCameras`)."""

    def headings(self) -> dict[str, float]: ...

    async def turn(self, key: str, heading_deg: float) -> float: ...

    async def still(self, key: str) -> bytes: ...


@dataclass
class Control:
    """The routes."""

    world: World
    inbox: Inbox
    files: Files
    queries: Queries
    api: Api
    cameras: Turnable | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sim/health", self._health),
            web.post("/sim/faults", self._arm),
            web.get("/sim/faults", self._armed),
            web.delete("/sim/faults", self._disarm),
            web.post("/sim/limits", self._limits),
            web.post("/sim/queries", self._lifetime),
            web.get("/sim/calls", self._calls),
            web.get("/sim/messages", self._messages),
            web.get("/sim/files", self._files),
            web.get("/sim/files/{file_id}", self._file),
            web.get("/sim/search", self._search),
            web.get("/sim/updates", self._updates),
            web.post("/sim/updates/repeat", self._repeat),
            web.post("/sim/updates/hold", self._hold),
            web.post("/sim/updates/release", self._release),
            web.post("/sim/groups", self._new_group),
            web.get("/sim/cameras", self._headings),
            web.post("/sim/cameras", self._turn),
            web.get("/sim/cameras/{key}", self._still),
        ]

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    # faults and limits

    async def _arm(self, request: web.Request) -> web.Response:
        body = await request.json()
        known = {field.name for field in fields(Fault)}
        try:
            self.api.faults.arm(Fault(**{key: body[key] for key in body if key in known}))
        except (TypeError, ValueError) as exc:
            return web.json_response({"error": str(exc)}, status=409)
        return await self._armed(request)

    async def _armed(self, request: web.Request) -> web.Response:
        return web.json_response({"faults": self.api.faults.listed()})

    async def _disarm(self, request: web.Request) -> web.Response:
        self.api.faults.clear()
        return await self._armed(request)

    async def _limits(self, request: web.Request) -> web.Response:
        self.api.limits.enforced = bool((await request.json()).get("enforced"))
        return web.json_response({"enforced": self.api.limits.enforced})

    async def _lifetime(self, request: web.Request) -> web.Response:
        self.queries.lifetime_s = float((await request.json())["lifetime_s"])
        return web.json_response({"lifetime_s": self.queries.lifetime_s})

    # the record

    async def _calls(self, request: web.Request) -> web.Response:
        method = request.query.get("method", "").lower()
        after = int(request.query.get("after", 0))
        chosen = [
            asdict(call)
            for call in self.api.calls
            if call.number > after and method in ("", call.method.lower())
        ]
        first = self.api.calls[0].number if self.api.calls else 1
        return _json({"calls": chosen, "forgotten": first - 1})

    async def _messages(self, request: web.Request) -> web.Response:
        return _json({"messages": self._ever()})

    def _ever(self) -> list[Json]:
        chats = self.world.messages.values()
        return [asdict(stored) for chat in chats for stored in chat.values()]

    async def _files(self, request: web.Request) -> web.Response:
        return _json({"files": [asdict(record) for record in self.files.all()]})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        record = self.files.find(request.match_info["file_id"])
        if record is None:
            raise web.HTTPNotFound(text="no such file")
        response = web.FileResponse(self.files.location(record))
        # What somebody uploaded must never run as a page of ours.
        inline = record.mime in SHOWN_INLINE
        response.content_type = record.mime if inline else "application/octet-stream"
        if not inline or "download" in request.query:
            response.headers["Content-Disposition"] = "attachment"
        return response

    async def _search(self, request: web.Request) -> web.Response:
        text = request.query["text"]
        found = {
            "calls": [c.number for c in self.api.calls if _holds([c.params, c.answer], text)],
            "messages": [
                {"chat_id": each["chat_id"], "message_id": each["body"]["message_id"]}
                for each in self._ever()
                if _holds([each["body"], each["versions"]], text)
            ],
            "toasts": [t.text for t in self.world.toasts if text in t.text],
            "files": await asyncio.to_thread(self._files_with, text.encode()),
        }
        return _json(found)

    def _files_with(self, needle: bytes) -> list[str]:
        return [r.file_id for r in self.files.all() if self._contains(r, needle)]

    def _contains(self, record: FileRecord, needle: bytes) -> bool:
        return needle in self.files.bytes_of(record) or needle in record.name.encode()

    # updates

    async def _updates(self, request: web.Request) -> web.Response:
        pending = [entry.update for entry in self.inbox.pending]
        return _json({"updates": pending, "next_id": self.inbox.next_id})

    async def _repeat(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        return _json({"update_ids": self.inbox.repeat(int(body.get("count", 1)))})

    async def _hold(self, request: web.Request) -> web.Response:
        self.inbox.hold()
        return _json({"ok": True})

    async def _release(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        return _json({"update_ids": self.inbox.release(str(body.get("order", "kept")))})

    async def _new_group(self, request: web.Request) -> web.Response:
        body = await request.json()
        members = [int(member) for member in body.get("members", [])]
        chat = self.world.new_group(str(body.get("title", "Grup")), members)
        return _json({"chat_id": chat.chat_id, "title": chat.title})

    # cameras

    async def _headings(self, request: web.Request) -> web.Response:
        return _json({"headings": self.cameras.headings() if self.cameras else {}})

    async def _turn(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            if self.cameras is None:
                raise KeyError
            heading_deg = await self.cameras.turn(str(body["key"]), float(body["heading_deg"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return web.json_response({"error": "no camera that can be turned so"}, status=409)
        return _json({"key": body["key"], "heading_deg": heading_deg})

    async def _still(self, request: web.Request) -> web.Response:
        try:
            if self.cameras is None:
                raise KeyError
            still = await self.cameras.still(request.match_info["key"])
        except KeyError:
            raise web.HTTPNotFound(text="no such camera") from None
        return web.Response(body=still, content_type="image/jpeg")


def _holds(value: object, text: str) -> bool:
    return text in json.dumps(value, ensure_ascii=False)


def _json(body: Json) -> web.Response:
    return web.json_response(body, dumps=lambda value: json.dumps(value, ensure_ascii=False))
