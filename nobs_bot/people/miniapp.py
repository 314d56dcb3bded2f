"""
Reading what Telegram says of whoever opens a Mini App.

Source: https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app
"""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl

from nobs_bot.errors import Refusal

GOOD_FOR = timedelta(minutes=2)
# Telegram's clock and ours may differ by so much
_AHEAD = timedelta(seconds=30)
_MOST_CHARACTERS = 8192


def account_in(
    init_data: str, bot_token: str, now: datetime, good_for: timedelta = GOOD_FOR
) -> tuple[int, str]:
    """
    The Telegram account that opened the app, and the proof, which is to be taken once only.

    Args:
        init_data: As the app was given it.
        good_for: How long ago Telegram may have signed it.

    Raises:
        Refusal: Telegram did not sign this for our bot, or too long ago.
    """
    if len(init_data) > _MOST_CHARACTERS:
        raise Refusal("console.no_proof")
    pairs = parse_qsl(init_data, keep_blank_values=True)
    fields = dict(pairs)
    given = fields.pop("hash", "")
    # a field that is there twice would be checked once and read once more
    if len(pairs) != len(fields) + 1:
        raise Refusal("console.no_proof")
    secret = hmac.new(b"WebAppData", bot_token.encode(), sha256).digest()
    lines = "\n".join(f"{name}={value}" for name, value in sorted(fields.items()))
    wanted = hmac.new(secret, lines.encode(), sha256).hexdigest()
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Refusal("console.no_proof")
    try:
        signed_at = datetime.fromtimestamp(int(fields["auth_date"]), UTC)
        account = json.loads(fields["user"])["id"]
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise Refusal("console.no_proof") from None
    if not isinstance(account, int) or not -_AHEAD <= now - signed_at <= good_for:
        raise Refusal("console.link_over")
    return account, given
