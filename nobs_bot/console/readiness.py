"""Whether this process may be given work: /readyz."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from nobs_bot.storage.engine import Database

log = logging.getLogger(__name__)

PATIENCE_S = 5.0


class Readiness:
    """
    Ready while the database answers and has our tables, and until the process begins to end.

    Args:
        database: Where everything is kept.
        has_tables: Whether it is at our revision, or at a newer one, as in the middle of a rolling
            update.
    """

    def __init__(
        self, database: Database, has_tables: Callable[[Database], Awaitable[bool]]
    ) -> None:
        self._database = database
        self._has_tables = has_tables
        self.is_draining = False

    async def problem(self) -> str | None:
        """Why this process should not be given work; None where it may."""
        if self.is_draining:
            return "draining"
        try:
            async with asyncio.timeout(PATIENCE_S):
                return None if await self._has_tables(self._database) else "migrations"
        except Exception as exc:
            log.warning("the database does not answer: %s", type(exc))
            return "database"

    async def answer(self, request: web.Request) -> web.Response:
        """200 where it may be given work, else 503 with the reason."""
        problem = await self.problem()
        if problem is None:
            return web.json_response({"ready": True})
        return web.json_response({"ready": False, "because": problem}, status=503)
