"""Quiet hours: what can wait comes by day."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

NIGHT_BEGINS, NIGHT_ENDS = time(21), time(7)


def by_day(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment itself by day, else the end of its night; in the zone's time of day."""
    local = moment.astimezone(zone)
    if local.time() >= NIGHT_BEGINS:
        local = datetime.combine(local.date() + timedelta(days=1), NIGHT_ENDS, zone)
    elif local.time() < NIGHT_ENDS:
        local = datetime.combine(local.date(), NIGHT_ENDS, zone)
    return local.astimezone(moment.tzinfo)
