"""How the register has grown, week by week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute

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
    consented = await _by_week(work, codes, Camera.submitted_at)
    approved = await _by_week(
        work,
        codes,
        Camera.decided_at,
        Camera.state == State.APPROVED,
        Camera.decided_at.is_not(None),
    )
    today = work.now.astimezone(work.settings.zone).date()
    mondays = [_monday(today) - timedelta(weeks=ago) for ago in range(weeks - 1, -1, -1)]
    return [Week(each, _until(consented, each), _until(approved, each)) for each in mondays]


async def _by_week(
    work: Work,
    codes: Sequence[str],
    column: InstrumentedAttribute[datetime | None],
    *more: ColumnElement[bool],
) -> Counter[date]:
    """How many cameras came to it in each week; counted by the database, by days of UTC."""
    day = func.substr(cast(column, String), 1, 10)
    query = (
        select(day, func.count())
        .where(
            within(codes),
            Camera.submitted_at.is_not(None),
            Camera.state.not_in((State.WITHDRAWN, State.REJECTED)),
            *more,
        )
        .group_by(day)
    )
    counted: Counter[date] = Counter()
    for each, count in (await work.session.execute(query)).all():
        counted[_monday(date.fromisoformat(each))] += count
    return counted


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _until(counted: Counter[date], monday: date) -> int:
    return sum(count for day, count in counted.items() if day <= monday)
