"""The bot's methods by which it gets its updates."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nobs_bot.sandbox.courier import Courier, Webhook
from nobs_bot.sandbox.inbox import Inbox
from nobs_bot.sandbox.wire import BotApiError, Json, Params, bad_request

ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}$")
MAX_TIMEOUT_S = 50


@dataclass
class Receiving:
    """Methods named as the Bot API names them, in snake case."""

    inbox: Inbox
    courier: Courier

    async def get_updates(self, params: Params) -> list[Json]:
        if self.courier.webhook.url:
            raise BotApiError(409, ACTIVE)
        self._allow(params)
        timeout_s = min(params.integer("timeout"), MAX_TIMEOUT_S)
        return await self.inbox.poll(
            params.integer("offset"), params.integer("limit", 100), timeout_s
        )

    async def set_webhook(self, params: Params) -> bool:
        url, secret = params.text("url"), params.text("secret_token")
        if secret and not SECRET.match(secret):
            raise bad_request("secret token contains unallowed characters")
        # Telegram wants HTTPS; here the bot is on the same machine.
        if url and not re.match(r"https?://[^\s/]+", url):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        self._allow(params)
        if params.flag("drop_pending_updates"):
            self.inbox.clear()
        connections = max(1, min(params.integer("max_connections", 40), 100))
        self.courier.set(Webhook(url, secret, connections))
        return True

    async def delete_webhook(self, params: Params) -> bool:
        if params.flag("drop_pending_updates"):
            self.inbox.clear()
        self.courier.set(Webhook())
        return True

    async def get_webhook_info(self, params: Params) -> Json:
        return self.courier.webhook.info(len(self.inbox.pending), self.inbox.allowed)

    def _allow(self, params: Params) -> None:
        kinds = params.data("allowed_updates")
        if isinstance(kinds, list):
            self.inbox.allow([str(kind) for kind in kinds])
