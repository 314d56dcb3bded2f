"""The bridge between the inbox and aiogram: one update, one transaction, then the answers."""

from __future__ import annotations

import re
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.types import Update

from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.messaging.chats import slot_message
from nobs_bot.messaging.inbox import lane_of
from nobs_bot.messaging.message import Message, PictureSource
from nobs_bot.messaging.pump import Answers, Applied, Sent
from nobs_bot.pace import Pace
from nobs_bot.people.arrival import receive
from nobs_bot.people.persons import meet, note_seen, words_for
from nobs_bot.storage.work import Office, Work

from .desk import Desk, Surroundings
from .reply import Answerer, Reply
from .states import Stream

# an address with credentials is a secret wherever it is typed
_SECRET = re.compile(r"\b\w+://[^\s/@]*:[^\s]*@|[?&](?:password|pwd|pass|token)=", re.IGNORECASE)
_KEYBOARD = "keyboard"
_SECRET_STATES = {Stream.URL.value, Stream.PASSWORD.value, Stream.USER.value}


class BotConversation:
    """
    Runs updates through the dispatcher (see `messaging.pump.Conversation`).

    Args:
        dispatcher: See `build_dispatcher`.
        bot: aiogram's bot.
        pictures: Draws or fetches what a message shows.
        around: What the handlers need of the surroundings.
    """

    def __init__(
        self, dispatcher: Dispatcher, bot: Bot, pictures: PictureSource, around: Surroundings
    ) -> None:
        self._dispatcher = dispatcher
        self._bot = bot
        self._answerer = Answerer(bot, pictures)
        self._around = around
        # an album of ten and every button in reach are far from it
        self._pace = Pace(burst=200, per_second=5)
        self._told = Pace(burst=1, per_second=1 / 60)

    async def apply(self, work: Work, raw: dict[str, Any]) -> Applied:
        """The handler's effects go into *work*; its answers are returned."""
        if not _is_private(raw):
            return Applied([])
        desk = await self._desk(work, raw)
        if self._pace.is_exceeded(lane_of(raw)):
            return Applied(self._slow_down(desk, raw))
        update = Update.model_validate(raw, context={"bot": self._bot})
        _remove_secret(desk, raw)
        had_keyboard = bool(desk.dialogue.data.get(_KEYBOARD))
        await self._dispatcher.feed_update(self._bot, update, desk=desk)
        _keep_track_of_keyboard(desk, had_keyboard)
        return Applied(desk.reply.answers(), desk.dialogue)

    def _slow_down(self, desk: Desk, raw: dict[str, Any]) -> Answers:
        """Nothing but a word, and that once a minute: no answer is worth a flood of answers."""
        _remove_secret(desk, raw)
        if not self._told.is_exceeded(lane_of(raw)):
            desk.reply.say(Message(text=desk.words("errors.too_fast")))
        return desk.reply.answers()

    async def explain(self, work: Work, raw: dict[str, Any], refusal: Refusal) -> Answers:
        """Tell the person why not, and what to do; a tap gets it as an alert."""
        desk = await self._desk(work, raw)
        _remove_secret(desk, raw)
        text = desk.words(refusal.text_key, **refusal.params)
        if "callback_query" in raw and len(text) <= 200 and "<" not in text:
            desk.reply.toast(text, alert=True)
        else:
            desk.reply.say(Message(text=text))
        return desk.reply.answers()

    async def apologise(self, work: Work, raw: dict[str, Any], reference: str) -> Answers:
        """Tell the person that we failed, with a reference for the operator."""
        desk = await self._desk(work, raw)
        _remove_secret(desk, raw)
        desk.reply.say(Message(text=desk.words("errors.bug", reference=reference)))
        return desk.reply.answers()

    async def answer(self, office: Office, raw: dict[str, Any], answers: Answers) -> Sent:
        """Send the answers to the chat of the update."""
        chat_id = _chat_of(raw)
        if chat_id is None:
            return Sent()
        slots = await _filled(office, chat_id, answers)
        try:
            return await self._answerer.send(chat_id, answers, slots)
        except OSError as exc:
            return Sent(left=answers, error=ExternalError(type(exc).__name__))

    async def _desk(self, work: Work, raw: dict[str, Any]) -> Desk:
        lane = lane_of(raw)
        known, dialogue = await receive(work, lane)
        who = known or meet(work, lane, None)
        note_seen(work, who)
        return Desk(work, who, words_for(work, who), dialogue, _reply(raw), self._around)


async def _filled(office: Office, chat_id: int, answers: Answers) -> dict[str, int]:
    """The messages that fill the slots which some answers name."""
    names = {(each.get("message") or {}).get("slot") for each in answers} - {None}
    if not names:
        return {}
    async with office.look() as work:
        found = {str(name): await slot_message(work, chat_id, str(name)) for name in names}
    return {name: message_id for name, message_id in found.items() if message_id}


def _is_private(raw: dict[str, Any]) -> bool:
    """The bot speaks with people, not in groups."""
    message = raw.get("message") or raw.get("edited_message")
    message = message or (raw.get("callback_query") or {}).get("message") or {}
    return bool((message.get("chat") or {}).get("type", "private") == "private")


def _keep_track_of_keyboard(desk: Desk, had: bool) -> None:
    """A keyboard below the chat goes away when its question is over."""
    has = desk.reply.shows_keyboard()
    if had and not has:
        has = desk.reply.put_away_keyboard(desk.words("noted"))
    desk.dialogue.data.pop(_KEYBOARD, None)
    if has:
        desk.dialogue.data[_KEYBOARD] = True


def _reply(raw: dict[str, Any]) -> Reply:
    query = raw.get("callback_query")
    if not query:
        return Reply()
    message = query.get("message") or {}
    # Telegram gives date 0 for a message that is too old to be touched
    if not message.get("date"):
        return Reply(None, query["id"])
    kind = next((each for each in ("text", "photo") if each in message), "other")
    tapped = (message["message_id"], kind)
    return Reply(tapped, query["id"])


def _chat_of(raw: dict[str, Any]) -> int | None:
    for name in ("message", "edited_message", "my_chat_member"):
        if name in raw:
            return int(raw[name]["chat"]["id"])
    if "callback_query" in raw:
        query = raw["callback_query"]
        return int((query.get("message") or {}).get("chat", query["from"])["id"])
    return None


def _remove_secret(desk: Desk, raw: dict[str, Any]) -> None:
    """Delete a message that holds a secret, whatever else becomes of it, and say so."""
    message = raw.get("message") or raw.get("edited_message")
    if not message:
        return
    text = message.get("text") or message.get("caption") or ""
    is_answer = desk.dialogue.state in _SECRET_STATES and text and not text.startswith("/")
    if is_answer or _SECRET.search(text):
        desk.reply.delete(message["message_id"])
        desk.reply.say(Message(text=desk.words("stream.deleted")))
