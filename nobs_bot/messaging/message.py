"""A message as we mean it, before either Telegram library turns it into calls."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from nobs_bot.buttons import Keyboard

log = logging.getLogger(__name__)

CAPTION_LIMIT = 1024
TEXT_LIMIT = 4096


class PictureKind(StrEnum):
    """Where a picture's bytes come from."""

    MAP = "map"
    FILE = "file"
    TELEGRAM = "telegram"
    TEXT = "text"
    QR = "qr"
    STICKERS = "stickers"


class Picture(BaseModel):
    """
    A picture or file to send, described so that it can be made again after a crash.

    Args:
        kind: MAP is drawn from `about`; FILE stands in the file store under `name`;
            TELEGRAM is there already, under the file id `name`; TEXT is `about["text"]` itself,
            QR the code of it. STICKERS is drawn from `about` as PDF.
        about: What a map shows (see `coverage.drawing.MapView`), or a sheet of stickers
            (see `cameras.sheets.StickerSheet`).
    """

    model_config = ConfigDict(frozen=True)

    kind: PictureKind
    name: str = ""
    about: dict[str, Any] = {}


class Message(BaseModel):
    """
    Text with what hangs on it.

    Args:
        text: Telegram HTML, at most 4,096 characters.
        keyboard: Buttons under it.
        pictures: None, one (the text is its caption) or an album (the text follows it).
        document: Sent as a file of this name instead of a picture.
        slot: A name under which a later message of the same slot replaces this one in place.
        ask_contact: Label of a button that hands over the person's own phone number.
        ask_location: Label of a button that hands over where the person is.
        words_to_tap: Labels beside those two; a tap sends the label as text.
        protected: Telegram is asked to forbid forwarding and saving.
        menu: (command, description) pairs that the chat's menu shows from now on.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    keyboard: Keyboard = ()
    pictures: tuple[Picture, ...] = ()
    document: str | None = None
    slot: str | None = None
    ask_contact: str | None = None
    ask_location: str | None = None
    words_to_tap: tuple[str, ...] = ()
    protected: bool = False
    menu: tuple[tuple[str, str], ...] = ()


# what was loaded for the pictures of a message, in their order
Loaded = tuple[bytes | str, ...]


class PictureSource(Protocol):
    """Turns descriptions into what can be sent."""

    async def load(self, picture: Picture) -> bytes | str:
        """
        The bytes of a map or a file, or Telegram's file id.

        Raises:
            FileNotFoundError: it was removed since.
        """
        ...


async def load_all(source: PictureSource, message: Message) -> tuple[Message, Loaded]:
    """
    What a message shows, and the message with what is still there.

    Between the writing of a message and its sending an owner may have had a picture erased. Then
    the rest is sent, or it would be tried for ever and hold up all that comes after it.
    """
    loaded: list[bytes | str] = []
    there: list[Picture] = []
    for picture in message.pictures:
        try:
            loaded.append(await source.load(picture))
        except FileNotFoundError:
            log.warning("a picture of a message was removed before it was sent")
        else:
            there.append(picture)
    if len(there) < len(message.pictures):
        document = message.document if there else None
        message = message.model_copy(update={"pictures": tuple(there), "document": document})
    return message, tuple(loaded)
