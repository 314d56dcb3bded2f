"""The copy for viewing: a derivative that says so in every picture, made when an officer asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from nobs_bot.footage.look import Looker, lending
from nobs_bot.footage.request import Clip, ClipKind
from nobs_bot.storage.files import FileStore, Stored

LONGEST_S = 600.0
MOST_BYTES = 45 * 1024 * 1024
# the child ends by itself a little before it is ended
_WORK_S, _DEADLINE_S = 240.0, 280.0
_MOST_LENT_BYTES = 24 * 1024**3


class CannotCopy(Exception):  # noqa: N818 - a result
    """No copy can be made of this file: it does not play here."""


@dataclass(frozen=True)
class Copy:
    """A copy that is in the store; `is_cut` where it is only the beginning."""

    stored: Stored
    is_cut: bool


def can_be_copied(clip: Clip) -> bool:
    """Whether a look found that the clip plays."""
    plays = bool(clip.looked and clip.looked.get("plays"))
    return clip.kind in (ClipKind.VIDEO, ClipKind.PROPRIETARY) and plays


async def make_copy(
    looker: Looker, files: FileStore, original: str, name: str, request_name: str
) -> Copy:
    """
    Make a copy of the file *original* and store it as *name*.

    Raises:
        CannotCopy: nothing could be copied in time.
        KeyProblem: the original was changed in the store.
        ForkserverBroken: no child can be had on this machine.
    """
    file = await files.open(original)
    pieces: list[bytes] = []
    frames = 0
    is_cut = False
    arguments = {
        "size_bytes": file.size,
        "label": f"SALINAN / COPY  {request_name}",
        "longest_s": LONGEST_S,
        "work_s": _WORK_S,
    }
    task = "nobs_bot.footage.copying:make_copy"
    async with looker.child(task, _DEADLINE_S, **arguments) as child:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                async for message, piece in lending(child, file, _MOST_LENT_BYTES):
                    if "done" in message:
                        frames = int(message["done"]["frames"])
                        is_cut = bool(message["done"].get("is_cut"))
                        break
                    pieces.append(piece)
                    if sum(map(len, pieces)) > MOST_BYTES:
                        raise CannotCopy("the copy is larger than it may be")
        except (TimeoutError, KeyError, ValueError, TypeError) as exc:
            raise CannotCopy("the child did not end well") from exc
    if not frames or not pieces:
        raise CannotCopy("nothing to be seen in it")
    return Copy(await files.put(name, _passing(pieces)), is_cut)


async def _passing(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
