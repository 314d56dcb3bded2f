"""Buttons and their payloads: the one thing on which both Telegram libraries agree here."""

from __future__ import annotations

import html

from pydantic import BaseModel, ConfigDict

PAYLOAD_LIMIT_BYTES = 64
_SEPARATOR = ":"


class Button(BaseModel):
    """
    One button under a message.

    Args:
        label: What it says.
        payload: What comes back when it is tapped (see `payload`).
        url: An address to open instead.
        in_app: Whether the address opens inside of Telegram, as a Mini App; by https only.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    payload: str | None = None
    url: str | None = None
    in_app: bool = False


Keyboard = tuple[tuple[Button, ...], ...]


def payload(action: str, *arguments: object) -> str:
    """
    Pack an action and its arguments for a button.

    Raises:
        ValueError: an argument holds the separator, or the whole is over Telegram's 64 bytes.
    """
    parts = [action, *(str(argument) for argument in arguments)]
    if any(_SEPARATOR in part for part in parts):
        raise ValueError(f"{_SEPARATOR!r} inside a payload's part: {parts}")
    packed = _SEPARATOR.join(parts)
    if len(packed.encode()) > PAYLOAD_LIMIT_BYTES:
        raise ValueError(f"payload over {PAYLOAD_LIMIT_BYTES} bytes: {packed}")
    return packed


def unpack(data: str) -> tuple[str, tuple[str, ...]]:
    """The action and the arguments of a payload; whatever came in, it does not raise."""
    action, *arguments = data.split(_SEPARATOR)
    return action, tuple(arguments)


def button(label: str, action: str, *arguments: object) -> Button:
    """
    A button that brings back *action* with *arguments*.

    Telegram shows labels as they are, so what was escaped for a message is turned back.
    """
    return Button(label=html.unescape(label), payload=payload(action, *arguments))


def column(*buttons: Button | None) -> Keyboard:
    """One button a row; None is left out."""
    return tuple((each,) for each in buttons if each)


def grid(buttons: list[Button], width: int) -> Keyboard:
    """*width* buttons a row."""
    return tuple(tuple(buttons[at : at + width]) for at in range(0, len(buttons), width))
