"""Claiming rows that wait, so that two workers never hold one and a killed one loses none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, or_, select, update

from nobs_bot.storage.base import Base, Identified, Waiting
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)


class Job(Base, Identified, Waiting):
    """The shape of a row that can be claimed; not a table."""

    __abstract__ = True


J = TypeVar("J", bound=Job)


async def claim(
    work: Work, kind: type[J], *only: ColumnElement[bool], lease: timedelta, limit: int
) -> Sequence[J]:
    """
    Take up to *limit* rows that are due and that nobody holds, the longest due first.

    Args:
        only: Further conditions on the rows.
        lease: For how long they are ours; then another worker may take them.

    Returns:
        The rows, their `attempts` counted up; a result is to be written back by `held`.
    """
    ready = (
        select(kind.id)
        .where(kind.due_at <= work.now, _is_free(kind, work), *only)
        .order_by(kind.due_at, kind.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(kind)
        .where(kind.id.in_(ready.scalar_subquery()))
        .values(lease_until=work.now + lease, attempts=kind.attempts + 1)
        .returning(kind)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = (await work.session.execute(taken)).scalars().all()
    return sorted(rows, key=lambda row: row.id)


async def held(work: Work, kind: type[J], row_id: int, attempt: int) -> J | None:
    """The row as it is now, where it still is at the attempt that we began; None otherwise."""
    query = select(kind).where(kind.id == row_id, kind.attempts == attempt).with_for_update()
    return (await work.session.execute(query)).scalar_one_or_none()


@asynccontextmanager
async def holding(
    office: Office, kind: type[J], row_id: int, attempt: int, lease: timedelta
) -> AsyncIterator[None]:
    """Hold on to a claimed row for as long as the block takes; it ends with the process."""
    renewing = asyncio.create_task(_renew(office, kind, row_id, attempt, lease))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])


async def _renew(
    office: Office, kind: type[J], row_id: int, attempt: int, lease: timedelta
) -> None:
    while True:
        await asyncio.sleep(lease.total_seconds() / 3)
        try:
            async with office.work() as work:
                row = await held(work, kind, row_id, attempt)
                if row is None or row.lease_until is None:
                    return
                row.lease_until = work.now + lease
        except Exception:
            # the lease then runs out, and somebody else takes the work up again
            log.exception("a lease could not be renewed")


async def release_all(work: Work, tables: Iterable[type[Any]]) -> None:
    """
    Take every lease away, so that what a killed process held is taken up again at once.

    Only where no other process works on this database.
    """
    for table in tables:
        await work.session.execute(
            update(table)
            .where(table.lease_until.is_not(None))
            .values(lease_until=None)
            # nothing was read in this session yet
            .execution_options(synchronize_session=False)
        )


def settle(job: Job) -> None:
    """Nothing waits here any more."""
    job.due_at = job.lease_until = None


def postpone(work: Work, job: Job, by: timedelta, error: str | None = None) -> None:
    """Try again after *by*, and remember why."""
    job.due_at = work.now + by
    job.lease_until = None
    job.last_error = error


def backoff(attempts: int, *, first_s: float = 2.0, most_s: float = 900.0) -> timedelta:
    """Twice as long after every attempt, up to a limit."""
    return timedelta(seconds=min(most_s, first_s * 2 ** min(30, max(0, attempts - 1))))


def _is_free(kind: type[J], work: Work) -> ColumnElement[bool]:
    return or_(kind.lease_until.is_(None), kind.lease_until <= work.now)
