"""
psycopg's connection, with less around each trip to the server.

psycopg registers a connection's socket with the event loop at each trip and takes it out after it,
with a timer beside it: two calls to the kernel and a third of what a trip costs. And SQLAlchemy
asks at each SELECT what its columns are, for which psycopg makes an object a column.
"""

from __future__ import annotations

import asyncio
import os
import select
import weakref
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Column
from psycopg.waiting import READY_R, READY_W, WAIT_W

# of a connection's statements; there are some hundred
_MOST_KNOWN = 500


class Cursor(psycopg.AsyncCursor[Any]):
    """psycopg's, which describes the columns of a statement once a connection."""

    @property
    def description(self) -> list[Column] | None:
        """As psycopg's."""
        result, query = self.pgresult, self._query
        if result is None or query is None or not result.nfields:
            return super().description
        known = self.connection.columns
        found = known.get(query.query)
        if found is None or len(found) != result.nfields:
            found = super().description
            if found is not None:
                if len(known) >= _MOST_KNOWN:
                    known.clear()
                known[query.query] = found
        return found

    @property
    def connection(self) -> Connection:
        """Whose it is."""
        connection = super().connection
        assert isinstance(connection, Connection)
        return connection


class Connection(psycopg.AsyncConnection[Any]):
    """
    psycopg's, which the event loop watches between trips as well.

    What it watches is a duplicate of the socket's descriptor, so that the number is ours until we
    give it back: libpq closes its own where a connection breaks, and the number may be another
    connection's the moment after.
    """

    def __init__(self, pgconn: Any, row_factory: Any = psycopg.rows.tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self.cursor_factory = Cursor
        self.columns: dict[bytes, list[Column]] = {}
        self._ear: _Ear | None = None

    async def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's; what has a time limit is left to that."""
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        try:
            asked = next(gen)
        except StopIteration as end:
            return end.value
        try:
            while True:
                ear = self._listening()
                ready = ear.ready_now() if asked & WAIT_W else await ear.hear()
                if not ready:
                    # the server takes no more for now
                    return await super().wait(_Begun(gen, asked), interval)
                asked = gen.send(ready)
        except StopIteration as end:
            return end.value
        except OSError as exc:
            raise psycopg.OperationalError("connection socket closed") from exc
        except asyncio.CancelledError as exc:
            # psycopg has the server break the statement off, and raises it again
            return await super().wait(_Begun(gen, asked, exc), interval)

    async def close(self) -> None:
        """As psycopg's."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None
        await super().close()

    def _listening(self) -> _Ear:
        loop = asyncio.get_running_loop()
        if self._ear is None or self._ear.loop is not loop or self._ear.is_closed:
            if self._ear is not None:
                self._ear.close()
            self._ear = _Ear(loop, self.pgconn.socket)
        return self._ear


class _Ear:
    """A socket that a loop watches until it is closed by either side."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: int) -> None:
        self.loop = loop
        self.is_closed = False
        self._heard: asyncio.Future[int] | None = None
        self._descriptor = os.dup(socket)
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN | select.POLLOUT)
        # the loop keeps no connection that everybody else has forgotten
        loop.add_reader(self._descriptor, _tell, weakref.ref(self))

    async def hear(self) -> int:
        """Returns what psycopg calls ready, once something came."""
        self._heard = self.loop.create_future()
        try:
            return await self._heard
        finally:
            self._heard = None

    def ready_now(self) -> int:
        """What the socket is ready for at this moment, in psycopg's flags."""
        ready = 0
        for _, event in self._poll.poll(0):
            # an error is read as well
            ready |= READY_R if event & ~select.POLLOUT else 0
            ready |= READY_W if event & select.POLLOUT else 0
        return ready

    def tell(self) -> None:
        """Something came; where nobody waits for it the server has gone, mostly."""
        if not self.ready_now() & READY_R:
            return  # it has been read since the loop saw it
        if self._heard is None:
            self.close()
        elif not self._heard.done():
            self._heard.set_result(READY_R)

    def close(self) -> None:
        """Watch it no longer; a second time does nothing."""
        if self.is_closed:
            return
        self.is_closed = True
        _give_back(self.loop, self._descriptor)

    def __del__(self) -> None:
        self.close()


def _tell(ear: weakref.ref[_Ear]) -> None:
    found = ear()
    if found is not None:
        found.tell()


def _give_back(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.remove_reader(descriptor)
    os.close(descriptor)


class _Begun(Generator[Any, Any, Any]):
    """
    A generator of psycopg's that has begun, to be gone on with.

    Args:
        asked: What it waits for.
        interruption: Raised first, as if whoever waited for it had been interrupted.
    """

    def __init__(
        self, generator: Any, asked: int, interruption: BaseException | None = None
    ) -> None:
        self._generator = generator
        self._asked = asked
        self._interruption = interruption

    def __next__(self) -> Any:
        interruption, self._interruption = self._interruption, None
        if interruption is not None:
            raise interruption
        return self._asked

    def send(self, ready: Any) -> Any:
        """As a generator's."""
        return self._generator.send(ready)

    def throw(self, *about: Any) -> Any:
        """As a generator's."""
        return self._generator.throw(*about)
