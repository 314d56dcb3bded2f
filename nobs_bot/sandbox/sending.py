"""The bot's methods that put something into a chat."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from nobs_bot.sandbox.markup import read_markup
from nobs_bot.sandbox.media import Media
from nobs_bot.sandbox.prose import read_caption, read_text
from nobs_bot.sandbox.wire import Json, Params, bad_request
from nobs_bot.sandbox.world import Chat, Stored, World

ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}
TEXTUAL = ("text", "entities", "caption", "caption_entities", "link_preview_options")
FILED = ("photo", "video", "document", "animation", "audio", "voice", "sticker")
CONTENT = (*TEXTUAL, *FILED, "location", "venue", "contact")


@dataclass
class Sending:
    """Methods named as the Bot API names them, in snake case."""

    world: World
    media: Media

    async def send_message(self, params: Params) -> Json:
        content = read_text(params)
        options = params.data("link_preview_options")
        if isinstance(options, dict):
            content["link_preview_options"] = options
        return self._post(params, content)

    async def send_photo(self, params: Params) -> Json:
        return await self._send_file(params, "photo")

    async def send_video(self, params: Params) -> Json:
        return await self._send_file(params, "video")

    async def send_document(self, params: Params) -> Json:
        return await self._send_file(params, "document")

    async def send_animation(self, params: Params) -> Json:
        return await self._send_file(params, "animation")

    async def send_audio(self, params: Params) -> Json:
        return await self._send_file(params, "audio")

    async def send_voice(self, params: Params) -> Json:
        return await self._send_file(params, "voice")

    async def send_sticker(self, params: Params) -> Json:
        return await self._send_file(params, "sticker")

    async def _send_file(self, params: Params, kind: str) -> Json:
        caption = read_caption(params)
        read_markup(params)
        self.world.reachable(params.chat_id())
        content = await self.media.field(params, kind)
        return self._post(params, content | caption)

    async def send_media_group(self, params: Params) -> list[Json]:
        items = params.objects("media")
        if not 2 <= len(items) <= 10:
            raise bad_request("media group must include 2-10 items")
        kinds = {str(item.get("type")) for item in items}
        if len(kinds & {"document", "audio"}) and len(kinds) > 1:
            raise bad_request("media of different types can't be mixed in an album")
        self.world.reachable(params.chat_id())
        captions = [read_caption(Params(item)) for item in items]
        contents = [await self.media.item(params, item) for item in items]
        group = {"media_group_id": str(secrets.randbits(52))}
        return [
            self._post(params, content | caption | group)
            for content, caption in zip(contents, captions, strict=True)
        ]

    async def send_location(self, params: Params) -> Json:
        return self._post(params, {"location": _location(params)})

    async def send_venue(self, params: Params) -> Json:
        title, address = params.text("title"), params.text("address")
        if not title or not address:
            raise bad_request("venue title must be non-empty" if not title else "address is empty")
        location = _location(params)
        venue = {"location": location, "title": title, "address": address}
        return self._post(params, {"venue": venue, "location": location})

    async def send_contact(self, params: Params) -> Json:
        phone, name = params.text("phone_number"), params.text("first_name")
        if not phone or not name:
            missing = "phone_number" if not phone else "first_name"
            raise bad_request(f"{missing} is empty")
        return self._post(params, {"contact": {"phone_number": phone, "first_name": name}})

    async def send_chat_action(self, params: Params) -> bool:
        if params.text("action") not in ACTIONS:
            raise bad_request("wrong parameter action in request")
        chat = self.world.reachable(params.chat_id())
        for person_id in self.world.audience(chat.chat_id):
            self.world.tell("action", person_id, action=params.text("action"))
        return True

    async def copy_message(self, params: Params) -> Json:
        return {"message_id": self._copy(params, self._source(params, "copy"))["message_id"]}

    async def copy_messages(self, params: Params) -> list[Json]:
        sources = self._sources(params)
        return [{"message_id": self._copy(params, each)["message_id"]} for each in sources]

    async def forward_message(self, params: Params) -> Json:
        return self._forward(params, self._source(params, "forward"))

    async def forward_messages(self, params: Params) -> list[Json]:
        forwards = [self._forward(params, each) for each in self._sources(params)]
        return [{"message_id": body["message_id"]} for body in forwards]

    def _source(self, params: Params, verb: str) -> Stored:
        stored = self.world.find(params.chat_id("from_chat_id"), params.integer("message_id"))
        if stored is None:
            raise bad_request(f"message to {verb} not found")
        if stored.body.get("has_protected_content") and stored.from_bot is False:
            raise bad_request(f"message can't be {verb}ed")
        return stored

    def _sources(self, params: Params) -> list[Stored]:
        ids = params.data("message_ids") or []
        chat_id = params.chat_id("from_chat_id")
        found = [self.world.find(chat_id, int(message_id)) for message_id in ids]
        kept = [stored for stored in found if stored is not None]
        if not kept:
            raise bad_request("there are no messages to forward")
        return kept

    def _copy(self, params: Params, source: Stored) -> Json:
        content = {key: source.body[key] for key in CONTENT if key in source.body}
        if "caption" in params.values and "text" not in content:
            content.pop("caption", None)
            content.pop("caption_entities", None)
            content |= read_caption(params)
        return self._post(params, content)

    def _forward(self, params: Params, source: Stored) -> Json:
        content = {key: source.body[key] for key in CONTENT if key in source.body}
        content["forward_origin"] = origin_of(source)
        return self._post(params, content)

    def _post(self, params: Params, content: Json) -> Json:
        """Check keyboard, chat and reply, in Telegram's order; then the message is there."""
        markup = read_markup(params)
        chat = self.world.reachable(params.chat_id())
        content |= self._reply(params, chat)
        if params.flag("protect_content"):
            content["has_protected_content"] = True
        inline = markup if markup and markup.get("inline_keyboard") else None
        if inline:
            content["reply_markup"] = inline
        stored = self.world.post(chat.chat_id, self.world.bot, content)
        if markup and "inline_keyboard" not in markup:
            keyboard = None if "remove_keyboard" in markup else markup
            self.world.set_keyboard(chat, keyboard, stored.message_id)
        return stored.body

    def _reply(self, params: Params, chat: Chat) -> Json:
        given = params.data("reply_parameters")
        reply = given if isinstance(given, dict) else {}
        message_id = int(reply.get("message_id") or params.integer("reply_to_message_id"))
        if not message_id:
            return {}
        stored = self.world.find(chat.chat_id, message_id)
        if stored is None:
            lenient = reply.get("allow_sending_without_reply")
            if lenient or params.flag("allow_sending_without_reply"):
                return {}
            raise bad_request("message to be replied not found")
        return {"reply_to_message": quoted(stored)}


def quoted(stored: Stored) -> Json:
    """A message as a reply to it carries it: without what it replied to itself."""
    return {key: value for key, value in stored.body.items() if key != "reply_to_message"}


def origin_of(stored: Stored) -> Json:
    """Where a forwarded message comes from; a forward of a forward keeps the first origin."""
    if "forward_origin" in stored.body:
        return dict(stored.body["forward_origin"])
    return {"type": "user", "date": stored.body["date"], "sender_user": stored.body["from"]}


def _location(params: Params) -> Json:
    latitude, longitude = params.number("latitude"), params.number("longitude")
    if not -90 <= latitude <= 90 or not -180 <= longitude <= 180:
        raise bad_request("wrong location specified")
    body: Json = {"latitude": latitude, "longitude": longitude}
    if params.text("horizontal_accuracy"):
        body["horizontal_accuracy"] = params.number("horizontal_accuracy")
    return body
