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
import re
import shutil
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
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
            if _errno_of(exc) in _FULL:
                raise NoRoom(name) from exc
            raise

    async def _put(self, name: str, content: bytes | AsyncIterable[bytes]) -> Stored:
        digest, size = sha256(), 0
        key_id, cipher = self._vault.file_cipher()
        prefix = os.urandom(_PREFIX_BYTES)
        async with obstore.open_writer_async(self._store, name) as writer:
            await writer.write(_MAGIC + bytes((key_id,)) + prefix)
            number = 0
            async for chunk, is_last in _in_chunks(content):
                digest.update(chunk)
                size += len(chunk)
                nonce = prefix + number.to_bytes(4, "big") + bytes((is_last,))
                await writer.write(cipher.encrypt(nonce, chunk, name.encode()))
                number += 1
        if self._folder is not None:
            await asyncio.to_thread(_flush, self._folder / name)
        return Stored(name, size, digest.hexdigest())

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


def _errno_of(error: OSError) -> int | None:
    """The system's error number; the store's own errors have it only in their words."""
    if error.errno is not None:
        return error.errno
    told = re.search(r"os error (\d+)", str(error))
    return int(told.group(1)) if told else None


class _Reader:
    """Takes exact counts of bytes from a stream of blocks."""

    def __init__(self, blocks: AsyncIterable[Any]) -> None:
        self._blocks = aiter(blocks)
        self._held = bytearray()

    async def take(self, count: int) -> bytes:
        await self._fill(count)
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    async def at_end(self) -> bool:
        await self._fill(1)
        return not self._held

    async def _fill(self, count: int) -> None:
        while len(self._held) < count:
            try:
                self._held += bytes(await anext(self._blocks))
            except StopAsyncIteration:
                return


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


def _flush(path: Path) -> None:
    for each in (path, path.parent):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
