"""Waiting until nothing is under way; what waits for its time need not be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import DBAPIError

from nobs_bot.cameras.checks import Check
from nobs_bot.cameras.photos import Photo
from nobs_bot.footage.request import Clip, ClipState, FootageRequest
from nobs_bot.messaging.inbox import Progress, Received
from nobs_bot.messaging.outbox import Delivery, Outgoing
from nobs_bot.storage.doomed import DoomedFile
from nobs_bot.storage.work import Work
from tests.faults.cluster import Cluster
from tests.faults.crowd import People

CALM_WITHIN_S = 180.0
LOOK_EVERY_S = 0.15
# so long nothing changes before the clock is stepped to what comes next; who holds a lease may be
# at work, and is given more time
PATIENCE_S, PATIENCE_WITH_LEASES_S = 0.6, 2.5
# what is put off for longer than this is not to be waited for: reminders, erasures
SOON = timedelta(hours=3)


class NotCalm(Exception):  # noqa: N818 - says what the cluster is
    """Something is still under way that should have come to an end; the message says what."""


async def calm(cluster: Cluster, people: People) -> None:
    """
    Wait until everybody stands before the gate, no update is open and no message is pending.

    Where work only waits for its time (a lease of somebody who was killed, a call that is put off),
    the clock is stepped to that time, as in all that is stepped here for all processes at once.

    Raises:
        NotCalm: it does not come about.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + CALM_WITHIN_S
    left, since = "", loop.time()
    while loop.time() < deadline:
        is_calm, now_left, due, is_leased = await _state(cluster, people)
        patience_s = PATIENCE_WITH_LEASES_S if is_leased else PATIENCE_S
        if is_calm and await cluster.serves():
            return
        if now_left != left:
            left, since = now_left, loop.time()
        elif due is not None and loop.time() - since > patience_s:
            wait_s = (due - cluster.clock.now()).total_seconds()
            if wait_s > 0:
                cluster.clock.step(wait_s + 0.05)
            since = loop.time()
        await asyncio.sleep(LOOK_EVERY_S)
    raise NotCalm(f"after {CALM_WITHIN_S:.0f} s there is still {left}; {people.deeds.busy}")


async def _state(cluster: Cluster, people: People) -> tuple[bool, str, datetime | None, bool]:
    """Whether all is calm, what is left (as words), when the next is due, whether one is leased."""
    left: list[str] = []
    due: datetime | None = None
    are_up = all(member.pid is not None for member in cluster.members.values())
    pending = (await cluster.sandbox.see("updates"))["updates"]
    with suppress(DBAPIError):
        async with cluster.foundation.office.look() as work:
            rows = await open_rows(work)
        left = [f"{kind}{tuple(row)}" for kind, row in rows]
        # what is due already waits for an elder one that is not
        times = (max(filter(None, row[1:3])) for _, row in rows)
        due = min((each for each in times if each > work.now), default=None)
        is_leased = any(row[2] and row[2] > work.now for _, row in rows)
        under_way = people.gate.under_way
        is_calm = are_up and not rows and not pending and not under_way
        state = f"{len(pending)} updates, {under_way} people, {len(rows)} rows {left[:3]}"
        return is_calm, state, due, is_leased
    return False, "no database", None, False


async def open_rows(work: Work) -> list[tuple[str, Any]]:
    """What waits or is under way: kind, and (key, due, leased until, attempts)."""
    found: list[tuple[str, Any]] = []
    for kind, key, is_open in _open(work):
        columns = (key, kind.due_at, kind.lease_until, kind.attempts)
        query = select(*columns).where(is_open).limit(200)
        found += [(kind.__name__, row) for row in (await work.session.execute(query)).all()]
    return found


def _open(work: Work) -> Sequence[tuple[Any, Any, Any]]:
    soon = work.now + SOON

    def is_waiting(kind: Any) -> Any:
        return or_(kind.due_at <= soon, kind.lease_until.is_not(None))

    return (
        (Received, Received.update_id, Received.state.in_([Progress.WAITING, Progress.APPLIED])),
        (Outgoing, Outgoing.number, Outgoing.state == Delivery.PENDING),
        (Photo, Photo.id, Photo.due_at.is_not(None)),
        (Check, Check.id, Check.due_at.is_not(None)),
        (Clip, Clip.id, Clip.state == ClipState.WAITING),
        (FootageRequest, FootageRequest.id, is_waiting(FootageRequest)),
        (DoomedFile, DoomedFile.id, is_waiting(DoomedFile)),
    )
