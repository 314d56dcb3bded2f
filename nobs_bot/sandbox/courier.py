"""Delivery to a webhook: in order within a chat, again after a failure, ever more slowly."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from aiohttp import BodyPartReader, ClientError, ClientResponse, ClientSession, ClientTimeout
from aiohttp.multipart import MultipartReader

from nobs_bot.clock import Clock
from nobs_bot.sandbox.inbox import Entry, Inbox
from nobs_bot.sandbox.store import Store
from nobs_bot.sandbox.wire import Json, Params

FIRST_RETRY_S = 0.25
LAST_RETRY_S = 60.0
ANSWER_TIMEOUT_S = 60.0


@dataclass
class Webhook:
    """Where updates go; without an address the bot polls."""

    url: str = ""
    secret_token: str = ""
    max_connections: int = 40
    last_error_date: int = 0
    last_error_message: str = ""

    def info(self, pending: int, allowed: list[str]) -> Json:
        body: Json = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": pending,
        }
        if self.url:
            body["max_connections"] = self.max_connections
        if allowed:
            body["allowed_updates"] = allowed
        if self.last_error_date:
            body["last_error_date"] = self.last_error_date
            body["last_error_message"] = self.last_error_message
        return body


class Courier:
    """
    Carries updates to the webhook.

    Args:
        inbox: Where they wait.
        store: Keeps the webhook over a restart.
        clock: Dates failures.
        call: Runs the method that a webhook's answer may name.
    """

    def __init__(
        self,
        inbox: Inbox,
        store: Store,
        clock: Clock,
        call: Callable[[str, Params], Awaitable[object]],
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._clock = clock
        self._call = call
        self.webhook = Webhook(**(store.one("webhook", "webhook") or {}))
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def set(self, webhook: Webhook) -> None:
        self.webhook = webhook
        self._store.put("webhook", "webhook", asdict(webhook))
        for entry in self._inbox.pending:
            entry.attempts, entry.due_at = 0, 0.0
        self._inbox.notify()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with ClientSession(timeout=ClientTimeout(total=ANSWER_TIMEOUT_S)) as session:
            try:
                while True:
                    await self._round(session)
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _round(self, session: ClientSession) -> None:
        entry = self._next() if self.webhook.url else None
        if entry is None:
            await self._inbox.change(self._wait_s())
            return
        self._busy.add(entry.queue)
        task = asyncio.create_task(self._deliver(session, entry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next(self) -> Entry | None:
        """The first update whose chat is free and whose turn has come."""
        if len(self._busy) >= self.webhook.max_connections:
            return None
        waiting = set(self._busy)
        now = asyncio.get_running_loop().time()
        for entry in self._inbox.pending:
            if entry.queue not in waiting and entry.due_at <= now:
                return entry
            waiting.add(entry.queue)
        return None

    def _wait_s(self) -> float:
        now = asyncio.get_running_loop().time()
        due = [e.due_at - now for e in self._inbox.pending if e.due_at > now]
        return min([60.0, *due]) if self.webhook.url else 60.0

    async def _deliver(self, session: ClientSession, entry: Entry) -> None:
        hook = self.webhook
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret_token}
        try:
            async with session.post(
                hook.url, json=entry.update, headers=headers if hook.secret_token else {}
            ) as answer:
                if answer.ok:
                    self._inbox.confirm(entry)
                    await self._obey(answer)
                else:
                    words = f"Wrong response from the webhook: {answer.status} {answer.reason}"
                    self._failed(entry, words)
        except (ClientError, TimeoutError, OSError) as exc:
            self._failed(entry, f"Connection failed: {type(exc).__name__}")
        finally:
            self._busy.discard(entry.queue)
            self._inbox.notify()

    def _failed(self, entry: Entry, words: str) -> None:
        entry.attempts += 1
        pause_s = min(FIRST_RETRY_S * 2 ** (entry.attempts - 1), LAST_RETRY_S)
        entry.due_at = asyncio.get_running_loop().time() + pause_s
        self.webhook.last_error_date = int(self._clock.now().timestamp())
        self.webhook.last_error_message = words

    async def _obey(self, answer: ClientResponse) -> None:
        """A webhook may answer with a method to call; nobody hears how it ended."""
        values = await _answered(answer)
        method = str(values.pop("method", ""))
        if method:
            with contextlib.suppress(Exception):
                await self._call(method, Params(values))


async def _answered(answer: ClientResponse) -> Json:
    if answer.content_type == "application/json":
        body = await answer.json()
        return body if isinstance(body, dict) else {}
    if not answer.content_type.startswith("multipart/"):
        return {}
    values: Json = {}
    async for part in MultipartReader.from_response(answer):
        if isinstance(part, BodyPartReader) and part.name and not part.filename:
            values[part.name] = await part.text()
    return values
