"""
One request's evidence as one zip: the originals, what is said about them, and the signature.

Nothing is packed: sizes and CRC-32 of every file are known beforehand, so that each stands in its
own header and the zip is written from the store to the reader without ever being whole in memory.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import PurePath
from typing import Any
from zlib import crc32

from nobs_bot.errors import Refusal
from nobs_bot.footage.clips import role_in
from nobs_bot.footage.form import (
    FIELDS,
    FIELDS_SIGNATURE,
    KEY,
    MANIFEST,
    MODE,
    READ_ME,
    REPORT,
    SIGNATURE,
    blocks_name,
    canonical,
    field_digests,
    fingerprint_of,
    pem_of,
)
from nobs_bot.footage.manifest import facts_of, signing_key
from nobs_bot.footage.request import Clip, ClipState, asks_of, clips_of, request_for
from nobs_bot.people.persons import Person
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.crypto import Vault
from nobs_bot.storage.digests import BLOCK_BYTES
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words

# headers and trailers of one member, generously
_MEMBER_BYTES = 512
_ZIP_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Original:
    """A stored clip on its way out: its name in the zip and in the store, and its digests."""

    name: str
    stored_as: str
    size: int
    sha256: str
    crc32: int
    blocks: bytes


@dataclass(frozen=True)
class Gathered:
    """What is to be packed: the facts, and the files that go with them."""

    request_id: int
    request_name: str
    made_at: datetime
    facts: dict[str, Any]
    originals: tuple[Original, ...]


@dataclass(frozen=True)
class Package:
    """
    Everything of the zip but the originals' bytes.

    Args:
        small: The members made here, in order, by name.
        size_bytes: At most so large is the zip.
    """

    file_name: str
    made_at: datetime
    small: dict[str, bytes]
    originals: tuple[Original, ...]
    size_bytes: int


async def gather(work: Work, request_id: int, officer: Person, how: str) -> Gathered:
    """
    The facts for an export, which is recorded for every owner concerned.

    Args:
        how: By which way it goes out: `chat` or `link`.

    Raises:
        Refusal: not this officer's request, an emergency that was none, nothing to export, or a
            clip was not yet read anew since it was taken over by an older version.
    """
    request = await request_for(work, request_id, officer)
    if request.was_justified is False:
        raise Refusal("clip.unjustified", request=request.name)
    clips = list(await clips_of(work, request.id))
    if not any(clip.state is ClipState.STORED for clip in clips):
        raise Refusal("evidence.nothing", request=request.name)
    for owner_id, camera_id in {
        (ask.owner_id, ask.camera_id) for ask in await asks_of(work, request.id)
    }:
        record(
            work,
            Act.EVIDENCE_EXPORTED,
            actor_id=officer.id,
            actor_role=role_in(request, officer),
            owner_id=owner_id,
            camera_id=camera_id,
            request_id=request.id,
            request=request.name,
            how=how,
        )
    # the manifest tells of this export too
    await work.session.flush()
    facts = await facts_of(work, request)
    originals = _originals(work, request.name, clips, facts)
    return Gathered(request.id, request.name, work.now, facts, originals)


def _originals(
    work: Work, request_name: str, clips: list[Clip], facts: dict[str, Any]
) -> tuple[Original, ...]:
    originals = []
    for clip, about in zip(clips, facts["clips"], strict=True):
        # a damaged one does not open; the manifest says since when
        if clip.state is not ClipState.STORED or clip.damaged_at is not None:
            continue
        if clip.file_name is None or clip.blocks is None or clip.crc32 is None:
            clip.due_at = work.now
            raise Refusal("evidence.not_read_yet", request=request_name)
        about["file"] = f"files/{about['number']:02}-{about['camera']}-{_safe(about['name_given'])}"
        originals.append(
            Original(
                about["file"],
                clip.file_name,
                clip.size_bytes or 0,
                clip.sha256 or "",
                clip.crc32,
                clip.blocks,
            )
        )
    return tuple(originals)


def _safe(name: str) -> str:
    """A file name that is one on every system; what was given stands in the manifest."""
    clean = re.sub(r"[^A-Za-z0-9._-]+", "_", PurePath(name).name).lstrip("._-")
    return clean[-80:] or "rekaman"


def expected_bytes(clips: list[Clip]) -> int:
    """About how large an export of these clips is."""
    return sum((clip.size_bytes or 0) + len(clip.blocks or b"") for clip in clips) + 256 * 1024


def pack(gathered: Gathered, vault: Vault, words: Words) -> Package:
    """Write report and manifest, and sign; takes processor time, so not in the event loop."""
    from nobs_bot.footage.report import read_me, report  # fpdf alone weighs 20 MB

    key = signing_key(vault)
    fingerprint = fingerprint_of(key.public_key())
    manifest = dict(gathered.facts, signed_with=fingerprint)
    beside = {
        READ_ME: read_me(words, manifest),
        REPORT: report(words, manifest, gathered.made_at),
        **{blocks_name(each.name): each.blocks for each in gathered.originals},
    }
    manifest["block_bytes"] = BLOCK_BYTES
    manifest["contents"] = [
        {"name": name, "size_bytes": len(content), "sha256": sha256(content).hexdigest()}
        for name, content in beside.items()
    ] + [
        {"name": each.name, "size_bytes": each.size, "sha256": each.sha256}
        for each in gathered.originals
    ]
    signed, fields = canonical(manifest), field_digests(manifest)
    small = {
        MANIFEST: signed,
        SIGNATURE: key.sign(signed),
        FIELDS: fields,
        FIELDS_SIGNATURE: key.sign(fields),
        KEY: pem_of(key.public_key()),
        **beside,
    }
    size = sum(len(content) + _MEMBER_BYTES for content in small.values())
    size += sum(each.size + _MEMBER_BYTES for each in gathered.originals)
    name = f"{gathered.request_name}-{gathered.made_at:%Y%m%d-%H%M%S}.zip"
    return Package(name, gathered.made_at, small, gathered.originals, size)


async def stream(package: Package, files: FileStore) -> AsyncIterator[bytes]:
    """
    The zip, piece by piece.

    Raises:
        KeyProblem: an original was changed in the store; the zip then stays without its end.
        FileNotFoundError: it was erased meanwhile.
        stream_zip.ZipIntegrityError: its bytes are not those of its digests.
    """
    # brings a library of ciphers along, which nobody needs until somebody exports
    from stream_zip import NO_COMPRESSION_64, MemberFile, stream_zip

    opened = [(each, await files.open(each.stored_as)) for each in package.originals]

    def members() -> Iterator[MemberFile]:
        for name, content in package.small.items():
            method = NO_COMPRESSION_64(len(content), crc32(content))
            yield name, package.made_at, MODE, method, (content,)
        for each, file in opened:
            method = NO_COMPRESSION_64(each.size, each.crc32)
            yield each.name, package.made_at, MODE, method, file.chunks()

    async for piece in _one_ahead(iter(stream_zip(members(), chunk_size=_ZIP_CHUNK_BYTES))):
        yield piece


async def _one_ahead(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, of which a thread makes the next one while the last one is sent."""
    coming = asyncio.create_task(asyncio.to_thread(next, pieces, None))
    try:
        while (piece := await coming) is not None:
            coming = asyncio.create_task(asyncio.to_thread(next, pieces, None))
            yield piece
    finally:
        # a reader who went away must not leave the thread behind
        await asyncio.wait([coming])
