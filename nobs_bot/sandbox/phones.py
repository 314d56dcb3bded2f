"""
``/sim/persons``: what a person can do with a phone. JSON in, JSON out; loopback only.

    GET  /sim/cast                              the bot, everyone with a phone, test cameras
    POST /sim/persons                           {name, username?, language_code?, phone?}
    GET  /sim/persons/ID                        one person
    POST /sim/persons/ID/language               {language_code}
    GET  /sim/persons/ID/chat?since=R&wait_s=S  messages as shown now (deleted ones absent), the
                                                keyboard below; waits for a change after revision R
    GET  /sim/persons/ID/menu                   commands by scope and language, the menu button
    GET  /sim/persons/ID/toasts?since=R         toasts and alerts shown so far
    POST /sim/persons/ID/start                  {payload?}
    POST /sim/persons/ID/scan                   {}: opens the QR code shown last on another phone
    POST /sim/persons/ID/text                   {text, reply_to?, forwarded_from?, chat_id?}
    POST /sim/persons/ID/forward                {message_id}
    POST /sim/persons/ID/command                {command}
    POST /sim/persons/ID/press                  {label} of the reply keyboard
    POST /sim/persons/ID/tap                    {label | data, message_id?, times?}; message_id with
                                                data taps a button even if it is gone (stale)
    POST /sim/persons/ID/location               {latitude, longitude, horizontal_accuracy?}
    POST /sim/persons/ID/venue                  {latitude, longitude, title, address}
    POST /sim/persons/ID/contact                {phone_number?, first_name?}; neither: one's own
    POST /sim/persons/ID/photo|document|video   multipart: file, caption?
    POST /sim/persons/ID/album                  multipart: file, several times, caption?
    POST /sim/persons/ID/sticker|voice          multipart file, or nothing: one that is at hand
    POST /sim/persons/ID/block|unblock|read     {}
    POST /sim/persons/ID/delete                 {message_id}
    GET  /sim/events                            server-sent events of all; ?person_id=ID of one

What cannot be done is answered with 409 and ``{"error": ...}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from nobs_bot.sandbox.acts import ActError, Acts
from nobs_bot.sandbox.cast import CastMember
from nobs_bot.sandbox.files import Files
from nobs_bot.sandbox.intake import read_params
from nobs_bot.sandbox.profile import Profile
from nobs_bot.sandbox.scanning import payload_of, scan
from nobs_bot.sandbox.wire import BotApiError, Json, Params
from nobs_bot.sandbox.world import Person, World

MAX_PHONE_UPLOAD_BYTES = 200 * 1024 * 1024
KEEP_ALIVE_S = 15.0
Act = Callable[[Person, Params], Awaitable[Any]]


@dataclass
class Phones:
    """The routes; what they do is in `Acts`."""

    world: World
    acts: Acts
    profile: Profile
    files: Files
    cast: tuple[CastMember, ...]
    streams: dict[str, str]

    def routes(self) -> list[web.RouteDef]:
        one = "/sim/persons/{person_id}"
        return [
            web.get("/sim/cast", self._cast),
            web.get("/sim/events", self._events),
            web.post("/sim/persons", self._new_person),
            web.get(one, self._person),
            web.get(f"{one}/chat", self._chat),
            web.get(f"{one}/menu", self._menu),
            web.get(f"{one}/toasts", self._toasts),
            web.post(f"{one}/{{act}}", self._act),
        ]

    # looking

    async def _cast(self, request: web.Request) -> web.Response:
        members = {member.person_id: asdict(member) for member in self.cast}
        language = request.query.get("language", "")
        people = [
            self._standing(person) | {"member": members.get(person.person_id)}
            for person in self.world.persons.values()
        ]
        bot = self.profile.presented(language)
        return web.json_response({"bot": bot, "cast": people, "streams": self.streams})

    def _standing(self, person: Person) -> Json:
        shown = self.world.visible(person.person_id)
        unread = [m for m in shown if m.from_bot and m.revision > person.read_revision]
        latest = shown[-1].body if shown else {}
        return asdict(person) | {
            "unread": len(unread),
            "preview": latest.get("text") or latest.get("caption") or "",
        }

    async def _person(self, request: web.Request) -> web.Response:
        return web.json_response(self._standing(self._who(request)))

    async def _chat(self, request: web.Request) -> web.Response:
        person = self._who(request)
        since = int(request.query.get("since", -1))
        deadline = asyncio.get_running_loop().time() + float(request.query.get("wait_s", 0))
        while self._revision(person) <= since:
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                break
            await self.world.events.change(left_s)
        return web.json_response(self._view(person))

    def _revision(self, person: Person) -> int:
        stored = self.world.messages.get(person.person_id, {}).values()
        return max([0, *(each.revision for each in stored)])

    def _view(self, person: Person) -> Json:
        chat = self.world.chat(person.person_id)
        shown = self.world.visible(person.person_id)
        return {
            "person": self._standing(person),
            "revision": self.world.events.revision,
            "messages": [self.world.shown(stored, person.person_id) for stored in shown],
            "keyboard": chat.keyboard,
            "menu_button": self.profile.menu_button(str(person.person_id)),
            "menu": self.profile.menu_of(person.person_id),
        }

    async def _menu(self, request: web.Request) -> web.Response:
        person = self._who(request)
        button = self.profile.menu_button(str(person.person_id))
        commands = self.profile.menu_of(person.person_id)
        return web.json_response({"commands": commands, "button": button})

    async def _toasts(self, request: web.Request) -> web.Response:
        person, since = self._who(request), int(request.query.get("since", 0))
        seen = [
            asdict(toast)
            for toast in self.world.toasts
            if toast.person_id == person.person_id and toast.revision > since
        ]
        return web.json_response({"toasts": seen, "revision": self.world.events.revision})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("person_id")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.headers["Cache-Control"] = "no-store"
        await response.prepare(request)
        with self.world.events.listening() as queue, contextlib.suppress(ConnectionResetError):
            await response.write(b"retry: 1000\n\n")
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        event = await queue.get()
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                if wanted in (None, str(event["person_id"])):
                    data = json.dumps(event, ensure_ascii=False)
                    await response.write(f"data: {data}\n\n".encode())
        # the page was closed: nobody is left to be told anything
        return response

    # acting

    async def _new_person(self, request: web.Request) -> web.Response:
        params = await read_params(request, self.files, limit_bytes=0)
        name = params.text("name").strip()
        if not name:
            return _refused("a person needs a name")
        person_id = params.integer("person_id") or self.world.new_person_id()
        phone = params.text("phone") or f"+6281{person_id}"
        language = params.text("language_code") or "id"
        person = Person(person_id, name, params.text("username"), language, phone)
        self.world.save_person(person)
        self.world.tell("person", person_id)
        return web.json_response(self._standing(person))

    async def _act(self, request: web.Request) -> web.Response:
        act = self._table().get(request.match_info["act"])
        if act is None:
            raise web.HTTPNotFound(text="no such act")
        try:
            person = self._who(request)
            params = await read_params(request, self.files, limit_bytes=MAX_PHONE_UPLOAD_BYTES)
            result = await act(person, params)
        except (ActError, BotApiError) as exc:
            return _refused(str(exc))
        return web.json_response({"result": result, "revision": self.world.events.revision})

    def _who(self, request: web.Request) -> Person:
        text = request.match_info["person_id"]
        person = self.world.persons.get(int(text)) if text.isdigit() else None
        if person is None:
            raise web.HTTPNotFound(text=f"nobody has the id {text}")
        return person

    def _table(self) -> dict[str, Act]:
        return {
            "start": self._start,
            "scan": self._scan,
            "text": self._text,
            "forward": self._forward,
            "command": self._command,
            "press": self._press,
            "tap": self._tap,
            "location": self._location,
            "venue": self._venue,
            "contact": self._contact,
            "photo": self._photo,
            "album": self._album,
            "document": self._document,
            "video": self._video,
            "sticker": self._sticker,
            "voice": self._voice,
            "block": self._block,
            "unblock": self._unblock,
            "delete": self._delete,
            "read": self._read,
            "language": self._language,
        }

    async def _start(self, person: Person, params: Params) -> Any:
        return self.acts.start(person, params.text("payload"))

    async def _scan(self, person: Person, params: Params) -> Any:
        link = await asyncio.to_thread(scan, self.world, self.files, person)
        return self.acts.start(person, payload_of(link))

    async def _text(self, person: Person, params: Params) -> Any:
        text, source = params.text("text"), params.text("forwarded_from")
        if source:
            return self.acts.forwarded_text(person, text, source)
        reply_to, chat_id = params.integer("reply_to"), params.integer("chat_id")
        return self.acts.text(person, text, reply_to=reply_to, chat_id=chat_id)

    async def _forward(self, person: Person, params: Params) -> Any:
        return self.acts.forward(person, params.integer("message_id"))

    async def _command(self, person: Person, params: Params) -> Any:
        return self.acts.command(person, params.text("command"))

    async def _press(self, person: Person, params: Params) -> Any:
        return self.acts.press(person, params.text("label"))

    async def _tap(self, person: Person, params: Params) -> Any:
        label, data = params.text("label"), params.text("data")
        message_id = params.integer("message_id")
        return [
            self.acts.tap(person, label=label, data=data, message_id=message_id)
            for _ in range(params.integer("times", 1))
        ]

    async def _location(self, person: Person, params: Params) -> Any:
        accuracy_m = (
            params.number("horizontal_accuracy") if params.text("horizontal_accuracy") else None
        )
        latitude, longitude = params.number("latitude"), params.number("longitude")
        return self.acts.location(person, latitude, longitude, accuracy_m)

    async def _venue(self, person: Person, params: Params) -> Any:
        latitude, longitude = params.number("latitude"), params.number("longitude")
        title, address = params.text("title"), params.text("address")
        return self.acts.venue(person, latitude, longitude, title, address)

    async def _contact(self, person: Person, params: Params) -> Any:
        return self.acts.contact(person, params.text("phone_number"), params.text("first_name"))

    async def _photo(self, person: Person, params: Params) -> Any:
        return await self.acts.photo(person, _one_file(params), params.text("caption"))

    async def _album(self, person: Person, params: Params) -> Any:
        uploads = list(params.uploads.values())
        return await self.acts.album(person, uploads, params.text("caption"))

    async def _document(self, person: Person, params: Params) -> Any:
        caption = params.text("caption")
        return await self.acts.file(person, "document", _one_file(params), caption)

    async def _video(self, person: Person, params: Params) -> Any:
        return await self.acts.file(person, "video", _one_file(params), params.text("caption"))

    async def _sticker(self, person: Person, params: Params) -> Any:
        if params.uploads:
            return await self.acts.file(person, "sticker", _one_file(params))
        return await self.acts.sample(person, "sticker")

    async def _voice(self, person: Person, params: Params) -> Any:
        if params.uploads:
            return await self.acts.file(person, "voice", _one_file(params))
        return await self.acts.sample(person, "voice")

    async def _block(self, person: Person, params: Params) -> Any:
        return self.acts.block(person, blocked=True)

    async def _unblock(self, person: Person, params: Params) -> Any:
        return self.acts.block(person, blocked=False)

    async def _delete(self, person: Person, params: Params) -> Any:
        return self.acts.delete(person, params.integer("message_id"))

    async def _read(self, person: Person, params: Params) -> Any:
        person.read_revision = self.world.events.revision
        self.world.save_person(person)

    async def _language(self, person: Person, params: Params) -> Any:
        person.language_code = params.text("language_code") or person.language_code
        self.world.save_person(person)
        self.world.tell("person", person.person_id)


def _one_file(params: Params) -> Any:
    if not params.uploads:
        raise ActError("no file came along")
    return next(iter(params.uploads.values()))


def _refused(words: str) -> web.Response:
    return web.json_response({"error": words}, status=409)
