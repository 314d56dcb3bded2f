"""Fetching updates by long polling, for machines that Telegram cannot reach."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp

from nobs_bot.messaging.pump import Pump
from nobs_bot.storage.elections import Election
from nobs_bot.storage.engine import AWAY

log = logging.getLogger(__name__)

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
POLL_S = 25
MOST_WAIT_S = 30.0
_WAIT_FOR_TURN_S = 0.5


class Poller:
    """
    Asks for updates and hands them to the pump; an update is confirmed only once it is kept.

    Args:
        pump: Keeps updates.
        token: The bot's token.
        api_url: The Bot API server, without a trailing slash.
        election: Of several processes one polls, since Telegram serves no more; left out, this one.
    """

    def __init__(
        self, pump: Pump, token: str, api_url: str, election: Election | None = None
    ) -> None:
        self._pump = pump
        self._election = election
        self._url = f"{api_url}/bot{token}/"
        self._offset: int | None = None

    async def run(self) -> None:
        """Poll until cancelled; while Telegram is away, ask again ever more slowly."""
        wait_s = 0.5
        timeout = aiohttp.ClientTimeout(total=POLL_S + 15, connect=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await self._forget_webhook(session)
            while True:
                if self._election and not self._election.is_won:
                    # whoever polls next knows what was not confirmed; our place may be long past
                    self._offset = None
                    await asyncio.sleep(_WAIT_FOR_TURN_S)
                    continue
                try:
                    await self._fetch(session)
                    wait_s = 0.5
                except (aiohttp.ClientError, TimeoutError, *AWAY, _NotOk) as exc:
                    # what was not kept was not confirmed either, so it comes again. The address
                    # holds the token, so the error itself must not be logged
                    log.warning("no updates: %s", exc if isinstance(exc, _NotOk) else type(exc))
                    await asyncio.sleep(wait_s)
                    wait_s = min(MOST_WAIT_S, wait_s * 2)

    async def _forget_webhook(self, session: aiohttp.ClientSession) -> None:
        """Polling and a webhook exclude one another."""
        try:
            await self._call(session, "deleteWebhook", {})
        except (aiohttp.ClientError, TimeoutError, _NotOk) as exc:
            log.warning("the webhook could not be removed: %s", type(exc))

    async def _fetch(self, session: aiohttp.ClientSession) -> None:
        asked: dict[str, Any] = {"timeout": POLL_S, "allowed_updates": list(ALLOWED_UPDATES)}
        if self._offset is not None:
            asked["offset"] = self._offset
        updates = await self._call(session, "getUpdates", asked)
        if updates:
            await self._pump.receive(updates)
            self._offset = max(update["update_id"] for update in updates) + 1

    async def _call(
        self, session: aiohttp.ClientSession, method: str, params: dict[str, Any]
    ) -> Any:
        async with session.post(self._url + method, json=params) as response:
            try:
                body = await response.json(content_type=None)
            except ValueError:
                # a gateway in front of Telegram says so in HTML
                raise _NotOk(f"no answer of Telegram's, but HTTP {response.status}") from None
        if not isinstance(body, dict) or not body.get("ok"):
            raise _NotOk(str(body.get("description") if isinstance(body, dict) else body)[:200])
        return body["result"]


class _NotOk(Exception):  # noqa: N818 - Telegram's own word
    pass
