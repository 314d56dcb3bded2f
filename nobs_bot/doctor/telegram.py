"""Looks at Telegram: token, reachability, webhook, and the clock against theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from nobs_bot.clock import Clock
from nobs_bot.console.site import WEBHOOK_PATH
from nobs_bot.doctor.finding import Finding
from nobs_bot.settings import Settings

MOST_CLOCK_ERROR = timedelta(seconds=5)
OLD_FAILURE = timedelta(hours=1)
MANY_PENDING = 100
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Answer:
    """What the Bot API answered to one call: HTTP status, its JSON, and its own time."""

    status: int
    body: dict[str, Any]
    date: datetime | None

    @property
    def result(self) -> dict[str, Any]:
        """The call's result; empty where it was refused."""
        result = self.body.get("result")
        return result if isinstance(result, dict) else {}


async def ask_api(settings: Settings, method: str) -> Answer | None:
    """Ask the Bot API; None where there is no token or no answer."""
    if settings.bot_token is None:
        return None
    url = f"{settings.bot_api_url}/bot{settings.bot_token.get_secret_value()}/{method}"
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            date = response.headers.get("Date")
            body = await response.json(content_type=None)
            return Answer(
                response.status,
                body if isinstance(body, dict) else {},
                parsedate_to_datetime(date) if date else None,
            )
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None


def api_answers(settings: Settings, me: Answer | None) -> Finding | None:
    """Whether the Bot API can be reached."""
    if settings.bot_token is None or (me and "ok" in me.body):
        return None
    return Finding(
        "E001",
        f"{settings.bot_api_url} does not answer as a Bot API server",
        "Check BOT_API_URL, and that this machine may connect there.",
    )


def token_is_good(settings: Settings, me: Answer | None) -> Finding | None:
    """Whether Telegram knows the token."""
    if settings.bot_token is None:
        return Finding(
            "W001",
            "BOT_TOKEN is empty, so only the demo can run",
            "Ask @BotFather for a bot and put its token into .env.",
        )
    if me is None or "ok" not in me.body or me.result:
        return None
    return Finding(
        "E002",
        f"Telegram refuses the token ({me.status})",
        "Copy BOT_TOKEN from @BotFather again; a revoked token never comes back.",
    )


def clock_is_right(me: Answer | None, clock: Clock) -> Finding | None:
    """Whether this machine's clock agrees with the Bot API's."""
    if me is None or me.date is None:
        return None
    off = clock.now() - me.date
    # the header tells whole seconds, and the answer was under way
    if abs(off) <= MOST_CLOCK_ERROR:
        return None
    seconds, way = abs(round(off.total_seconds())), "ahead" if off > timedelta() else "behind"
    return Finding(
        "W002",
        f"this machine's clock is {seconds} s {way}",
        "Switch time synchronisation on (timedatectl set-ntp true): deadlines depend on it.",
    )


def webhook_is_set(settings: Settings, info: Answer | None) -> Finding | None:
    """Whether Telegram calls where the settings say."""
    if info is None or not info.body.get("ok"):
        return None
    wanted = settings.webhook_url + WEBHOOK_PATH if settings.webhook_url else ""
    found = str(info.result.get("url", ""))
    if wanted == found:
        return None
    if not wanted:
        return Finding(
            "E003",
            "a webhook is set, so updates cannot be polled",
            "Set WEBHOOK_URL, or remove the webhook (deleteWebhook) that another program set.",
        )
    return Finding(
        "W003",
        f"Telegram calls {found or 'nobody'}, not {wanted}",
        "Start the bot: it sets the webhook. If it runs, another one uses the same token.",
    )


def webhook_delivers(info: Answer | None, clock: Clock) -> Finding | None:
    """Whether Telegram's latest call got through; an error of yesterday is of no interest."""
    failed_at = info.result.get("last_error_date") if info else None
    if (
        not info
        or not failed_at
        or clock.now().timestamp() - failed_at > OLD_FAILURE.total_seconds()
    ):
        return None
    return Finding(
        "W004",
        f"Telegram could not deliver: {info.result.get('last_error_message', 'no reason given')}",
        "Check that the reverse proxy hands WEBHOOK_URL on to LISTEN_HOST and LISTEN_PORT.",
    )


def updates_are_taken(info: Answer | None) -> Finding | None:
    """Whether updates pile up at Telegram."""
    pending = int(info.result.get("pending_update_count", 0)) if info else 0
    if pending < MANY_PENDING:
        return None
    return Finding(
        "W005",
        f"{pending} updates wait at Telegram",
        "Start the bot. If it runs, look into its log: something keeps it from taking them.",
    )
