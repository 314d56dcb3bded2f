"""Runs checks side by side."""

from __future__ import annotations

import asyncio
import logging

from nobs_bot import tracing
from nobs_bot.cameras.checks import Check, Checker, Then, claim_checks, run_check
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.loops import is_due
from nobs_bot.storage.work import Office

log = logging.getLogger(__name__)


class CheckRunner:
    """
    Works the queue of checks off.

    Args:
        at_once: How many cameras are looked at side by side.
        then: Looks at the reports of regular checks (see `checks.run_check`).
    """

    def __init__(
        self,
        office: Office,
        files: FileStore,
        checker: Checker,
        *,
        at_once: int,
        then: Then | None = None,
    ) -> None:
        self._office = office
        self._files = files
        self._checker = checker
        self._at_once = at_once
        self._then = then
        self._running: set[asyncio.Task[None]] = set()

    async def start_due(self) -> int:
        """Start what is due and has room; returns how many were started."""
        room = self._at_once - len(self._running)
        if room <= 0 or not await is_due(self._office, Check):
            return 0
        async with self._office.work() as work:
            checks = await claim_checks(work, room)
        for check in checks:
            task = asyncio.create_task(self._run(check))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(checks)

    async def _run(self, check: Check) -> None:
        with tracing.span("check", attempt=check.attempts):
            await run_check(self._office, self._files, self._checker, check, self._then)

    async def stop(self) -> None:
        """Break off what runs; its lease runs out and it is run again."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception():
            log.error("a check broke off", exc_info=task.exception())
