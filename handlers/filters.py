"""
Filters: which button was tapped, which question is open, what a message brings.

None of them is aiogram's `F`, which is carried out in a thread of its own each time.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from aiogram.filters import Filter
from aiogram.types import CallbackQuery, Message, TelegramObject

from nobs_bot.buttons import unpack
from nobs_bot.errors import Refusal
from nobs_bot.storage.base import LARGEST_ID

from .desk import Desk


class Tap(Filter):
    """A tap on a button with one of these actions; hands its arguments over as `args`."""

    def __init__(self, *actions: str) -> None:
        self.actions = actions

    async def __call__(self, query: CallbackQuery) -> bool | dict[str, Any]:
        action, args = unpack(query.data or "")
        return {"action": action, "args": args} if action in self.actions else False


class At(Filter):
    """One of these questions is open."""

    def __init__(self, *states: StrEnum) -> None:
        self.states = {state.value for state in states}

    async def __call__(self, event: TelegramObject, desk: Desk) -> bool:
        return desk.dialogue.state in self.states


class Brings(Filter):
    """A message with one of these: `photo`, `location`, ... (fields of Telegram's Message)."""

    def __init__(self, *fields: str) -> None:
        self._fields = fields

    async def __call__(self, message: Message) -> bool:
        return any(getattr(message, field) for field in self._fields)


class IsCommand(Filter):
    """A message that begins with a slash, whether or not there is such a command."""

    async def __call__(self, message: Message) -> bool:
        return is_command(message)


class Typed(Filter):
    """Words that are no command."""

    async def __call__(self, message: Message) -> bool:
        return bool(message.text) and not is_command(message)


class Says(Filter):
    """A message that is the label of a button, in any language."""

    def __init__(self, key: str) -> None:
        self._key = key

    async def __call__(self, message: Message, desk: Desk) -> bool:
        said = (message.text or "").strip()
        return bool(said) and any(said == words(self._key) for words in desk.work.texts)


def is_command(message: Message) -> bool:
    """Whether a message is meant as a command, which no question takes for its answer."""
    return (message.text or "").startswith("/")


def shared_place(message: Message) -> tuple[float, float]:
    """(lat, lon) of a location or venue that was sent."""
    location = message.venue.location if message.venue else message.location
    assert location is not None
    return location.latitude, location.longitude


def number(args: tuple[str, ...], at: int = 0) -> int:
    """
    A payload's argument as a whole number.

    Raises:
        Refusal: it is none, which only a forged or outlived button can bring about.
    """
    try:
        given = int(args[at])
    except (IndexError, ValueError):
        raise Refusal("buttons.stale") from None
    if abs(given) > LARGEST_ID:
        raise Refusal("buttons.stale")
    return given


def word(args: tuple[str, ...], at: int = 0) -> str:
    """A payload's argument as it is; raises `Refusal` where it is missing."""
    if at >= len(args):
        raise Refusal("buttons.stale")
    return args[at]
