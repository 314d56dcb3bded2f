"""
Where no check may ever connect: an address outside of the allowed networks, and a lure to it.

The canary notes who comes. The lure is a camera at an allowed address, which answers whoever looks
at it by naming the canary as the place to go on to, in RTSP's words and in HTTP's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.9.9.9"
PASSWORD = "umpan-nomor-tujuh"
REQUEST_WITHIN_S = 5


@dataclass
class Canary:
    """
    Attributes:
        touched: Whoever connected to the canary, with their first bytes.
        lured: How often the lure was looked at.
        port, lure_port: Where the two listen.
    """

    touched: list[str] = field(default_factory=list)
    lured: int = 0
    port: int = 0
    lure_port: int = 0

    def lures(self) -> list[str]:
        """Stream addresses that lead to the canary: two by way of the lure, one straight."""
        user = f"sari:{PASSWORD}"
        return [
            f"rtsp://{user}@127.0.0.1:{self.lure_port}/1",
            f"http://{user}@127.0.0.1:{self.lure_port}/1.m3u8",
            f"rtsp://{user}@{HOST}:{self.port}/1",
        ]

    async def touch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody has come."""
        said = b""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                said = await reader.read(200)
        self.touched.append(said.decode(errors="replace"))
        writer.transport.abort()

    async def lure(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send whoever looks on to the canary."""
        self.lured += 1
        with suppress(OSError, TimeoutError, asyncio.LimitOverrunError, ValueError):
            async with asyncio.timeout(REQUEST_WITHIN_S):
                while line := await reader.readline():
                    await self._answer(line, reader, writer)
        writer.transport.abort()

    async def _answer(
        self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number = b"1"
        while (header := await reader.readline()) not in (b"\r\n", b"\n", b""):
            if header.lower().startswith(b"cseq:"):
                number = header[5:].strip()
        is_rtsp = b"RTSP/" in line
        version, scheme = (b"RTSP/1.0", "rtsp") if is_rtsp else (b"HTTP/1.1", "http")
        place = f"{scheme}://{HOST}:{self.port}/1".encode()
        writer.write(
            version
            + b" 302 Found\r\nCSeq: "
            + number
            + b"\r\nLocation: "
            + place
            + b"\r\nContent-Length: 0\r\n\r\n"
        )
        await writer.drain()


@asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    """Both listen for as long as the block."""
    made = Canary()
    far = await asyncio.start_server(made.touch, HOST, 0)
    near = await asyncio.start_server(made.lure, "127.0.0.1", 0)
    made.port = far.sockets[0].getsockname()[1]
    made.lure_port = near.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        far.close()
        near.close()
