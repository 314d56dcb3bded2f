"""Writers that go to the disk together stand and fall by themselves, and none hears too early."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from nobs_bot.people.persons import Person, meet
from nobs_bot.storage.engine import Database
from nobs_bot.storage.sqlite import Connection
from tests.cast import House


async def write(house: House, account: int) -> int:
    async with house.office.work() as work:
        meet(work, account, None)
        await work.session.flush()
    return account


async def accounts(house: House) -> set[int]:
    async with house.office.look() as work:
        query = select(Person.telegram_id).where(Person.telegram_id < 1_000)
        return {each for each in (await work.session.execute(query)).scalars() if each}


class Commits:
    """Watches a database's commits: how many there were, and what they do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, error: sqlite3.Error | None = None):
        self.count = 0
        real = Connection.commit_parts

        async def watched(connection: Connection) -> None:
            self.count += 1
            if error and self.count == 1:
                connection.raw.rollback()
                raise error
            await real(connection)

        monkeypatch.setattr(Connection, "commit_parts", watched)


async def test_those_who_wait_share_a_commit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = Commits(monkeypatch)
    await asyncio.gather(*(write(house, account) for account in range(1, 21)))
    assert await accounts(house) == set(range(1, 21))
    assert commits.count <= 3


async def test_one_that_breaks_takes_nobody_along(house: House) -> None:
    await write(house, 5)
    results = await asyncio.gather(
        *(write(house, account) for account in (1, 2, 5, 3)), return_exceptions=True
    )
    assert [type(each) for each in results] == [int, int, IntegrityError, int]
    assert await accounts(house) == {1, 2, 3, 5}


async def test_one_that_is_cancelled_takes_nobody_along(house: House) -> None:
    inside = asyncio.Event()

    async def never_ends() -> None:
        async with house.office.work() as work:
            meet(work, 9, None)
            await work.session.flush()
            inside.set()
            await asyncio.sleep(60)

    first = asyncio.create_task(write(house, 1))
    stuck = asyncio.create_task(never_ends())
    await inside.wait()
    last = asyncio.create_task(write(house, 2))
    await asyncio.sleep(0)
    stuck.cancel()
    assert await asyncio.gather(first, last) == [1, 2]
    assert await accounts(house) == {1, 2}


async def test_nobody_hears_before_the_commit(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    real = Connection.commit_parts

    async def slow(connection: Connection) -> None:
        reached.set()
        await go_on.wait()
        await real(connection)

    monkeypatch.setattr(Connection, "commit_parts", slow)
    writers = [asyncio.create_task(write(house, account)) for account in (1, 2, 3)]
    await reached.wait()
    await asyncio.sleep(0.05)
    assert not any(writer.done() for writer in writers)
    assert await accounts(house) == set()
    go_on.set()
    assert await asyncio.gather(*writers) == [1, 2, 3]


async def test_a_commit_that_fails_fails_for_all_of_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    Commits(monkeypatch, error=sqlite3.OperationalError("disk I/O error"))
    results = await asyncio.gather(
        *(write(house, account) for account in (1, 2, 3)), return_exceptions=True
    )
    failed = {n for n, each in enumerate(results, 1) if isinstance(each, OperationalError)}
    assert failed
    assert await accounts(house) == {1, 2, 3} - failed
    assert await write(house, 4) == 4


async def test_what_sqlite_undoes_by_itself_is_not_confirmed(house: House) -> None:
    """As where the disk is full: SQLite then rolls the whole transaction back."""
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def meets_a_full_disk() -> None:
        async with house.office.work() as work:
            inside.set()
            await go_on.wait()
            connection = await (await work.session.connection()).get_raw_connection()
            driver: Any = connection.driver_connection
            driver.raw.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")

    first = asyncio.create_task(write(house, 1))
    full = asyncio.create_task(meets_a_full_disk())
    await inside.wait()
    last = asyncio.create_task(write(house, 2))
    await asyncio.sleep(0)
    go_on.set()
    results = await asyncio.gather(first, full, last, return_exceptions=True)
    assert isinstance(results[1], sqlite3.OperationalError)
    assert results[2] == 2
    kept = await accounts(house)
    assert (1 in kept) is (results[0] == 1)
    assert 2 in kept


async def test_another_process_with_the_lock_is_waited_for(house: House) -> None:
    path = str(house.office.database.url.database)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(write(house, 1))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    assert await accounts(house) == set()  # readers go on meanwhile
    other.execute("COMMIT")
    other.close()
    assert await waiting == 1


async def test_every_commit_reaches_the_disk(house: House) -> None:
    database: Database = house.office.database
    async with database.transaction() as session:
        connection = await session.connection()
        pragmas = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("synchronous", "journal_mode", "foreign_keys", "secure_delete")
        }
    assert pragmas == {
        "synchronous": 2,
        "journal_mode": "wal",
        "foreign_keys": 1,
        "secure_delete": 1,
    }


async def test_many_writers_and_readers_at_once(house: House) -> None:
    async def read(until: int) -> None:
        seen: set[int] = set()
        while len(seen) < until:
            now = await accounts(house)
            assert seen <= now
            seen = now
            await asyncio.sleep(0)

    await asyncio.gather(read(100), read(100), *(write(house, n) for n in range(1, 101)))
    assert await accounts(house) == set(range(1, 101))


async def test_a_disk_that_does_not_let_us_begin_is_told_in_the_databases_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(connection: Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "begin_part", full)
        with pytest.raises(OperationalError):
            await write(house, 1)
    await write(house, 2)
    assert await accounts(house) == {2}
