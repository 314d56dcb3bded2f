"""Logging to standard error, with secrets cut out at the root."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

_SECRETS = (
    # credentials inside an address: scheme://user:password@host
    (re.compile(r"(\w+://)[^\s/'\"]*(?:/[^\s'\"]*)?@"), r"\1***@"),
    # a bot token, also where it follows "bot" without a break, as in Bot API addresses
    (re.compile(r"(?<!\d)\d{3,20}:[\w-]{20,}"), "***"),
)


def redact(text: str) -> str:
    """Cut credentials in addresses and bot tokens out of *text*."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats a record whole, traceback included, and then cuts the secrets out."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """An object a line: at (UTC), level, logger, message and, of an exception, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        about = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            about["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            about["stack"] = self.formatStack(record.stack_info)
        # each by itself: in the finished line escaped characters would hide where a secret ends
        return json.dumps({key: redact(value) for key, value in about.items()}, ensure_ascii=False)


def configure(level: str, form: str = "text") -> None:
    """
    Send every record of *level* and above to standard error, redacted.

    Args:
        form: text or json.
    """
    handler = logging.StreamHandler(sys.stderr)
    text = RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore", "aiogram.event", "aiohttp.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
