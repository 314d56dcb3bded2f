"""
The database: connections, pragmas and transactions.

SQLite has one writing connection, since a pool of writers spends its time polling for the lock;
reads go to connections of their own. PostgreSQL has one pool for both. Its connections stay open,
and the one given back last is taken first, so that few are in use and these know the statements
that they are given: to open one takes longer than an update, and so does planning it anew.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import Pool, StaticPool

from nobs_bot.storage import sqlite
from nobs_bot.storage.fairness import FairPool
from nobs_bot.storage.turns import Turns

SQLITE_READERS = 4
POSTGRES_CONNECTIONS = 20
# a connection that rested for longer is asked whether it is still there before it is used
_TRUSTED_FOR_S = 1.0
# what is raised while the database is away: its own words, or that no connection came free in time
AWAY = (DBAPIError, NoneFree)


def async_url(url: str) -> URL:
    """The address with the driver that we use for its engine."""
    parsed = make_url(url)
    driver = "sqlite+aiosqlite" if parsed.get_backend_name() == "sqlite" else "postgresql+psycopg"
    return parsed.set(drivername=driver)


class Database:
    """
    Transactions on one database.

    Args:
        url: sqlite:///PATH or postgresql://...
    """

    def __init__(self, url: str) -> None:
        self.url = async_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._turns = Turns()
        if self.is_sqlite:
            if self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._sqlite_engine(poolclass=StaticPool, only_reads=False)
            self._readers = self._sqlite_engine(
                poolclass=FairPool, pool_size=SQLITE_READERS, max_overflow=0
            )
            self._patient = self._sqlite_engine(
                is_patient=True, poolclass=FairPool, pool_size=1, max_overflow=0
            )
            self._glances = self._readers
        else:
            self._writer = self._readers = self._patient = self._postgres_engine()
            self._glances = self._writer.execution_options(isolation_level="AUTOCOMMIT")

    def _postgres_engine(self) -> AsyncEngine:
        from nobs_bot.storage.postgresql import Connection  # slow, and of no use on SQLite

        engine = create_async_engine(
            self.url,
            hide_parameters=True,
            connect_args={"async_creator_fn": Connection.connect},
            poolclass=FairPool,
            pool_size=POSTGRES_CONNECTIONS,
            max_overflow=0,
            pool_use_lifo=True,
        )
        _ask_the_rested(engine)
        return engine

    def _sqlite_engine(
        self, *, is_patient: bool = False, only_reads: bool = True, **options: Any
    ) -> AsyncEngine:
        async def connect() -> sqlite.Connection:
            path = self.url.database or ":memory:"
            return await sqlite.connect(path, is_patient=is_patient, only_reads=only_reads)

        return create_async_engine(self.url, hide_parameters=True, async_creator=connect, **options)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A writing transaction: committed at the end, rolled back on an exception."""
        if not self.is_sqlite:
            session = AsyncSession(self._writer, expire_on_commit=False)
            async with session, _committing(session):
                yield session
            return
        async with (
            self._turns.turn(),
            AsyncSession(self._writer, expire_on_commit=False) as session,
        ):
            connection = await session.connection()
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            await self._turns.begin(raw.driver_connection)
            async with _committing(session):
                yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads. SQLite refuses it to write; PostgreSQL lets it take locks."""
        async with AsyncSession(self._readers, expire_on_commit=False) as session:
            yield session
            if not self.is_sqlite:
                # after a rollback the driver has the server forget every statement it prepared
                session.expunge_all()
                with suppress(*AWAY):  # what was to be read was read
                    await session.commit()

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncSession]:
        """A session for single SELECTs, each by itself: PostgreSQL needs no transaction for one."""
        async with AsyncSession(self._glances, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def reading_long(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads, for what takes long: nobody else waits for its statements."""
        async with AsyncSession(self._patient, expire_on_commit=False) as session:
            yield session

    async def ping(self) -> float:
        """Seconds for one answer."""
        started = time.perf_counter()
        async with self.reading() as session:
            await (await session.connection()).exec_driver_sql("SELECT 1")
        return time.perf_counter() - started

    @property
    def engine(self) -> AsyncEngine:
        """The engine that writes, for migrations."""
        return self._writer

    @property
    def reading_pool(self) -> Pool:
        """Where readers get their connections from."""
        return self._readers.pool

    async def close(self) -> None:
        """Close every connection."""
        for engine in {self._writer, self._readers, self._patient}:
            await engine.dispose()


def _ask_the_rested(engine: AsyncEngine) -> None:
    """As `pool_pre_ping`, which asks every time, a trip to the server each."""
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def given_back(_: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: Any, record: Any, _: Any) -> None:
        rests_since = record.info.get("rests_since")
        if rests_since is None or time.monotonic() - rests_since < _TRUSTED_FOR_S:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as exc:
            # one that broke is seldom the only one
            raise InvalidatePoolError from exc


@asynccontextmanager
async def _committing(session: AsyncSession) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        await session.rollback()
        raise
    await session.commit()
