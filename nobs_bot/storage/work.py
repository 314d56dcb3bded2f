"""A use case's transaction and what it may use in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Delete, Select, bindparam, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession

from nobs_bot.clock import Clock
from nobs_bot.meter import Meter
from nobs_bot.settings import Settings
from nobs_bot.storage.base import Base
from nobs_bot.storage.crypto import Vault
from nobs_bot.storage.engine import Database
from nobs_bot.texts import Texts

Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class Work:
    """
    One transaction, passed to use cases as their first argument.

    Args:
        session: The open transaction; whoever opened it commits.
        vault: Seals and opens values.
        now: The instant at which the transaction began, UTC.
        texts: The words of every language, for messages to others.
        settings: The installation's rules.
    """

    session: AsyncSession
    vault: Vault
    now: datetime
    texts: Texts
    settings: Settings

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite, where only one transaction writes at a time."""
        return self.session.get_bind().dialect.name == "sqlite"


@dataclass(frozen=True)
class Office:
    """Opens work: the database together with what each transaction is given."""

    database: Database
    vault: Vault
    clock: Clock
    texts: Texts
    settings: Settings
    meter: Meter = field(default_factory=Meter)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """A writing transaction, committed at the end."""
        async with self.database.transaction() as session:
            yield self._over(session)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Work]:
        """A session that only reads."""
        async with self.database.reading() as session:
            yield self._over(session)

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[Work]:
        """A session for single SELECTs, each by itself, such as a loop asks all day long."""
        async with self.database.glance() as session:
            yield self._over(session)

    @asynccontextmanager
    async def long_look(self) -> AsyncIterator[Work]:
        """A session that only reads, for what goes over whole tables."""
        async with self.database.reading_long() as session:
            yield self._over(session)

    def _over(self, session: AsyncSession) -> Work:
        return Work(session, self.vault, self.clock.now(), self.texts, self.settings)


async def find(work: Work, kind: type[Row], row_id: int) -> Row | None:
    """
    The row of this id, or None; what the transaction has loaded is not asked for again.

    As `session.get`, which puts its statement together anew each time: that takes longer than to
    carry it out.
    """
    if inspect(kind).identity_key_from_primary_key((row_id,)) in work.session.identity_map:
        return await work.session.get(kind, row_id)
    rows = await work.session.execute(_by_id(kind), {"sought": row_id})
    found: Row | None = rows.scalar_one_or_none()
    return found


@cache
def _by_id(kind: type[Row]) -> Select[Row]:
    [key] = inspect(kind).primary_key
    return select(kind).where(key == bindparam("sought"))


async def drop(work: Work, rows: Delete) -> int:
    """Carry a DELETE out, past the session's own objects; returns how many rows went."""
    gone: Any = await work.session.execute(rows.execution_options(synchronize_session=False))
    return int(gone.rowcount)
