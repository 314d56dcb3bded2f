"""
Files, sealed at rest, in a folder or an S3-compatible store.

A stored file is a header (magic, key id, nonce prefix) and chunks of 1 MiB, each AES-256-GCM under
nonce = prefix, counter, last-chunk mark, with the file's name as associated data: a chunk that was
changed, moved, dropped or cut off does not open.
Source: the STREAM construction, Hoang, Reyhanitabar, Rogaway and Vizár 2015.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import shutil
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import obstore
from cryptography.exceptions import InvalidTag
from obstore.store import LocalStore, from_url

from nobs_bot.storage.crypto import KeyProblem, Vault

CHUNK_BYTES = 1 << 20
_TAG_BYTES = 16
_MAGIC = b"NBF1"
_PREFIX_BYTES = 7
_HEADER_BYTES = len(_MAGIC) + 1 + _PREFIX_BYTES
# S3 takes no smaller pieces than 5 MiB, and no more than 10,000 of one file
_BUFFER_BYTES = 6 * CHUNK_BYTES
_FLUSH_BYTES = 16 * CHUNK_BYTES
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoRoom(Exception):  # noqa: N818 - a state of the disk, not a mistake
    """The store is full; nothing of what was being written is kept."""


@dataclass(frozen=True)
class Stored:
    """What was stored: size in bytes and SHA-256 of the clear content."""

    name: str
    size: int
    sha256: str


class FileStore:
    """
    Sealed files by name.

    Args:
        url: file:///folder or s3://bucket/prefix.
        vault: Seals and opens them.
    """

    def __init__(self, url: str, vault: Vault) -> None:
        self._vault = vault
        self._folder: Path | None = None
        self._store: Any
        parts = urlsplit(url)
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path))
            self._folder.mkdir(parents=True, exist_ok=True)
            self._store = LocalStore(prefix=self._folder)
        else:
            self._store = from_url(url)

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> Stored:
        """
        Store *content*; it is there whole, and on the disk, when this returns.

        Raises:
            NoRoom: the disk is full.
        """
        try:
            return await self._put(name, content)
        except OSError as exc:
            if exc.errno in _FULL:
                raise NoRoom(name) from exc
            raise

    async def _put(self, name: str, content: bytes | AsyncIterable[bytes]) -> Stored:
        digest, size = sha256(), 0
        key_id, cipher = self._vault.file_cipher()
        prefix = os.urandom(_PREFIX_BYTES)

        # one for all chunks, of which the next is sealed only when this one is written
        sealed = bytearray(CHUNK_BYTES + _TAG_BYTES)

        def seal(chunk: bytes, number: int, is_last: bool) -> memoryview:
            digest.update(chunk)
            nonce = prefix + number.to_bytes(4, "big") + bytes((is_last,))
            room = memoryview(sealed)[: len(chunk) + _TAG_BYTES]
            cipher.encrypt_into(nonce, chunk, name.encode(), room)
            return room

        async def keep(chunk: bytes, number: int, is_last: bool) -> None:
            if isinstance(writer, _FolderWriter):
                await writer.write_made(lambda: seal(chunk, number, is_last))
            else:
                await writer.write(bytes(await asyncio.to_thread(seal, chunk, number, is_last)))

        async with self._writer(name) as writer:
            await writer.write(_MAGIC + bytes((key_id,)) + prefix)
            async with _one_behind() as behind:
                number = 0
                async for chunk, is_last in _in_chunks(content):
                    size += len(chunk)
                    await behind(keep(chunk, number, is_last))
                    number += 1
        return Stored(name, size, digest.hexdigest())

    def _writer(self, name: str) -> Any:
        if self._folder is not None:
            return _FolderWriter(self._folder / name)
        # its own defaults hold up to 130 MB of one file
        return obstore.open_writer_async(
            self._store, name, buffer_size=_BUFFER_BYTES, max_concurrency=2
        )

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        """
        The clear content, chunk by chunk.

        Raises:
            FileNotFoundError: there is no such file.
            KeyProblem: it was changed, cut off, or sealed with a key that is not there.
        """
        source = await obstore.get_async(self._store, name)
        sealed = _Reader(source.stream(min_chunk_size=CHUNK_BYTES))
        header = await sealed.take(_HEADER_BYTES)
        if header[: len(_MAGIC)] != _MAGIC:
            raise KeyProblem(f"The file {name} is not one of ours.")
        _, cipher = self._vault.file_cipher(header[len(_MAGIC)])
        prefix, number, is_last = header[len(_MAGIC) + 1 :], 0, False
        while not is_last:
            block = await sealed.take(CHUNK_BYTES + _TAG_BYTES)
            is_last = await sealed.at_end()
            nonce = prefix + number.to_bytes(4, "big") + bytes((is_last,))
            try:
                yield cipher.decrypt(nonce, block, name.encode())
            except (InvalidTag, ValueError) as exc:
                raise KeyProblem(f"The file {name} was changed or cut off.") from exc
            number += 1

    async def get(self, name: str) -> bytes:
        """The clear content of a small file, whole; raises like `stream`."""
        return b"".join([chunk async for chunk in self.stream(name)])

    async def delete(self, name: str) -> None:
        """
        Remove a file, or a folder with all in it where *name* ends in a slash; what is not there
        is no error.
        """
        if name.endswith("/"):
            await self._delete_folder(name)
            return
        try:
            await obstore.delete_async(self._store, name)
        except FileNotFoundError:
            return

    async def _delete_folder(self, name: str) -> None:
        if self._folder is not None:
            # also what a killed process had begun to write, which the store does not list
            await asyncio.to_thread(shutil.rmtree, self._folder / name, ignore_errors=True)
            return
        async for listed in obstore.list(self._store, prefix=name):
            await obstore.delete_async(self._store, [each["path"] for each in listed])

    async def free_bytes(self) -> int | None:
        """How much room is left on the disk; None where the store has no end that we know."""
        if self._folder is None:
            return None
        return (await asyncio.to_thread(shutil.disk_usage, self._folder)).free


class _FolderWriter:
    """A file that is in its place whole and on the disk after the block, or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f"{path.name}#{secrets.token_hex(8)}")
        self._unflushed = 0
        self._flushing: asyncio.Future[None] | None = None

    async def __aenter__(self) -> _FolderWriter:
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
        handle = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
