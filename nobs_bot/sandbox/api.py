"""The Bot API over HTTP: token, method, limits, faults, and a record of every call."""

from __future__ import annotations

import asyncio
import inspect
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from nobs_bot.sandbox.faults import Fault, Faults
from nobs_bot.sandbox.files import MAX_UPLOAD_BYTES, Files
from nobs_bot.sandbox.intake import read_params
from nobs_bot.sandbox.limits import Limits
from nobs_bot.sandbox.wire import BotApiError, Json, Params
from nobs_bot.sandbox.world import World

Method = Callable[[Params], Awaitable[Any]]
COUNTED = re.compile(r"send(?!chataction)|copymessage|forwardmessage")
TOKEN = re.compile(r"\d+:[\w-]+$")
KEPT_CALLS = 50_000


def methods_of(*parts: object) -> dict[str, Method]:
    """Public coroutines by their Bot API name in lower case (``send_message``: sendmessage)."""
    return {
        name.replace("_", ""): method
        for part in parts
        for name, method in inspect.getmembers(part, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }


@dataclass
class Call:
    """One call as it was recorded; *answer* is None while it runs or when it was cut."""

    number: int
    at: float
    method: str
    params: Json
    answer: Json | None = None


class Api:
    """
    Carries out calls.

    Args:
        token: The only one that is let in.
        methods: By lower-case name.

    `delay_s` is how long a call is under way, half of it before it is carried out.
    """

    def __init__(
        self, token: str, world: World, files: Files, limits: Limits, methods: dict[str, Method]
    ) -> None:
        self._token = token
        self._world = world
        self._files = files
        self._methods = methods
        self.limits = limits
        self.faults = Faults()
        self.delay_s = 0.0
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self._count = 0

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/bot{token}/{method}", self._serve),
            web.get("/file/bot{token}/{path:.+}", self._serve_file),
        ]

    async def call(self, method: str, params: Params) -> Any:
        """
        One call, limits included.

        Raises:
            BotApiError: As Telegram would refuse it.
        """
        handler = self._methods.get(method.lower())
        if handler is None:
            raise BotApiError(404, "Not Found: method not found")
        if COUNTED.match(method.lower()) and params.text("chat_id").lstrip("-").isdigit():
            self.limits.take(params.chat_id(), _messages_in(method.lower(), params))
        return await handler(params)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            self._admit(request.match_info["token"])
            params = await read_params(request, self._files, limit_bytes=MAX_UPLOAD_BYTES)
        except BotApiError as exc:
            return web.json_response(exc.body(), status=exc.code)
        except ConnectionResetError:  # the caller died in the middle of its call
            return web.Response(status=400)
        record = self._record(method, params)
        fault = self.faults.strike(method, _chat_of(params))
        await asyncio.sleep(self.delay_s / 2)
        status, body = await self._answered(method, params, fault)
        await asyncio.sleep(self.delay_s / 2)
        if fault is not None and fault.kind in ("cut", "hang"):
            await _break(request, fault)
            return web.Response(status=502)
        record.answer = body
        return web.json_response(body, status=status)

    async def _answered(self, method: str, params: Params, fault: Fault | None) -> tuple[int, Json]:
        try:
            if fault is None:
                return 200, {"ok": True, "result": await self.call(method, params)}
            if fault.when == "after":
                await self.call(method, params)
            raise fault.error()
        except BotApiError as exc:
            return exc.code, exc.body()

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        try:
            self._admit(request.match_info["token"])
        except BotApiError as exc:
            return web.json_response(exc.body(), status=exc.code)
        record = self._files.at(request.match_info["path"])
        if record is None:
            error = BotApiError(404, "Not Found")
            return web.json_response(error.body(), status=404)
        return web.FileResponse(self._files.location(record))

    def replace_token(self, token: str) -> None:
        """Let in *token* alone from now on, as @BotFather's /revoke does."""
        self._token = token

    def _admit(self, token: str) -> None:
        if not TOKEN.match(token):
            raise BotApiError(404, "Not Found")
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            raise BotApiError(401, "Unauthorized")

    def _record(self, method: str, params: Params) -> Call:
        self._count += 1
        uploads = {
            name: {"name": upload.name, "size": upload.size, "mime": upload.mime}
            for name, upload in params.uploads.items()
        }
        now = self._world.clock.now().timestamp()
        call = Call(self._count, now, method, dict(params.values) | uploads)
        self.calls.append(call)
        return call


async def _break(request: web.Request, fault: Fault) -> None:
    """Leave the caller without an answer."""
    if fault.kind == "hang":
        await asyncio.sleep(fault.hang_s)
    if request.transport is not None:
        request.transport.abort()


def _chat_of(params: Params) -> int | None:
    text = params.text("chat_id")
    return int(text) if text.lstrip("-").isdigit() else None


def _messages_in(method: str, params: Params) -> int:
    if method == "sendmediagroup":
        return max(1, len(params.objects("media")))
    ids = params.data("message_ids")
    return max(1, len(ids)) if isinstance(ids, list) else 1
