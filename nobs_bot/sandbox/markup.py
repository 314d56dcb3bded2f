"""Keyboards: which Telegram accepts, and in which words it refuses the others."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from nobs_bot.sandbox.wire import Json, Params, bad_request

MAX_BUTTONS = 100
MAX_DATA_BYTES = 64
INLINE_KINDS = (
    "callback_data",
    "url",
    "web_app",
    "copy_text",
    "switch_inline_query",
    "switch_inline_query_current_chat",
)
LOOK = ("style", "icon_custom_emoji_id")
REPLY_KINDS = ("request_contact", "request_location", "web_app")
REPLY_OPTIONS = ("is_persistent", "resize_keyboard", "one_time_keyboard", "input_field_placeholder")


def read_markup(params: Params) -> Json | None:
    """
    The keyboard that came with a message, checked and stripped of what means nothing.

    Raises:
        BotApiError: Telegram would refuse it.
    """
    raw = params.data("reply_markup")
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in raw:
        return {"inline_keyboard": _rows(raw["inline_keyboard"], _inline_button, "inline keyboard")}
    if "keyboard" in raw:
        return _reply_keyboard(raw)
    if raw.get("remove_keyboard"):
        return {"remove_keyboard": True}
    if raw.get("force_reply"):
        hint = raw.get("input_field_placeholder")
        return {"force_reply": True} | ({"input_field_placeholder": hint} if hint else {})
    return None


def read_inline_markup(params: Params) -> Json | None:
    """As `read_markup`, for edits, which take inline keyboards only."""
    markup = read_markup(params)
    if markup is not None and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    return markup if markup and markup["inline_keyboard"] else None


def _reply_keyboard(raw: Json) -> Json:
    rows = _rows(raw["keyboard"], _reply_button, "keyboard")
    return {"keyboard": rows} | {key: raw[key] for key in REPLY_OPTIONS if raw.get(key)}


def _rows(raw: object, read: Callable[[object], Json], what: str) -> list[list[Json]]:
    if not isinstance(raw, list):
        raise bad_request(f'field "{what.replace(" ", "_")}" must be of type Array')
    rows = []
    for row in raw:
        if not isinstance(row, list):
            raise bad_request(f"can't parse {what}: expected an Array of keyboard rows")
        if row:
            rows.append([read(button) for button in row])
    if sum(len(row) for row in rows) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return rows


def _inline_button(raw: object) -> Json:
    if not isinstance(raw, dict):
        raise bad_request("can't parse inline keyboard button: expected an Object")
    label = raw.get("text")
    if not isinstance(label, str):
        raise bad_request(
            'can\'t parse inline keyboard button: Field "text" must be of type String'
        )
    if not label.strip():
        raise bad_request("BUTTON_TEXT_INVALID")
    kind = next((name for name in INLINE_KINDS if raw.get(name) is not None), None)
    if kind is None:
        words = "Text buttons are unallowed in the inline keyboard"
        raise bad_request(f"can't parse inline keyboard button: {words}")
    button = {"text": label, kind: raw[kind]} | {key: raw[key] for key in LOOK if raw.get(key)}
    _check_inline_value(kind, raw[kind])
    return button


def _check_inline_value(kind: str, value: object) -> None:
    if kind == "callback_data" and not 1 <= len(str(value).encode()) <= MAX_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if kind == "url" and not is_link(str(value)):
        raise bad_request(f"inline keyboard button URL '{value}' is invalid: Wrong HTTP URL")
    if kind == "web_app":
        url = str(value.get("url", "")) if isinstance(value, dict) else ""
        _check_web_app(url)


def _check_web_app(url: str) -> None:
    # As on Telegram's test servers, plain HTTP is allowed, but only on this machine.
    host = urlsplit(url).hostname or ""
    if not is_link(url):
        raise bad_request(f"inline keyboard button Web App URL '{url}' is invalid: Wrong HTTP URL")
    if not url.startswith("https://") and not host.startswith("127."):
        words = "Only HTTPS links are allowed"
        raise bad_request(f"inline keyboard button Web App URL '{url}' is invalid: {words}")


def _reply_button(raw: object) -> Json:
    if isinstance(raw, str):
        raw = {"text": raw}
    if not isinstance(raw, dict) or not isinstance(raw.get("text"), str):
        words = 'Field "text" must be of type String'
        raise bad_request(f"can't parse keyboard button: {words}")
    if not raw["text"].strip():
        raise bad_request("keyboard button text must be non-empty")
    kinds = {key: raw[key] for key in REPLY_KINDS if raw.get(key)}
    return {"text": raw["text"]} | kinds | {key: raw[key] for key in LOOK if raw.get(key)}


def is_link(url: str) -> bool:
    """Whether Telegram takes *url* for a link: a known scheme and a host with a dot."""
    if re.match(r"tg://|ton://|tonsite://", url):
        return True
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        return False
    return "." in parts.hostname or _is_address(parts.hostname)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
