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
from typing import Any, ClassVar

import psycopg
from psycopg import Column
from psycopg.waiting import READY_R, READY_RW, READY_W, WAIT_W

# of a connection's statements; there are some hundred
_MOST_KNOWN = 500
_LONGEST = 4096
# so many steps that need no waiting are taken before others have their turn
_A_TURN = 100


class Cursor(psycopg.AsyncCursor[Any]):
    """
    psycopg's, which describes the columns of a statement once a connection.

    So what a statement's columns are called is what they were at first, as long as they are as
    many: not for `SELECT *` from a table that is altered meanwhile.
    """

    @property
    def description(self) -> list[Column] | None:
        """As psycopg's."""
        result, query = self.pgresult, self._query
        if result is None or query is None or not result.nfields or len(query.query) > _LONGEST:
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
        """As psycopg's, to which everything is left that is not the usual."""
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        interruption: BaseException | None = None
        try:
            asked = next(gen)
            while ready := await self._ready(asked):
                asked = gen.send(ready)
        except StopIteration as end:
            return end.value
        except asyncio.CancelledError as exc:
            # psycopg has the server break the statement off, and raises it again
            interruption = exc
        return await super().wait(_Begun(gen, asked, interruption), interval)

    async def _ready(self, asked: int) -> int:
        """What of *asked* the socket is ready for, in psycopg's flags; 0: psycopg is to wait."""
        ear = self._listening()
        if ear is None:
            return 0
        return await ear.ready_soon(asked) if asked & WAIT_W else await ear.hear()

    async def close(self) -> None:
        """As psycopg's."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None
        await super().close()

    def _listening(self) -> _Ear | None:
        """None where there is no descriptor left, or somebody waits already."""
        loop = asyncio.get_running_loop()
        if self._ear is not None and (self._ear.loop is not loop or self._ear.is_closed):
            self._ear.close()
            self._ear = None
        if self._ear is None:
            with suppress(OSError):
                self._ear = _Ear(loop, self.pgconn.socket)
        return None if self._ear is None or self._ear.is_heard else self._ear


class _Ear:
    """A socket that a loop watches until it is closed by either side."""

    # those that are waited at: while they are, nothing else may hold the connection
    _waited_at: ClassVar[set[_Ear]] = set()

    is_closed = True

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: int) -> None:
        self.loop = loop
        self._process = os.getpid()
        self._heard: asyncio.Future[int] | None = None
        self._turns = 0
        self._poll = select.poll()
        self._descriptor = os.dup(socket)
        self.is_closed = False
        self._poll.register(self._descriptor, select.POLLIN | select.POLLOUT)
        # the loop keeps no connection that everybody else has forgotten
        loop.add_reader(self._descriptor, _tell, weakref.ref(self))

    @property
    def is_heard(self) -> bool:
        """Whether somebody waits at it."""
        return self._heard is not None

    async def hear(self) -> int:
        """Returns what psycopg calls ready, once something came."""
        self._heard = self.loop.create_future()
        self._waited_at.add(self)
        try:
            return await self._heard
        finally:
            self._heard = None
            self._waited_at.discard(self)

    async def ready_soon(self, asked: int) -> int:
        """What of *asked* the socket is ready for now, with others' turn in between at times."""
        self._turns += 1
        if self._turns % _A_TURN == 0:
            await asyncio.sleep(0)
        return self._ready_now() & asked

    def _ready_now(self) -> int:
        ready = 0
        for _, event in self._poll.poll(0):
            ready |= READY_R if event & select.POLLIN else 0
            ready |= READY_W if event & select.POLLOUT else 0
            # of what is broken, whoever reads or writes it hears
            ready |= READY_RW if event & ~(select.POLLIN | select.POLLOUT) else 0
        return ready

    def tell(self) -> None:
        """Something came; where nobody waits for it the server has gone, mostly."""
        if not self._ready_now() & READY_R:
            return  # it has been read since the loop saw it
        if self._heard is None:
            self.close()
        elif not self._heard.done():
            self._heard.set_result(READY_R)

    def close(self) -> None:
        """Watch it no longer; who waits at it hears that it is closed. Twice is as once."""
        if self.is_closed:
            return
        self.is_closed = True
        # a child's descriptors are its own, but the kernel's list of what is watched is shared
        if os.getpid() == self._process:
            with suppress(RuntimeError):  # the loop has ended
                self.loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        if self._heard is not None and not self._heard.done():
            self._heard.set_exception(psycopg.OperationalError("connection socket closed"))

    def __del__(self) -> None:
        self.close()


def _tell(ear: weakref.ref[_Ear]) -> None:
    found = ear()
    if found is not None:
        found.tell()


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
