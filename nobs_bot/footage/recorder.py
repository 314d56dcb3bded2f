"""The clock of an owner's recorder: how wrong it is, measured by the owner's own eyes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nobs_bot.cameras.record import Camera
from nobs_bot.errors import Refusal
from nobs_bot.footage.request import Ask, FootageRequest
from nobs_bot.people.persons import Person
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Work

_SHOWN = re.compile(
    r"^\D*(\d{1,2})\s*[.:]\s*(\d{2})(?:\s*[.:]\s*(\d{2}))?\s*(am|pm)?\D*$", re.IGNORECASE
)
_HALF_DAY = timedelta(hours=12)
_DAY = timedelta(days=1)


def read_clock_error(text: str, at: datetime, zone: ZoneInfo) -> int:
    """
    How many seconds a recorder's clock is ahead, from what it shows.

    Args:
        text: The time of day that it shows: 21.37, 21:37:20, 9:37 pm.
        at: When it was read.

    Returns:
        Between half a day behind and half a day ahead. Without seconds the middle of the minute
        is meant.

    Raises:
        Refusal: no time of day.
    """
    found = _SHOWN.match(text)
    if found is None:
        raise Refusal("clock.unclear")
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 30)
    if found[4]:
        hour = hour % 12 + (12 if found[4].lower() == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise Refusal("clock.unclear")
    local = at.astimezone(zone)
    shown = local.replace(hour=hour, minute=minute, second=second, microsecond=0)
    error = (shown - local + _HALF_DAY) % _DAY - _HALF_DAY
    return round(error.total_seconds())


async def keep_clock_error(work: Work, ask: Ask, owner: Person, error_s: int) -> Camera:
    """Keep how wrong the recorder's clock is, for this request and for later ones."""
    camera = await work.session.get(Camera, ask.camera_id)
    request = await work.session.get(FootageRequest, ask.request_id)
    assert camera is not None
    assert request is not None
    ask.clock_error_s = camera.clock_error_s = error_s
    ask.clock_read_at = camera.clock_read_at = work.now
    record(
        work,
        Act.CLOCK_READ,
        actor_id=owner.id,
        owner_id=owner.id,
        camera_id=camera.id,
        request_id=request.id,
        request=request.name,
        error_s=error_s,
    )
    return camera
