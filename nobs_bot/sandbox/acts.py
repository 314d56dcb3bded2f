"""What a person can do with a phone; each act becomes a message and an update."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from nobs_bot.sandbox.editing import Queries, Query
from nobs_bot.sandbox.files import Files
from nobs_bot.sandbox.inbox import Inbox
from nobs_bot.sandbox.prose import MAX_TEXT, typed
from nobs_bot.sandbox.sending import CONTENT, origin_of, quoted
from nobs_bot.sandbox.wire import Json, Upload
from nobs_bot.sandbox.world import Person, Stored, World

SAMPLES = Path(__file__).parent / "page" / "samples"
OFTEN = 50
AT_THE_SHOP = (-6.1592, 106.8048)
STRANGER = {"id": 790_000_001, "is_bot": False, "first_name": "Joko"}


class ActError(Exception):
    """A person cannot do that here and now; says why."""


@dataclass
class Acts:
    """
    Acts of people on their phones.

    Every act that sends something returns the message as it stands in the chat.
    """

    world: World
    inbox: Inbox
    files: Files
    queries: Queries

    def person(self, person_id: int) -> Person:
        person = self.world.persons.get(person_id)
        if person is None:
            raise ActError(f"nobody has the id {person_id}")
        return person

    # text

    def start(self, person: Person, payload: str = "") -> Json:
        """Press Start, or follow t.me/bot?start=payload."""
        if person.blocked:
            self.block(person, blocked=False)
        return self.text(person, f"/start {payload}".strip())

    def text(self, person: Person, text: str, *, reply_to: int = 0, chat_id: int = 0) -> Json:
        if not text.strip():
            raise ActError("an empty message cannot be sent")
        # A phone splits what is too long, and so do we.
        parts = [text[at : at + MAX_TEXT].strip() for at in range(0, len(text), MAX_TEXT)]
        sent = [self._send(person, typed(part), reply_to, chat_id) for part in parts if part]
        return sent[-1].body

    def forwarded_text(self, person: Person, text: str, from_name: str) -> Json:
        """Forward a message that somebody else wrote in another chat."""
        sender = STRANGER | {"first_name": from_name or STRANGER["first_name"]}
        origin = {"type": "user", "date": self.world.now_unix() - 3600, "sender_user": sender}
        return self._send(person, typed(text) | {"forward_origin": origin}).body

    def forward(self, person: Person, message_id: int) -> Json:
        """Send one of the chat's own messages to the bot once more, as a forward."""
        stored = self._message(person, message_id)
        if stored.body.get("has_protected_content"):
            raise ActError("this message is protected and cannot be forwarded")
        content = {key: stored.body[key] for key in CONTENT if key in stored.body}
        return self._send(person, content | {"forward_origin": origin_of(stored)}).body

    def command(self, person: Person, command: str) -> Json:
        return self.text(person, f"/{command.removeprefix('/')}")

    def press(self, person: Person, label: str) -> Json:
        """Press a button of the keyboard below the chat."""
        chat = self.world.chat(person.person_id)
        rows = (chat.keyboard or {}).get("keyboard", [])
        buttons = [button for row in rows for button in row]
        button = _labelled(buttons, label)
        if button is None:
            there = ", ".join(each["text"] for each in buttons) or "none"
            raise ActError(f"no keyboard button {label!r}; there are: {there}")
        if button.get("request_contact"):
            return self.contact(person)
        if button.get("request_location"):
            return self.location(person, *AT_THE_SHOP)
        if (chat.keyboard or {}).get("one_time_keyboard"):
            self.world.set_keyboard(chat, None, 0)
        return self.text(person, button["text"])

    # places and people

    def location(
        self, person: Person, latitude: float, longitude: float, accuracy_m: float | None = None
    ) -> Json:
        return self._send(person, {"location": _place(latitude, longitude, accuracy_m)}).body

    def venue(
        self, person: Person, latitude: float, longitude: float, title: str, address: str
    ) -> Json:
        place = _place(latitude, longitude)
        venue = {"location": place, "title": title, "address": address}
        return self._send(person, {"venue": venue, "location": place}).body

    def contact(self, person: Person, phone: str = "", name: str = "") -> Json:
        """One's own number, or, with *phone*, somebody else's."""
        if phone:
            body: Json = {"phone_number": phone, "first_name": name or "Kenalan"}
        else:
            number = person.phone.removeprefix("+")
            body = {"phone_number": number, "first_name": person.name}
            body["user_id"] = person.person_id
        chat = self.world.chat(person.person_id)
        if not phone and (chat.keyboard or {}).get("one_time_keyboard"):
            self.world.set_keyboard(chat, None, 0)
        return self._send(person, {"contact": body}).body

    # files

    async def photo(self, person: Person, upload: Upload, caption: str = "") -> Json:
        record = await self.files.keep_photo(upload)
        return self._send(person, {"photo": self.files.photo(record)} | _caption(caption)).body

    async def album(self, person: Person, uploads: list[Upload], caption: str = "") -> list[Json]:
        """Several photos: separate messages and updates with one ``media_group_id``."""
        if not 2 <= len(uploads) <= 10:
            raise ActError("an album has 2 to 10 photos")
        records = [await self.files.keep_photo(upload) for upload in uploads]
        group = {"media_group_id": str(secrets.randbits(52))}
        sent = []
        for at, record in enumerate(records):
            words = _caption(caption) if at == 0 else {}
            sent.append(self._send(person, {"photo": self.files.photo(record)} | words | group))
        return [stored.body for stored in sent]

    async def file(self, person: Person, kind: str, upload: Upload, caption: str = "") -> Json:
        """A document, video, voice message or sticker, byte for byte."""
        record = await self.files.keep(upload, kind)
        body = self.files.media(record, kind)
        return self._send(person, {kind: body} | _caption(caption)).body

    async def sample(self, person: Person, kind: str) -> Json:
        """A sticker or a voice message, of those that come with the sandbox."""
        name, mime = {
            "sticker": ("sticker.webp", "image/webp"),
            "voice": ("voice.ogg", "audio/ogg"),
        }[kind]
        data = (SAMPLES / name).read_bytes()
        path = self.files.new_upload()
        path.write_bytes(data)
        return await self.file(person, kind, Upload(path, len(data), name, mime))

    # buttons

    def tap(self, person: Person, *, label: str = "", data: str = "", message_id: int = 0) -> str:
        """
        Tap an inline button: of the newest message that has it, or of *message_id*.

        With *message_id* and *data* the button need not be there any more: a stale tap.

        Returns:
            The callback query's id; empty for a button that only opens a link.
        """
        stored, button = self._button(person, label, data, message_id)
        if "callback_data" not in button:
            return ""
        query_id = str(secrets.randbits(60))
        now = self.world.clock.now().timestamp()
        self.queries.open[query_id] = Query(person.person_id, now)
        body: Json = {
            "id": query_id,
            "from": person.user(),
            "chat_instance": hashlib.sha256(str(stored.chat_id).encode()).hexdigest()[:16],
            "data": button["callback_data"],
            "message": stored.body if not stored.deleted else _inaccessible(stored),
        }
        self.inbox.add("callback_query", body, stored.chat_id)
        return query_id

    def _button(
        self, person: Person, label: str, data: str, message_id: int
    ) -> tuple[Stored, Json]:
        if message_id and data:
            # Even of a deleted message: another phone of this person may still show it.
            stored = self.world.messages.get(person.person_id, {}).get(message_id)
            if stored is None:
                raise ActError(f"there never was a message {message_id}")
            return stored, {"callback_data": data}
        shown = self.world.visible(person.person_id)
        for stored in reversed(shown):
            if message_id not in (0, stored.message_id):
                continue
            there = buttons_of(stored)
            meant = next((b for b in there if data and b.get("callback_data") == data), None)
            button = meant or _labelled(there, label)
            if button is not None:
                return stored, button
        raise ActError(f"no button {label or data!r}; there are: {_labels(shown)}")

    # the chat itself

    def block(self, person: Person, *, blocked: bool) -> None:
        if person.blocked == blocked:
            return
        person.blocked = blocked
        self.world.save_person(person)
        self.world.tell("person", person.person_id)
        before, after = ("member", "kicked") if blocked else ("kicked", "member")
        body = {
            "chat": self.world.describe(person.person_id),
            "from": person.user(),
            "date": self.world.now_unix(),
            "old_chat_member": self._membership(before),
            "new_chat_member": self._membership(after),
        }
        self.inbox.add("my_chat_member", body, person.person_id)

    def _membership(self, status: str) -> Json:
        body: Json = {"user": self.world.bot, "status": status}
        return body | {"until_date": 0} if status == "kicked" else body

    def delete(self, person: Person, message_id: int) -> None:
        """Remove a message on both sides; bots are not told."""
        self.world.delete(self._message(person, message_id))

    def _message(self, person: Person, message_id: int) -> Stored:
        stored = self.world.find(person.person_id, message_id)
        if stored is None:
            raise ActError(f"there is no message {message_id} in this chat")
        return stored

    def _send(self, person: Person, content: Json, reply_to: int = 0, chat_id: int = 0) -> Stored:
        if person.blocked:
            raise ActError(f"{person.name} has blocked the bot")
        self.world.start(person)
        chat_id = chat_id or person.person_id
        if chat_id not in (person.person_id, *self.world.chats):
            raise ActError(f"there is no chat {chat_id}")
        if reply_to:
            stored = self.world.find(chat_id, reply_to)
            if stored is None:
                raise ActError(f"there is no message {reply_to} to reply to")
            content |= {"reply_to_message": quoted(stored)}
        sent = self.world.post(chat_id, person.user(), content)
        self.inbox.add("message", sent.body, chat_id, sent.message_id)
        return sent


def _labelled(buttons: list[Json], label: str) -> Json | None:
    """The button with this label, or else the first that has it as a part."""
    exact = next((button for button in buttons if button["text"] == label), None)
    return exact or next((b for b in buttons if label and label in b["text"]), None)


def buttons_of(stored: Stored) -> list[Json]:
    rows = stored.body.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


def _labels(shown: list[Stored]) -> str:
    labels = [button["text"] for stored in shown[-OFTEN:] for button in buttons_of(stored)]
    return ", ".join(labels) or "none"


def _inaccessible(stored: Stored) -> Json:
    return {"chat": stored.body["chat"], "message_id": stored.message_id, "date": 0}


def _caption(caption: str) -> Json:
    return typed(caption, "caption") if caption else {}


def _place(latitude: float, longitude: float, accuracy_m: float | None = None) -> Json:
    if not -90 <= latitude <= 90 or not -180 <= longitude <= 180:
        raise ActError("there is no such place on Earth")
    place: Json = {"latitude": latitude, "longitude": longitude}
    return place | ({"horizontal_accuracy": accuracy_m} if accuracy_m else {})
