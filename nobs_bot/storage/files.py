"""
Files, sealed at rest (see `sealing`), in a folder or an S3-compatible store.

Most are written once under a name that their row chose. Evidence is named by its content: the
same bytes are one file, and a file that is there is never written over.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, from_url

from nobs_bot.storage.crypto import KeyProblem, Vault
from nobs_bot.storage.digests import Digests
from nobs_bot.storage.sealing import CHUNK_BYTES, HEAD_BYTES, Opener, Sealer
from nobs_bot.storage.writing import FolderWriter, flush, pass_through

__all__ = ["CHUNK_BYTES", "FileStore", "NoRoom", "Stored", "StoredFile", "Taken"]

_MOST_COPIES = 8
# what S3 copies in one call
_MOST_COPY_BYTES = 5 * 1024**3
# S3 takes no smaller pieces than 5 MiB, and no more than 10,000 of one file
_BUFFER_BYTES = 6 * CHUNK_BYTES
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoRoom(Exception):  # noqa: N818 - a state of the disk, not a mistake
    """The store is full; nothing of what was being written is kept."""


@dataclass(frozen=True)
class Stored:
    """What was stored: size in bytes and SHA-256 of the clear content."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Taken:
    """
    Content that is there as a draft, to be put in its place by `FileStore.settle`.

    Args:
        draft: The name under which it waits.
        name: The name that follows from the content.
        blocks: See `Digests.blocks`.
    """

    draft: str
    name: str
    size: int
    sha256: str
    crc32: int
    blocks: bytes


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
        elif parts.scheme.startswith("s3"):
            self._store = from_url(url, config={"copy_if_not_exists": "multipart"})
        else:
            self._store = from_url(url)

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> Stored:
        """
        Store *content*; it is there whole, and on the disk, when this returns.

        Raises:
            NoRoom: the disk is full.
        """
        with _room_for(name):
            return await self._put(name, content)

    async def _put(self, name: str, content: bytes | AsyncIterable[bytes]) -> Stored:
        digest = sha256()
        sealer = Sealer(self._vault, name)

        def pass_on(chunk: bytes, is_last: bool) -> memoryview:
            digest.update(chunk)
            return sealer.seal(chunk, is_last=is_last)

        async with self._writer(name) as writer:
            await writer.write(sealer.header)
            size = await pass_through(content, pass_on, writer)
        return Stored(name, size, digest.hexdigest())

    async def take(self, draft: str, content: bytes | AsyncIterable[bytes]) -> Taken:
        """
        Write *content* as a draft, whole and on the disk, and learn its name from it.

        The name is a keyed digest of the SHA-256, so that a thief of the store cannot look
        whether some known content is there.

        Raises:
            NoRoom: the disk is full.
        """
        digests = Digests()
        sealer = Sealer(self._vault)

        def pass_on(chunk: bytes, is_last: bool) -> memoryview:
            digests.add(chunk)
            return sealer.seal(chunk, is_last=is_last)

        with _room_for(draft):
            async with self._writer(draft) as writer:
                await writer.write(sealer.header)
                await pass_through(content, pass_on, writer)
                name = self.name_of(digests.sha256)
                await writer.write(sealer.bind(name))
        return Taken(draft, name, digests.size, digests.sha256, digests.crc32, digests.blocks)

    def _writer(self, name: str) -> Any:
        if self._folder is not None:
            return FolderWriter(self._folder / name, self._folder)
        # its own defaults hold up to 130 MB of one file
        return obstore.open_writer_async(
            self._store, name, buffer_size=_BUFFER_BYTES, max_concurrency=2
        )

    def name_of(self, content_sha256: str) -> str:
        """The name of the content that has this SHA-256."""
        digest = self._vault.blind_index("files.content", content_sha256).hex()
        return f"evidence/{digest[:2]}/{digest}"

    async def place_for(self, taken: Taken) -> str:
        """
        Where a draft belongs: under its name, unless what is there already is damaged.

        What is damaged stays as it is, for somebody to look at; the good bytes go beside it.

        Raises:
            KeyProblem: all the copies that may be are there, and damaged.
        """
        for number in range(_MOST_COPIES):
            name = f"{taken.name}-{number}" if number else taken.name
            try:
                if await self.sha256_of(name) == taken.sha256:
                    return name
            except FileNotFoundError:
                return name
            except KeyProblem:
                continue
        raise KeyProblem(f"Every copy of {taken.name} is damaged.")

    async def settle(self, taken: Taken, place: str) -> None:
        """
        Put a draft into its place, unless the same content is there; the draft is gone then.

        In a folder this is one link, which never replaces a file and is on the disk when this
        returns. S3 has a copy that fails where the target exists, for up to 5 GiB. For more it
        has none, so we look first and then write: two who do that at the same moment both write,
        but both the same content, since the place follows from the content. What S3 cannot
        promise is that nobody else with the bucket's key writes over it; versioning or object lock
        on the bucket does.
        """
        if self._folder is not None:
            await asyncio.to_thread(_link, self._folder / taken.draft, self._folder / place)
        else:
            await self._copy(taken.draft, place)
        await self._make_durable(place)
        await self.delete(taken.draft)

    async def _copy(self, source: str, target: str) -> None:
        size = (await obstore.head_async(self._store, source))["size"]
        if size <= _MOST_COPY_BYTES:
            try:
                await obstore.copy_async(self._store, source, target, overwrite=False)
            except AlreadyExistsError:
                return
        elif not await self.exists(target):
            sealed = await obstore.get_async(self._store, source)
            async with obstore.open_writer_async(self._store, target) as writer:
                async for block in sealed.stream(min_chunk_size=CHUNK_BYTES):
                    await writer.write(block)

    async def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        try:
            await obstore.head_async(self._store, name)
        except FileNotFoundError:
            return False
        return True

    async def open(self, name: str) -> StoredFile:
        """
        A file for reading from anywhere in it.

        Raises:
            FileNotFoundError: there is no such file.
            KeyProblem: it is not one of ours, is under another's name, or its key is not there.
        """
        sealed_bytes = (await obstore.head_async(self._store, name))["size"]
        head = await self._range(name, 0, min(HEAD_BYTES, sealed_bytes)) if sealed_bytes else b""
        opener = Opener(self._vault, name, head, sealed_bytes)
        if opener.is_bound:
            trailer = await self._range(name, opener.end, sealed_bytes)
            opener.check_binding(trailer, name.partition("-")[0])
        return StoredFile(self._store, opener)

    async def _range(self, name: str, start: int, end: int) -> bytes:
        return bytes(await obstore.get_range_async(self._store, name, start=start, end=end))

    async def read(self, name: str, offset: int, length: int) -> bytes:
        """At most *length* bytes of the clear content from *offset* on; raises like `open`."""
        return await (await self.open(name)).read(offset, length)

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        """
        The clear content, chunk by chunk.

        Raises:
            FileNotFoundError: there is no such file.
            KeyProblem: it was changed, cut off, or sealed with a key that is not there.
        """
        async for chunk in (await self.open(name)).stream():
            yield chunk

    async def get(self, name: str) -> bytes:
        """The clear content of a small file, whole; raises like `stream`."""
        return b"".join([chunk async for chunk in self.stream(name)])

    async def sha256_of(self, name: str) -> str:
        """SHA-256 of the clear content, read anew; raises like `stream`."""
        digest = sha256()
        async for chunk in self.stream(name):
            await asyncio.to_thread(digest.update, chunk)
        return digest.hexdigest()

    async def delete(self, name: str) -> None:
        """
        Remove a file, and what a killed writer left of it, or a folder with all in it where *name*
        ends in a slash; what is not there is no error.
        """
        if name.endswith("/"):
            await self._delete_folder(name)
            return
        if self._folder is not None:
            await asyncio.to_thread(_remove_unfinished, self._folder / name)
        try:
            await obstore.delete_async(self._store, name)
        except FileNotFoundError:
            return

    async def _make_durable(self, name: str) -> None:
        if self._folder is not None:
            await asyncio.to_thread(flush, self._folder / name, self._folder)

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


class StoredFile:
    """One file, opened; `size` is that of the clear content in bytes."""

    def __init__(self, store: Any, opener: Opener) -> None:
        self._store = store
        self._opener = opener
        self.size = opener.size

    async def read(self, offset: int, length: int) -> bytes:
        """
        At most *length* bytes from *offset* on; none beyond the end.

        Raises:
            KeyProblem: a chunk that this takes was changed.
            FileNotFoundError: the file was removed since.
        """
        end = min(offset + length, self.size)
        if offset < 0 or end <= offset:
            return b""
        first, last = offset // CHUNK_BYTES, (end - 1) // CHUNK_BYTES
        clear = b"".join(
            [await asyncio.to_thread(self._chunk, number) for number in range(first, last + 1)]
        )
        return clear[offset - first * CHUNK_BYTES : end - first * CHUNK_BYTES]

    async def stream(self) -> AsyncIterator[bytes]:
        """The whole, chunk by chunk; raises like `read`."""
        for number in range(self._opener.count):
            yield await asyncio.to_thread(self._chunk, number)

    def chunks(self) -> Iterator[bytes]:
        """As `stream`, for those who are in a thread of their own."""
        for number in range(self._opener.count):
            yield self._chunk(number)

    def _chunk(self, number: int) -> bytes:
        # one request a chunk: eight times as fast as the store's own stream, whose blocks would
        # have to be cut and joined to chunks
        start, end = self._opener.span(number)
        sealed = obstore.get_range(self._store, self._opener.name, start=start, end=end)
        return self._opener.open(number, memoryview(sealed))


@contextmanager
def _room_for(name: str) -> Iterator[None]:
    """A disk that is full is a state of its own."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise NoRoom(name) from exc
        raise


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        return


def _remove_unfinished(path: Path) -> None:
    # the store writes into NAME#1 and renames it at the end
    for unfinished in path.parent.glob(f"{path.name}#*"):
        unfinished.unlink(missing_ok=True)
