"""The whole schema: every table's module in one place, and bringing a database up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from nobs_bot.cameras import (
    checks,
    claim,
    health,
    outages,
    photos,
    progress,
    record,
    sticker,
    uptime,
)
from nobs_bot.coverage import hotspots, orders, turn
from nobs_bot.footage import handover, request, upload
from nobs_bot.footage.live import record as live
from nobs_bot.messaging import chats, conversation, inbox, outbox
from nobs_bot.people import consent, invitations, persons, roles, sessions, tokens
from nobs_bot.places import geocode, points
from nobs_bot.storage import audit, chain, counters, doomed, elections, retention, tallies
from nobs_bot.storage.base import Base
from nobs_bot.storage.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config

# names the lock that PostgreSQL keeps for us
_MIGRATING = 7_073_001
MIGRATIONS = Path(__file__).parent.parent / "migrations"
TABLES = (
    audit,
    chain,
    chats,
    checks,
    claim,
    consent,
    conversation,
    counters,
    doomed,
    elections,
    geocode,
    handover,
    health,
    hotspots,
    inbox,
    invitations,
    live,
    orders,
    outages,
    outbox,
    persons,
    photos,
    points,
    progress,
    record,
    request,
    retention,
    roles,
    sessions,
    sticker,
    tallies,
    tokens,
    turn,
    upload,
    uptime,
)


def metadata() -> MetaData:
    """Every table of the modules in `TABLES`."""
    return Base.metadata


def migration_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, on an open connection where one is given."""
    # loaded only where something is to be migrated: the process would carry its 10 MB for good
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


async def upgrade(database: Database) -> None:
    """Bring the database to the newest revision."""
    if await is_current(database):
        return
    from alembic import command

    def run(connection: Connection) -> None:
        command.upgrade(migration_config(connection), "head")

    async with migrating(database) as connection:
        await connection.run_sync(run)


@asynccontextmanager
async def migrating(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection in one transaction, in which tables may be rebuilt; half of it never stays."""
    async with AsyncExitStack() as stack:
        if database.is_sqlite:
            # rebuilding a table drops the old one, which would take what refers to it along; can
            # only be switched outside of a transaction
            await _refer(database, checked=False)
            stack.push_async_callback(_refer, database, checked=True)
        connection = await stack.enter_async_context(database.engine.begin())
        if not database.is_sqlite:
            # processes that start together go one after the other; the rest find nothing to do
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            yield connection
            return
        # our SQLite connections do not begin by themselves
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        broken = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).first()
        if broken is not None:
            raise RuntimeError(f"the migration left a row of {broken[0]} without what it refers to")


async def _refer(database: Database, *, checked: bool) -> None:
    """Whether SQLite sees to it that what a row refers to is there."""
    async with database.engine.connect() as connection:
        await connection.exec_driver_sql(f"PRAGMA foreign_keys={'ON' if checked else 'OFF'}")


async def is_current(database: Database) -> bool:
    """Whether the database is at the newest revision."""

    def revision(connection: Connection) -> str | None:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    async with database.engine.connect() as connection:
        return await connection.run_sync(revision) == newest_revision()


async def has_tables(database: Database) -> bool:
    """
    Whether the database is at our newest revision or beyond; only a look, which takes no lock.

    Beyond is the middle of a rolling update, which leaves alone what the former version needs.
    """
    async with database.reading() as session:
        found = await session.execute(text("SELECT version_num FROM alembic_version"))
        return str(found.scalar_one()) >= newest_revision()


def newest_revision() -> str:
    """The newest migration's, by which its file's name begins."""
    names = [each.name for each in (MIGRATIONS / "versions").glob("[0-9]*.py")]
    return max(names).partition("_")[0]
