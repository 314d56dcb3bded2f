"""
SQLite for one event loop: statements run where they are asked for, only waiting goes elsewhere.

Handing every statement to a thread and back costs ten times what the statement itself does. So
statements, which are short and indexed here, run in the loop; what waits (for the disk in a commit,
for another process's lock) does so in a thread of the connection's own.

The classes have the shape of aiosqlite's, which is what SQLAlchemy's dialect speaks to.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

LOCK_WAIT_S = 30
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # a power cut must lose nothing that was acknowledged, so every commit reaches the disk
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
)

CLOSED = sqlite3.connect(":memory:", check_same_thread=False)
CLOSED.close()


async def connect(path: str, *, is_patient: bool = False, only_reads: bool = False) -> Connection:
    """
    Open a database file; transactions are begun by whoever uses the connection.

    Args:
        is_patient: For what takes long: every statement runs in the connection's own thread.
        only_reads: Whoever writes is refused.
    """
    connection = Connection(path, is_patient=is_patient)
    try:
        for pragma in (*PRAGMAS, *(("PRAGMA query_only=ON",) if only_reads else ())):
            await connection.statement(connection.set, pragma)
    except BaseException:
        # nobody else knows of it, and while it is open the log is not written back
        await connection.close()
        raise
    return connection


class Connection:
    """One connection. Never used by two tasks at a time, which SQLAlchemy's pool sees to."""

    def __init__(self, path: str, *, is_patient: bool = False) -> None:
        self.is_patient = is_patient
        # a lock is not waited for in the loop, see `statement`
        self.raw = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self._in_part = self._has_parts = self._is_given_up = False
        self._waiter = ThreadPoolExecutor(1, thread_name_prefix="sqlite")

    @property
    def _connection(self) -> sqlite3.Connection:
        return self.raw  # the dialect asks whether there is one

    def set(self, pragma: str) -> None:
        """Execute a pragma."""
        # a cursor that somebody still holds would keep the connection from being closed
        self.raw.execute(pragma).close()

    async def statement(self, run: Callable[..., T], *arguments: Any) -> T:
        """
        Run a statement; where another process holds the lock, wait for it in the thread.

        Raises:
            sqlite3.ProgrammingError: The connection is closed, or is being closed.
        """
        if self.raw is CLOSED:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        if self.is_patient:
            return await self._elsewhere(self._patiently, run, *arguments)
        try:
            return run(*arguments)
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        return await self._elsewhere(self._patiently, run, *arguments)

    def _patiently(self, run: Callable[..., T], *arguments: Any) -> T:
        self.raw.execute(f"PRAGMA busy_timeout={LOCK_WAIT_S * 1000}")
        try:
            return run(*arguments)
        finally:
            self.raw.execute("PRAGMA busy_timeout=0")

    async def _elsewhere(self, run: Callable[..., T], *arguments: Any) -> T:
        running = asyncio.get_running_loop().run_in_executor(self._waiter, run, *arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # whoever cleans up behind us needs the connection, so it must be at rest by then
            while not running.done():
                await asyncio.wait([running])
            raise

    def cursor(self) -> Cursor:
        return Cursor(self)

    async def begin_part(self) -> None:
        """Begin a part of a transaction, which `commit` keeps and `rollback` undoes by itself."""
        if not self.raw.in_transaction:
            await self.statement(self.raw.execute, "BEGIN IMMEDIATE")
        self._has_parts = True
        self.raw.execute("SAVEPOINT part")
        self._in_part = True

    async def commit_parts(self) -> None:
        """
        Commit every part that was kept; returns once they are on the disk.

        Raises:
            sqlite3.OperationalError: SQLite has undone them all, or the disk refuses.
        """
        self._has_parts = False
        if not self.raw.in_transaction:
            raise sqlite3.OperationalError("the transaction was undone")
        try:
            await self._elsewhere(self.raw.commit)
        except sqlite3.Error:
            self.raw.rollback()
            raise

    async def commit(self) -> None:
        """Keep the part; outside of one, commit, and return once it is on the disk."""
        if self._in_part:
            self._in_part = False
            self.raw.execute("RELEASE part")
        elif self.raw.in_transaction:
            await self._elsewhere(self.raw.commit)

    async def rollback(self) -> None:
        """Undo the part; outside of one, the transaction, but never parts that were kept."""
        if self._in_part and self.raw.in_transaction:
            self.raw.execute("ROLLBACK TO part")
            self.raw.execute("RELEASE part")
        elif not self._has_parts:
            self.raw.rollback()
        self._in_part = False

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        self.raw.create_function(*arguments, **options)

    async def close(self) -> None:
        """Close; returns once it is closed."""
        # sqlite3 lets go of its statements before it counts as closed: whoever executed one in
        # between would end the process
        raw, self.raw = self.raw, CLOSED
        if self._is_given_up:
            raw.close()
            return
        # the last connection to close writes the log back, which takes the disk's time
        await self._elsewhere(raw.close)
        self.stop()

    def stop(self) -> None:
        """
        Give it up: let the thread end, nothing else, since who collects garbage calls this too.

        A connection that nobody holds any more is closed by that.
        """
        self._is_given_up = True
        self._waiter.shutdown(wait=False)


class Cursor:
    """One statement's results."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._raw = connection.raw.cursor()

    async def __aenter__(self) -> Cursor:
        return self

    @property
    def description(self) -> Any:
        return self._raw.description

    @property
    def rowcount(self) -> int:
        return self._raw.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._raw.lastrowid

    @property
    def arraysize(self) -> int:
        return self._raw.arraysize

    @arraysize.setter
    def arraysize(self, value: int) -> None:
        self._raw.arraysize = value

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        await self._connection.statement(self._raw.execute, sql, parameters)
        return self

    async def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> Cursor:
        await self._connection.statement(self._raw.executemany, sql, rows)
        return self

    async def fetchall(self) -> list[Any]:
        # the rows are found while they are fetched
        if self._connection.is_patient:
            return await self._connection.statement(self._raw.fetchall)
        return self._raw.fetchall()

    async def fetchone(self) -> Any:
        return self._raw.fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        return self._raw.fetchmany(size or self.arraysize)

    async def close(self) -> None:
        self._raw.close()
