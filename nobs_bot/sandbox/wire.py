"""What travels between a bot and the server: JSON, a call's parameters, refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


class BotApiError(Exception):
    """
    A refusal, in Telegram's words.

    Args:
        code: HTTP status and ``error_code``.
        description: Telegram's sentence, with its prefix.
        retry_after: Seconds, for 429.
    """

    def __init__(self, code: int, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after

    def body(self) -> Json:
        answer: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.retry_after is not None:
            answer["parameters"] = {"retry_after": self.retry_after}
        return answer


def bad_request(words: str) -> BotApiError:
    return BotApiError(400, f"Bad Request: {words}")


def too_many(retry_after: int) -> BotApiError:
    words = f"Too Many Requests: retry after {retry_after}"
    return BotApiError(429, words, retry_after=retry_after)


def units(text: str) -> int:
    """Length in UTF-16 code units, in which Telegram counts offsets and lengths."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True)
class Upload:
    """A file that came with a request, waiting on disk."""

    path: Path
    size: int
    name: str
    mime: str


@dataclass
class Params:
    """One call's parameters, whether they came as JSON, urlencoded or multipart."""

    values: Mapping[str, Any]
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return "" if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        value = self.values.get(name)
        try:
            return default if value in (None, "") else int(str(value))
        except ValueError as exc:
            raise bad_request(f"invalid {name} specified") from exc

    def number(self, name: str) -> float:
        try:
            return float(self.text(name))
        except ValueError as exc:
            words = f"wrong {name}" if self.text(name) else f"{name} is empty"
            raise bad_request(words) from exc

    def flag(self, name: str) -> bool:
        return str(self.values.get(name, "")).lower() in ("true", "1", "yes", "t", "y")

    def data(self, name: str) -> Any:
        """A structured parameter; libraries send it as JSON text, JSON bodies as it is."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError as exc:
            what = "reply keyboard markup" if name == "reply_markup" else name.replace("_", " ")
            raise bad_request(f"can't parse {what} JSON object") from exc

    def objects(self, name: str) -> list[Json]:
        value = self.data(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad_request(f"can't parse {name}: expected an Array of Object")
        return value

    def chat_id(self, name: str = "chat_id") -> int:
        value = self.text(name)
        if not value:
            raise bad_request("chat_id is empty")
        try:
            return int(value)
        except ValueError as exc:
            raise bad_request("chat not found") from exc
