"""Clips that owners send: taken over byte for byte, hashed as they arrive, receipted."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from nobs_bot.buttons import button, column
from nobs_bot.cameras.photos import TelegramFiles
from nobs_bot.cameras.record import Camera
from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.footage import parts
from nobs_bot.footage.answers import ask_of, let_go
from nobs_bot.footage.request import (
    Ask,
    Clip,
    ClipState,
    FootageRequest,
    Reply,
    request_for,
)
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.doomed import doom
from nobs_bot.storage.files import FileStore, Stored
from nobs_bot.storage.leases import backoff, claim, held, holding, postpone, settle
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

# what the Bot API hands over to a bot
MOST_BYTES = 20 * 1024 * 1024
MOST_CLIPS = 20
MOST_ATTEMPTS = 12
LEASE = timedelta(minutes=5)
_SOURCE = "footage_clips.source"


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
    ask, request = await ask_of(work, ask_id, owner)
    if size_bytes is not None and size_bytes > MOST_BYTES:
        raise Refusal("clip.too_large", megabytes=round(size_bytes / 1_048_576))
    known = (await work.session.execute(select(Clip).where(Clip.ask_id == ask.id))).scalars().all()
    if any(clip.unique_id == unique_id for clip in known):
        return False
    if len(known) >= MOST_CLIPS:
        raise Refusal("clip.too_many", most=MOST_CLIPS)
    clip_id = new_id()
    source = {"file_id": file_id, "name": name}
    work.session.add(
        Clip(
            id=clip_id,
            ask_id=ask.id,
            request_id=request.id,
            camera_id=ask.camera_id,
            owner_id=owner.id,
            unique_id=unique_id,
            source=seal_source(work, clip_id, source),
            recompressed=recompressed,
            state=ClipState.WAITING,
            sent_at=work.now,
            due_at=work.now,
            attempts=0,
        )
    )
    if ask.reply is not Reply.HAS:
        ask.reply, ask.answered_at = Reply.HAS, work.now
    return True


def seal_source(work: Work, clip_id: int, source: dict[str, Any]) -> bytes:
    """Where a clip's bytes come from, sealed for its row."""
    return work.vault.seal_json(_SOURCE, clip_id, source)


def source_of(work: Work, clip: Clip) -> dict[str, Any]:
    """`file_id` at Telegram or the `upload` that it came by, and the file's `name`."""
    source: dict[str, Any] = work.vault.open_json(_SOURCE, clip.id, clip.source)
    return source


async def fetch_clips(office: Office, files: FileStore, telegram: TelegramFiles) -> int:
    """Take one waiting clip over; returns how many were worked on."""
    async with office.work() as work:
        rows = await claim(work, Clip, Clip.state == ClipState.WAITING, lease=LEASE, limit=1)
        sources = {row.id: source_of(work, row) for row in rows}
    for row in rows:
        # a new name for every attempt: what was written once is never written over
        name = f"evidence/{row.request_id}/{row.id}-{row.attempts}"
        try:
            # 20 GB take longer than any lease that a killed worker's clip should wait for
            async with holding(office, Clip, row.id, row.attempts, LEASE):
                stored = await files.put(name, _bytes_of(office, files, telegram, sources[row.id]))
        except ExternalError as exc:
            await _not_fetched(office, row, exc)
        else:
            await _keep(office, row, stored)
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


async def _keep(office: Office, row: Clip, stored: Stored) -> None:
    async with office.work() as work:
        clip = await held(work, Clip, row.id, row.attempts)
        if clip is None or clip.state is not ClipState.WAITING:
            doom(work, stored.name)
            return
        settle(clip)
        clip.state, clip.stored_at = ClipState.STORED, work.now
        clip.file_name, clip.size_bytes, clip.sha256 = stored.name, stored.size, stored.sha256
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
            sha256=stored.sha256,
            size_bytes=stored.size,
            request=request.name,
        )
        await _receipt(work, clip, request)
        await _tell_investigator(work, clip, request)


async def _receipt(work: Work, clip: Clip, request: FootageRequest) -> None:
    owner = await person(work, clip.owner_id)
    words = words_for(work, owner)
    text = words(
        "clip.receipt",
        request=request.name,
        name=source_of(work, clip)["name"],
        size=words.number(round((clip.size_bytes or 0) / 1_048_576, 2)),
        moment=words.moment(work.now),
        sha256=clip.sha256 or "",
    )
    if clip.recompressed:
        text += "\n\n" + words("clip.recompressed")
    done = column(button(words("clip.done_button"), "ans.done", clip.ask_id))
    await tell(work, owner, Message(text=text, keyboard=done), f"receipt:{clip.id}")


async def _tell_investigator(work: Work, clip: Clip, request: FootageRequest) -> None:
    officer = await person(work, request.requester_id)
    camera = await work.session.get(Camera, clip.camera_id)
    assert camera is not None
    words = words_for(work, officer)
    message = Message(
        text=words("clip.told", camera=camera.name, request=request.name),
        keyboard=column(
            button(words("clip.open_button"), "req.clip", clip.id),
            button(words("request.open_button"), "req.show", request.id),
        ),
    )
    await tell(work, officer, message, f"clip:{clip.id}")


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


async def open_clip(work: Work, clip_id: int, officer: Person) -> tuple[Clip, Message]:
    """
    The clip as a file for an officer of the request; the owner reads in `/log` who opened it.

    Raises:
        Refusal: another's request, or the bytes are not there yet.
    """
    clip = await work.session.get(Clip, clip_id)
    if clip is None:
        raise Refusal("request.not_yours")
    request = await request_for(work, clip.request_id, officer)
    if clip.state is not ClipState.STORED or clip.file_name is None:
        raise Refusal("clip.not_there_yet")
    record(
        work,
        Act.CLIP_OPENED,
        actor_id=officer.id,
        actor_role="investigator" if request.requester_id == officer.id else "supervisor",
        owner_id=clip.owner_id,
        camera_id=clip.camera_id,
        request_id=request.id,
        request=request.name,
    )
    words = words_for(work, officer)
    text = words("clip.opened", request=request.name, sha256=clip.sha256 or "")
    picture = Picture(kind=PictureKind.FILE, name=clip.file_name)
    name = source_of(work, clip)["name"]
    return clip, Message(text=text, pictures=(picture,), document=name, protected=False)


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
        asks = await work.session.execute(select(Ask).where(Ask.owner_id == person_id))
        await let_go(work, [ask.camera_id for ask in asks.scalars()])
        missing = select(Clip).where(Clip.owner_id == person_id, Clip.state != ClipState.STORED)
        for clip in (await work.session.execute(missing)).scalars():
            await work.session.delete(clip)
        stored = select(Clip).where(Clip.owner_id == person_id, Clip.state == ClipState.STORED)
        for clip in (await work.session.execute(stored)).scalars():
            anonymous = {"file_id": "", "name": f"{clip.id}"}
            clip.source = work.vault.seal_json(_SOURCE, clip.id, anonymous)
