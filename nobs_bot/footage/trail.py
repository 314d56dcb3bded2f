"""
The audit log for those who answer for an area: read, filtered, and exported.

A line belongs to the area of its camera, else of its request. One without either (a sign-in, a
role) is read only by those who answer for the whole district.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.review import within
from nobs_bot.footage.request import FootageRequest
from nobs_bot.people.persons import officer_name, persons_of
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words, plain

MOST_EXPORTED = 50_000
_AT_ONCE = 500
# what begins so is a formula to a spreadsheet
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OF_A_ROLE = (Act.ROLE_GRANTED, Act.ROLE_ENDED)
# what of a line's details is told; words of people are left where they were written
DETAILS = (
    *("role", "name", "former", "area", "browser", "way", "field", "value", "verdict", "outcome"),
    *("reply", "purpose", "opened", "rows", "cameras", "target", "how", "size_bytes", "first_day"),
    *("last_day", "lines", "what", "camera", "request"),
)


@dataclass(frozen=True)
class Sought:
    """
    Which lines are sought; None and empty are any.

    Args:
        first_day, last_day: In the district's time, both included.
    """

    act: Act | None = None
    actor_id: int | None = None
    camera_number: int | None = None
    request_number: int | None = None
    first_day: date | None = None
    last_day: date | None = None

    def about(self) -> dict[str, Any]:
        """The same for the log, since reading the log is logged."""
        said = {
            "what": self.act.value if self.act else None,
            "who": self.actor_id,
            "camera": self.camera_number,
            "request": self.request_number,
            "first_day": self.first_day.isoformat() if self.first_day else None,
            "last_day": self.last_day.isoformat() if self.last_day else None,
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True)
class Told:
    """A line as it is read."""

    line_id: int
    at: datetime
    who: str
    role: str
    what: str
    details: str


async def trail(
    work: Work,
    words: Words,
    areas: Areas,
    codes: Sequence[str],
    sought: Sought,
    *,
    before: int | None = None,
    limit: int = 50,
) -> list[Told]:
    """
    Lines of some areas, the newest first.

    Args:
        codes: Areas for which the reader answers.
        before: Only lines older than the one of this id.
    """
    query = (
        select(AuditLine, Camera.number, FootageRequest.number)
        .outerjoin(Camera, Camera.id == AuditLine.camera_id)
        .outerjoin(FootageRequest, FootageRequest.id == AuditLine.request_id)
        .where(*_conditions(work, areas, codes, sought))
        .order_by(AuditLine.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(AuditLine.id < before)
    rows: list[Any] = []
    # part by part: fifty thousand at once would hold everybody up for seconds
    async for part in (await work.session.stream(query)).partitions(_AT_ONCE):
        rows += part
        await asyncio.sleep(0)
    opened: list[dict[str, Any]] = []
    for at, (line, _, _) in enumerate(rows):
        if at % _AT_ONCE == 0:
            await asyncio.sleep(0)
        opened.append(line.read_details(work))
    names = await _names(work, _persons_in(rows, opened))
    lines = []
    for at, (row, about) in enumerate(zip(rows, opened, strict=True)):
        if at % _AT_ONCE == 0:
            await asyncio.sleep(0)
        lines.append(_told(words, areas, row, about, names))
    return lines


def _conditions(
    work: Work, areas: Areas, codes: Sequence[str], sought: Sought
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if areas.district.code not in codes:
        conditions.append(or_(within(codes), _requested_within(codes)))
    if sought.act is not None:
        conditions.append(AuditLine.act == sought.act)
    if sought.actor_id is not None:
        conditions.append(AuditLine.actor_id == sought.actor_id)
    if sought.camera_number is not None:
        conditions.append(Camera.number == sought.camera_number)
    if sought.request_number is not None:
        conditions.append(FootageRequest.number == sought.request_number)
    if sought.first_day is not None:
        conditions.append(AuditLine.at >= _midnight(work, sought.first_day))
    if sought.last_day is not None:
        conditions.append(AuditLine.at < _midnight(work, sought.last_day + timedelta(days=1)))
    return conditions


def _requested_within(codes: Iterable[str]) -> ColumnElement[bool]:
    """A line of no camera, whose request is about one of the areas."""
    column = FootageRequest.area_code
    ours = (or_(column == code, column.startswith(f"{code}.", autoescape=True)) for code in codes)
    return AuditLine.camera_id.is_(None) & or_(*ours)


def _midnight(work: Work, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=work.settings.zone)


def _persons_in(rows: Iterable[Any], opened: Iterable[dict[str, Any]]) -> set[int]:
    """Ids of who acted, and of whose roles were given or ended."""
    ids = {line.actor_id for line, _, _ in rows}
    ids |= {about["person"] for about in opened if "person" in about}
    return {each for each in ids if each is not None}


async def _names(work: Work, ids: Iterable[int]) -> dict[int, str]:
    known = await persons_of(work, ids)
    return {each.id: officer_name(work, each) for each in known.values()}


def _told(
    words: Words, areas: Areas, row: Any, about: dict[str, Any], names: dict[int, str]
) -> Told:
    line, camera, request = row
    if line.act in _OF_A_ROLE:
        # by what name now, never one that was written down: that may be gone with its bearer
        about = about | {
            "name": names.get(about.get("person", 0)) or plain(words("log.an_officer"))
        }
    name = f"R-{request}" if request else str(about.get("request", "–"))
    what = words(f"act.{line.act}", camera=f"K-{camera}" if camera else "–", request=name)
    if line.actor_id is None:
        who = words("log.the_system")
    elif line.actor_role is None and line.owner_id == line.actor_id:
        # an owner's name is opened by a press, and not by reading on
        who = words("console.owner")
    else:
        who = names.get(line.actor_id) or words("log.an_officer")
    return Told(
        line_id=line.id,
        at=line.at,
        who=plain(who),
        role=plain(words(f"role.{line.actor_role}")) if line.actor_role else "",
        what=plain(what),
        details=", ".join(_details(words, areas, about)),
    )


def _details(words: Words, areas: Areas, about: dict[str, Any]) -> list[str]:
    said = []
    for name in DETAILS:
        value = about.get(name)
        if value is None:
            continue
        if name == "area":
            value = areas.name(value)
        if name == "role" and words.has(f"role.{value}"):
            value = plain(words(f"role.{value}"))
        said.append(f"{plain(words(f'audit.detail.{name}'))}: {value}")
    return said


def as_csv(words: Words, lines: Iterable[Told]) -> bytes:
    """Lines as CSV, UTF-8 with a mark for spreadsheets, semicolons as Indonesians use."""
    out = StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    columns = ("moment", "who", "role", "what", "details")
    writer.writerow([plain(words(f"console.audit.{each}")) for each in columns])
    for each in lines:
        moment = each.at.astimezone(words.zone).isoformat(timespec="seconds")
        writer.writerow(
            [as_cell(value) for value in (moment, each.who, each.role, each.what, each.details)]
        )
    return out.getvalue().encode("utf-8-sig")


def as_cell(value: str) -> str:
    """A value that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value
