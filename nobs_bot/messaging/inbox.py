"""
Updates as they came in: committed before they are acknowledged, worked on one at a time a person.

An update goes from WAITING to APPLIED (its effects and its answers are committed together) to
DONE (the answers are sent). Killed before APPLIED it runs again; killed after, only its answers go
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    LargeBinary,
    delete,
    exists,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Mapped, aliased, mapped_column

from nobs_bot.storage.base import Base, choice
from nobs_bot.storage.work import Work

LEASE = timedelta(seconds=120)
_PAYLOAD = "inbox.payload"
_ANSWERS = "inbox.answers"


class Progress(StrEnum):
    """How far an update has come."""

    WAITING = "waiting"
    APPLIED = "applied"
    DONE = "done"
    FAILED = "failed"


class Received(Base):
    """
    One update of Telegram's.

    `lane` is whose it is: updates of one lane run one after the other. Payload and answers are
    sealed, since people type passwords, and emptied when the update is done.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        Index(
            "ix_inbox_open",
            "lane",
            "update_id",
            sqlite_where=text("state IN ('waiting', 'applied')"),
            postgresql_where=text("state IN ('waiting', 'applied')"),
        ),
        Index(
            "ix_inbox_heads",
            "update_id",
            sqlite_where=text("state IN ('waiting', 'applied')"),
            postgresql_where=text("state IN ('waiting', 'applied')"),
        ),
        Index(None, "received_at"),
    )

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    lane: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[datetime]
    state: Mapped[Progress] = mapped_column(choice(Progress), default=Progress.WAITING)
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    answers: Mapped[bytes | None] = mapped_column(LargeBinary)
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]


def lane_of(raw: dict[str, Any]) -> int:
    """Whose update it is: the person where it names one, else the chat, else nobody (0)."""
    for name, body in raw.items():
        if name == "update_id" or not isinstance(body, dict):
            continue
        for who in (body.get("from"), body.get("user"), body.get("chat")):
            if isinstance(who, dict) and isinstance(who.get("id"), int):
                return int(who["id"])
    return 0


async def store(work: Work, updates: Iterable[dict[str, Any]]) -> None:
    """Keep updates; one whose id is there already is the same update and is left as it is."""
    rows = [
        {
            "update_id": raw["update_id"],
            "lane": lane_of(raw),
            "received_at": work.now,
            "due_at": work.now,
            "state": Progress.WAITING,
            "payload": work.vault.seal_json(_PAYLOAD, raw["update_id"], raw),
            "attempts": 0,
        }
        for raw in updates
    ]
    if not rows:
        return
    is_sqlite = work.session.get_bind().dialect.name == "sqlite"
    insert = insert_sqlite if is_sqlite else insert_postgresql
    await work.session.execute(insert(Received).on_conflict_do_nothing(), rows)


async def claim(work: Work, limit: int) -> Sequence[Received]:
    """Take up to *limit* updates, each the oldest open one of its lane, under a lease."""
    older = aliased(Received)
    is_head = ~exists().where(
        older.lane == Received.lane, older.update_id < Received.update_id, _is_open(older)
    )
    heads = (
        select(Received.update_id)
        .where(_is_open(Received), Received.due_at <= work.now, _is_free(work), is_head)
        .order_by(Received.update_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return await _lease(work, heads.scalar_subquery())


async def claim_next(work: Work, lane: int) -> Received | None:
    """Take the oldest open update of a lane whose head was ours until this transaction."""
    await work.session.flush()
    head = (
        select(Received.update_id)
        .where(Received.lane == lane, _is_open(Received))
        .order_by(Received.update_id)
        .limit(1)
        .scalar_subquery()
    )
    taken = await _lease(work, head, Received.due_at <= work.now, _is_free(work))
    return taken[0] if taken else None


async def _lease(work: Work, ids: Any, *only: Any) -> Sequence[Received]:
    taken = (
        update(Received)
        .where(Received.update_id.in_(ids), *only)
        .values(lease_until=work.now + LEASE, attempts=Received.attempts + 1)
        .returning(Received)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = (await work.session.execute(taken)).scalars().all()
    return sorted(rows, key=lambda row: row.update_id)


def read_payload(work: Work, row: Received) -> dict[str, Any]:
    """The update as Telegram sent it."""
    assert row.payload is not None
    raw: dict[str, Any] = work.vault.open_json(_PAYLOAD, row.update_id, row.payload)
    return raw


def read_answers(work: Work, row: Received) -> list[dict[str, Any]]:
    """The answers that are still to be sent."""
    if row.answers is None:
        return []
    answers: list[dict[str, Any]] = work.vault.open_json(_ANSWERS, row.update_id, row.answers)
    return answers


async def mark_applied(work: Work, row: Received, answers: list[dict[str, Any]]) -> bool:
    """
    The effects are in this transaction; the answers are still to be sent.

    Returns:
        False where another worker has taken the update since: this transaction must not commit.
    """
    sealed = work.vault.seal_json(_ANSWERS, row.update_id, answers) if answers else None
    state = Progress.APPLIED if answers else Progress.DONE
    values: dict[str, Any] = {"state": state, "answers": sealed, "payload": None}
    if state is Progress.APPLIED:
        values["payload"] = row.payload
    return await _write(work, row, Progress.WAITING, **values)


async def mark_done(work: Work, row: Received, *, failed: bool = False) -> None:
    """Nothing is left to do; the contents are emptied."""
    state = Progress.FAILED if failed else Progress.DONE
    await _write(work, row, Progress.APPLIED, state=state, payload=None, answers=None)


async def postpone(
    work: Work, row: Received, by: timedelta, error: str, answers: list[dict[str, Any]] | None
) -> None:
    """Come back later, with the answers that are still to be sent."""
    values: dict[str, Any] = {
        "due_at": work.now + by,
        "lease_until": None,
        "last_error": error[:500],
    }
    if answers is not None:
        values["answers"] = work.vault.seal_json(_ANSWERS, row.update_id, answers)
    await work.session.execute(
        update(Received)
        .where(Received.update_id == row.update_id, Received.attempts == row.attempts)
        .values(**values)
    )


async def _write(work: Work, row: Received, before: Progress, **values: Any) -> bool:
    result = await work.session.execute(
        update(Received)
        .where(
            Received.update_id == row.update_id,
            Received.attempts == row.attempts,
            Received.state == before,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def forget_done(work: Work, before: datetime) -> None:
    """Drop finished updates so old that Telegram will not send them again."""
    await work.session.execute(
        delete(Received).where(Received.received_at < before, ~_is_open(Received))
    )


def _is_open(row: Any) -> Any:
    # written out, not bound: only so can the database see that the partial index fits
    return row.state.in_([literal_column("'waiting'"), literal_column("'applied'")])


def _is_free(work: Work) -> Any:
    return or_(Received.lease_until.is_(None), Received.lease_until <= work.now)
