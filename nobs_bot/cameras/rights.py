"""What an owner may always do with a camera: pause it, change what is shared, withdraw it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from nobs_bot.cameras.checks import drop_checks
from nobs_bot.cameras.claim import note_refused
from nobs_bot.cameras.connection import forget_stream, stream_of
from nobs_bot.cameras.health import drop_health
from nobs_bot.cameras.photos import drop_photos, photo_count
from nobs_bot.cameras.record import Camera, State, Turning, contact_of, reason_of
from nobs_bot.cameras.recording import give_up
from nobs_bot.cameras.stickers import expire_stickers, stickers_of
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Work

SHARES = ("footage", "stills", "live")


def pause(work: Work, camera: Camera, owner: Person) -> None:
    """Not asked and not checked until resumed."""
    if camera.paused_at is None:
        camera.paused_at = work.now
        _note(work, Act.PAUSED, camera, owner)


def resume(work: Work, camera: Camera, owner: Person) -> None:
    """Take part again."""
    if camera.paused_at is not None:
        camera.paused_at = None
        _note(work, Act.RESUMED, camera, owner)


def switch_share(work: Work, camera: Camera, owner: Person, what: str) -> bool:
    """
    Turn one of the three switches; takes effect at once.

    Returns:
        What the switch now is.

    Raises:
        Refusal: no such switch.
    """
    if what not in SHARES:
        raise Refusal("buttons.stale")
    column = f"share_{what}"
    value = not getattr(camera, column)
    setattr(camera, column, value)
    camera.touched_at = work.now
    if camera.state not in (State.RECORDED, State.DRAFT):
        _note(work, Act.EDITED, camera, owner, field=what, value=value)
    return value


async def withdraw(work: Work, camera: Camera, owner: Person) -> None:
    """
    Take the camera out for good.

    Secrets, contact, place, photos and pictures are erased in this transaction; what stays is the
    number and the kelurahan, so that old requests still say which camera they meant, and to whom.
    """
    forget_stream(camera)
    await drop_checks(work, camera.id)
    await drop_photos(work, camera.id)
    await expire_stickers(work, camera.id)
    await drop_health(work, camera.id)
    camera.contact = camera.reason = None
    camera.lat = camera.lon = camera.heading_deg = camera.range_m = None
    camera.place_kind = camera.width = camera.indoors = camera.retention_days = None
    camera.last_check_id = camera.review_by = camera.review_until = None
    camera.reference_check_id = camera.checked_at = camera.sees_at_night = None
    camera.drift = camera.drift_since = camera.drift_told_at = None
    camera.turning = Turning.UNKNOWN
    await note_refused(work, camera)
    camera.accuracy_m = camera.source_index = camera.other_headings = None
    camera.share_footage = False
    camera.state, camera.withdrawn_at = State.WITHDRAWN, work.now
    _note(work, Act.WITHDRAWN, camera, owner)


def _note(work: Work, act: Act, camera: Camera, owner: Person, **details: Any) -> None:
    record(work, act, actor_id=owner.id, owner_id=camera.owner_id, camera_id=camera.id, **details)


class CameraHolder:
    """The cameras' part in a person's rights over their data."""

    name = "cameras"

    async def export(self, work: Work, person_id: int) -> list[dict[str, Any]]:
        """The person's cameras with all that was entered; the stream without its password."""
        query = select(Camera).where(Camera.owner_id == person_id).order_by(Camera.id)
        cameras = (await work.session.execute(query)).scalars().all()
        return [await self._describe(work, camera) for camera in cameras]

    async def _describe(self, work: Work, camera: Camera) -> dict[str, Any]:
        stream = stream_of(work, camera)
        return {
            "number": camera.name,
            "state": camera.state,
            "place_kind": camera.place_kind,
            "contact": vars(contact_of(work, camera)),
            "lat": camera.lat,
            "lon": camera.lon,
            "area_code": camera.area_code,
            "heading_deg": camera.heading_deg,
            "other_headings": camera.other_headings,
            "width": camera.width,
            "range_m": camera.range_m,
            "indoors": camera.indoors,
            "sees_at_night": camera.sees_at_night,
            "turning": camera.turning,
            "retention_days": camera.retention_days,
            "shared": {what: getattr(camera, f"share_{what}") for what in SHARES},
            "stream": stream.public if stream else None,
            "photos": await photo_count(work, camera.id),
            "stickers": [
                {
                    "version": each.version,
                    "state": each.state,
                    "printed_at": each.printed_at.isoformat(),
                    "placed_at": each.placed_at.isoformat() if each.placed_at else None,
                }
                for each in await stickers_of(work, camera.id)
            ],
            "reviewers_words": reason_of(work, camera),
            "created_at": camera.created_at.isoformat(),
            "submitted_at": camera.submitted_at.isoformat() if camera.submitted_at else None,
        }

    async def erase(self, work: Work, person_id: int) -> None:
        """Withdraw every camera and erase every draft."""
        query = select(Camera).where(Camera.owner_id == person_id)
        owner = await work.session.get(Person, person_id)
        assert owner is not None
        for camera in (await work.session.execute(query)).scalars():
            if camera.state is State.DRAFT:
                await give_up(work, camera, owner)
            elif camera.state is not State.WITHDRAWN:
                await withdraw(work, camera, owner)
            else:
                await drop_checks(work, camera.id)
                await drop_photos(work, camera.id)
