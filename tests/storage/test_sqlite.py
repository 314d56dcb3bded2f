"""SQLite in the event loop: what is closed while somebody still uses it."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import sys
import textwrap
from pathlib import Path

import pytest

from nobs_bot.storage import sqlite

USED_WHILE_IT_CLOSES = textwrap.dedent(
    """
    import asyncio, sqlite3, sys
    from nobs_bot.storage import sqlite

    async def close_and_use(path):
        connection = await sqlite.connect(path)
        for number in range(50):  # as many statements to let go of
            await connection.statement(connection.raw.execute, f"SELECT {number}")
        cursor = connection.cursor()
        closing = asyncio.create_task(connection.close())
        await asyncio.sleep(0)
        while not closing.done():
            try:
                await cursor.execute("SELECT 1")
            except sqlite3.ProgrammingError:
                pass
            await asyncio.sleep(0)
        await closing

    async def main():
        for _ in range(10):  # where statements are let go of first, one is enough
            await close_and_use(sys.argv[1])

    asyncio.run(main())
    """
)


async def test_using_what_is_being_closed_does_not_end_the_process(tmp_path: Path) -> None:
    # by itself, since the whole process is at stake
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", USED_WHILE_IT_CLOSES, str(tmp_path / "a.sqlite")
    )
    assert await process.wait() == 0


@pytest.mark.parametrize("is_patient", [False, True])
async def test_what_is_closed_says_so(tmp_path: Path, is_patient: bool) -> None:
    connection = await sqlite.connect(str(tmp_path / "a.sqlite"), is_patient=is_patient)
    cursor = await connection.cursor().execute("SELECT 1")
    await connection.close()

    with pytest.raises(sqlite3.ProgrammingError):
        await cursor.execute("SELECT 1")
    with pytest.raises(sqlite3.ProgrammingError):
        await cursor.fetchall()
    with pytest.raises(sqlite3.ProgrammingError):
        await connection.commit()
    with pytest.raises(sqlite3.ProgrammingError):
        await connection.begin_part()


def is_open(path: Path) -> bool:
    """Whether this process has the file open."""
    return any(each.resolve() == path for each in Path("/proc/self/fd").iterdir())


async def test_one_whose_making_is_cancelled_is_closed(tmp_path: Path) -> None:
    """An open one that nobody knows of would keep the log beside a database that was closed."""
    path = tmp_path / "it.sqlite3"
    made = asyncio.create_task(sqlite.connect(str(path), is_patient=True))
    while not is_open(path):
        await asyncio.sleep(0)
    made.cancel()
    with pytest.raises(asyncio.CancelledError):
        await made
    assert not is_open(path)
    assert list(tmp_path.iterdir()) == [path]


async def test_one_that_is_given_up_can_still_be_closed(tmp_path: Path) -> None:
    path = tmp_path / "it.sqlite3"
    connection = await sqlite.connect(str(path))
    await connection.statement(connection.set, "PRAGMA user_version=7")
    connection.stop()
    assert is_open(path)
    await connection.close()
    assert list(tmp_path.iterdir()) == [path]
    await connection.close()


async def test_one_that_is_given_up_and_forgotten_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "it.sqlite3"
    connection = await sqlite.connect(str(path))
    connection.stop()
    del connection
    gc.collect()
    assert not is_open(path)


async def test_closing_goes_on_where_whoever_waits_for_it_is_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "it.sqlite3"
    connection = await sqlite.connect(str(path))
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert not is_open(path)
