"""How the register has grown, week by week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute

from nobs_bot.cameras.record import Camera, State
from nobs_bot.people.roles import covers
from nobs_bot.storage.tallies import Counting
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
    found = await GROWTH.counts(work)
    seen = [each for area, each in found.items() if any(covers(code, area) for code in codes)]
    consented = sum((each[0] for each in seen), Counter[date]())
    approved = sum((each[1] for each in seen), Counter[date]())
    today = work.now.astimezone(work.settings.zone).date()
    mondays = [_monday(today) - timedelta(weeks=ago) for ago in range(weeks - 1, -1, -1)]
    return [Week(each, _until(consented, each), _until(approved, each)) for each in mondays]


# cameras that came to it in a week, by its Monday: consented, approved
Weeks = tuple[Counter[date], Counter[date]]


async def _by_area(work: Work) -> dict[str, Weeks]:
    consented = await _by_week(work, Camera.submitted_at)
    approved = await _by_week(
        work, Camera.decided_at, Camera.state == State.APPROVED, Camera.decided_at.is_not(None)
    )
    return {area: (each, approved.get(area, Counter())) for area, each in consented.items()}


async def _by_week(
    work: Work, column: InstrumentedAttribute[datetime | None], *more: ColumnElement[bool]
) -> dict[str, Counter[date]]:
    """How many cameras of each area came to it, by week; counted by the database by days of UTC."""
    day = func.substr(cast(column, String), 1, 10)
    query = (
        select(Camera.area_code, day, func.count())
        .where(
            Camera.area_code.is_not(None),
            Camera.submitted_at.is_not(None),
            Camera.state.not_in((State.WITHDRAWN, State.REJECTED)),
            *more,
        )
        .group_by(Camera.area_code, day)
    )
    counted: dict[str, Counter[date]] = {}
    for area, each, count in (await work.session.execute(query)).all():
        counted.setdefault(str(area), Counter())[_monday(date.fromisoformat(each))] += count
    return counted


def _as_json(weeks: Counter[date]) -> dict[str, int]:
    return {monday.isoformat(): count for monday, count in weeks.items()}


def _from_json(kept: dict[str, int]) -> Counter[date]:
    return Counter({date.fromisoformat(monday): count for monday, count in kept.items()})


GROWTH: Counting[dict[str, Weeks]] = Counting(
    name="growth",
    count=_by_area,
    as_json=lambda found: {area: list(map(_as_json, each)) for area, each in found.items()},
    from_json=lambda kept: {
        area: (_from_json(each[0]), _from_json(each[1])) for area, each in kept.items()
    },
)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _until(counted: Counter[date], monday: date) -> int:
    return sum(count for day, count in counted.items() if day <= monday)
