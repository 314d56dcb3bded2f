"""
What a handler says to the person in front of it: collected first, sent once all is committed.

The answers are JSON so that they survive a crash together with the update's effects.
"""

from __future__ import annotations

import html
import logging
from typing import Any

from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramRetryAfter,
)
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    WebAppInfo,
)

from nobs_bot.buttons import Keyboard
from nobs_bot.errors import ExternalError
from nobs_bot.messaging.chats import is_gone
from nobs_bot.messaging.message import (
    CAPTION_LIMIT,
    Loaded,
    Message,
    PictureSource,
    load_all,
)
from nobs_bot.messaging.pump import Answers, Sent

log = logging.getLogger(__name__)

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
# what may come of a stale button or a message that is gone already, and harms nobody
_HARMLESS = (
    "not modified",
    "query is too old",
    "query id is invalid",
    "message to delete not found",
    "message can't be deleted",
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
)


class Reply:
    """
    Collects answers to one update.

    Args:
        tapped: (message id, `text`, `photo` or `other`) of the message whose button was tapped.
        query_id: The tap's own id, which is answered in any case.
    """

    def __init__(self, tapped: tuple[int, str] | None = None, query_id: str | None = None) -> None:
        self._tapped = tapped
        self._query_id = query_id
        self._answers: Answers = []
        self._toast: dict[str, Any] = {}

    def show(self, message: Message) -> None:
        """The next screen: in place of the tapped message where both are of one kind."""
        if self._tapped is None:
            self.say(message)
            return
        message_id, kind = self._tapped
        if (kind == "text" and _is_plain(message)) or (kind == "photo" and _is_photo(message)):
            self._add("edit", message, message_id=message_id)
            self._tapped = None
        else:
            self.clear_buttons()
            self.say(message)

    def say(self, message: Message) -> None:
        """A new message."""
        self._add("say", message)

    def toast(self, text: str, *, alert: bool = False) -> None:
        """Words over the chat; only a tap can have them."""
        self._toast = {"text": html.unescape(text)[:200], "alert": alert}

    def clear_buttons(self) -> None:
        """Take the buttons off the tapped message, which stays as it is otherwise."""
        if self._tapped is not None:
            self._answers.append({"do": "clear", "message_id": self._tapped[0]})
            self._tapped = None

    def delete(self, message_id: int) -> None:
        """Remove a message, because it held a secret."""
        self._answers.insert(0, {"do": "delete", "message_id": message_id})

    def menu(self, commands: list[tuple[str, str]]) -> None:
        """The commands that this person's menu shows."""
        self._answers.append({"do": "menu", "commands": commands})

    def put_away_keyboard(self, words: str) -> bool:
        """
        Where something new is said without a keyboard of its own, say *words* first: only a
        message without buttons can take the keyboard below the chat away.

        Returns:
            Whether a keyboard is below the chat after these answers.
        """
        said = [each for each in self._answers if each["do"] in ("say", "edit")]
        if not said:
            return True
        if any(map(_brings_keyboard, said)):
            return True
        at = self._answers.index(said[0])
        gone = Message(text=words).model_dump(mode="json")
        self._answers.insert(at, {"do": "say", "message": gone})
        return False

    def shows_keyboard(self) -> bool:
        """Whether an answer brings a keyboard below the chat."""
        return any(_brings_keyboard(each) for each in self._answers if each["do"] == "say")

    def answers(self) -> Answers:
        """All answers, the tap's own first."""
        tap = [{"do": "tap", "query_id": self._query_id, **self._toast}] if self._query_id else []
        return [*tap, *self._answers]

    def _add(self, do: str, message: Message, **more: object) -> None:
        self._answers.append({"do": do, "message": message.model_dump(mode="json"), **more})


class Answerer:
    """
    Sends collected answers through aiogram.

    Args:
        bot: aiogram's bot.
        pictures: Draws or fetches what a message shows.
    """

    def __init__(self, bot: Bot, pictures: PictureSource) -> None:
        self._bot = bot
        self._pictures = pictures

    async def send(self, chat_id: int, answers: Answers, slots: dict[str, int]) -> Sent:
        """
        Send answers in order; where one fails for now, it and the rest are left.

        Args:
            slots: Message ids of the slots that the answers name.
        """
        sent = Sent()
        for at, answer in enumerate(answers):
            try:
                await self._perform(chat_id, answer, slots, sent)
            except (TelegramAPIError, ClientDecodeError) as exc:
                error = _explain(exc)
                if error is None:
                    continue
                if error.permanent and not is_gone(error):
                    # this message alone is refused, which is a mistake of ours: the rest goes on
                    log.error("an answer was refused for good: %s", error)
                    continue
                sent.error, sent.left = error, answers[at:]
                break
        return sent

    async def _perform(
        self, chat_id: int, answer: dict[str, Any], slots: dict[str, int], sent: Sent
    ) -> None:
        match answer["do"]:
            case "tap":
                await self._bot.answer_callback_query(
                    answer["query_id"], answer.get("text"), show_alert=answer.get("alert")
                )
            case "delete":
                await self._bot.delete_message(chat_id, answer["message_id"])
            case "clear":
                await self._bot.edit_message_reply_markup(
                    chat_id=chat_id, message_id=answer["message_id"]
                )
            case "menu":
                await self._set_menu(chat_id, answer["commands"])
            case "edit":
                message = Message.model_validate(answer["message"])
                shown, loaded = await load_all(self._pictures, message)
                if message.pictures and not loaded:
                    # a picture cannot be edited into a text
                    await self._say(chat_id, shown, loaded, sent)
                else:
                    await self._edit(chat_id, shown, loaded, answer["message_id"], sent)
            case "say":
                message = Message.model_validate(answer["message"])
                fills = slots.get(message.slot or "")
                shown, loaded = await load_all(self._pictures, message)
                # one whose pictures are gone is a new text all the same
                if fills and not message.pictures:
                    await self._edit(chat_id, shown, loaded, fills, sent)
                else:
                    await self._say(chat_id, shown, loaded, sent)

    async def _set_menu(self, chat_id: int, commands: list[tuple[str, str]]) -> None:
        menu = [BotCommand(command=name, description=about) for name, about in commands]
        await self._bot.set_my_commands(menu, BotCommandScopeChat(chat_id=chat_id))

    async def _edit(
        self, chat_id: int, message: Message, loaded: Loaded, message_id: int, sent: Sent
    ) -> None:
        try:
            await self._replace(chat_id, message, loaded, message_id)
        except TelegramBadRequest as exc:
            if "not modified" in exc.message:
                return
            if not _is_harmless(exc):
                raise
            await self._say(chat_id, message, loaded, sent)
            return
        _note_slot(chat_id, message, message_id, sent)

    async def _replace(
        self, chat_id: int, message: Message, loaded: Loaded, message_id: int
    ) -> None:
        if loaded:
            picture = _file(loaded[0], "picture.png")
            await self._bot.edit_message_media(
                InputMediaPhoto(media=picture, caption=message.text, parse_mode="HTML"),
                chat_id=chat_id,
                message_id=message_id,
                reply_markup=_inline(message.keyboard),
            )
            return
        await self._bot.edit_message_text(
            message.text,
            chat_id=chat_id,
            message_id=message_id,
            parse_mode="HTML",
            reply_markup=_inline(message.keyboard),
            link_preview_options=_NO_PREVIEW,
        )

    async def _say(self, chat_id: int, message: Message, loaded: Loaded, sent: Sent) -> None:
        markup = _reply_keyboard(message) or _inline(message.keyboard) or ReplyKeyboardRemove()
        caption = message.text if len(message.text) <= CAPTION_LIMIT else None
        if message.document and loaded:
            made = await self._bot.send_document(
                chat_id,
                _file(loaded[0], message.document),
                caption=caption,
                parse_mode="HTML",
                reply_markup=markup,
                protect_content=message.protected,
            )
        elif len(loaded) == 1 and caption is not None:
            made = await self._bot.send_photo(
                chat_id,
                _file(loaded[0], "picture.png"),
                caption=caption,
                parse_mode="HTML",
                reply_markup=markup,
                protect_content=message.protected,
            )
        else:
            await self._album(chat_id, loaded, protected=message.protected)
            made = await self._bot.send_message(
                chat_id,
                message.text,
                parse_mode="HTML",
                reply_markup=markup,
                link_preview_options=_NO_PREVIEW,
                protect_content=message.protected,
            )
        _note_slot(chat_id, message, made.message_id, sent)

    async def _album(self, chat_id: int, loaded: Loaded, *, protected: bool) -> None:
        files = [_file(each, "picture.png") for each in loaded]
        if len(files) == 1:
            await self._bot.send_photo(chat_id, files[0], protect_content=protected)
        elif files:
            media = [InputMediaPhoto(media=each) for each in files]
            await self._bot.send_media_group(chat_id, list(media), protect_content=protected)


def _note_slot(chat_id: int, message: Message, message_id: int, sent: Sent) -> None:
    if message.slot:
        sent.slots[chat_id, message.slot] = message_id


def _is_plain(message: Message) -> bool:
    return not message.pictures and not _has_reply_keyboard(message)


def _is_photo(message: Message) -> bool:
    is_single = len(message.pictures) == 1 and message.document is None
    return is_single and len(message.text) <= CAPTION_LIMIT and not message.protected


def _brings_keyboard(answer: dict[str, Any]) -> bool:
    said = answer["message"]
    return bool(said["ask_contact"] or said["ask_location"])


def _has_reply_keyboard(message: Message) -> bool:
    return bool(message.ask_contact or message.ask_location)


def _reply_keyboard(message: Message) -> ReplyKeyboardMarkup | None:
    if not _has_reply_keyboard(message):
        return None
    rows = []
    if message.ask_contact:
        rows.append([KeyboardButton(text=message.ask_contact, request_contact=True)])
    if message.ask_location:
        rows.append([KeyboardButton(text=message.ask_location, request_location=True)])
    if message.words_to_tap:
        rows.append([KeyboardButton(text=label) for label in message.words_to_tap])
    return ReplyKeyboardMarkup(keyboard=rows, resize_keyboard=True, one_time_keyboard=True)


def _inline(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    if not keyboard:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [
                InlineKeyboardButton(
                    text=each.label,
                    callback_data=each.payload,
                    url=None if each.in_app else each.url,
                    web_app=WebAppInfo(url=each.url) if each.in_app and each.url else None,
                )
                for each in row
            ]
            for row in keyboard
        ]
    )


def _file(loaded: bytes | str, name: str) -> BufferedInputFile | str:
    return loaded if isinstance(loaded, str) else BufferedInputFile(loaded, name)


def _is_harmless(error: TelegramAPIError) -> bool:
    return any(reason in error.message.lower() for reason in _HARMLESS)


def _explain(error: TelegramAPIError | ClientDecodeError) -> ExternalError | None:
    """
    What an error means for us; None where it harms nobody.

    What cannot be decoded is what a gateway says while Telegram is away, so it goes later.
    """
    if isinstance(error, TelegramRetryAfter):
        return ExternalError("told to wait", retry_after_s=float(error.retry_after))
    if isinstance(error, TelegramForbiddenError):
        return ExternalError(error.message, permanent=True)
    # a 404 is about the token, as Telegram answers one that it has never given out
    if isinstance(error, TelegramBadRequest):
        return None if _is_harmless(error) else ExternalError(error.message, permanent=True)
    return ExternalError(type(error).__name__)
