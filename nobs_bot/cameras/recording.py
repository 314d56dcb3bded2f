"""Cameras that officers write down on foot, before their owners have consented."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from nobs_bot.cameras.claim import Claim, lock_stand_in, note_refused
from nobs_bot.cameras.enrolment import blank, discard, set_location
from nobs_bot.cameras.record import Camera, Contact, State, set_contact
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person, name_of, nobody_yet, person, phone_of
from nobs_bot.people.roles import Role, require, require_at
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Work

# shown at most in an officer's own list
MOST_LISTED = 8


async def begin_recording(work: Work, officer: Person, beside: Camera | None = None) -> Camera:
    """
    A fresh record for an owner who stands beside the officer.

    Args:
        beside: Another camera of the same owner that was recorded just before.

    Raises:
        Refusal: the person is no field officer.
    """
    await require(work, officer.id, Role.FIELD_OFFICER)
    owner = await person(work, beside.owner_id) if beside else nobody_yet(work)
    await work.session.flush()
    camera = blank(work, owner.id, State.RECORDED)
    camera.recorded_by, camera.recorded_at = officer.id, work.now
    if beside is not None:
        camera.place_kind = beside.place_kind
        set_contact(work, camera, Contact(name_of(work, owner), phone_of(work, owner)))
    await work.session.flush()
    return camera


async def recording_of(work: Work, camera_id: int, officer: Person) -> Camera:
    """
    A camera that this officer recorded and whose owner has not taken it over, locked: the owner
    may be about to.

    Raises:
        Refusal: there is none such; whether it is another's is not told.
    """
    camera = await locked_recording(work, camera_id)
    if camera is None or camera.recorded_by != officer.id:
        raise Refusal("record.over")
    return camera


async def locked_recording(work: Work, camera_id: int) -> Camera | None:
    """A record that nobody else can change any more; None where it is one no longer."""
    owner_id = (
        await work.session.execute(select(Camera.owner_id).where(Camera.id == camera_id))
    ).scalar_one_or_none()
    if owner_id is None:
        return None
    await lock_stand_in(work, owner_id)
    camera = await work.session.get(Camera, camera_id, populate_existing=True)
    return camera if camera is not None and camera.state is State.RECORDED else None


async def locate(
    work: Work,
    camera: Camera,
    officer: Person,
    areas: Areas,
    at: tuple[float, float],
    *,
    accuracy_m: float | None = None,
) -> None:
    """
    Where the recorded camera hangs, by the officer's own phone or word.

    Args:
        at: (lat, lon) in degrees.
        accuracy_m: The phone's own word of how far off it may be; None where it was typed.

    Raises:
        Refusal: outside the district or the officer's areas; nothing is kept of the place.
    """
    area = areas.locate(*at)
    if area is not None:
        await require_at(work, officer.id, Role.FIELD_OFFICER, area.code)
    set_location(work, camera, areas, *at)
    camera.accuracy_m = accuracy_m


async def hand_over(work: Work, camera: Camera, officer: Person) -> None:
    """
    The record is whole: from now on it counts, and its owner may take it over.

    Raises:
        Refusal: it has no place yet, or its place is not the officer's any more.
    """
    if camera.area_code is None:
        raise Refusal("record.no_place")
    await require_at(work, officer.id, Role.FIELD_OFFICER, camera.area_code)
    if camera.handed_over_at is None:
        camera.handed_over_at = work.now
        record(
            work,
            Act.RECORDED,
            actor_id=officer.id,
            actor_role=Role.FIELD_OFFICER,
            owner_id=camera.owner_id,
            camera_id=camera.id,
            area=camera.area_code,
        )


async def recordings_of(work: Work, officer: Person) -> Sequence[Camera]:
    """The officer's records that wait for their owners, the newest first."""
    query = (
        select(Camera)
        .where(Camera.recorded_by == officer.id, Camera.state == State.RECORDED)
        .order_by(Camera.recorded_at.desc(), Camera.id.desc())
        .limit(MOST_LISTED)
    )
    return (await work.session.execute(query)).scalars().all()


async def erase_recording(work: Work, camera: Camera, *, actor: Person | None = None) -> None:
    """Erase a record with all that belongs to it; with an owner's last one the owner, too."""
    owner_id = camera.owner_id
    _note_erased(work, camera, actor)
    await discard(work, camera)
    await work.session.flush()
    await forget_nobody(work, owner_id)


async def give_up(work: Work, camera: Camera, owner: Person) -> None:
    """Erase a draft by its owner's word; if it was recorded once, it is not recorded again."""
    await note_refused(work, camera)
    if camera.recorded_at is not None:
        _note_erased(work, camera, owner)
    await discard(work, camera)


def _note_erased(work: Work, camera: Camera, actor: Person | None) -> None:
    # not about an owner, whose lines go with them: a backup may have it as it was recorded
    record(
        work,
        Act.RECORDING_ERASED,
        actor_id=actor.id if actor else None,
        camera_id=camera.id,
        recorded_by=camera.recorded_by,
        area=camera.area_code,
    )


async def forget_nobody(work: Work, owner_id: int) -> None:
    """Forget somebody who stood only for records' owner, once there is no such record left."""
    others = select(func.count()).select_from(Camera).where(Camera.owner_id == owner_id)
    if (await work.session.execute(others)).scalar_one():
        return
    await work.session.execute(delete(Claim).where(Claim.owner_id == owner_id))
    owner = await person(work, owner_id)
    assert owner.telegram_id is None
    await work.session.delete(owner)


def good_until(work: Work, camera: Camera) -> datetime:
    """When the record is erased unless its owner takes it over."""
    assert camera.recorded_at is not None
    return camera.recorded_at + timedelta(days=work.settings.recording_days)


async def erase_unclaimed(work: Work, *, limit: int = 20) -> int:
    """Erase the records that no owner took over in time; returns how many."""
    before = work.now - timedelta(days=work.settings.recording_days)
    query = (
        select(Camera.id)
        .where(Camera.state == State.RECORDED, Camera.recorded_at < before)
        .limit(limit)
    )
    erased = 0
    for camera_id in (await work.session.execute(query)).scalars().all():
        camera = await locked_recording(work, camera_id)
        if camera is not None:
            await erase_recording(work, camera)
            erased += 1
    return erased
