"""What came of the requests in a stretch of time: counts only, nothing that names anybody."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from statistics import median

from sqlalchemy import ColumnElement, func, or_, select

from nobs_bot.footage.request import (
    Ask,
    Clip,
    ClipState,
    Erasure,
    FootageRequest,
    Outcome,
    Purpose,
    Reply,
    RequestState,
)
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import delivery_of
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.people.roles import Role, areas_of, everyone_with
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words

WEEKLY_HOUR = 8


@dataclass(frozen=True)
class Figures:
    """
    Counts of what was asked from `start` until before `end`.

    Args:
        by_purpose, by_outcome, by_reply: Counts by the values of their enums; zeros are there too.
        median_answer: How long owners took to answer; None where nobody did.
        silent: Asks without any answer.
        erased: Clips that were erased in the time, whenever they were asked for.
    """

    start: datetime
    end: datetime
    requests: int
    emergencies: int
    needless_emergencies: int
    agreed: int
    declined: int
    asked: int
    silent: int
    clips: int
    erased: int
    median_answer: timedelta | None
    by_purpose: dict[str, int]
    by_outcome: dict[str, int]
    by_reply: dict[str, int]


async def figures(
    work: Work, start: datetime, end: datetime, areas: Sequence[str] | None = None
) -> Figures:
    """
    Count what was asked in a stretch of time.

    Args:
        areas: Only requests in these; None for the whole district.
    """
    mine = [FootageRequest.created_at >= start, FootageRequest.created_at < end]
    if areas is not None:
        mine.append(_within(areas))
    requests = (await work.session.execute(select(FootageRequest).where(*mine))).scalars().all()
    ids = select(FootageRequest.id).where(*mine)
    asks = (
        await work.session.execute(
            select(Ask.reply, Ask.asked_at, Ask.answered_at).where(Ask.request_id.in_(ids))
        )
    ).all()
    took = [
        (answered - asked).total_seconds()
        for reply, asked, answered in asks
        if answered is not None and reply is not Reply.GONE
    ]
    there = (ClipState.STORED, ClipState.ERASED)
    clips = select(func.count()).where(Clip.request_id.in_(ids), Clip.state.in_(there))
    erased = select(func.count()).where(Erasure.at >= start, Erasure.at < end)
    if areas is not None:
        of_areas = select(FootageRequest.id).where(_within(areas))
        erased = erased.where(Erasure.request_id.in_(of_areas))
    return Figures(
        start=start,
        end=end,
        requests=len(requests),
        emergencies=sum(each.is_emergency for each in requests),
        needless_emergencies=sum(each.was_justified is False for each in requests),
        agreed=sum(each.agreed_by is not None and each.sent_at is not None for each in requests),
        declined=sum(each.state is RequestState.DECLINED for each in requests),
        asked=len(asks),
        silent=sum(reply is Reply.NONE_YET for reply, _, _ in asks),
        clips=int((await work.session.execute(clips)).scalar_one()),
        erased=int((await work.session.execute(erased)).scalar_one()),
        median_answer=timedelta(seconds=median(took)) if took else None,
        by_purpose={p: sum(each.purpose is p for each in requests) for p in Purpose},
        by_outcome={o: sum(each.outcome is o for each in requests) for o in Outcome},
        by_reply={r: sum(reply is r for reply, _, _ in asks) for r in Reply},
    )


def _within(areas: Sequence[str]) -> ColumnElement[bool]:
    return or_(
        *(
            or_(
                FootageRequest.area_code == area,
                FootageRequest.area_code.startswith(f"{area}.", autoescape=True),
            )
            for area in areas
        )
    )


def rows(words: Words, found: Figures) -> list[tuple[str, str]]:
    """The figures as (what, how much), in words."""
    counts = (
        ("requests", found.requests),
        ("emergencies", found.emergencies),
        ("needless", found.needless_emergencies),
        ("agreed", found.agreed),
        ("declined", found.declined),
        ("asked", found.asked),
        ("silent", found.silent),
        ("clips", found.clips),
        ("erased", found.erased),
    )
    told = [(words(f"figures.{name}"), words.number(count)) for name, count in counts]
    hours = found.median_answer / timedelta(hours=1) if found.median_answer else None
    took = "–" if hours is None else words("figures.hours", hours=round(hours, 1))
    told.append((words("figures.median"), took))
    for prefix, by in (
        ("purpose", found.by_purpose),
        ("outcome.short", found.by_outcome),
        ("reply", found.by_reply),
    ):
        told += [
            (words(f"{prefix}.{name}"), words.number(count)) for name, count in by.items() if count
        ]
    return told


def as_csv(words: Words, found: Figures) -> bytes:
    """The figures as CSV, UTF-8 with a mark for spreadsheets, semicolons as Indonesians use."""
    out = StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow((words("figures.what"), words("figures.count")))
    writer.writerows(rows(words, found))
    return out.getvalue().encode("utf-8-sig")


def year_of(work: Work, year: int) -> tuple[datetime, datetime]:
    """A year in the district's time."""
    zone = work.settings.zone
    return datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone)


async def tell_weekly(work: Work) -> int:
    """On Mondays from eight o'clock: last week's figures, once to each supervisor."""
    local = work.now.astimezone(work.settings.zone)
    if local.weekday() != 0 or local.hour < WEEKLY_HOUR:
        return 0
    monday = local.replace(hour=0, minute=0, second=0, microsecond=0)
    told = 0
    for supervisor_id in await everyone_with(work, Role.SUPERVISOR):
        occasion = f"weekly:{monday.date().isoformat()}:{supervisor_id}"
        if await delivery_of(work, occasion) is None:
            supervisor = await person(work, supervisor_id)
            await _tell_week(work, supervisor, monday, occasion)
            told += 1
    return told


async def _tell_week(work: Work, supervisor: Person, monday: datetime, occasion: str) -> None:
    areas = await areas_of(work, supervisor.id, Role.SUPERVISOR)
    found = await figures(work, monday - timedelta(days=7), monday, areas)
    words = words_for(work, supervisor)
    await tell(work, supervisor, Message(text=as_text(words, "figures.week", found)), occasion)


def as_text(words: Words, head: str, found: Figures) -> str:
    """The figures as a message."""
    last = found.end - timedelta(seconds=1)
    title = words(head, start=words.date(found.start), end=words.date(last))
    lines = [words("figures.line", what=what, count=count) for what, count in rows(words, found)]
    return "\n".join((title, "", *lines))
