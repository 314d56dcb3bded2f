"""Clips that owners send: taken over byte for byte, hashed as they arrive, receipted."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select

from nobs_bot.buttons import button, column
from nobs_bot.cameras.photos import TelegramFiles
from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.footage import parts
from nobs_bot.footage.answers import ask_of, let_go
from nobs_bot.footage.formats import Format
from nobs_bot.footage.look import Looked, Looker, Unwelcome, welcome
from nobs_bot.footage.news import note_news
from nobs_bot.footage.receipts import give_receipt, receipt_name, tell_refused
from nobs_bot.footage.request import (
    Ask,
    Clip,
    ClipState,
    FootageRequest,
    Reply,
    note_of,
    request_for,
    set_note,
)
from nobs_bot.footage.verifying import first_check_at
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.people.roles import Role
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.doomed import doom_unless_kept, is_being_removed, keep
from nobs_bot.storage.files import FileStore, NoRoom, Taken
from nobs_bot.storage.leases import backoff, claim, held, holding, postpone, settle
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

# what the Bot API hands over to a bot
MOST_BYTES = 20 * 1024 * 1024
MOST_CLIPS = 20
MOST_ATTEMPTS = 12
_SOURCE = "footage_clips.source"
_LEASE = timedelta(minutes=5)


async def add_clip(
    work: Work,
    ask_id: int,
    owner: Person,
    *,
    file_id: str,
    unique_id: str,
    name: str,
    size_bytes: int | None,
    recompressed: bool,
) -> bool:
    """
    Take note of a clip that the owner has sent; its bytes are taken over in the background.

    Args:
        recompressed: Sent as a video, which Telegram compresses anew.

    Returns:
        False where this very file was sent before.

    Raises:
        Refusal: larger than Telegram hands over, or more clips than one answer may have.
    """
    ask, _ = await ask_of(work, ask_id, owner)
    if size_bytes is not None and size_bytes > MOST_BYTES:
        raise Refusal("clip.too_large", megabytes=round(size_bytes / 1_048_576))
    known = (await work.session.execute(select(Clip).where(Clip.ask_id == ask.id))).scalars().all()
    if any(clip.unique_id == unique_id for clip in known):
        return False
    if len(known) >= MOST_CLIPS:
        raise Refusal("clip.too_many", most=MOST_CLIPS)
    source = {"file_id": file_id, "name": name}
    await_clip(work, ask, source, unique_id, recompressed=recompressed)
    return True


def await_clip(
    work: Work, ask: Ask, source: dict[str, Any], unique_id: str, *, recompressed: bool
) -> None:
    """A clip that is to be taken over; whoever sends one has answered."""
    clip_id = new_id()
    work.session.add(
        Clip(
            id=clip_id,
            ask_id=ask.id,
            request_id=ask.request_id,
            camera_id=ask.camera_id,
            owner_id=ask.owner_id,
            unique_id=unique_id,
            source=work.vault.seal_json(_SOURCE, clip_id, source),
            recompressed=recompressed,
            clock_error_s=ask.clock_error_s,
            state=ClipState.WAITING,
            sent_at=work.now,
            due_at=work.now,
            attempts=0,
        )
    )
    if ask.reply is not Reply.HAS:
        ask.reply, ask.answered_at = Reply.HAS, work.now


def source_of(work: Work, clip: Clip) -> dict[str, Any]:
    """`file_id` at Telegram or the `upload` that it came by, and the file's `name`."""
    source: dict[str, Any] = work.vault.open_json(_SOURCE, clip.id, clip.source)
    return source


async def fetch_clips(
    office: Office, files: FileStore, telegram: TelegramFiles, looker: Looker
) -> int:
    """Take one waiting clip over; returns how many were worked on."""
    async with office.work() as work:
        rows = await claim(work, Clip, Clip.state == ClipState.WAITING, lease=_LEASE, limit=1)
        sources = {row.id: source_of(work, row) for row in rows}
        drafts = {row.id: f"incoming/{row.id}-{row.attempts}" for row in rows}
        doomed = {row.id: doom_unless_kept(work, drafts[row.id]) for row in rows}
    for row in rows:
        async with holding(office, Clip, row.id, row.attempts, _LEASE):
            try:
                blocks = welcome(_bytes_of(office, files, telegram, sources[row.id]))
                taken = await files.take(drafts[row.id], blocks)
            except Unwelcome as unwelcome:
                await _refuse(office, row, unwelcome.found)
            except NoRoom:
                await _not_fetched(office, row, ExternalError("the disk is full"))
            except ExternalError as exc:
                await _not_fetched(office, row, exc)
            else:
                await _put_away(office, looker, row, taken, doomed[row.id])
    return len(rows)


def _bytes_of(
    office: Office, files: FileStore, telegram: TelegramFiles, source: dict[str, Any]
) -> AsyncIterator[bytes]:
    if "upload" in source:
        return parts.stream_upload(office, files, source["upload"])
    return _within_limit(telegram.stream(source["file_id"]))


async def _let_parts_go(work: Work, clip: Clip) -> None:
    """What a clip came by is not needed any more."""
    upload_id = source_of(work, clip).get("upload")
    if upload_id is not None:
        await parts.let_go(work, upload_id)


async def _within_limit(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    seen = 0
    async for block in blocks:
        seen += len(block)
        if seen > MOST_BYTES:
            raise ExternalError("larger than the Bot API hands over", permanent=True)
        yield block


async def _put_away(
    office: Office, looker: Looker, row: Clip, taken: Taken, draft_doomed: int
) -> None:
    """
    Put the draft into its place, look at it, and give it its row.

    The place is doomed before it is filled, so that a kill before the row leaves no orphan; and
    where somebody is removing the same content just now, we wait until they are done.
    """
    files = looker.files
    place = await files.place_for(taken)
    async with office.work() as work:
        if await is_being_removed(work, place):
            clip = await held(work, Clip, row.id, row.attempts)
            if clip is not None:
                postpone(work, clip, timedelta(seconds=10), "its place is being cleared")
            return
        place_doomed = doom_unless_kept(work, place)
    await files.settle(taken, place)
    looked = await looker.look(place)
    async with office.work() as work:
        await keep(work, draft_doomed)
        clip = await held(work, Clip, row.id, row.attempts)
        if clip is None or clip.state is not ClipState.WAITING:
            return
        await keep(work, place_doomed)
        await _keep(work, clip, taken, place, looked)


async def _keep(work: Work, clip: Clip, taken: Taken, place: str, looked: Looked) -> None:
    settle(clip)
    clip.state, clip.stored_at, clip.file_name = ClipState.STORED, work.now, place
    clip.size_bytes, clip.sha256 = taken.size, taken.sha256
    clip.crc32, clip.blocks = taken.crc32, taken.blocks
    clip.kind, clip.media_type, clip.looked = looked.kind, looked.media_type, looked.details
    clip.due_at = first_check_at(work.now, clip.id)
    await _let_parts_go(work, clip)
    request = await work.session.get(FootageRequest, clip.request_id)
    assert request is not None
    record(
        work,
        Act.CLIP_RECEIVED,
        actor_id=clip.owner_id,
        owner_id=clip.owner_id,
        camera_id=clip.camera_id,
        request_id=clip.request_id,
        sha256=taken.sha256,
        size_bytes=taken.size,
        request=request.name,
        receipt=receipt_name(clip),
    )
    await give_receipt(work, clip, request, source_of(work, clip)["name"])
    await note_news(work, request, clip)


async def _refuse(office: Office, row: Clip, found: Format) -> None:
    """Say kindly that this is no recording; what had been written of it goes with its draft."""
    async with office.work() as work:
        clip = await held(work, Clip, row.id, row.attempts)
        if clip is None or clip.state is not ClipState.WAITING:
            return
        settle(clip)
        clip.state, clip.media_type = ClipState.REFUSED, found.media_type
        await _let_parts_go(work, clip)
        request = await work.session.get(FootageRequest, clip.request_id)
        assert request is not None
        record(
            work,
            Act.CLIP_REFUSED,
            actor_id=None,
            owner_id=clip.owner_id,
            camera_id=clip.camera_id,
            request_id=clip.request_id,
            request=request.name,
            media_type=found.media_type,
        )
        await tell_refused(work, clip, source_of(work, clip)["name"], found.family)


async def _not_fetched(office: Office, row: Clip, error: ExternalError) -> None:
    async with office.work() as work:
        clip = await held(work, Clip, row.id, row.attempts)
        if clip is None:
            return
        if not error.permanent and clip.attempts < MOST_ATTEMPTS:
            postpone(work, clip, backoff(clip.attempts), str(error))
            return
        log.warning("clip %s cannot be taken over: %s", clip.id, error)
        settle(clip)
        clip.state, clip.last_error = ClipState.FAILED, str(error)
        await _let_parts_go(work, clip)
        owner = await person(work, clip.owner_id)
        words = words_for(work, owner)
        again = column(button(words("clip.again_button"), "ans.has", clip.ask_id))
        message = Message(text=words("clip.failed"), keyboard=again)
        await tell(work, owner, message, f"clip-failed:{clip.id}")


async def wanted_files(work: Work, names: Collection[str]) -> set[str]:
    """Of these names in the store, those that a clip still refers to."""
    if not names:
        return set()
    stored = select(Clip.file_name, Clip.viewing_name).where(
        Clip.state == ClipState.STORED,
        or_(Clip.file_name.in_(names), Clip.viewing_name.in_(names)),
    )
    rows = (await work.session.execute(stored)).all()
    return {name for row in rows for name in row if name is not None} & set(names)


async def clip_for(work: Work, clip_id: int, officer: Person) -> tuple[Clip, FootageRequest]:
    """
    A clip whose bytes are there, for an officer of its request.

    Raises:
        Refusal: another's request, an emergency that was none, or the bytes are not there.
    """
    clip = await work.session.get(Clip, clip_id)
    if clip is None:
        raise Refusal("request.not_yours")
    request = await request_for(work, clip.request_id, officer)
    if request.was_justified is False:
        raise Refusal("clip.unjustified", request=request.name)
    if clip.state is not ClipState.STORED or clip.file_name is None:
        raise Refusal("clip.not_there_yet")
    return clip, request


def role_in(request: FootageRequest, officer: Person) -> Role:
    """As what the officer sees the request (see `request_for`)."""
    return Role.INVESTIGATOR if request.requester_id == officer.id else Role.SUPERVISOR


async def open_clip(work: Work, clip_id: int, officer: Person) -> tuple[Clip, Message]:
    """
    The clip as a file for an officer of the request; the owner reads in `/log` who opened it.

    Raises:
        Refusal: another's request, or the bytes are not there yet.
    """
    clip, request = await clip_for(work, clip_id, officer)
    assert clip.file_name is not None
    record_opened(work, clip, request, officer, "original")
    words = words_for(work, officer)
    text = words("clip.opened", request=request.name, sha256=clip.sha256 or "")
    picture = Picture(kind=PictureKind.FILE, name=clip.file_name)
    name = source_of(work, clip)["name"]
    return clip, Message(text=text, pictures=(picture,), document=name, protected=False)


def record_opened(
    work: Work, clip: Clip, request: FootageRequest, officer: Person, what: str
) -> None:
    """Let the owner read who opened what: the `original` or a `copy`."""
    record(
        work,
        Act.CLIP_OPENED,
        actor_id=officer.id,
        actor_role=role_in(request, officer),
        owner_id=clip.owner_id,
        camera_id=clip.camera_id,
        request_id=request.id,
        request=request.name,
        opened=what,
        receipt=receipt_name(clip),
    )


class FootageHolder:
    """The requests' part in a person's rights over their data."""

    name = "footage"

    async def export(self, work: Work, person_id: int) -> list[dict[str, Any]]:
        """What the person was asked, how they answered, and the files they sent."""
        query = (
            select(Ask, FootageRequest)
            .join(FootageRequest, FootageRequest.id == Ask.request_id)
            .where(Ask.owner_id == person_id)
            .order_by(Ask.id)
        )
        rows = (await work.session.execute(query)).all()
        return [
            {
                "request": request.name,
                "purpose": request.purpose,
                "from": request.starts_at.isoformat(),
                "to": request.ends_at.isoformat(),
                "asked_at": ask.asked_at.isoformat(),
                "reply": ask.reply,
                "note": note_of(work, ask),
                "recorders_clock_ahead_s": ask.clock_error_s,
                "clips": await self._clips(work, ask.id),
            }
            for ask, request in rows
        ]

    async def _clips(self, work: Work, ask_id: int) -> list[dict[str, Any]]:
        query = select(Clip).where(Clip.ask_id == ask_id).order_by(Clip.id)
        clips = (await work.session.execute(query)).scalars()
        return [
            {
                "name": source_of(work, clip)["name"],
                "sent_at": clip.sent_at.isoformat(),
                "size_bytes": clip.size_bytes,
                "sha256": clip.sha256,
            }
            for clip in clips
        ]

    async def erase(self, work: Work, person_id: int) -> None:
        """
        Ask the person no more. Clips that arrived are evidence of a case and stay with it, without
        the sender's name; what has not arrived is forgotten.
        """
        asks = (await work.session.execute(select(Ask).where(Ask.owner_id == person_id))).scalars()
        camera_ids = []
        for ask in asks:
            set_note(work, ask, "")
            camera_ids.append(ask.camera_id)
        await let_go(work, camera_ids)
        missing = select(Clip).where(Clip.owner_id == person_id, Clip.state != ClipState.STORED)
        for clip in (await work.session.execute(missing)).scalars():
            await work.session.delete(clip)
        stored = select(Clip).where(Clip.owner_id == person_id, Clip.state == ClipState.STORED)
        for clip in (await work.session.execute(stored)).scalars():
            anonymous = {"file_id": "", "name": f"{clip.id}"}
            clip.source = work.vault.seal_json(_SOURCE, clip.id, anonymous)
