"""What Telegram signs for a Mini App is believed; anything else is not."""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from hashlib import sha256
from urllib.parse import urlencode

import pytest

from nobs_bot.errors import Refusal
from nobs_bot.people.miniapp import GOOD_FOR, account_in
from tests.cast import MONDAY

TOKEN = "4242:a-token-of-the-tests-only"


def signed(token: str = TOKEN, **more: object) -> str:
    """As Telegram hands it to an app."""
    fields = {
        "query_id": "AAE",
        "user": json.dumps({"id": 710_000_004, "first_name": "Dewi & co"}),
        "auth_date": str(int(MONDAY.timestamp())),
        "signature": "x_-y",
    } | {name: str(value) for name, value in more.items()}
    lines = "\n".join(f"{name}={value}" for name, value in sorted(fields.items()))
    secret = hmac.new(b"WebAppData", token.encode(), sha256).digest()
    return urlencode(fields | {"hash": hmac.new(secret, lines.encode(), sha256).hexdigest()})


def test_a_signed_account_is_read() -> None:
    account, proof = account_in(signed(), TOKEN, MONDAY)
    assert account == 710_000_004
    assert len(proof) == 64


@pytest.mark.parametrize(
    "data",
    [
        "",
        "hash=",
        "x" * 10_000,
        signed("1:another-bots-token-entirely"),
        signed().replace("710000004", "710000001"),
        signed().replace("query_id=AAE", "query_id=AAF"),
        signed() + "&user=%7B%22id%22%3A1%7D",
        signed() + "&hash=00",
        signed(user="nonsense"),
        signed(user="[1]"),
        signed(auth_date="soon"),
        signed(auth_date="9" * 30),
        urlencode({"user": "{}", "auth_date": "1"}),
    ],
)
def test_nothing_else_is_believed(data: str) -> None:
    with pytest.raises(Refusal, match=r"console\.no_proof"):
        account_in(data, TOKEN, MONDAY)


@pytest.mark.parametrize("late", [GOOD_FOR + timedelta(seconds=1), -timedelta(minutes=1)])
def test_it_is_good_for_two_minutes(late: timedelta) -> None:
    account_in(signed(), TOKEN, MONDAY + GOOD_FOR)
    with pytest.raises(Refusal, match=r"console\.link_over"):
        account_in(signed(), TOKEN, MONDAY + late)
