"""Our connection to PostgreSQL behaves as psycopg's, and outlives what happens to its socket."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from nobs_bot.storage.postgresql import Connection

pytestmark = pytest.mark.postgres
SLEEPERS = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active'"


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgres").get_uri("postgres"))


@pytest.fixture
async def connection(address: str) -> AsyncIterator[Connection]:
    async with await Connection.connect(address, autocommit=True) as made:
        yield made


@pytest.fixture
async def other(address: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as made:
        yield made


async def one(connection: Any, query: str, *values: object) -> Any:
    row = await (await connection.execute(query, values or None)).fetchone()
    return row[0]


def watched() -> int:
    """How many descriptors the loop watches."""
    return len(asyncio.get_running_loop()._selector.get_map())  # type: ignore[attr-defined]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_many_statements_need_one_place_in_the_loop(connection: Connection) -> None:
    assert await one(connection, "SELECT 1") == 1
    before = watched(), open_files()
    for number in range(50):
        assert await one(connection, "SELECT %s::int", number) == number
        await asyncio.sleep(0)
    assert (watched(), open_files()) == before


async def test_large_answers_and_large_values_come_whole(connection: Connection) -> None:
    text = "kamera" * 3_000_000
    assert await one(connection, "SELECT repeat('kamera', 3000000)") == text
    assert await one(connection, "SELECT length(%s::text)", text) == len(text)


async def test_statements_in_one_go(connection: Connection) -> None:
    await connection.execute("CREATE TEMP TABLE numbers (number int, words text)")
    cursor = connection.cursor()
    rows = [(number, "x" * 20_000) for number in range(300)]
    await cursor.executemany("INSERT INTO numbers VALUES (%s, %s)", rows)
    assert cursor.rowcount == 300
    async with connection.pipeline():
        asked = [await connection.execute("SELECT %s::int", (each,)) for each in range(100)]
        assert [(await each.fetchone())[0] for each in asked] == list(range(100))  # type: ignore[index]


async def test_columns_are_those_of_the_statement(connection: Connection) -> None:
    for _ in range(2):
        for names in (["a"], ["a", "b"], ["b"]):
            columns = ", ".join(f"1 AS {each}" for each in names)
            cursor = await connection.execute(f"SELECT {columns}".encode())
            assert [each.name for each in cursor.description or ()] == names
    cursor = await connection.execute("CREATE TEMP TABLE none_of_it (a int)")
    assert cursor.description is None


async def test_columns_are_those_of_a_table_that_was_changed(connection: Connection) -> None:
    await connection.execute("CREATE TEMP TABLE changing (a int)")
    for names in (["a"], ["a", "b"], ["a", "b", "c"]):
        cursor = await connection.execute("SELECT * FROM changing", prepare=False)
        assert [each.name for each in cursor.description or ()] == names
        await connection.execute(f"ALTER TABLE changing ADD {'abcd'[len(names)]} int".encode())


async def test_a_statement_that_fails_leaves_it_usable(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await one(connection, "SELECT 1/0")
    assert await one(connection, "SELECT 1") == 1


async def test_who_is_cancelled_breaks_the_statement_off(
    connection: Connection, other: psycopg.AsyncConnection[Any]
) -> None:
    pid = connection.info.backend_pid
    running = asyncio.create_task(one(connection, "SELECT pg_sleep(31)"))
    async with asyncio.timeout(10):
        while not await one(other, SLEEPERS, pid):
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await one(other, SLEEPERS, pid) == 0
        assert await one(connection, "SELECT 1") == 1
    assert connection.info.backend_pid == pid


async def test_a_time_limit_ends_a_statement_and_nothing_else(connection: Connection) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await one(connection, "SELECT pg_sleep(31)")
    assert await one(connection, "SELECT 1") == 1


@pytest.mark.parametrize("rests", [True, False])
async def test_a_server_that_ends_it_is_noticed_and_nothing_stays_open(
    address: str, other: psycopg.AsyncConnection[Any], rests: bool
) -> None:
    watched_before, open_before = watched(), open_files()
    connection = await Connection.connect(address, autocommit=True)
    assert await one(connection, "SELECT 1") == 1
    end = other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    async with asyncio.timeout(10):
        if rests:
            await end
            while watched() > watched_before:
                await asyncio.sleep(0.01)
            with pytest.raises(psycopg.OperationalError):
                await one(connection, "SELECT 1")
        else:
            running = asyncio.create_task(one(connection, "SELECT pg_sleep(31)"))
            await asyncio.sleep(0.1)
            await end
            with pytest.raises(psycopg.OperationalError):
                await running
    await connection.close()
    assert (watched(), open_files()) == (watched_before, open_before)


async def test_who_waits_hears_that_it_was_closed(address: str) -> None:
    connection = await Connection.connect(address, autocommit=True)
    running = asyncio.create_task(one(connection, "SELECT pg_sleep(31)"))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        await connection.close()
        with pytest.raises(psycopg.OperationalError):
            await running


async def test_who_is_cancelled_is_cancelled_where_the_server_does_not_stir(address: str) -> None:
    connection = await Connection.connect(address, autocommit=True)
    backend = connection.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    try:
        # more than fits on the way, so that psycopg waits to write
        asking = asyncio.create_task(one(connection, "SELECT %s::text", "x" * 30_000_000))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(10):
            # the first has the server asked to break it off, the second waits for nobody
            for _ in range(2):
                asking.cancel()
                await asyncio.sleep(0.3)
            with pytest.raises(asyncio.CancelledError):
                await asking
        assert connection.closed
    finally:
        os.kill(backend, signal.SIGCONT)
        await connection.close()


async def test_a_task_that_nobody_holds_is_finished(address: str) -> None:
    """While it waits, the loop alone leads to it."""
    done: list[int] = []

    async def ask() -> None:
        connection = await Connection.connect(address, autocommit=True)
        done.append(await one(connection, "SELECT 1 FROM pg_sleep(0.3)"))
        await connection.close()

    def begin() -> None:
        asyncio.get_running_loop().create_task(ask())

    begin()
    async with asyncio.timeout(10):
        while not done:
            gc.collect()
            await asyncio.sleep(0.02)


async def test_a_child_takes_nothing_from_its_parent(connection: Connection) -> None:
    assert await one(connection, "SELECT 1") == 1
    child = os.fork()
    if child == 0:
        connection._ear.close()  # type: ignore[union-attr]
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    async with asyncio.timeout(10):
        assert await one(connection, "SELECT 2 FROM pg_sleep(0.05)") == 2


async def test_others_have_their_turn_in_long_batches(connection: Connection) -> None:
    await connection.execute("CREATE TEMP TABLE numbers (number int)")
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    async with connection.pipeline():
        for number in range(2000):
            await connection.execute("INSERT INTO numbers VALUES (%s)", (number,))
    counting.cancel()
    assert await one(connection, "SELECT count(*) FROM numbers") == 2000
    assert turns > 10


async def test_descriptors_that_come_again_are_heard(address: str) -> None:
    """Connections that broke leave their numbers to others, which must not be deaf."""
    for _ in range(5):
        made = [await Connection.connect(address, autocommit=True) for _ in range(3)]
        async with asyncio.timeout(10):
            assert [await one(each, "SELECT 1") for each in made] == [1, 1, 1]
        for each in made:
            each.pgconn.finish()
    async with asyncio.timeout(10), await Connection.connect(address) as last:
        assert await one(last, "SELECT 1") == 1


async def test_one_that_was_forgotten_is_watched_no_longer(address: str) -> None:
    before = watched(), open_files()
    connection = await Connection.connect(address, autocommit=True)
    assert await one(connection, "SELECT 1") == 1
    connection.pgconn.finish()
    del connection
    async with asyncio.timeout(10):
        while (watched(), open_files()) != before:
            await asyncio.sleep(0.01)


def test_another_loop_hears_it_too(address: str) -> None:
    async def begin() -> Connection:
        connection = await Connection.connect(address, autocommit=True)
        assert await one(connection, "SELECT 1") == 1
        return connection

    async def go_on(connection: Connection) -> None:
        async with asyncio.timeout(10), connection:
            assert await one(connection, "SELECT 2") == 2

    asyncio.run(go_on(asyncio.run(begin())))
