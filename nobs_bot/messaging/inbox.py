"""
Updates as they came in: committed before they are acknowledged, worked on one at a time a person.

An update goes from WAITING to APPLIED (its effects and its answers are committed together) to
DONE (the answers are sent). Killed before APPLIED it runs again; killed after, only its answers go
again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Index,
    Table,
    any_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.messaging import conversation
from nobs_bot.messaging.conversation import Dialogue
from nobs_bot.storage.base import Base, choice, sealed
from nobs_bot.storage.crypto import Vault
from nobs_bot.storage.work import Work, drop

LEASE = timedelta(seconds=120)
# Telegram may bring a person's updates in the wrong order; so long those wait before which one is
# missing, as far back as is looked
SETTLES_IN = timedelta(seconds=0.2)
LOOKED_BACK = 20
# what is due later than that was written by a clock that has been set back; far more than processes
# differ in what time they call now
_AHEAD = timedelta(seconds=2)
_PAYLOAD = "inbox.payload"
_ANSWERS = "inbox.answers"


class Progress(StrEnum):
    """How far an update has come."""

    WAITING = "waiting"
    APPLIED = "applied"
    DONE = "done"
    FAILED = "failed"  # of former versions


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
    payload: Mapped[bytes | None] = sealed(by="update_id")
    answers: Mapped[bytes | None] = sealed(by="update_id")
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


async def store(
    work: Work, updates: Iterable[dict[str, Any]], *, are_in_order: bool = True
) -> None:
    """
    Keep updates; one whose id is there already is the same update and is left as it is.

    Args:
        are_in_order: Whether all that was before them has come. Else whatever comes before one with
            a lower id settles: Telegram counts its updates up by one.
    """
    due_at = work.now if are_in_order else work.now + SETTLES_IN
    rows = [
        {
            "update_id": raw["update_id"],
            "lane": lane_of(raw),
            "received_at": work.now,
            "due_at": due_at,
            "state": Progress.WAITING,
            "payload": work.vault.seal_json(_PAYLOAD, raw["update_id"], raw),
            "attempts": 0,
        }
        # in one order: another process may be keeping the same ones
        for raw in sorted(updates, key=lambda raw: int(raw["update_id"]))
    ]
    if rows:
        statement = _STORE_SQLITE if work.is_sqlite else _STORE_POSTGRESQL
        await work.session.execute(statement, rows)


@dataclass(frozen=True)
class Claimed:
    """An update under our lease, as it was when we took it."""

    update_id: int
    lane: int
    state: Progress
    payload: bytes
    answers: bytes | None
    attempts: int


async def claim(work: Work, limit: int) -> list[Claimed]:
    """Take up to *limit* updates, each the oldest open one of its lane, under a lease."""
    return await _lease(work, _CLAIM, most=limit)


async def claim_next(work: Work, lanes: Collection[int]) -> dict[int, Claimed]:
    """Take the oldest open update of each lane, by lane, but where it is held or must wait."""
    if not lanes:
        return {}
    if work.is_sqlite:
        rows = await _lease(work, _CLAIM_NEXT_SQLITE, lanes=json.dumps(list(lanes)))
    else:
        rows = await _lease(work, _CLAIM_NEXT_POSTGRESQL, lanes=list(lanes))
    return {row.lane: row for row in rows}


async def _lease(work: Work, statement: Any, **only: object) -> list[Claimed]:
    values = {**_times(work), "until": work.now + LEASE, **only}
    rows = await work.session.execute(statement, values)
    return sorted((Claimed(*row) for row in rows), key=lambda row: row.update_id)


async def is_due(work: Work) -> bool:
    """Whether something is there to claim; only a look, which takes no lock."""
    return (await work.session.execute(_DUE, _times(work))).first() is not None


def _times(work: Work) -> dict[str, Any]:
    return {"now": work.now, "ahead": work.now + _AHEAD}


def read_payload(vault: Vault, row: Claimed) -> dict[str, Any]:
    """The update as Telegram sent it."""
    raw: dict[str, Any] = vault.open_json(_PAYLOAD, row.update_id, row.payload)
    return raw


def read_answers(vault: Vault, row: Claimed) -> list[dict[str, Any]]:
    """The answers that are still to be sent."""
    if row.answers is None:
        return []
    answers: list[dict[str, Any]] = vault.open_json(_ANSWERS, row.update_id, row.answers)
    return answers


async def mark_applied(
    work: Work, row: Claimed, answers: list[dict[str, Any]], dialogue: Dialogue | None = None
) -> bool:
    """
    The effects are in this transaction; the answers are still to be sent.

    Args:
        dialogue: Where the person stands now; None leaves that as it is.

    Returns:
        False where another worker has taken the update since: this transaction must not commit.
    """
    values = _key(row)
    if answers:
        values["sealed"] = work.vault.seal_json(_ANSWERS, row.update_id, answers)
    if answers and dialogue and dialogue.stands and not work.is_sqlite:
        # the two that nearly every update ends with, in one trip
        values |= conversation.as_saved(work, row.lane, dialogue)
        return await _wrote(work, _SAVED_AND_APPLIED, values)
    if dialogue:
        await conversation.save(work, row.lane, dialogue)
    return await _wrote(work, _APPLIED if answers else _APPLIED_AND_DONE, values)


async def mark_done(work: Work, rows: Iterable[Claimed]) -> None:
    """Nothing is left to do of these; their contents are emptied."""
    if keys := [_key(row) for row in rows]:
        await work.session.execute(_DONE, keys)


async def postpone(
    work: Work, row: Claimed, by: timedelta, error: str, answers: list[dict[str, Any]] | None
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
        .execution_options(synchronize_session=False)
    )


def _key(row: Claimed) -> dict[str, Any]:
    return {"of_update": row.update_id, "of_attempt": row.attempts}


async def _wrote(work: Work, statement: Any, values: dict[str, Any]) -> bool:
    result = await work.session.execute(statement, values)
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def forget_done(work: Work, before: datetime) -> int:
    """Drop finished updates so old that Telegram will not send them again; returns how many."""
    return await drop(
        work, delete(Received).where(Received.received_at < before, ~_is_open(Received))
    )


async def forget_lane(work: Work, lane: int, before: datetime) -> int:
    """Drop what one person had sent until then, whether it was run or not; returns how many."""
    rows = delete(Received).where(Received.lane == lane, Received.received_at <= before)
    return await drop(work, rows)


def _is_open(row: Any) -> Any:
    # written out, not bound: only so can the database see that the partial index fits
    return row.state.in_([literal_column("'waiting'"), literal_column("'applied'")])


# Every update runs through these, so they are built once: SQLAlchemy takes longer to put a
# statement together than SQLite to carry it out.
_ROWS = cast(Table, Received.__table__)
_ROW = _ROWS.c
_STORE_SQLITE = insert_sqlite(_ROWS).on_conflict_do_nothing()
_STORE_POSTGRESQL = insert_postgresql(_ROWS).on_conflict_do_nothing()
_OTHER = _ROWS.alias("other")
_BEFORE = _ROWS.alias("before")
# limited, since PostgreSQL takes a range that it does not know for a part of the whole table
_LOOKED_AT = (
    select(_BEFORE.c.update_id)
    .where(_BEFORE.c.update_id.between(_ROW.update_id - LOOKED_BACK, _ROW.update_id - 1))
    .limit(LOOKED_BACK)
    .correlate(_ROWS)
    .subquery()
)
_CAME_BEFORE = select(func.count()).select_from(_LOOKED_AT).scalar_subquery()
# those of our own making are below it (`console/compass_page.py`); the first of all settles, too
_FIRST = (
    select(func.min(_BEFORE.c.update_id))
    .where(_BEFORE.c.update_id > 0, _BEFORE.c.due_at <= bindparam("now"))
    .scalar_subquery()
)
_NONE_IS_MISSING = or_(_CAME_BEFORE == LOOKED_BACK, _ROW.update_id - _FIRST == _CAME_BEFORE)
# what nobody has tried only settles: until nothing is missing before it, or until it is due, which
# is soon unless the clock was set back meanwhile
_IS_DUE = or_(
    _ROW.due_at <= bindparam("now"),
    (_ROW.attempts == 0) & or_(_ROW.due_at > bindparam("ahead"), _NONE_IS_MISSING),
)
_IS_FREE = or_(_ROW.lease_until.is_(None), _ROW.lease_until <= bindparam("now"))
# the oldest of its lane, and none of them is being run: one that came late is older than that
_IS_HEAD = ~exists().where(
    _OTHER.c.lane == _ROW.lane,
    _OTHER.c.update_id != _ROW.update_id,
    _is_open(_OTHER.c),
    or_(_OTHER.c.update_id < _ROW.update_id, _OTHER.c.lease_until > bindparam("now")),
)
_HEADS = (
    select(_ROW.update_id)
    .where(_is_open(_ROW), _IS_DUE, _IS_FREE, _IS_HEAD)
    .order_by(_ROW.update_id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(_ROWS)
    .values(lease_until=bindparam("until"), attempts=_ROW.attempts + 1)
    .returning(_ROW.update_id, _ROW.lane, _ROW.state, _ROW.payload, _ROW.answers, _ROW.attempts)
)
_CLAIM = _TAKE.where(_ROW.update_id.in_(_HEADS.scalar_subquery()))
# none waits for another process that takes one of them at this moment: who has it, has it
_NEXT = select(_ROW.update_id).where(_is_open(_ROW), _IS_DUE, _IS_FREE, _IS_HEAD)
_EACH_LANE = func.json_each(bindparam("lanes")).table_valued("value")
_CLAIM_NEXT_SQLITE = _TAKE.where(
    _ROW.update_id.in_(_NEXT.where(_ROW.lane.in_(select(_EACH_LANE.c.value))).scalar_subquery())
)
_CLAIM_NEXT_POSTGRESQL = _TAKE.where(
    _ROW.update_id.in_(
        _NEXT.where(_ROW.lane == any_(bindparam("lanes", type_=ARRAY(BigInteger))))
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
)
_DUE = select(_ROW.update_id).where(_is_open(_ROW), _IS_DUE, _IS_FREE, _IS_HEAD).limit(1)
_OURS = update(_ROWS).where(
    _ROW.update_id == bindparam("of_update"), _ROW.attempts == bindparam("of_attempt")
)
_NEW = _OURS.where(_ROW.state == Progress.WAITING)
_APPLIED = _NEW.values(state=Progress.APPLIED, answers=bindparam("sealed"))
_SAVED_AND_APPLIED = _APPLIED.add_cte(conversation.SAVE_POSTGRESQL.cte("saved"))
_APPLIED_AND_DONE = _NEW.values(state=Progress.DONE, payload=None, answers=None)
_ANSWERED = _OURS.where(_ROW.state == Progress.APPLIED)
_DONE = _ANSWERED.values(state=Progress.DONE, payload=None, answers=None)
