"""Hotspots: where drugs are dealt, brawls break out and people are robbed, and when."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from io import StringIO

from sqlalchemy import BigInteger, CheckConstraint, Index, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person, words_for
from nobs_bot.people.roles import Role, covers, require, require_at
from nobs_bot.places.areas import Areas
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import Base, Identified, choice, new_id
from nobs_bot.storage.counters import next_number
from nobs_bot.storage.work import Work

RADII_M = (50, 100, 200, 300)
LEAST_RADIUS_M, MOST_RADIUS_M = 10, 1000
WEIGHTS = (1, 2, 3, 4, 5)
DAY_MINUTES = 24 * 60
EVERY_DAY = 0b111_1111
# sunset and sunrise at Jakarta's latitude move by less than half an hour round the year
DARK_FROM, DARK_UNTIL = 18 * 60, 6 * 60
MOST_ROWS = 2000
# who may know where the hotspots are
_KNOW = (Role.SUPERVISOR, Role.FIELD_OFFICER, Role.INVESTIGATOR, Role.REVIEWER)

_HOURS = re.compile(
    r"^\s*(\d{1,2})(?:[.:](\d{2}))?\s*(?:-|–|—|s\.?d\.?|sampai|to)\s*(\d{1,2})(?:[.:](\d{2}))?\s*$",
    re.IGNORECASE,
)
_COLUMNS = ("kind", "lat", "lon", "radius_m", "hours", "days", "weight", "until")


class HotspotKind(StrEnum):
    """What happens there."""

    DRUGS = "drugs"
    BRAWL = "brawl"
    ROBBERY = "robbery"
    OTHER = "other"


class Hotspot(Base, Identified):
    """
    A circle on the ground that deserves to be watched.

    Args:
        from_minute, to_minute: Minutes after midnight in the district's time; an end that is not
            after the start is on the next day. Both None: round the clock.
        days: Bit 0 is Monday, bit 6 Sunday: the days on which the hours begin.
        weight: 1 (now and then) to 5 (worst).
        until: The last day on which it counts; None for good.
    """

    __tablename__ = "hotspots"
    __table_args__ = (
        Index(None, "area_code"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="on_earth"),
        CheckConstraint("radius_m BETWEEN 10 AND 1000", name="radius"),
        CheckConstraint("weight BETWEEN 1 AND 5", name="weight"),
        CheckConstraint("days BETWEEN 1 AND 127", name="days"),
        CheckConstraint(
            "(from_minute IS NULL AND to_minute IS NULL) OR (from_minute BETWEEN 0 AND 1439"
            " AND to_minute BETWEEN 0 AND 1439)",
            name="hours",
        ),
    )

    number: Mapped[int] = mapped_column(unique=True)
    kind: Mapped[HotspotKind] = mapped_column(choice(HotspotKind))
    lat: Mapped[float]
    lon: Mapped[float]
    radius_m: Mapped[float]
    area_code: Mapped[str]
    from_minute: Mapped[int | None]
    to_minute: Mapped[int | None]
    days: Mapped[int]
    weight: Mapped[int]
    until: Mapped[date | None]
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def name(self) -> str:
        """What officers call it: H-1001."""
        return f"H-{self.number}"

    @property
    def hours(self) -> Hours:
        """When it is one."""
        return Hours(self.from_minute, self.to_minute)


@dataclass(frozen=True)
class Hours:
    """A stretch of the day in minutes after midnight; None and None is round the clock."""

    from_minute: int | None = None
    to_minute: int | None = None

    @property
    def night_share(self) -> float:
        """How much of it lies between 18.00 and 06.00, 0 to 1."""
        if self.from_minute is None or self.to_minute is None:
            return 0.5
        minutes = (self.to_minute - self.from_minute) % DAY_MINUTES or DAY_MINUTES
        dark = sum(
            minute >= DARK_FROM or minute < DARK_UNTIL
            for minute in (
                (self.from_minute + after) % DAY_MINUTES for after in range(0, minutes, 5)
            )
        )
        return dark / len(range(0, minutes, 5))

    def __str__(self) -> str:
        if self.from_minute is None or self.to_minute is None:
            return "00.00–24.00"
        clocks = (divmod(each, 60) for each in (self.from_minute, self.to_minute))
        return "–".join(f"{hour:02d}.{minute:02d}" for hour, minute in clocks)


@dataclass(frozen=True)
class Spot:
    """A hotspot as it is entered, before it is kept."""

    kind: HotspotKind
    lat: float
    lon: float
    radius_m: float
    hours: Hours = Hours()
    days: int = EVERY_DAY
    weight: int = 3
    until: date | None = None


def read_hours(text: str) -> Hours:
    """
    The hours that *text* means: "21.00-02.00", "21-2", "22:30 sampai 4".

    Raises:
        Refusal: they are unclear.
    """
    found = _HOURS.match(text)
    if found is None:
        raise Refusal("hotspot.hours.unclear")
    first, last = (
        int(hour) * 60 + int(minute or 0)
        for hour, minute in (found.groups()[:2], found.groups()[2:])
    )
    if (
        first > DAY_MINUTES
        or last > DAY_MINUTES
        or int(found[2] or 0) > 59
        or int(found[4] or 0) > 59
    ):
        raise Refusal("hotspot.hours.unclear")
    first, last = first % DAY_MINUTES, last % DAY_MINUTES
    return Hours() if first == last else Hours(first, last)


async def enter(work: Work, officer: Person, areas: Areas, spot: Spot) -> Hotspot:
    """
    Keep a hotspot.

    Raises:
        Refusal: outside of the areas in which the officer supervises, or over already.
    """
    area = areas.locate(spot.lat, spot.lon)
    if area is None:
        raise Refusal("hotspot.outside")
    await require_at(work, officer.id, Role.SUPERVISOR, area.code)
    if spot.until is not None and spot.until < work.now.astimezone(work.settings.zone).date():
        raise Refusal("hotspot.until.past")
    hotspot = Hotspot(
        id=new_id(),
        number=await next_number(work, "hotspot"),
        kind=spot.kind,
        lat=spot.lat,
        lon=spot.lon,
        radius_m=spot.radius_m,
        area_code=area.code,
        from_minute=spot.hours.from_minute,
        to_minute=spot.hours.to_minute,
        days=spot.days,
        weight=spot.weight,
        until=spot.until,
        created_by=officer.id,
        created_at=work.now,
    )
    work.session.add(hotspot)
    record(
        work,
        Act.HOTSPOT_ENTERED,
        actor_id=officer.id,
        actor_role=Role.SUPERVISOR,
        hotspot=hotspot.name,
        area=area.code,
    )
    return hotspot


async def enter_all(
    work: Work, officer: Person, areas: Areas, spots: Sequence[Spot]
) -> list[Hotspot]:
    """
    Keep a whole table, or nothing of it.

    Raises:
        Refusal: one of them cannot be kept (see `enter`); which one, it says.
    """
    kept = []
    for line, spot in enumerate(spots, start=2):
        try:
            kept.append(await enter(work, officer, areas, spot))
        except Refusal as refusal:
            why = words_for(work, officer)(refusal.text_key, **refusal.params)
            raise Refusal("hotspot.table.refused", line=line, why=why) from None
    return kept


async def end(work: Work, hotspot_id: int, officer: Person) -> Hotspot:
    """
    Let a hotspot count no longer; `begin_again` takes it back.

    Raises:
        Refusal: there is none such where the officer supervises.
    """
    hotspot = await _supervised(work, hotspot_id, officer)
    if hotspot.ended_at is None:
        hotspot.ended_at = work.now
        record(
            work,
            Act.HOTSPOT_ENDED,
            actor_id=officer.id,
            actor_role=Role.SUPERVISOR,
            hotspot=hotspot.name,
            area=hotspot.area_code,
        )
    return hotspot


async def begin_again(work: Work, hotspot_id: int, officer: Person) -> Hotspot:
    """Undo `end`; raises as it does."""
    hotspot = await _supervised(work, hotspot_id, officer)
    hotspot.ended_at = None
    return hotspot


async def _supervised(work: Work, hotspot_id: int, officer: Person) -> Hotspot:
    query = select(Hotspot).where(Hotspot.id == hotspot_id).with_for_update()
    hotspot = (await work.session.execute(query)).scalar_one_or_none()
    if hotspot is None:
        raise Refusal("buttons.stale")
    await require_at(work, officer.id, Role.SUPERVISOR, hotspot.area_code)
    return hotspot


async def hotspot_for(work: Work, hotspot_id: int, officer: Person) -> Hotspot:
    """
    One hotspot, for an officer of its area.

    Raises:
        Refusal: there is none such, or the officer has no role there.
    """
    hotspot = await work.session.get(Hotspot, hotspot_id)
    if hotspot is None:
        raise Refusal("buttons.stale")
    if not any(covers(area, hotspot.area_code) for area in await known_areas(work, officer)):
        raise Refusal("roles.not_here")
    return hotspot


async def hotspot_named(work: Work, name: str, officer: Person) -> Hotspot | None:
    """The hotspot that H-1001 means, for an officer of its area; None where it is no such name."""
    if not re.fullmatch(r"[Hh]-?\d{1,9}", name.strip()):
        return None
    digits = int(name.strip().upper().removeprefix("H").removeprefix("-"))
    query = select(Hotspot.id).where(Hotspot.number == digits, Hotspot.ended_at.is_(None))
    found = (await work.session.execute(query)).scalar_one_or_none()
    return None if found is None else await hotspot_for(work, found, officer)


async def known_areas(work: Work, officer: Person) -> list[str]:
    """
    The areas in which somebody may know of hotspots and coverage.

    Raises:
        Refusal: no officer at all.
    """
    found: set[str] = set()
    for role in _KNOW:
        try:
            found.update(await require(work, officer.id, role))
        except Refusal:
            continue
    if not found:
        raise Refusal("roles.needed")
    return sorted(found)


async def current(work: Work, areas: Sequence[str] | None = None) -> list[Hotspot]:
    """
    The hotspots that count today, the heaviest first.

    Args:
        areas: Only those in these areas; None for all.
    """
    today = work.now.astimezone(work.settings.zone).date()
    query = (
        select(Hotspot)
        .where(Hotspot.ended_at.is_(None), or_(Hotspot.until.is_(None), Hotspot.until >= today))
        .order_by(Hotspot.weight.desc(), Hotspot.number)
    )
    found = (await work.session.execute(query)).scalars().all()
    return [
        each
        for each in found
        if areas is None or any(covers(area, each.area_code) for area in areas)
    ]


def read_table(text: str) -> list[Spot]:
    """
    Hotspots from a CSV with the columns kind, lat, lon, radius_m, hours, days, weight, until.

    The last four may be left empty; days are digits, 1 for Monday to 7 for Sunday. A semicolon
    parts as well as a comma does, as spreadsheets in Indonesia write it.

    Raises:
        Refusal: nothing is taken where one line is wrong; it is named.
    """
    lines = text.lstrip("\ufeff").splitlines()
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    rows = csv.DictReader(StringIO("\n".join(lines)), delimiter=delimiter, strict=True)
    try:
        names = [(name or "").strip().casefold() for name in rows.fieldnames or ()]
        missing = [name for name in _COLUMNS[:4] if name not in names]
        if missing:
            raise Refusal("hotspot.table.columns", missing=", ".join(missing))
        rows.fieldnames = names
        spots = [_read_row(at, row) for at, row in enumerate(rows, start=2)]
    except csv.Error as exc:
        raise Refusal("hotspot.table.unreadable") from exc
    if not spots:
        raise Refusal("hotspot.table.empty")
    if len(spots) > MOST_ROWS:
        raise Refusal("hotspot.table.too_many", most=MOST_ROWS)
    return spots


def _read_row(line: int, row: dict[str, str | None]) -> Spot:
    given = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    column = ""
    try:
        column = "kind"
        kind = HotspotKind(given[column].casefold())
        numbers = {}
        for column in ("lat", "lon", "radius_m"):
            numbers[column] = float(given[column].replace(",", "."))
        column = "radius_m"
        _within(LEAST_RADIUS_M, numbers[column], MOST_RADIUS_M)
        column = "hours"
        hours = read_hours(given[column]) if given[column] else Hours()
        column = "days"
        days = read_days(given[column]) if given[column] else EVERY_DAY
        column = "weight"
        weight = int(given[column] or 3)
        _within(1, weight, 5)
        column = "until"
        until = date.fromisoformat(given[column]) if given[column] else None
    except (ValueError, Refusal):
        raise Refusal("hotspot.table.line", line=line, column=column, value=given[column]) from None
    return Spot(
        kind, numbers["lat"], numbers["lon"], numbers["radius_m"], hours, days, weight, until
    )


def read_days(digits: str) -> int:
    """The days of "67" (Saturday and Sunday) as bits; raises ValueError."""
    if not digits or not set(digits) <= set("1234567"):
        raise ValueError(digits)
    return sum({1 << (int(digit) - 1) for digit in digits})


def _within(least: float, value: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(value)
