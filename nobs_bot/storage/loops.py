"""Working off what waits, again and again, until cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import or_, select

from nobs_bot.meter import Meter
from nobs_bot.storage.leases import Job
from nobs_bot.storage.work import Office

log = logging.getLogger(__name__)

MOST_PAUSE_S = 30.0


async def keep_at(
    name: str,
    work_off: Callable[[], Awaitable[int]],
    *,
    idle_s: float,
    first_s: float = 0.0,
    meter: Meter | None = None,
) -> None:
    """
    Call *work_off* until cancelled: at once again where it did something, else after *idle_s*.

    An exception is logged and does not end the loop; it only slows down.

    Args:
        first_s: How long it can wait after a start, when people wait for answers.
    """
    await asyncio.sleep(first_s)
    pause_s = idle_s
    while True:
        try:
            done = await work_off()
            pause_s = 0.0 if done else idle_s
        except Exception:
            log.exception("%s broke off", name)
            if meter is not None:
                meter.count("nobs_loop_failures_total", loop=name)
            pause_s = max(idle_s, min(MOST_PAUSE_S, max(1.0, pause_s * 2)))
        await asyncio.sleep(pause_s)


async def is_due(office: Office, kind: type[Job]) -> bool:
    """Whether something can be claimed; only a look, so that idle loops do not take the lock."""
    async with office.glance() as work:
        query = (
            select(kind.id)
            .where(
                kind.due_at <= work.now,
                or_(kind.lease_until.is_(None), kind.lease_until <= work.now),
            )
            .limit(1)
        )
        return (await work.session.execute(query)).first() is not None
