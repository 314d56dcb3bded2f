"""Looking at what an owner sent: what it is by its content, and whether it plays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from nobs_bot.footage.formats import HEAD_BYTES, REFUSED, Family, Format, recognise
from nobs_bot.footage.request import ClipKind
from nobs_bot.storage.files import CHUNK_BYTES, FileStore, StoredFile
from nobs_bot.streams.children import Child, Children, ForkserverBroken

log = logging.getLogger(__name__)

LOOK_DEADLINE_S = 20.0
# an index at the end of hours of footage is some tens of megabytes
_MOST_LENT_BYTES = 256 * 1024 * 1024
_NUMBERS = ("width", "height", "duration_ms", "frames_per_1000_s")
_WORDS = ("container", "codec")
_MOST_NUMBER = 10**12


@dataclass(frozen=True)
class Looked:
    """
    What a look into a file found.

    Args:
        details: `container`, `codec`, `width`, `height` (pixels), `duration_ms`,
            `frames_per_1000_s`, `has_sound`, `plays`; those that could be told.
    """

    kind: ClipKind
    media_type: str
    details: dict[str, Any] = field(default_factory=dict)


class Unwelcome(Exception):  # noqa: N818 - says what the file is
    """An archive, a program, a document, or nothing at all; none of it is kept."""

    def __init__(self, found: Format) -> None:
        super().__init__(found.media_type)
        self.found = found


async def welcome(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """
    Pass *blocks* on, once their beginning has shown that they may be taken over.

    Raises:
        Unwelcome: before the first block is passed on.
    """
    head = bytearray()
    is_known = False
    async for block in blocks:
        if is_known:
            yield block
            continue
        head += block
        if len(head) >= HEAD_BYTES:
            _refuse(bytes(head))
            is_known = True
            yield bytes(head)
    if not is_known:
        _refuse(bytes(head))
        yield bytes(head)


def _refuse(head: bytes) -> None:
    found = recognise(head)
    if found.family in REFUSED:
        raise Unwelcome(found)


class Looker:
    """
    Looks at stored clips in children that can be killed.

    Args:
        children: Forks them.
        files: Holds the clips; a child is lent their bytes block by block.
    """

    def __init__(
        self, children: Children, files: FileStore, *, deadline_s: float = LOOK_DEADLINE_S
    ) -> None:
        self._children = children
        self.files = files
        self._deadline_s = deadline_s

    async def look(self, name: str) -> Looked:
        """
        What the stored file is. Whatever it is made of, this ends within the deadline.

        Raises:
            KeyProblem: the store's file was changed.
        """
        file = await self.files.open(name)
        found = recognise(await file.read(0, HEAD_BYTES))
        if found.family is Family.PICTURE:
            return Looked(ClipKind.PICTURE, found.media_type)
        try:
            details = await self._play(file)
        except ForkserverBroken:
            # the operator's trouble, not the owner's: what was sent is kept all the same
            log.exception("no child to look at a clip")
            details = {"plays": False, "not_looked_at": True}
        return Looked(_kind(found, plays=details["plays"]), found.media_type, details)

    async def _play(self, file: StoredFile) -> dict[str, Any]:
        task = "nobs_bot.footage.playing:look"
        async with self.child(task, self._deadline_s, size_bytes=file.size) as child:
            try:
                async with asyncio.timeout(self._deadline_s):
                    async for message, _ in lending(child, file, _MOST_LENT_BYTES):
                        if "done" in message:
                            return _believable(message["done"])
            except (TimeoutError, ValueError, TypeError):
                pass
        # out of time or memory, or broken by the file, or it wanted too much of it
        return {"plays": False}

    @asynccontextmanager
    async def child(
        self, task: str, deadline_s: float, **arguments: object
    ) -> AsyncIterator[Child]:
        """A child at its task; gone at the end."""
        child = await self._children.fork()
        try:
            order = {"task": task, "arguments": arguments, "deadline_s": deadline_s}
            await child.give(order)
            yield child
        finally:
            await child.end()


async def lending(
    child: Child, file: StoredFile, most_bytes: int
) -> AsyncIterator[tuple[dict[str, Any], bytes]]:
    """
    What the child says, while it is lent the blocks that it asks for.

    Ends with the child, or where it has been lent *most_bytes*.
    """
    lent = 0
    async for message, blob in child.messages():
        if "read" not in message:
            yield message, blob
            continue
        block = await file.read(int(message["read"]) * CHUNK_BYTES, CHUNK_BYTES)
        lent += len(block)
        if lent > most_bytes:
            return
        try:
            await child.give({"block": message["read"]}, block)
        except OSError:
            return  # it died meanwhile


def _kind(found: Format, *, plays: bool) -> ClipKind:
    if found.family is Family.RECORDER:
        return ClipKind.PROPRIETARY
    return ClipKind.VIDEO if plays else ClipKind.UNKNOWN


def _believable(said: dict[str, Any]) -> dict[str, Any]:
    """What a child said, reduced to what it may say: a broken one could say anything."""
    kept: dict[str, Any] = {"plays": said.get("plays") is True}
    for name in _NUMBERS:
        value = said.get(name)
        if isinstance(value, int) and 0 < value < _MOST_NUMBER:
            kept[name] = value
    for name in _WORDS:
        value = said.get(name)
        if isinstance(value, str) and value.isascii() and value.isprintable():
            kept[name] = value[:64]
    if isinstance(said.get("has_sound"), bool):
        kept["has_sound"] = said["has_sound"]
    return kept
