"""A look at a camera, from the officer's demand to its end, each told to the owner."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select

from nobs_bot.cameras.record import Camera, State
from nobs_bot.errors import Refusal
from nobs_bot.footage.live import telling
from nobs_bot.footage.live.record import (
    Ending,
    LiveTerms,
    LiveView,
    ViewWords,
    set_words,
    views_now,
    words_of,
)
from nobs_bot.footage.live.terms import require_allowed, rest, terms_of
from nobs_bot.footage.question import purposes, read_case_number
from nobs_bot.footage.request import Purpose
from nobs_bot.messaging.chats import is_reachable
from nobs_bot.people.persons import Person, person, words_for
from nobs_bot.people.roles import Role, holders, holds
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.leases import claim, settle
from nobs_bot.storage.work import Work, drop

LENGTHS_MIN = (5, 10, 15)
MOST_REASON_CHARACTERS = 300
# a page reports every five seconds; one that has not for so long is gone
REPORTS_WITHIN = timedelta(seconds=30)
COMES_BACK_WITHIN = timedelta(seconds=8)
VIEWERS = (Role.INVESTIGATOR, Role.SUPERVISOR)
_A_DAY = timedelta(hours=24)
_KEPT = timedelta(days=365)


@dataclass(frozen=True)
class Demand:
    """
    What an officer states before a look.

    Args:
        minutes: One of `LENGTHS_MIN`.
        emergency_reason: Why it cannot wait; empty where it is no emergency.
    """

    case_number: str
    purpose: Purpose
    minutes: int
    emergency_reason: str = ""


async def watchable(
    work: Work, camera_id: int, officer: Person, *, is_to_lock: bool = False
) -> tuple[Camera, Role]:
    """
    An active camera where this officer may watch, and in which role.

    Raises:
        Refusal: there is none for this officer; whether there is one elsewhere is not told.
    """
    query = select(Camera).where(Camera.id == camera_id)
    if is_to_lock:
        query = query.with_for_update()
    camera = (await work.session.execute(query)).scalar_one_or_none()
    if camera is None or not camera.is_active or camera.area_code is None:
        raise Refusal("live.not_here")
    for role in VIEWERS:
        if await holds(work, officer.id, role, camera.area_code):
            return camera, role
    raise Refusal("live.not_here")


async def begin(work: Work, camera_id: int, officer: Person, demand: Demand) -> LiveView:
    """
    Begin a look; the owner is told in the same transaction who looks and why.

    An officer who is looking already gets the same look again, so that a second tap or a page that
    was loaded anew is none. For another case it is another look, and the former ends.

    Raises:
        Refusal: not the officer's area, not under the owner's terms, a case that is none, an owner
            who cannot be told, or too much for one day.
    """
    camera, role = await watchable(work, camera_id, officer, is_to_lock=True)
    said = _read(work, demand)
    if (going := await _going_on(work, camera.id, officer)) is not None:
        if words_of(work, going) == said and going.purpose is demand.purpose:
            return going
        await end(work, going, Ending.VIEWER)
    words = words_for(work, officer)
    terms = await terms_of(work, camera.id)
    hours_end = require_allowed(
        work, words, camera, terms, is_emergency=bool(said.emergency_reason)
    )
    owner = await person(work, camera.owner_id)
    if owner.telegram_id is None or not await is_reachable(work, owner.telegram_id):
        raise Refusal("live.owner_unreachable", camera=camera.name)
    ends_at = work.now + timedelta(minutes=demand.minutes)
    await _require_in_measure(work, camera, ends_at - work.now)
    view = LiveView(
        id=new_id(),
        camera_id=camera.id,
        owner_id=camera.owner_id,
        viewer_id=officer.id,
        viewer_role=role.value,
        purpose=demand.purpose,
        is_emergency=bool(said.emergency_reason),
        started_at=work.now,
        ends_at=min(ends_at, hours_end) if hours_end else ends_at,
        due_at=work.now + REPORTS_WITHIN,
        attempts=0,
    )
    set_words(work, view, said)
    work.session.add(view)
    await work.session.flush()
    _note(work, Act.LIVE_OPENED, view, said)
    await telling.tell_begun(work, view, camera, owner, officer)
    if view.is_emergency:
        await _tell_supervisors(work, view, camera, officer)
    return view


def _read(work: Work, demand: Demand) -> ViewWords:
    if demand.minutes not in LENGTHS_MIN or demand.purpose not in purposes(work):
        raise Refusal("buttons.stale")
    reason = " ".join(demand.emergency_reason.split())
    if reason and not 3 <= len(reason) <= MOST_REASON_CHARACTERS:
        raise Refusal("review.reason_length", most=MOST_REASON_CHARACTERS)
    return ViewWords(read_case_number(work, demand.case_number), reason)


async def _going_on(work: Work, camera_id: int, officer: Person) -> LiveView | None:
    query = (
        select(LiveView)
        .where(
            LiveView.camera_id == camera_id,
            LiveView.viewer_id == officer.id,
            LiveView.ended_at.is_(None),
            LiveView.ends_at > work.now,
        )
        .with_for_update()
    )
    return (await work.session.execute(query)).scalars().first()


async def _require_in_measure(work: Work, camera: Camera, wanted: timedelta) -> None:
    """Looks that follow one another are a watch; that is not what owners agreed to."""
    query = select(LiveView.started_at, LiveView.ended_at, LiveView.ends_at).where(
        LiveView.camera_id == camera.id, LiveView.started_at > work.now - _A_DAY
    )
    looks = (await work.session.execute(query)).all()
    taken = sum(((ended or ends) - start for start, ended, ends in looks), timedelta())
    most = timedelta(minutes=work.settings.live_minutes_a_day)
    if taken + wanted > most:
        left = max(timedelta(), most - taken)
        raise Refusal(
            "live.enough",
            camera=camera.name,
            most=work.settings.live_minutes_a_day,
            left=int(left.total_seconds() // 60),
        )


async def _tell_supervisors(work: Work, view: LiveView, camera: Camera, officer: Person) -> None:
    """An emergency goes ahead at once; somebody above hears of it, or it is none."""
    assert camera.area_code is not None
    told = [
        each
        for each in await holders(work, Role.SUPERVISOR, camera.area_code)
        if each.id != officer.id
    ]
    if not told:
        raise Refusal("request.no_supervisor")
    for supervisor in told:
        await telling.tell_emergency(work, view, camera, officer, supervisor)


async def cameras_to_watch(
    work: Work, areas: Sequence[str], number: int | None = None, *, limit: int = 200
) -> Sequence[Camera]:
    """Cameras of these areas that take part and that their owners let be watched, by number."""
    query = (
        select(Camera)
        .where(
            Camera.state == State.APPROVED,
            Camera.paused_at.is_(None),
            Camera.share_live,
            Camera.stream.is_not(None),
            or_(*(_lies_in(area) for area in areas)),
        )
        .order_by(Camera.number)
        .limit(limit)
    )
    if number is not None:
        query = query.where(Camera.number == number)
    return (await work.session.execute(query)).scalars().all()


def _lies_in(area: str) -> ColumnElement[bool]:
    return or_(Camera.area_code == area, Camera.area_code.startswith(f"{area}.", autoescape=True))


async def looks_of(
    work: Work, officer: Person, *, limit: int = 20
) -> list[tuple[LiveView, Camera]]:
    """An officer's own looks, the newest first."""
    query = (
        select(LiveView, Camera)
        .join(Camera, Camera.id == LiveView.camera_id)
        .where(LiveView.viewer_id == officer.id)
        .order_by(LiveView.id.desc())
        .limit(limit)
    )
    return [(view, camera) for view, camera in (await work.session.execute(query)).all()]


async def over(work: Work, view_ids: Collection[int]) -> dict[int, Ending]:
    """
    Which of these looks are over, or have to end now, and why.

    It is asked several times a second while somebody looks, so it is one statement.
    """
    query = (
        select(LiveView.id, LiveView.ending, LiveView.ends_at, Camera)
        .join(Camera, Camera.id == LiveView.camera_id)
        .where(LiveView.id.in_(view_ids))
    )
    found = {row[0]: row for row in (await work.session.execute(query)).all()}
    ended = {}
    for view_id in view_ids:
        if view_id not in found:
            ended[view_id] = Ending.CAMERA  # the owner was erased
            continue
        _, ending, ends_at, camera = found[view_id]
        if ending is not None:
            ended[view_id] = ending
        elif not camera.is_active or not camera.share_live or camera.stream is None:
            ended[view_id] = Ending.CAMERA
        elif ends_at <= work.now:
            ended[view_id] = Ending.TIME
    return ended


async def may_still(work: Work, view: LiveView, camera: Camera) -> bool:
    """Whether the officer has the role with which the look began, where the camera is."""
    assert camera.area_code is not None
    return await holds(work, view.viewer_id, Role(view.viewer_role), camera.area_code)


async def own_view(work: Work, view_id: int, officer: Person) -> LiveView:
    """
    An officer's own look, whether or not it has ended.

    Raises:
        Refusal: there is none of this officer; whether it is another's is not told.
    """
    view = await work.session.get(LiveView, view_id)
    if view is None or view.viewer_id != officer.id:
        raise Refusal("live.not_here")
    return view


async def locked(work: Work, view_id: int) -> LiveView | None:
    """A look, locked until the end of the transaction."""
    query = select(LiveView).where(LiveView.id == view_id).with_for_update()
    return (await work.session.execute(query)).scalar_one_or_none()


async def stop(work: Work, view_id: int, owner: Person) -> LiveView:
    """
    The owner ends a look with one tap, and with it every other one at that camera; nobody may
    begin another for an hour.

    Raises:
        Refusal: there is no such look at a camera of this owner, or it has ended.
    """
    view = await work.session.get(LiveView, view_id)
    if view is None or view.owner_id != owner.id:
        raise Refusal("live.not_yours")
    # as `begin` does: who is about to begin one has begun it by now, or finds that it rests
    whole = select(Camera).where(Camera.id == view.camera_id).with_for_update()
    camera = (await work.session.execute(whole)).scalar_one()
    await work.session.refresh(view, with_for_update=True)
    if view.ended_at is not None:
        raise Refusal("live.over_already", moment=words_for(work, owner).moment(view.ended_at))
    await rest(work, camera)
    for each in await views_now(work, camera.id):
        await end(work, each, Ending.OWNER)
    return view


async def end(work: Work, view: LiveView, ending: Ending) -> bool:
    """End a look and tell the owner; False where it had ended before."""
    if view.ended_at is not None:
        return False
    view.ended_at, view.ending = max(view.started_at, min(work.now, view.ends_at)), ending
    settle(view)
    _note(work, Act.LIVE_ENDED, view, words_of(work, view), ending=ending.value)
    await telling.tell_ended(work, view)
    return True


def report(work: Work, view: LiveView) -> None:
    """The page still shows it."""
    if view.ended_at is None:
        view.shown_at = view.shown_at or work.now
        view.due_at = min(work.now + REPORTS_WITHIN, view.ends_at)


def left(work: Work, view: LiveView) -> None:
    """The page is gone; unless it comes back in a moment, the look is over."""
    if view.ended_at is None and view.due_at is not None:
        view.due_at = min(view.due_at, work.now + COMES_BACK_WITHIN)


async def end_lost(work: Work, *, limit: int = 20) -> int:
    """End looks that nobody shows any more, and those whose time is over."""
    views = await claim(work, LiveView, lease=timedelta(minutes=1), limit=limit)
    for view in views:
        await end(work, view, Ending.TIME if view.ends_at <= work.now else Ending.LOST)
    return len(views)


async def end_what_is_not_allowed(work: Work, camera: Camera) -> None:
    """End what goes on at a camera and would not be begun under the terms that it has now."""
    terms = await terms_of(work, camera.id)
    for view in await views_now(work, camera.id):
        words = words_for(work, await person(work, view.viewer_id))
        try:
            require_allowed(work, words, camera, terms, is_emergency=view.is_emergency)
        except Refusal:
            await end(work, view, Ending.CAMERA)


async def let_go_of(work: Work, camera: Camera) -> None:
    """End what goes on at a camera that leaves, and forget its terms."""
    for view in await views_now(work, camera.id):
        await end(work, view, Ending.CAMERA)
    await work.session.execute(delete(LiveTerms).where(LiveTerms.camera_id == camera.id))


async def forget_views(work: Work) -> int:
    """Erase looks of more than a year ago; the audit log keeps that they were."""
    return await drop(work, delete(LiveView).where(LiveView.ended_at < work.now - _KEPT))


def _note(work: Work, act: Act, view: LiveView, said: ViewWords, **details: Any) -> None:
    record(
        work,
        act,
        # who ended it is in the details: a page that is lost ends by itself
        actor_id=view.viewer_id if act is Act.LIVE_OPENED else _actor(view),
        actor_role=view.viewer_role if act is Act.LIVE_OPENED or _by_viewer(view) else None,
        owner_id=view.owner_id,
        camera_id=view.camera_id,
        request=said.case_number,
        purpose=view.purpose.value,
        is_emergency=view.is_emergency,
        **details,
    )


def _by_viewer(view: LiveView) -> bool:
    return view.ending is Ending.VIEWER


def _actor(view: LiveView) -> int | None:
    if _by_viewer(view):
        return view.viewer_id
    return view.owner_id if view.ending in (Ending.OWNER, Ending.CAMERA) else None
