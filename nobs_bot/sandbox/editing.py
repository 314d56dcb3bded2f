"""The bot's methods that change, remove or answer what is there."""

from __future__ import annotations

from dataclasses import dataclass, field

from nobs_bot.sandbox.files import MAX_DOWNLOAD_BYTES, Files
from nobs_bot.sandbox.markup import read_inline_markup
from nobs_bot.sandbox.media import Media
from nobs_bot.sandbox.prose import read_caption, read_text
from nobs_bot.sandbox.wire import Json, Params, bad_request, units
from nobs_bot.sandbox.world import Stored, World

DELETABLE_S = 48 * 3600
MAX_ANSWER = 200
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
MEDIA = ("photo", "video", "document", "animation", "audio")


@dataclass
class Query:
    """A tap that waits for its answer."""

    person_id: int
    asked_at: float
    answered: bool = False


@dataclass
class Queries:
    """
    Taps on inline buttons, by callback query id.

    Attributes:
        lifetime_s: After this an answer is refused as too old.
    """

    lifetime_s: float = 60.0
    open: dict[str, Query] = field(default_factory=dict)


@dataclass
class Editing:
    """Methods named as the Bot API names them, in snake case."""

    world: World
    media: Media
    files: Files
    queries: Queries

    async def edit_message_text(self, params: Params) -> Json:
        content = read_text(params)
        options = params.data("link_preview_options")
        if isinstance(options, dict):
            content["link_preview_options"] = options
        stored = self._editable(params)
        if "text" not in stored.body:
            raise bad_request("there is no text in the message to edit")
        fields = ("text", "entities", "link_preview_options")
        return self._edit(stored, params, fields, content)

    async def edit_message_caption(self, params: Params) -> Json:
        caption = read_caption(params)
        stored = self._editable(params)
        if not any(kind in stored.body for kind in MEDIA):
            raise bad_request("there is no caption in the message to edit")
        return self._edit(stored, params, ("caption", "caption_entities"), caption)

    async def edit_message_media(self, params: Params) -> Json:
        item = params.data("media")
        if not isinstance(item, dict):
            raise bad_request("can't parse InputMedia: expected an Object")
        caption = read_caption(Params(item))
        stored = self._editable(params)
        content = await self.media.item(params, item)
        fields = ("text", "entities", "caption", "caption_entities", *MEDIA)
        return self._edit(stored, params, fields, content | caption)

    async def edit_message_reply_markup(self, params: Params) -> Json:
        return self._edit(self._editable(params), params, (), {})

    def _editable(self, params: Params) -> Stored:
        read_inline_markup(params)
        chat_id = params.chat_id()
        self.world.reachable(chat_id)
        message_id = params.integer("message_id")
        if not message_id:
            raise bad_request("message identifier is not specified")
        stored = self.world.find(chat_id, message_id)
        if stored is None:
            raise bad_request("message to edit not found")
        if not stored.from_bot or "forward_origin" in stored.body:
            raise bad_request("message can't be edited")
        return stored

    def _edit(self, stored: Stored, params: Params, fields: tuple[str, ...], content: Json) -> Json:
        """Replace *fields* by *content*; a keyboard that is not named again is gone."""
        replaced = (*fields, "reply_markup")
        body = {key: value for key, value in stored.body.items() if key not in replaced} | content
        markup = read_inline_markup(params)
        if markup:
            body["reply_markup"] = markup
        if body == stored.body:
            raise bad_request(NOT_MODIFIED)
        self.world.edit(stored, body | {"edit_date": self.world.now_unix()})
        return stored.body

    async def delete_message(self, params: Params) -> bool:
        message_id = params.integer("message_id")
        if not message_id:
            raise bad_request("message identifier is not specified")
        chat_id = params.chat_id()
        self.world.reachable(chat_id)
        stored = self.world.find(chat_id, message_id)
        if stored is None:
            raise bad_request("message to delete not found")
        if self.world.age_s(stored) > DELETABLE_S:
            raise bad_request("message can't be deleted for everyone")
        if chat_id < 0 and not stored.from_bot:
            raise bad_request("message can't be deleted")
        self.world.delete(stored)
        return True

    async def delete_messages(self, params: Params) -> bool:
        """Those that cannot be found are passed over, as in Telegram."""
        ids = params.data("message_ids")
        if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
            raise bad_request("too many message identifiers specified")
        chat_id = params.chat_id()
        self.world.reachable(chat_id)
        found = [self.world.find(chat_id, int(message_id)) for message_id in ids]
        kept = [stored for stored in found if stored is not None]
        if any(self.world.age_s(stored) > DELETABLE_S for stored in kept):
            raise bad_request("message can't be deleted for everyone")
        for stored in kept:
            self.world.delete(stored)
        return True

    async def answer_callback_query(self, params: Params) -> bool:
        text = params.text("text")
        if units(text) > MAX_ANSWER:
            raise bad_request("MESSAGE_TOO_LONG")
        query = self.queries.open.get(params.text("callback_query_id"))
        now = self.world.clock.now().timestamp()
        if query is None or now - query.asked_at > self.queries.lifetime_s:
            raise bad_request(TOO_OLD)
        self.world.tell("answered", query.person_id, query_id=params.text("callback_query_id"))
        url = params.text("url")
        if (text or url) and not query.answered:
            alert = params.flag("show_alert")
            self.world.show_toast(query.person_id, text, alert=alert, url=url)
        query.answered = True
        return True

    async def get_file(self, params: Params) -> Json:
        file_id = params.text("file_id")
        if not file_id:
            raise bad_request("file_id is empty")
        record = self.files.find(file_id)
        if record is None:
            raise bad_request("invalid file_id")
        if record.size > MAX_DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return record.reference() | {"file_path": record.path}
