"""A proxy of ours between the processes and what they speak to, which breaks their connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count

BLOCK = 64 * 1024
# what a load balancer says in front of a server that is away: no JSON
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 37\r\n"
    b"Connection: close\r\n\r\n<html><h1>502 Bad Gateway</h1></html>"
)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """
    Listens on loopback and passes everything on, unless told otherwise.

    Args:
        connect: Opens a connection to the real server.

    Attributes:
        delay_s: How much later each block arrives.
        lose_answers: So many blocks of the server's still cut their connection instead of arriving:
            what was asked was done, and nobody hears of it.
        says: What every new connection is answered in place of the server.
        is_down: New connections are reset.
    """

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._open: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0
        self.delay_s = 0.0
        self.lose_answers = 0
        self.says: bytes | None = None
        self.is_down = False

    def cut(self) -> None:
        """Reset every connection that is open."""
        for writer in list(self._open):
            writer.transport.abort()

    def stall(self) -> None:
        """Let nothing through, and keep the connections."""
        self._flows.clear()

    def heal(self) -> None:
        """Pass everything on again."""
        self.delay_s, self.lose_answers, self.says, self.is_down = 0.0, 0, None, False
        self._flows.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end closes it."""
        self._open.add(writer)
        try:
            if self.is_down:
                return
            await self._flows.wait()
            if self.says is not None:
                await self._say(reader, writer)
                return
            with contextlib.suppress(OSError):
                await self._pass_on(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read(BLOCK)
            writer.write(self.says or b"")
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await self._connect()
        self._open.add(back)
        ways = [
            asyncio.create_task(self._pump(reader, back, are_answers=False)),
            asyncio.create_task(self._pump(there, writer, are_answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open.discard(back)
            back.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, are_answers: bool
    ) -> None:
        while block := await source.read(BLOCK):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self._flows.wait()
            if are_answers and self.lose_answers > 0:
                self.lose_answers -= 1
                return
            sink.write(block)
            await sink.drain()


@asynccontextmanager
async def proxy_to(*, port: int = 0, path: str = "", listen: int = 0) -> AsyncIterator[Proxy]:
    """A proxy to a port of this machine, or to a socket at *path*; it listens while it lasts."""

    async def connect() -> Streams:
        if path:
            return await asyncio.open_unix_connection(path)
        return await asyncio.open_connection("127.0.0.1", port)

    async with _listening(Proxy(connect), listen) as proxy:
        yield proxy


@asynccontextmanager
async def balancer(ports: Sequence[int]) -> AsyncIterator[Proxy]:
    """A proxy whose connections go to several servers in turns; one that is away is passed by."""
    turns = count()

    async def connect() -> Streams:
        first = next(turns)
        for turn in range(len(ports) - 1):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(
                    "127.0.0.1", ports[(first + turn) % len(ports)]
                )
        return await asyncio.open_connection("127.0.0.1", ports[(first - 1) % len(ports)])

    async with _listening(Proxy(connect)) as proxy:
        yield proxy


@asynccontextmanager
async def _listening(proxy: Proxy, port: int = 0) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
