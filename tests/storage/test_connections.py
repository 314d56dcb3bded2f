"""PostgreSQL's connections: kept, few, and not trusted when they rested."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from nobs_bot.storage import engine
from nobs_bot.storage.engine import POSTGRES_CONNECTIONS, Database

pytestmark = pytest.mark.postgres
PID = text("SELECT pg_backend_pid()")
PREPARED = text("SELECT count(*) FROM pg_prepared_statements")


@pytest.fixture
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """On the server's own database, which stays empty."""
    database = Database(request.getfixturevalue("postgres").get_uri("postgres"))
    yield database
    await database.close()


async def number(session: AsyncSession, query: object = PID) -> int:
    return int((await session.execute(query)).scalar_one())  # type: ignore[call-overload]


async def pid_at_work(database: Database) -> int:
    """Of the connection that a transaction had for a moment."""
    async with database.transaction() as session:
        pid = await number(session)
        await asyncio.sleep(0.02)
        return pid


async def test_many_at_once_share_connections_that_stay(database: Database) -> None:
    bursts = [
        set(await asyncio.gather(*(pid_at_work(database) for _ in range(3 * POSTGRES_CONNECTIONS))))
        for _ in range(3)
    ]
    assert len(bursts[0]) == POSTGRES_CONNECTIONS
    assert bursts[0] == bursts[1] == bursts[2]


async def test_one_at_a_time_needs_one_connection(database: Database) -> None:
    await asyncio.gather(*(pid_at_work(database) for _ in range(5)))
    assert len({await pid_at_work(database) for _ in range(10)}) == 1


@pytest.mark.parametrize("way", ["reading", "glance", "transaction"])
async def test_what_the_server_prepared_stays(database: Database, way: str) -> None:
    for _ in range(10):
        async with getattr(database, way)() as session:
            await number(session)
    async with database.transaction() as session:
        assert await number(session, PREPARED) >= 1


async def test_a_glance_takes_no_transaction(database: Database) -> None:
    now = text("SELECT extract(epoch FROM now()) * 1000000")
    async with database.glance() as session:
        assert await number(session, now) < await number(session, now)
    async with database.reading() as session:
        assert await number(session, now) == await number(session, now)


async def cut(database: Database, *pids: int) -> None:
    """As by a restart of the server."""
    other = Database(str(database.url))
    async with other.transaction() as session:
        for pid in pids:
            await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    await other.close()


@pytest.mark.parametrize("way", ["reading", "glance", "transaction"])
async def test_a_connection_that_broke_while_it_rested_is_replaced(
    database: Database, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_TRUSTED_FOR_S", 0.0)
    pid, other = await asyncio.gather(pid_at_work(database), pid_at_work(database))
    await cut(database, pid, other)
    async with getattr(database, way)() as session:
        assert await number(session) not in {pid, other}


async def test_what_was_read_was_read_though_the_connection_breaks(database: Database) -> None:
    async with database.reading() as session:
        pid = await number(session)
        await cut(database, pid)
    assert await pid_at_work(database) != pid


async def test_one_that_broke_in_use_is_an_error_once(database: Database) -> None:
    pids = await asyncio.gather(*(pid_at_work(database) for _ in range(3)))
    await cut(database, *pids)
    with pytest.raises(DBAPIError):
        await pid_at_work(database)
    assert await pid_at_work(database) not in pids
    assert await pid_at_work(database) not in pids
