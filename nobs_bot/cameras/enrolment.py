"""From the first draft of a camera to its number in the queue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import phonenumbers
from sqlalchemy import func, select

from nobs_bot.cameras.checks import drop_checks
from nobs_bot.cameras.connection import forget_stream
from nobs_bot.cameras.photos import drop_photos, photo_count
from nobs_bot.cameras.record import (
    Camera,
    Contact,
    PlaceKind,
    State,
    Width,
    contact_of,
    set_contact,
    set_reason,
)
from nobs_bot.errors import Refusal
from nobs_bot.people.consent import current_consent
from nobs_bot.people.persons import Person, name_of, phone_of, read_name, set_name, set_phone
from nobs_bot.places.areas import Areas
from nobs_bot.places.geodesy import moved
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.counters import next_number
from nobs_bot.storage.work import Work

RETENTION_MOST_DAYS = 365


async def draft_of(work: Work, owner: Person) -> Camera | None:
    """The enrolment that the owner has not finished, where there is one."""
    query = (
        select(Camera)
        .where(Camera.owner_id == owner.id, Camera.state == State.DRAFT)
        .order_by(Camera.id.desc())
        .limit(1)
    )
    return (await work.session.execute(query)).scalar_one_or_none()


async def begin(work: Work, owner: Person) -> Camera:
    """
    A fresh draft, with the owner's name and number filled in where we know them.

    Raises:
        Refusal: the owner has not consented.
    """
    if await current_consent(work, owner) is None:
        raise Refusal("consent.needed")
    camera = blank(work, owner.id, State.DRAFT)
    known = Contact(name_of(work, owner), phone_of(work, owner), owner.phone_verified)
    if known.name or known.phone:
        set_contact(work, camera, known)
    await work.session.flush()
    return camera


def blank(work: Work, owner_id: int, state: State) -> Camera:
    """A camera of which nothing is known yet."""
    camera = Camera(
        id=new_id(),
        owner_id=owner_id,
        state=state,
        heading_unknown=False,
        share_footage=True,
        share_stills=False,
        share_live=False,
        sharing_chosen=False,
        stream_declined=False,
        created_at=work.now,
        touched_at=work.now,
    )
    work.session.add(camera)
    return camera


def touch(work: Work, camera: Camera) -> None:
    """
    Remember that the owner changed something.

    What a reviewer has seen is no longer what is there, so a submitted camera must be submitted
    again.
    """
    camera.touched_at = work.now
    if camera.state not in (State.RECORDED, State.DRAFT):
        camera.state = State.CHANGE_ASKED
        camera.change_field = None
        camera.review_by = camera.review_until = None


def set_place_kind(work: Work, camera: Camera, kind: PlaceKind) -> None:
    """What kind of place it is."""
    camera.place_kind = kind
    touch(work, camera)


def set_contact_name(work: Work, camera: Camera, owner: Person, name: str) -> None:
    """
    Whom to ask for.

    Raises:
        Refusal: nothing that could be a name.
    """
    clean = read_name(name)
    old = contact_of(work, camera)
    set_contact(work, camera, Contact(clean, old.phone, old.phone_verified))
    set_name(work, owner, clean)
    touch(work, camera)


def read_phone(text: str) -> str:
    """
    A phone number in E.164; one without a country is Indonesian.

    Raises:
        Refusal: not a number that can be called.
    """
    try:
        number = phonenumbers.parse(text, "ID")
    except phonenumbers.NumberParseException:
        raise Refusal("enrol.phone.wrong") from None
    if not phonenumbers.is_valid_number(number):
        raise Refusal("enrol.phone.wrong")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def set_contact_phone(
    work: Work, camera: Camera, owner: Person, number: str, *, verified: bool
) -> None:
    """The number to call; *verified* where Telegram vouches that it is the owner's own."""
    e164 = read_phone(number if number.startswith(("+", "0")) or not verified else f"+{number}")
    old = contact_of(work, camera)
    set_contact(work, camera, Contact(old.name, e164, verified))
    if verified or not owner.phone_verified:
        set_phone(work, owner, e164, verified=verified)
    touch(work, camera)


def set_location(work: Work, camera: Camera, areas: Areas, lat: float, lon: float) -> None:
    """
    Where it hangs.

    Raises:
        Refusal: outside the district; nothing is kept of the place.
    """
    area = areas.locate(lat, lon)
    if area is None:
        raise Refusal("location.outside", district=work.settings.district_name)
    camera.lat, camera.lon, camera.area_code = lat, lon, area.code
    touch(work, camera)


def nudge(work: Work, camera: Camera, areas: Areas, east_m: float, north_m: float) -> None:
    """Move the pin by metres; raises `Refusal` over the district's edge."""
    assert camera.lat is not None
    assert camera.lon is not None
    lat, lon = moved(camera.lat, camera.lon, east_m=east_m, north_m=north_m)
    set_location(work, camera, areas, lat, lon)


def set_heading(work: Work, camera: Camera, heading_deg: float | None) -> None:
    """Which way it looks, degrees clockwise from north; None where the owner does not know."""
    camera.heading_deg = None if heading_deg is None else heading_deg % 360
    camera.heading_unknown = heading_deg is None
    camera.other_headings = None
    touch(work, camera)


def set_headings(work: Work, camera: Camera, headings_deg: Iterable[float]) -> None:
    """
    The directions between which a camera pans by itself, degrees clockwise from north.

    Raises:
        Refusal: fewer than two.
    """
    first, *others = sorted({heading % 360 for heading in headings_deg}) or [0.0]
    if not others:
        raise Refusal("enrol.panning.too_few")
    camera.heading_deg, camera.other_headings = first, others
    camera.heading_unknown = False
    touch(work, camera)


def set_width(work: Work, camera: Camera, width: Width) -> None:
    """How wide it sees."""
    camera.width = width
    touch(work, camera)


def set_range(work: Work, camera: Camera, range_m: float) -> None:
    """How far a person can be made out, metres."""
    camera.range_m = range_m
    touch(work, camera)


def set_indoors(work: Work, camera: Camera, indoors: bool) -> None:
    """Whether it hangs under a roof."""
    camera.indoors = indoors
    touch(work, camera)


def set_retention(work: Work, camera: Camera, days: int) -> None:
    """
    How many days the recorder keeps; 0 where nothing is recorded.

    Raises:
        Refusal: not a number of days that a recorder could keep.
    """
    if not 0 <= days <= RETENTION_MOST_DAYS:
        raise Refusal("enrol.retention.wrong", most=RETENTION_MOST_DAYS)
    camera.retention_days = days
    touch(work, camera)


def decline_stream(work: Work, camera: Camera) -> None:
    """Take part without a stream: footage on request only."""
    forget_stream(camera)
    camera.stream_declined = True
    camera.last_check_id = None
    touch(work, camera)


async def missing(work: Work, camera: Camera) -> str | None:
    """The first field that is still to be filled in; None where the draft is whole."""
    contact = contact_of(work, camera)
    heading_known = camera.heading_deg is not None or camera.heading_unknown
    if camera.width is Width.ALL_ROUND:
        heading_known = True
    answered = (
        ("place", camera.place_kind is not None),
        ("name", bool(contact.name)),
        ("phone", bool(contact.phone)),
        ("location", camera.area_code is not None),
        ("photos", await photo_count(work, camera.id) > 0),
        ("heading", heading_known),
        ("width", camera.width is not None),
        ("range", camera.range_m is not None),
        ("indoors", camera.indoors is not None),
        ("retention", camera.retention_days is not None),
        ("sharing", camera.sharing_chosen),
        ("stream", not camera.needs_stream or camera.stream is not None),
    )
    return next((field for field, is_there in answered if not is_there), None)


async def submit(work: Work, camera: Camera, owner: Person) -> int:
    """
    Put the camera into the queue.

    Returns:
        How many wait before it.

    Raises:
        Refusal: without consent, with a gap, or with nothing shared.
    """
    if await current_consent(work, owner) is None:
        raise Refusal("consent.needed")
    if await missing(work, camera):
        raise Refusal("enrol.summary.incomplete")
    if not (camera.share_footage or camera.needs_stream):
        raise Refusal("enrol.sharing.nothing")
    if camera.number is None:
        camera.number = await next_number(work, "camera")
    camera.state = State.WAITING
    camera.submitted_at = camera.touched_at = work.now
    camera.change_field = camera.review_by = camera.review_until = None
    set_reason(work, camera, "")
    record(work, Act.SUBMITTED, actor_id=owner.id, owner_id=owner.id, camera_id=camera.id)
    return await waiting_before(work, camera)


async def waiting_before(work: Work, camera: Camera) -> int:
    """How many cameras of the same kelurahan's queue are older."""
    query = (
        select(func.count())
        .select_from(Camera)
        .where(
            Camera.state == State.WAITING,
            Camera.area_code == camera.area_code,
            Camera.submitted_at < camera.submitted_at,
        )
    )
    return int((await work.session.execute(query)).scalar_one())


async def discard(work: Work, camera: Camera) -> None:
    """Erase a draft with all that belongs to it."""
    await drop_checks(work, camera.id)
    await drop_photos(work, camera.id)
    await work.session.delete(camera)


async def erase_silent_drafts(work: Work, *, limit: int = 20) -> int:
    """Erase drafts that nobody has touched for as long as the settings allow."""
    before = work.now - timedelta(days=work.settings.draft_days)
    query = (
        select(Camera).where(Camera.state == State.DRAFT, Camera.touched_at < before).limit(limit)
    )
    drafts = (await work.session.execute(query)).scalars().all()
    for draft in drafts:
        await discard(work, draft)
    return len(drafts)
