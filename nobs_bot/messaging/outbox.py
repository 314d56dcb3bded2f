"""
Messages to somebody else: rows of the transaction that gives rise to them, sent afterwards.

In each chat they go in the order in which they were put in; a message waits for every older one of
its chat. They go at least once, never silently not at all: what cannot be delivered is FAILED, with
the reason, and the chat is marked unreachable.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    Table,
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

from nobs_bot.messaging.message import Message
from nobs_bot.storage.base import Base, choice, new_id, sealed
from nobs_bot.storage.work import Work, drop

LEASE = timedelta(seconds=90)
_PAYLOAD = "outbox.payload"


class Delivery(StrEnum):
    """What became of a message."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    REPLACED = "replaced"


class Outgoing(Base):
    """One message to one chat. The payload is sealed, and emptied once it is sent."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_pending",
            "chat_id",
            "number",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_outbox_heads",
            "number",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(None, "settled_at"),
    )

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    seal_id: Mapped[int] = mapped_column(BigInteger)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    slot: Mapped[str | None]
    payload: Mapped[bytes | None] = sealed(by="seal_id")
    state: Mapped[Delivery] = mapped_column(choice(Delivery), default=Delivery.PENDING)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    message_id: Mapped[int | None] = mapped_column(BigInteger)


async def enqueue(work: Work, chat_id: int, message: Message, dedupe_key: str) -> None:
    """
    Send *message* to a chat once this transaction is committed.

    Args:
        dedupe_key: Names the occasion; a second message of the same key is not sent.
    """
    if message.slot:
        known = select(_ROWS.c.number).where(_ROWS.c.dedupe_key == dedupe_key)
        if (await work.session.execute(known)).first():
            return
        await _replace_unsent(work, chat_id, message.slot)
    await enqueue_each(work, [(chat_id, message, dedupe_key)])


async def enqueue_each(work: Work, letters: Sequence[tuple[int, Message, str]]) -> None:
    """
    Send many messages at once: to which chat, what, on which occasion.

    What a message with a slot replaces, the caller has seen to.
    """
    await work.session.execute(
        _ENQUEUE_SQLITE if work.is_sqlite else _ENQUEUE_POSTGRESQL,
        [_row(work, *letter) for letter in letters],
    )


def _row(work: Work, chat_id: int, message: Message, dedupe_key: str) -> dict[str, Any]:
    seal_id = new_id()
    return {
        "seal_id": seal_id,
        "chat_id": chat_id,
        "dedupe_key": dedupe_key,
        "slot": message.slot,
        "payload": work.vault.seal_json(_PAYLOAD, seal_id, message.model_dump(mode="json")),
        "state": Delivery.PENDING,
        "created_at": work.now,
        "due_at": work.now,
        "attempts": 0,
    }


async def _replace_unsent(work: Work, chat_id: int, slot: str) -> None:
    """A newer message of a slot makes those superfluous that nobody has begun to send."""
    await work.session.execute(
        update(Outgoing)
        .where(
            Outgoing.chat_id == chat_id,
            Outgoing.slot == slot,
            Outgoing.state == Delivery.PENDING,
            Outgoing.attempts == 0,
        )
        .values(state=Delivery.REPLACED, settled_at=work.now, payload=None)
    )


async def claim(work: Work, limit: int, *, not_to: Sequence[int] = ()) -> Sequence[Outgoing]:
    """
    Take up to *limit* messages, each the oldest pending one of its chat, under a lease.

    Args:
        not_to: Chats that must be left alone for now.
    """
    older = aliased(Outgoing)
    is_head = ~exists().where(
        older.chat_id == Outgoing.chat_id,
        older.number < Outgoing.number,
        _is_pending(older),
    )
    is_free = or_(Outgoing.lease_until.is_(None), Outgoing.lease_until <= work.now)
    heads = (
        select(Outgoing.number)
        .where(_is_pending(Outgoing), Outgoing.due_at <= work.now, is_free, is_head)
        .where(Outgoing.chat_id.not_in(not_to))
        .order_by(Outgoing.number)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(Outgoing)
        .where(Outgoing.number.in_(heads.scalar_subquery()))
        .values(lease_until=work.now + LEASE, attempts=Outgoing.attempts + 1)
        .returning(Outgoing)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = (await work.session.execute(taken)).scalars().all()
    return sorted(rows, key=lambda row: row.number)


def read(work: Work, row: Outgoing) -> Message:
    """The message of a claimed row."""
    assert row.payload is not None
    return Message.model_validate(work.vault.open_json(_PAYLOAD, row.seal_id, row.payload))


async def settle(
    work: Work, row: Outgoing, state: Delivery, *, message_id: int | None = None, error: str = ""
) -> None:
    """Write down what became of a message that we hold."""
    await _write(
        work,
        row,
        state=state,
        settled_at=work.now,
        message_id=message_id,
        last_error=error[:500] or None,
        payload=None,
        lease_until=None,
    )


async def postpone(work: Work, row: Outgoing, by: timedelta, error: str) -> None:
    """Try again later; the younger messages of the chat wait too."""
    await _write(work, row, due_at=work.now + by, lease_until=None, last_error=error[:500])


async def _write(work: Work, row: Outgoing, **values: Any) -> None:
    await work.session.execute(
        update(Outgoing)
        .where(Outgoing.number == row.number, Outgoing.attempts == row.attempts)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def move_chat(work: Work, old_chat_id: int, new_chat_id: int) -> None:
    """Follow a group that became a supergroup."""
    await work.session.execute(
        update(Outgoing)
        .where(Outgoing.chat_id == old_chat_id, Outgoing.state == Delivery.PENDING)
        .values(chat_id=new_chat_id)
    )


async def next_due(work: Work) -> datetime | None:
    """When the next pending message is due."""
    query = select(Outgoing.due_at).where(_is_pending(Outgoing)).order_by(Outgoing.due_at).limit(1)
    return (await work.session.execute(query)).scalar_one_or_none()


async def delivery_of(work: Work, dedupe_key: str) -> Delivery | None:
    """What became of the message of one occasion."""
    query = select(Outgoing.state).where(Outgoing.dedupe_key == dedupe_key)
    return (await work.session.execute(query)).scalar_one_or_none()


async def forget_settled(work: Work, before: datetime) -> int:
    """Drop what was settled long ago; returns how many."""
    return await drop(work, delete(Outgoing).where(Outgoing.settled_at < before))


async def erase_chat(work: Work, chat_id: int) -> None:
    """Drop every message to a person who was erased, sent or not."""
    await work.session.execute(delete(Outgoing).where(Outgoing.chat_id == chat_id))


def _is_pending(row: Any) -> Any:
    # written out, not bound: only so can the database see that the partial index fits
    return row.state == literal_column("'pending'")


# a request asks owners by the hundred, so these are built once
_ROWS = cast(Table, Outgoing.__table__)
_ENQUEUE_SQLITE = insert_sqlite(_ROWS).on_conflict_do_nothing()
_ENQUEUE_POSTGRESQL = insert_postgresql(_ROWS).on_conflict_do_nothing()
