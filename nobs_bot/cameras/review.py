"""The officers' queue: one camera at a time, decided once, and the owner told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, func, or_, select

from nobs_bot.buttons import Button, button, column
from nobs_bot.cameras.record import Camera, State, set_reason
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.people.roles import Role, holders, require, require_at
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Work

MOST_REASON_CHARACTERS = 500


class RejectReason(StrEnum):
    """Reasons that can be picked from a list."""

    NOT_A_CAMERA = "not_a_camera"
    NOT_OWN = "not_own"
    PRIVATE_ROOM = "private_room"
    TWICE = "twice"
    UNREACHABLE = "unreachable"


CHANGE_FIELDS = ("location", "photos", "view", "stream", "phone", "retention")


@dataclass(frozen=True)
class Waiting:
    """How many cameras wait in one kelurahan, and since when."""

    area_code: str
    count: int
    since: datetime


async def queue(work: Work, officer: Person) -> list[Waiting]:
    """
    What waits in the officer's areas, the longest wait first.

    Raises:
        Refusal: the officer reviews nowhere.
    """
    areas = await require(work, officer.id, Role.REVIEWER)
    query = (
        select(Camera.area_code, func.count(), func.min(Camera.submitted_at))
        .where(Camera.state == State.WAITING, within(areas))
        .group_by(Camera.area_code)
    )
    rows = (await work.session.execute(query)).all()
    found = [Waiting(code, count, since) for code, count, since in rows if code and since]
    return sorted(found, key=lambda waiting: waiting.since)


async def take(work: Work, officer: Person) -> Camera | None:
    """
    Hand out the camera that waits longest, the officer's own excepted, under a lease.

    Returns:
        The camera, one that the officer already holds first; None where nothing is free.
    """
    areas = await require(work, officer.id, Role.REVIEWER)
    is_free = or_(
        Camera.review_until.is_(None),
        Camera.review_until <= work.now,
        Camera.review_by == officer.id,
    )
    query = (
        select(Camera)
        .where(Camera.state == State.WAITING, Camera.owner_id != officer.id, within(areas), is_free)
        .order_by((Camera.review_by == officer.id).desc().nulls_last(), Camera.submitted_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    camera = (await work.session.execute(query)).scalar_one_or_none()
    if camera is None:
        return None
    camera.review_by = officer.id
    camera.review_until = work.now + timedelta(minutes=work.settings.review_lease_minutes)
    record(
        work,
        Act.REVIEW_OPENED,
        actor_id=officer.id,
        actor_role=Role.REVIEWER,
        owner_id=camera.owner_id,
        camera_id=camera.id,
    )
    return camera


def seen_nearby(work: Work, officer: Person, cameras: Sequence[Camera]) -> None:
    """Let the owners read that their cameras stood on the map of a neighbour's review."""
    for camera in cameras:
        if camera.owner_id != officer.id:
            record(
                work,
                Act.SEEN_NEARBY,
                actor_id=officer.id,
                actor_role=Role.REVIEWER,
                owner_id=camera.owner_id,
                camera_id=camera.id,
            )


def release(camera: Camera, officer: Person) -> None:
    """Give a camera back to the queue."""
    if camera.review_by == officer.id:
        camera.review_by = camera.review_until = None


async def decidable(work: Work, camera_id: int, officer: Person) -> Camera:
    """
    The camera, locked for a decision by this officer.

    Raises:
        Refusal: not in the officer's area, the officer's own, decided already, in another
            officer's hands, or changed by its owner since this officer opened it.
    """
    query = select(Camera).where(Camera.id == camera_id).with_for_update()
    camera = (await work.session.execute(query)).scalar_one_or_none()
    if camera is None or camera.area_code is None:
        raise Refusal("review.gone")
    await require_at(work, officer.id, Role.REVIEWER, camera.area_code)
    if camera.owner_id == officer.id:
        raise Refusal("review.own_camera")
    if camera.state is not State.WAITING:
        raise Refusal("review.already_decided", camera=camera.name)
    if _is_held_by_another(work, camera, officer):
        raise Refusal("review.taken_by_another", camera=camera.name)
    if camera.review_by != officer.id:
        # a change takes it out of every hand: an old button decides on nothing that was not seen
        raise Refusal("review.not_taken", camera=camera.name)
    return camera


async def in_hand(work: Work, number: int, officer: Person) -> Camera:
    """
    The camera of this number, where this officer has taken it out of the queue and holds it still.

    Raises:
        Refusal: it is not to be decided by this officer (see `decidable`), or not taken.
    """
    query = select(Camera.id).where(Camera.number == number)
    camera_id = (await work.session.execute(query)).scalar_one_or_none()
    if camera_id is None:
        raise Refusal("review.gone")
    camera = await decidable(work, camera_id, officer)
    if (camera.review_until or work.now) <= work.now:
        raise Refusal("review.not_taken", camera=camera.name)
    return camera


async def approve(work: Work, camera_id: int, officer: Person) -> Camera:
    """Let the camera take part."""
    camera = await decidable(work, camera_id, officer)
    _decide(work, camera, officer, State.APPROVED, Act.APPROVED)
    # the still that the reviewer saw beside the heading is what later ones are held against
    camera.reference_check_id = camera.last_check_id
    camera.drift = camera.drift_since = camera.drift_told_at = None
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    text = words("review.told.approved", camera=camera.name)
    show = button(words("cameras.open_button"), "cam.show", camera.id)
    await _tell_owner(work, camera, owner, text=text, next_step=show)
    return camera


async def ask_change(
    work: Work, camera_id: int, officer: Person, field: str, request: str
) -> Camera:
    """Send the camera back with the officer's words and the field they are about."""
    camera = await decidable(work, camera_id, officer)
    if field not in CHANGE_FIELDS:
        raise Refusal("buttons.stale")
    reason = read_reason(request)
    _decide(work, camera, officer, State.CHANGE_ASKED, Act.CHANGE_ASKED, reason=reason)
    camera.change_field = field
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    text = words("review.told.change", camera=camera.name, reason=reason)
    label = words("review.told.change_button", field=words(f"field.{field}"))
    mend = button(label, "enrol.edit", camera.id, field)
    await _tell_owner(work, camera, owner, text=text, next_step=mend)
    return camera


async def reject(work: Work, camera_id: int, officer: Person, reason: str) -> Camera:
    """
    Turn the camera down.

    Args:
        reason: A `RejectReason` or the officer's own words.
    """
    camera = await decidable(work, camera_id, officer)
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    known = reason in tuple(RejectReason)
    said = words(f"review.reason.{reason}") if known else read_reason(reason)
    _decide(work, camera, officer, State.REJECTED, Act.REJECTED, reason=said)
    text = words("review.told.rejected", camera=camera.name, reason=said)
    show = button(words("cameras.open_button"), "cam.show", camera.id)
    await _tell_owner(work, camera, owner, text=text, next_step=show)
    return camera


def read_reason(text: str) -> str:
    """Raises `Refusal` where the words are missing or too many."""
    clean = text.strip()
    if not 3 <= len(clean) <= MOST_REASON_CHARACTERS:
        raise Refusal("review.reason_length", most=MOST_REASON_CHARACTERS)
    return clean


async def announce(work: Work, camera: Camera) -> None:
    """Tell the reviewers of the area that a camera waits, once a submission."""
    assert camera.area_code is not None
    assert camera.submitted_at is not None
    for officer in await holders(work, Role.REVIEWER, camera.area_code):
        if officer.id == camera.owner_id:
            continue
        words = words_for(work, officer)
        message = Message(
            text=words("review.announce", camera=camera.name),
            keyboard=column(button(words("review.open_button"), "rev.next")),
            slot="review.announce",
        )
        stamp = int(camera.submitted_at.timestamp())
        await tell(work, officer, message, f"announce:{camera.id}:{stamp}:{officer.id}")


def within(areas: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a camera lies in one of the areas."""
    return or_(
        *(
            or_(Camera.area_code == area, Camera.area_code.startswith(f"{area}.", autoescape=True))
            for area in areas
        )
    )


def _is_held_by_another(work: Work, camera: Camera, officer: Person) -> bool:
    if camera.review_by in (None, officer.id):
        return False
    return camera.review_until is not None and camera.review_until > work.now


def _decide(
    work: Work, camera: Camera, officer: Person, state: State, act: Act, *, reason: str = ""
) -> None:
    camera.state = state
    camera.decided_at, camera.decided_by = work.now, officer.id
    camera.review_by = camera.review_until = None
    set_reason(work, camera, reason)
    record(
        work,
        act,
        actor_id=officer.id,
        actor_role=Role.REVIEWER,
        owner_id=camera.owner_id,
        camera_id=camera.id,
    )


async def _tell_owner(
    work: Work, camera: Camera, owner: Person, *, text: str, next_step: Button
) -> None:
    message = Message(text=text, keyboard=column(next_step))
    assert camera.decided_at is not None
    stamp = int(camera.decided_at.timestamp() * 1000)
    await tell(work, owner, message, f"decision:{camera.id}:{stamp}")
