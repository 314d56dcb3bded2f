"""Logging to standard error, with secrets cut out at the root."""

from __future__ import annotations

import logging
import re
import sys

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


def configure(level: str) -> None:
    """Send every record of *level* and above to standard error, redacted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore", "aiogram.event", "aiohttp.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
