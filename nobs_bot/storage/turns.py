"""
Writing one after the other on SQLite, and going to the disk together.

A transaction that others already wait behind does not go to the disk alone: they follow as parts
(savepoints) of one SQLite transaction, and whoever had a part hears that it is done only after the
commit of the whole. So each part is kept or undone by itself, none is acknowledged before it is on
the disk, and a kill before the commit undoes them all.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import OperationalError

from nobs_bot.storage.sqlite import Connection


class Turns:
    """Lets writers onto one connection, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._waiting: list[asyncio.Future[None]] = []
        self._committing: asyncio.Task[None] | None = None
        self._connection: Connection | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """
        The connection is ours alone inside; afterwards what we did is on the disk.

        Raises:
            OperationalError: the commit failed, so nothing was done.
        """
        async with self._lock:
            try:
                yield
                done = self._wait_for_commit()
            finally:
                self._see_to_commit()
        await done

    async def begin(self, connection: Connection) -> None:
        """
        Begin our part, inside a turn.

        Raises:
            OperationalError: the disk or another process does not let us.
        """
        self._connection = connection
        try:
            if not connection.raw.in_transaction:
                # a full disk makes SQLite undo the whole transaction, and with it earlier parts
                self._tell(sqlite3.OperationalError("the transaction was undone"))
            await connection.begin_part()
        except sqlite3.Error as exc:
            raise OperationalError("BEGIN", None, exc) from exc

    def _wait_for_commit(self) -> asyncio.Future[None]:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        return done

    def _see_to_commit(self) -> None:
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit())

    async def _commit(self) -> None:
        # the lock is fair: everybody who waits for it now has a part before we get it
        async with self._lock:
            if self._connection is None:
                return
            try:
                await self._connection.commit_parts()
            except sqlite3.Error as exc:
                self._tell(exc)
            else:
                self._tell(None)

    def _tell(self, error: sqlite3.Error | None) -> None:
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(OperationalError("COMMIT", None, error))
