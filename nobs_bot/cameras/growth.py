"""How the register has grown, week by week."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.review import within
from nobs_bot.storage.work import Work


@dataclass(frozen=True)
class Week:
    """
    What there was at the end of a week.

    Args:
        monday: The week's first day, in the district's time.
        consented: Cameras whose owners had agreed and sent them, of those that are there now.
        approved: Those of them that were approved and take part, or are paused, now.
    """

    monday: date
    consented: int
    approved: int


async def growth(work: Work, codes: Sequence[str], weeks: int = 26) -> list[Week]:
    """
    The latest weeks of some areas, the oldest first.

    It is told of the cameras that are there now, since those that were withdrawn are forgotten.
    """
    if not codes:
        return []
    query = select(Camera.submitted_at, Camera.decided_at, Camera.state).where(
        within(codes),
        Camera.submitted_at.is_not(None),
        Camera.state.not_in((State.WITHDRAWN, State.REJECTED)),
    )
    consented: Counter[date] = Counter()
    approved: Counter[date] = Counter()
    # part by part: twenty thousand at once would hold everybody up for a tenth of a second
    async for part in (await work.session.stream(query)).partitions(1000):
        for submitted_at, decided_at, state in part:
            assert submitted_at is not None
            consented[_monday(work, submitted_at)] += 1
            if state is State.APPROVED and decided_at is not None:
                approved[_monday(work, decided_at)] += 1
        await asyncio.sleep(0)
    last = _monday(work, work.now)
    mondays = [last - timedelta(weeks=ago) for ago in range(weeks - 1, -1, -1)]
    return [Week(each, _until(consented, each), _until(approved, each)) for each in mondays]


def _monday(work: Work, at: datetime) -> date:
    day = at.astimezone(work.settings.zone).date()
    return day - timedelta(days=day.weekday())


def _until(counted: Counter[date], monday: date) -> int:
    return sum(count for day, count in counted.items() if day <= monday)
