"""
How a file comes to the disk: chunk by chunk, and in its place whole or not at all.

Hashing, sealing and writing are done in threads, a step behind what arrives.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

from nobs_bot.storage.sealing import CHUNK_BYTES

_FLUSH_BYTES = 16 * CHUNK_BYTES


async def pass_through(
    content: bytes | AsyncIterable[bytes],
    pass_on: Callable[[bytes, bool], memoryview],
    writer: Any,
) -> int:
    """
    Write *content* as *pass_on* makes it of each chunk; returns the size of the content.

    Hashing and sealing a MiB take too long for the loop, so they are done in threads, one step
    behind what arrives and in its order.
    """

    async def keep(chunk: bytes, is_last: bool) -> None:
        if isinstance(writer, FolderWriter):
            await writer.write_made(lambda: pass_on(chunk, is_last))
        else:
            await writer.write(bytes(await asyncio.to_thread(pass_on, chunk, is_last)))

    size = 0
    async with _one_behind() as behind:
        async for chunk, is_last in _in_chunks(content):
            size += len(chunk)
            await behind(keep(chunk, is_last))
    return size


class FolderWriter:
    """A file that is in its place whole and on the disk after the block, or not at all."""

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path
        self._root = root
        self._draft = path.with_name(f"{path.name}#{secrets.token_hex(8)}")
        self._unflushed = 0
        self._flushing: asyncio.Future[None] | None = None

    async def __aenter__(self) -> FolderWriter:
        self._file = await asyncio.to_thread(self._open)
        return self

    def _open(self) -> BinaryIO:
        self._draft.parent.mkdir(parents=True, exist_ok=True)
        return self._draft.open("xb", buffering=0)

    async def write(self, block: bytes) -> None:
        await self.write_made(lambda: block)

    async def write_made(self, make: Callable[[], bytes | memoryview]) -> None:
        """Make a block and write it, both in one thread: going there twice costs as much again."""
        self._unflushed += await asyncio.to_thread(_write_whole, self._file, make)
        is_idle = self._flushing is None or self._flushing.done()
        if self._unflushed >= _FLUSH_BYTES and is_idle:
            # the disk works while more comes in, so that little is left to wait for in the end
            self._unflushed = 0
            self._flushing = asyncio.ensure_future(
                asyncio.to_thread(os.fdatasync, self._file.fileno())
            )

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self._flushing is not None:
                await self._flushing
            if kind is None:
                await asyncio.to_thread(self._put_in_place)
        finally:
            self._file.close()
            self._draft.unlink(missing_ok=True)

    def _put_in_place(self) -> None:
        os.fsync(self._file.fileno())
        self._draft.replace(self._path)
        flush(self._path, self._root)


def _write_whole(file: BinaryIO, make: Callable[[], bytes | memoryview]) -> int:
    block = make()
    left = memoryview(block)
    while left:
        left = left[file.write(left) :]
    return len(block)


@asynccontextmanager
async def _one_behind() -> AsyncIterator[Callable[[Coroutine[Any, Any, None]], Awaitable[None]]]:
    """Lets one step run while the next one is prepared; all are done when the block is left."""
    running: asyncio.Task[None] | None = None

    async def behind(step: Coroutine[Any, Any, None]) -> None:
        nonlocal running
        if running is not None:
            try:
                await running
            except BaseException:
                step.close()
                raise
        running = asyncio.create_task(step)

    try:
        yield behind
    finally:
        if running is not None:
            # also where we were cancelled: a thread may still be writing
            await asyncio.wait([running])
    if running is not None:
        running.result()


class _Reader:
    """Takes exact counts of bytes from a stream of blocks, copying each once."""

    def __init__(self, blocks: AsyncIterable[Any]) -> None:
        self._blocks = aiter(blocks)
        self._held: deque[memoryview] = deque()
        self._size = 0

    async def take(self, count: int) -> bytes:
        await self._fill(count)
        taken = []
        while count and self._held:
            block = self._held.popleft()
            if len(block) > count:
                self._held.appendleft(block[count:])
                block = block[:count]
            taken.append(block)
            count -= len(block)
            self._size -= len(block)
        return b"".join(taken)

    async def at_end(self) -> bool:
        await self._fill(1)
        return not self._size

    async def _fill(self, count: int) -> None:
        while self._size < count:
            try:
                block = memoryview(await anext(self._blocks))
            except StopAsyncIteration:
                return
            if block:
                self._held.append(block)
                self._size += len(block)


async def _in_chunks(content: bytes | AsyncIterable[bytes]) -> AsyncIterator[tuple[bytes, bool]]:
    """Chunks of CHUNK_BYTES with a mark on the last one, which alone may be shorter or empty."""
    reader = _Reader(_once(content) if isinstance(content, bytes) else content)
    is_last = False
    while not is_last:
        chunk = await reader.take(CHUNK_BYTES)
        is_last = await reader.at_end()
        yield chunk, is_last


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def flush(path: Path, root: Path) -> None:
    """Bring a file to the disk, and every folder between it and *root*, which may be new."""
    folders = [each for each in path.parents if each == root or root in each.parents]
    for each in (path, *folders):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
