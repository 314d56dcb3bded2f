"""Coverage from day to day: kept by kelurahan, compared with last week."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from nobs_bot.coverage.orders import CoverageFigure
from nobs_bot.coverage.surveyor import Surveyor, standing
from nobs_bot.people.roles import covers
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import Office, Work

_WEEK = timedelta(days=7)


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
    names = ("length_m", "seen_m", "twice_m", "night_m", "cameras", "worth", "seen_worth")
    for code, values in figures["by_area"].items():
        row = rows.get(code)
        if row is None:
            row = CoverageFigure(id=new_id(), area_code=code, day=today)
            work.session.add(row)
        row.model = model
        for name, value in zip(names, values, strict=True):
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


async def kept_figures(
    work: Work, area_code: str, days: int = 370
) -> dict[date, list[CoverageFigure]]:
    """What was kept of the kelurahan of an area, by the day, the oldest day first."""
    today = work.now.astimezone(work.settings.zone).date()
    query = (
        select(CoverageFigure)
        .where(CoverageFigure.day > today - timedelta(days=days))
        .order_by(CoverageFigure.day, CoverageFigure.area_code)
    )
    found: dict[date, list[CoverageFigure]] = {}
    for row in (await work.session.execute(query)).scalars():
        if covers(area_code, row.area_code):
            found.setdefault(row.day, []).append(row)
    return found
