"""What an owner allows: whether, at which hours, in emergencies only, and not just after a stop."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from nobs_bot.cameras.record import Camera
from nobs_bot.errors import Refusal
from nobs_bot.footage.live.record import LiveTerms
from nobs_bot.people.persons import Person
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words

REST = timedelta(hours=1)
_DAY_MIN = 24 * 60
_HOURS = re.compile(
    r"(\d{1,2})(?:[.:](\d{2}))?\s*(?:-|–|—|sampai|s/?d|hingga|to|until)\s*(\d{1,2})(?:[.:](\d{2}))?"
)


async def terms_of(work: Work, camera_id: int) -> LiveTerms:
    """A camera's terms; a row that is not kept where the owner set none."""
    found = await work.session.get(LiveTerms, camera_id)
    return found or LiveTerms(camera_id=camera_id, emergencies_only=False)


async def _own(work: Work, camera: Camera) -> LiveTerms:
    terms = await terms_of(work, camera.id)
    work.session.add(terms)
    return terms


def read_hours(text: str) -> tuple[int, int]:
    """
    Hours of the day as people type them: 22-5, 18.00–06.30, 7 sampai 17.

    Returns:
        Minutes after midnight, from and until.

    Raises:
        Refusal: they are none.
    """
    found = _HOURS.fullmatch(text.strip().casefold())
    if found is None:
        raise Refusal("live.hours.unread")
    hour, minute, last_hour, last_minute = (int(each or 0) for each in found.groups())
    if minute > 59 or last_minute > 59 or hour > 23 or last_hour * 60 + last_minute > _DAY_MIN:
        raise Refusal("live.hours.unread")
    first, last = hour * 60 + minute, (last_hour * 60 + last_minute) % _DAY_MIN
    if first == last:
        raise Refusal("live.hours.unread")
    return first, last


async def set_hours(
    work: Work, camera: Camera, owner: Person, hours: tuple[int, int] | None
) -> None:
    """Let the camera be watched at these hours of the day alone; None for any."""
    terms = await _own(work, camera)
    terms.from_min, terms.until_min = hours or (None, None)
    _note(work, camera, owner, hours=list(hours) if hours else None)


async def switch_emergencies(work: Work, camera: Camera, owner: Person) -> bool:
    """Let the camera be watched in emergencies alone, or again for any case; what it now is."""
    terms = await _own(work, camera)
    terms.emergencies_only = not terms.emergencies_only
    _note(work, camera, owner, emergencies_only=terms.emergencies_only)
    return terms.emergencies_only


async def rest(work: Work, camera: Camera) -> None:
    """Nobody may begin another look for a while: the owner has just stopped one."""
    (await _own(work, camera)).rests_until = work.now + REST


async def end_rest(work: Work, camera: Camera) -> None:
    """The owner allows it again before the time is over."""
    (await _own(work, camera)).rests_until = None


def is_hour(terms: LiveTerms, local: datetime) -> bool:
    """Whether the owner allows this time of day."""
    if terms.from_min is None or terms.until_min is None:
        return True
    minute = local.hour * 60 + local.minute
    if terms.from_min < terms.until_min:
        return terms.from_min <= minute < terms.until_min
    return minute >= terms.from_min or minute < terms.until_min


def hours_text(words: Words, terms: LiveTerms) -> str:
    """The hours in words: any time, or 22.00-05.00 with the zone's name."""
    if terms.from_min is None or terms.until_min is None:
        return words("live.hours.any")
    start, end = (_clock(words, each) for each in (terms.from_min, terms.until_min))
    return words("live.hours.between", start=start, end=end)


def _clock(words: Words, minute: int) -> str:
    at = datetime(2026, 1, 1, minute // 60, minute % 60, tzinfo=words.zone)
    return words.time(at)


def require_allowed(
    work: Work, words: Words, camera: Camera, terms: LiveTerms, *, is_emergency: bool
) -> datetime | None:
    """
    Whether the owner's terms allow a look now.

    Returns:
        When the hours that the owner allows are over; None where any hour is allowed.

    Raises:
        Refusal: they do not; the sentence says which.
    """
    if not camera.share_live or camera.stream is None:
        raise Refusal("live.not_shared", camera=camera.name)
    if terms.rests_until is not None and terms.rests_until > work.now:
        raise Refusal("live.rests", camera=camera.name, moment=words.moment(terms.rests_until))
    if terms.emergencies_only and not is_emergency:
        raise Refusal("live.emergencies_only", camera=camera.name)
    local = work.now.astimezone(words.zone)
    if not is_hour(terms, local):
        raise Refusal("live.not_now", camera=camera.name, hours=hours_text(words, terms))
    return _end_of_hours(terms, local)


def _end_of_hours(terms: LiveTerms, local: datetime) -> datetime | None:
    if terms.until_min is None:
        return None
    minute = local.hour * 60 + local.minute
    left = timedelta(minutes=(terms.until_min - minute) % _DAY_MIN)
    return local.replace(second=0, microsecond=0) + left


def _note(work: Work, camera: Camera, owner: Person, **details: Any) -> None:
    record(
        work,
        Act.EDITED,
        actor_id=owner.id,
        owner_id=camera.owner_id,
        camera_id=camera.id,
        field="live_terms",
        **details,
    )
