"""
Taking in files of up to 20 GB, part by part.

A part goes sealed into the file store and is noted in the database only when it is on the disk.
So any process can go on where the last noted part ends, whatever became of the one before; what
was not noted never counts.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath
from typing import Any, Protocol

from sqlalchemy import delete, func, or_, select

from nobs_bot.errors import Refusal
from nobs_bot.footage.clips import MOST_CLIPS, await_clip
from nobs_bot.footage.links import Entry
from nobs_bot.footage.parts import folder_of, let_go
from nobs_bot.footage.request import (
    Ask,
    Clip,
    ClipState,
    FootageRequest,
    Reply,
    RequestState,
)
from nobs_bot.footage.upload import Upload, UploadBrowser, UploadLink, UploadPart, UploadState
from nobs_bot.storage.base import new_id
from nobs_bot.storage.doomed import doom
from nobs_bot.storage.files import FileStore, Stored
from nobs_bot.storage.leases import claim, held, holding, settle
from nobs_bot.storage.work import Office, Work

MOST_BYTES = 20 * 1024**3
PART_BYTES = 64 * 1024**2
# a slow line's part is closed early, so that a kill costs it half a minute and no more
PART_S = 30.0
GIVEN_UP_AFTER = timedelta(hours=24)
LEASE = timedelta(seconds=60)
# left for everybody else on the disk
RESERVE_BYTES = 512 * 1024**2
MOST_NAME_CHARACTERS = 120
_ABOUT = "uploads.about"


class CutOff(Exception):  # noqa: N818 - what befalls a sender, not an error of ours
    """The sender is gone, or silent for too long."""


class Digest(Protocol):
    """A running hash."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one request must hash to."""

    digest: Digest
    wanted: bytes


@dataclass(frozen=True)
class Taken:
    """An upload that is ours to go on with, as long as the attempt is still ours."""

    upload_id: int
    attempt: int
    offset: int
    size_bytes: int


# beginning


async def begin(
    work: Work, entry: Entry, *, size_bytes: int, about: dict[str, str], free_bytes: int | None
) -> Upload:
    """
    Make room for a file that is about to come.

    Args:
        about: What the browser tells: `filename`, `filetype`, `modified`.
        free_bytes: Room in the file store, None where it has no end.

    Raises:
        Refusal: empty, over 20 GB, more files than one answer may have, or no room for it.
    """
    if size_bytes <= 0:
        raise Refusal("upload.empty")
    if size_bytes > MOST_BYTES:
        raise Refusal("upload.too_large", gigabytes=MOST_BYTES // 1024**3)
    if await _files_of(work, entry.ask.id) >= MOST_CLIPS:
        raise Refusal("clip.too_many", most=MOST_CLIPS)
    if free_bytes is not None and free_bytes < await _needed_bytes(work, size_bytes):
        raise Refusal("upload.no_room")
    upload = Upload(
        id=new_id(),
        link_id=entry.link.id,
        size_bytes=size_bytes,
        received_bytes=0,
        state=UploadState.OPEN,
        created_at=work.now,
        due_at=work.now + GIVEN_UP_AFTER,
        attempts=0,
    )
    told = {**about, "filename": _plain_name(about.get("filename", ""))}
    upload.about = work.vault.seal_json(_ABOUT, upload.id, told)
    work.session.add(upload)
    await work.session.flush()
    return upload


def _plain_name(name: str) -> str:
    last = PurePath(name.replace("\\", "/")).name
    return "".join(each for each in last if each.isprintable())[:MOST_NAME_CHARACTERS] or "rekaman"


async def _files_of(work: Work, ask_id: int) -> int:
    """How many files were sent for an ask, or are on their way."""
    lost = (ClipState.FAILED, ClipState.REFUSED, ClipState.ERASED)
    clips = select(func.count()).where(Clip.ask_id == ask_id, Clip.state.not_in(lost))
    coming = (
        select(func.count())
        .select_from(Upload)
        .join(UploadLink, UploadLink.id == Upload.link_id)
        .where(UploadLink.ask_id == ask_id, Upload.state == UploadState.OPEN)
    )
    count = (await work.session.execute(clips)).scalar_one()
    return int(count + (await work.session.execute(coming)).scalar_one())


async def _needed_bytes(work: Work, size_bytes: int) -> int:
    """Room for the file, for what others have begun, and for each file's copy among the clips."""
    query = select(func.sum(2 * Upload.size_bytes - Upload.received_bytes)).where(
        Upload.state == UploadState.OPEN
    )
    promised = (await work.session.execute(query)).scalar_one() or 0
    return int(promised) + 2 * size_bytes + RESERVE_BYTES


# looking


def about_of(work: Work, upload: Upload) -> dict[str, str]:
    """What the browser told about the file; `filename` is always there."""
    about: dict[str, str] = work.vault.open_json(_ABOUT, upload.id, upload.about)
    return about


async def uploads_of(work: Work, ask_id: int) -> Sequence[Upload]:
    """The uploads of one ask that are open or whole, in the order in which they began."""
    query = (
        select(Upload)
        .join(UploadLink, UploadLink.id == Upload.link_id)
        .where(UploadLink.ask_id == ask_id, Upload.state != UploadState.ENDED)
        .order_by(Upload.id)
    )
    return (await work.session.execute(query)).scalars().all()


async def upload_of(work: Work, entry: Entry, upload_id: int) -> Upload:
    """
    An upload of this very ask, begun through this link or an earlier one.

    Raises:
        Refusal: there is none, or it is over.
    """
    upload = await work.session.get(Upload, upload_id)
    link = await work.session.get(UploadLink, upload.link_id) if upload else None
    if upload is None or link is None or link.ask_id != entry.ask.id:
        raise Refusal("upload.no_such_file")
    if upload.state is UploadState.ENDED:
        raise Refusal("upload.over")
    return upload


# taking in


async def take(work: Work, entry: Entry, upload_id: int, offset: int) -> Taken:
    """
    Take an upload in hand, to go on at *offset*.

    Raises:
        Refusal: none such, it is over, another request is at it, or it does not go on there.
    """
    await upload_of(work, entry, upload_id)
    query = (
        select(Upload)
        .where(Upload.id == upload_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    upload = (await work.session.execute(query)).scalar_one()
    if upload.lease_until is not None and upload.lease_until > work.now:
        raise Refusal("upload.busy")
    if upload.received_bytes != offset:
        raise Refusal("upload.wrong_offset")
    if upload.state is UploadState.OPEN:
        upload.lease_until = work.now + LEASE
        upload.attempts += 1
    return Taken(upload.id, upload.attempts, offset, upload.size_bytes)


async def receive(
    office: Office,
    files: FileStore,
    taken: Taken,
    read: Callable[[], Awaitable[bytes]],
    *,
    checksum: Checksum | None = None,
    promised_bytes: int | None = None,
) -> int:
    """
    Take in what a request sends; where it breaks off, what has arrived until then is kept.

    Args:
        read: The next bytes, none at the end; raises `CutOff`.
        checksum: Nothing is kept unless all the bytes of the request hash to this.
        promised_bytes: How many the request will bring, where it says so.

    Returns:
        The new offset.

    Raises:
        Refusal: the bytes do not hash to what was said, are more than was said, or the upload is
            not wanted any more.
        NoRoom: the disk is full; what was noted before stays.
    """
    arriving = _Arriving(read, taken.size_bytes - taken.offset, checksum, promised_bytes)
    offset, is_ours = taken.offset, True
    waiting: list[Stored] = []
    try:
        async with holding(office, Upload, taken.upload_id, taken.attempt, LEASE):
            while await arriving.goes_on():
                # a name of this attempt's own: a slower one must not write over what was noted
                start = offset + sum(each.size for each in waiting)
                name = f"{folder_of(taken.upload_id)}{start}-{taken.attempt}"
                waiting.append(await files.put(name, arriving.stretch()))
                if checksum is None:
                    is_ours = not arriving.is_over
                    offset = await _note(office, taken, offset, waiting, go_on=is_ours)
                    waiting = []
            if checksum is not None:
                _compare(checksum, arriving)
            if waiting:
                is_ours = False
                offset = await _note(office, taken, offset, waiting, go_on=False)
                waiting = []
    finally:
        if is_ours or waiting:
            await give_back(office, taken, waiting)
    if arriving.is_too_much:
        raise Refusal("upload.too_much")
    return offset


def _compare(checksum: Checksum, arriving: _Arriving) -> None:
    right = hmac.compare_digest(checksum.digest.digest(), checksum.wanted)
    if arriving.was_cut or arriving.is_too_much or not right:
        raise Refusal("upload.wrong_checksum")


class _Arriving:
    """
    The bytes of one request, handed on in stretches of which each becomes a part.

    Args:
        room_bytes: How many bytes the file still lacks.
        promised_bytes: How many are to come, None where nobody said.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        room_bytes: int,
        checksum: Checksum | None,
        promised_bytes: int | None,
    ) -> None:
        self._read = read
        self._room = room_bytes
        self._checksum = checksum
        self._promised = promised_bytes
        self._seen = 0
        self._held = b""
        self._is_over = False
        self.was_cut = False
        self.is_too_much = False

    @property
    def is_over(self) -> bool:
        """Whether everything that came was handed on."""
        return self._is_over and not self._held

    async def goes_on(self) -> bool:
        """Whether there is something for a further part; waits until that is clear."""
        if not self._held and not self._is_over:
            await self._fetch()
        return bool(self._held)

    async def stretch(self) -> AsyncIterator[bytes]:
        """What has arrived and arrives, until a part is full, its time is up or all is here."""
        clock, left = asyncio.get_running_loop(), PART_BYTES
        until = clock.time() + PART_S
        while self._held:
            block, self._held = self._held[:left], self._held[left:]
            left -= len(block)
            yield block
            if not left or self._held or self._is_over or clock.time() > until:
                return
            await self._fetch()

    async def _fetch(self) -> None:
        try:
            block = await self._read()
        except CutOff:
            self._is_over = self.was_cut = True
            return
        if self._checksum is not None:
            self._checksum.digest.update(block)
        self.is_too_much = len(block) > self._room
        self._held = block[: self._room]
        self._room -= len(self._held)
        self._seen += len(block)
        self._is_over = not block or self.is_too_much or self._seen == self._promised


async def _note(
    office: Office, taken: Taken, offset: int, stored: list[Stored], *, go_on: bool
) -> int:
    """
    Note parts that are on the disk, in one transaction; with the last one there is a clip.

    Args:
        go_on: Whether we keep the upload in hand.
    """
    async with office.work() as work:
        upload = await held(work, Upload, taken.upload_id, taken.attempt)
        if upload is not None and upload.state is UploadState.OPEN:
            refusal = None if await _is_wanted(work, upload) else await _end(work, upload)
        else:
            refusal = Refusal("upload.over")
        if upload is None or refusal is not None:
            for part in stored:
                doom(work, part.name)
        else:
            offset = _add_parts(work, upload, offset, stored)
            if not go_on:
                upload.lease_until = None
            if offset == upload.size_bytes:
                await _make_clip(work, upload)
    if refusal is not None:
        raise refusal
    return offset


def _add_parts(work: Work, upload: Upload, offset: int, stored: list[Stored]) -> int:
    for part in stored:
        work.session.add(
            UploadPart(
                id=new_id(),
                upload_id=upload.id,
                start_byte=offset,
                size_bytes=part.size,
                sha256=part.sha256,
                file_name=part.name,
            )
        )
        offset += part.size
    upload.received_bytes = offset
    upload.due_at = work.now + GIVEN_UP_AFTER
    return offset


async def _is_wanted(work: Work, upload: Upload) -> bool:
    """Whether the request is still open, and the camera still part of it."""
    query = (
        select(Upload.id)
        .join(UploadLink, UploadLink.id == Upload.link_id)
        .join(Ask, Ask.id == UploadLink.ask_id)
        .join(FootageRequest, FootageRequest.id == Ask.request_id)
        .where(
            Upload.id == upload.id,
            Ask.reply != Reply.GONE,
            FootageRequest.state == RequestState.SENT,
        )
    )
    return (await work.session.execute(query)).first() is not None


async def _make_clip(work: Work, upload: Upload) -> None:
    link = await work.session.get(UploadLink, upload.link_id)
    assert link is not None
    ask = await work.session.get(Ask, link.ask_id)
    assert ask is not None
    upload.state = UploadState.WHOLE
    settle(upload)
    source = {"upload": upload.id, "name": about_of(work, upload)["filename"]}
    await_clip(work, ask, source, f"upload-{upload.id}", recompressed=False)


async def give_back(office: Office, taken: Taken, unnoted: Sequence[Stored] = ()) -> None:
    """Let others go on with an upload; parts that were not noted are removed."""
    async with office.work() as work:
        for part in unnoted:
            doom(work, part.name)
        upload = await held(work, Upload, taken.upload_id, taken.attempt)
        if upload is not None:
            upload.lease_until = None


# ending


async def end(work: Work, entry: Entry, upload_id: int) -> None:
    """
    The owner does not want to send this file after all.

    Raises:
        Refusal: there is none such, or it is with us whole.
    """
    upload = await upload_of(work, entry, upload_id)
    if upload.state is UploadState.WHOLE:
        raise Refusal("upload.whole_already")
    await _end(work, upload)


async def _end(work: Work, upload: Upload) -> Refusal:
    upload.state = UploadState.ENDED
    settle(upload)
    await let_go(work, upload.id)
    return Refusal("upload.over")


async def give_up(office: Office, *, limit: int = 20) -> int:
    """End uploads that nobody goes on with; returns how many."""
    async with office.work() as work:
        rows = await claim(work, Upload, Upload.state == UploadState.OPEN, lease=LEASE, limit=limit)
        for row in rows:
            await _end(work, row)
    return len(rows)


async def end_unwanted(work: Work, *, limit: int = 50) -> int:
    """End uploads whose request was closed or whose camera was withdrawn; returns how many."""
    query = (
        select(Upload)
        .join(UploadLink, UploadLink.id == Upload.link_id)
        .join(Ask, Ask.id == UploadLink.ask_id)
        .join(FootageRequest, FootageRequest.id == Ask.request_id)
        .where(
            Upload.state == UploadState.OPEN,
            or_(Ask.reply == Reply.GONE, FootageRequest.state != RequestState.SENT),
        )
        .limit(limit)
    )
    unwanted = (await work.session.execute(query)).scalars().all()
    for upload in unwanted:
        await _end(work, upload)
    return len(unwanted)


class UploadHolder:
    """The uploads' part in a person's rights over their data."""

    name = "uploads"

    async def export(self, work: Work, person_id: int) -> list[dict[str, Any]]:
        """The person's links to the upload page, and the files on their way."""
        links = await self._links(work, person_id)
        return [
            {
                "opened_for": link.created_at.isoformat(),
                "good_until": link.expires_at.isoformat(),
                "files": [
                    {
                        "name": about_of(work, upload)["filename"],
                        "size_bytes": upload.size_bytes,
                        "received_bytes": upload.received_bytes,
                        "state": upload.state,
                    }
                    for upload in await self._uploads(work, link.id)
                ],
            }
            for link in links
        ]

    async def erase(self, work: Work, person_id: int) -> None:
        """Remove links, browsers and parts; files that became clips are the clips' matter."""
        for link in await self._links(work, person_id):
            for upload in await self._uploads(work, link.id):
                await let_go(work, upload.id)
                await work.session.delete(upload)
            browsers = delete(UploadBrowser).where(UploadBrowser.link_id == link.id)
            await work.session.execute(browsers)
            await work.session.flush()
            await work.session.delete(link)

    async def _links(self, work: Work, person_id: int) -> Sequence[UploadLink]:
        query = select(UploadLink).where(UploadLink.owner_id == person_id).order_by(UploadLink.id)
        return (await work.session.execute(query)).scalars().all()

    async def _uploads(self, work: Work, link_id: int) -> Sequence[Upload]:
        query = select(Upload).where(Upload.link_id == link_id).order_by(Upload.id)
        return (await work.session.execute(query)).scalars().all()
