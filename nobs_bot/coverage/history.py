"""Coverage from day to day: kept by kelurahan, compared with last week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, or_, select

from nobs_bot.coverage.orders import CoverageFigure
from nobs_bot.coverage.surveyor import Surveyor, standing
from nobs_bot.people.roles import covers
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import Office, Work

_WEEK = timedelta(days=7)


class Figures(NamedTuple):
    """What an area's cameras see; meaning and units are those of `CoverageFigure`."""

    length_m: float = 0.0
    seen_m: float = 0.0
    twice_m: float = 0.0
    night_m: float = 0.0
    cameras: float = 0.0
    worth: float = 0.0
    seen_worth: float = 0.0


def total(parts: Iterable[Figures]) -> Figures:
    """The sums of several areas."""
    return Figures(*map(sum, zip(*parts, strict=True)))


async def keep_weekly(office: Office, surveyor: Surveyor, district_code: str) -> int:
    """Keep figures where nobody had any reckoned for a week, so that there is a last week."""
    async with office.look() as work:
        today = work.now.astimezone(work.settings.zone).date()
        lately = select(CoverageFigure.id).where(CoverageFigure.day > today - _WEEK).limit(1)
        if (await work.session.execute(lately)).first() is not None:
            return 0
        stand = await standing(work)
    if not stand.cameras:
        return 0
    figures = await surveyor.ask("figures", stand, areas=[district_code])
    async with office.work() as work:
        await keep_figures(work, figures)
    return 1


async def keep_figures(work: Work, figures: dict[str, Any]) -> None:
    """The figures of today by kelurahan; later ones of the same day take their place."""
    today = work.now.astimezone(work.settings.zone).date()
    kept = await work.session.execute(select(CoverageFigure).where(CoverageFigure.day == today))
    rows = {row.area_code: row for row in kept.scalars()}
    model = "open" if figures["is_upper_bound"] else "buildings"
    for code, values in figures["by_area"].items():
        row = rows.get(code)
        if row is None:
            row = CoverageFigure(id=new_id(), area_code=code, day=today)
            work.session.add(row)
        row.model = model
        for name, value in zip(Figures._fields, values, strict=True):
            setattr(row, name, value)


async def since_last_week(work: Work, area_code: str, figures: dict[str, Any]) -> float | None:
    """Metres more (or fewer) than a week ago; None where nothing was kept then."""
    today = work.now.astimezone(work.settings.zone).date()
    before: date | None = (
        await work.session.execute(
            select(CoverageFigure.day)
            .where(CoverageFigure.day <= today - _WEEK, CoverageFigure.day > today - 2 * _WEEK)
            .order_by(CoverageFigure.day.desc())
            .limit(1)
        )
    ).scalar()
    if before is None:
        return None
    query = select(CoverageFigure).where(CoverageFigure.day == before)
    then = [
        row.seen_m
        for row in (await work.session.execute(query)).scalars()
        if covers(area_code, row.area_code)
    ]
    now: float = sum(
        values[1] for code, values in figures["by_area"].items() if covers(area_code, code)
    )
    return now - sum(then)


async def by_day(work: Work, area_code: str, days: int = 370) -> dict[date, Figures]:
    """The sums over an area of every day that was kept, the oldest first."""
    today = work.now.astimezone(work.settings.zone).date()
    asked = _inside(area_code) | {"after": today - timedelta(days=days)}
    return {day: Figures(*sums) for day, *sums in await work.session.execute(_BY_DAY, asked)}


async def on_day(work: Work, area_code: str, day: date) -> dict[str, Figures]:
    """What was kept of a day, by the kelurahan of an area."""
    rows = await work.session.execute(_ON_DAY, _inside(area_code) | {"day": day})
    return {code: Figures(*values) for code, *values in rows}


def _inside(area_code: str) -> dict[str, Any]:
    # a code is digits and dots, which mean nothing to LIKE
    return {"area": area_code, "below": f"{area_code}.%"}


# put together once, which takes longer than asking them
_kept = CoverageFigure.__table__.c
_FIGURES = tuple(_kept[name] for name in Figures._fields)
_IS_INSIDE = or_(_kept.area_code == bindparam("area"), _kept.area_code.like(bindparam("below")))
_BY_DAY = (
    select(_kept.day, *(func.sum(column) for column in _FIGURES))
    .where(_kept.day > bindparam("after"), _IS_INSIDE)
    .group_by(_kept.day)
    .order_by(_kept.day)
)
_ON_DAY = select(_kept.area_code, *_FIGURES).where(_kept.day == bindparam("day"), _IS_INSIDE)
