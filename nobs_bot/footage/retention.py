"""How long clips are kept: as long as their case, else for a set time; holds; what was erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from nobs_bot.buttons import button, column
from nobs_bot.errors import Refusal
from nobs_bot.footage.request import (
    Clip,
    ClipState,
    Erasure,
    FootageRequest,
    Outcome,
    RequestState,
    clips_of,
    set_words,
    words_of,
)
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, persons_of, tell, words_for
from nobs_bot.people.roles import Role, require_at
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.doomed import doom
from nobs_bot.storage.leases import settle
from nobs_bot.storage.work import Work

# what came of these is part of a case, which ends by an officer's word
OF_A_CASE = (Outcome.HELPED, Outcome.PASSED_ON)
MOST_REASON_CHARACTERS = 300


def start_retention(work: Work, request: FootageRequest) -> None:
    """A request ended: what belongs to no case is erased after a while."""
    if request.outcome not in OF_A_CASE:
        request.erase_at = work.now + timedelta(days=work.settings.evidence_days)


async def end_case(work: Work, request: FootageRequest, officer: Person) -> None:
    """
    The case is over: its clips are erased after a while.

    Raises:
        Refusal: another's request, or one whose clips belong to no case.
    """
    if request.requester_id != officer.id:
        raise Refusal("request.not_yours")
    if request.outcome not in OF_A_CASE or request.case_over_at is not None:
        raise Refusal("buttons.stale")
    request.case_over_at = work.now
    request.erase_at = work.now + timedelta(days=work.settings.evidence_days)
    await _note(work, Act.CASE_OVER, request, officer, Role.INVESTIGATOR)


def read_hold_reason(text: str) -> str:
    """Raises `Refusal` where the words are missing or too many."""
    clean = text.strip()
    if not 3 <= len(clean) <= MOST_REASON_CHARACTERS:
        raise Refusal("review.reason_length", most=MOST_REASON_CHARACTERS)
    return clean


async def hold(work: Work, request: FootageRequest, supervisor: Person, reason: str) -> None:
    """
    Keep the clips whatever their time, until the hold is ended.

    Raises:
        Refusal: not a supervisor of the area, or held already.
    """
    await require_at(work, supervisor.id, Role.SUPERVISOR, request.area_code)
    if request.held_at is not None:
        raise Refusal("hold.already", request=request.name)
    request.held_by, request.held_at = supervisor.id, work.now
    said = words_of(work, request)
    said.hold_reason = read_hold_reason(reason)
    set_words(work, request, said)
    await _note(work, Act.EVIDENCE_HELD, request, supervisor, Role.SUPERVISOR)


async def end_hold(work: Work, request: FootageRequest, supervisor: Person) -> None:
    """
    Let the clips go when their time has come; what is overdue stays another week.

    Raises:
        Refusal: not a supervisor of the area, or not held.
    """
    await require_at(work, supervisor.id, Role.SUPERVISOR, request.area_code)
    if request.held_at is None:
        raise Refusal("buttons.stale")
    request.held_by = request.held_at = None
    if request.erase_at is not None:
        request.erase_at = max(request.erase_at, work.now + timedelta(days=7))
    await _note(work, Act.HOLD_ENDED, request, supervisor, Role.SUPERVISOR)


async def _note(work: Work, act: Act, request: FootageRequest, officer: Person, role: Role) -> None:
    """Each owner whose footage it is about can read it."""
    for owner_id, camera_id in {
        (c.owner_id, c.camera_id) for c in await clips_of(work, request.id)
    }:
        record(
            work,
            act,
            actor_id=officer.id,
            actor_role=role,
            owner_id=owner_id,
            camera_id=camera_id,
            request_id=request.id,
            request=request.name,
        )


async def erase_due(work: Work, *, limit: int = 5) -> int:
    """Erase the clips of requests whose time is over and that nobody holds."""
    query = (
        select(FootageRequest)
        .where(
            FootageRequest.erase_at <= work.now,
            FootageRequest.held_at.is_(None),
            FootageRequest.state.not_in((RequestState.SENT, RequestState.AWAITING_AGREEMENT)),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    requests = (await work.session.execute(query)).scalars().all()
    for request in requests:
        await _erase(work, request)
        request.erase_at = None
    return len(requests)


async def _erase(work: Work, request: FootageRequest) -> None:
    reason = "case over" if request.case_over_at else "of no case"
    erased = [clip for clip in await clips_of(work, request.id) if clip.state is ClipState.STORED]
    for clip in erased:
        await erase_clip(work, request, clip, reason)
    owners = await persons_of(work, {clip.owner_id for clip in erased})
    for owner in owners.values():
        words = words_for(work, owner)
        message = Message(
            text=words("clip.erased", request=request.name),
            keyboard=column(button(words("log.open_button"), "log.show")),
        )
        await tell(work, owner, message, f"erased:{request.id}:{owner.id}")


async def erase_clip(work: Work, request: FootageRequest, clip: Clip, reason: str) -> None:
    """Erase one clip's bytes and its copy; that it was erased, and why, stays."""
    doom(work, clip.file_name)
    doom(work, clip.viewing_name)
    settle(clip)
    clip.state, clip.erased_at = ClipState.ERASED, work.now
    clip.file_name = clip.viewing_name = None
    work.session.add(
        Erasure(
            id=new_id(),
            at=work.now,
            request_id=request.id,
            clip_id=clip.id,
            sha256=clip.sha256,
            size_bytes=clip.size_bytes,
            reason=reason,
        )
    )
    record(
        work,
        Act.CLIP_ERASED,
        actor_id=None,
        owner_id=clip.owner_id,
        camera_id=clip.camera_id,
        request_id=request.id,
        request=request.name,
        sha256=clip.sha256 or "",
    )


async def erasures(work: Work, start: datetime, end: datetime) -> Sequence[Erasure]:
    """What was erased in a stretch of time, the oldest first."""
    query = select(Erasure).where(Erasure.at >= start, Erasure.at < end).order_by(Erasure.id)
    return (await work.session.execute(query)).scalars().all()
