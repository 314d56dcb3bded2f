"""How far the programme has come: recorded, consented, connected and healthy, against targets."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, case, func, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.cameras.health import Health
from nobs_bot.cameras.points import PointCount, count_points
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.sticker import Sticker, StickerState
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person
from nobs_bot.people.roles import Role, covers, grants_of, require_at
from nobs_bot.places.areas import Area, Areas
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import Base, Identified, new_id
from nobs_bot.storage.tallies import Counting
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words

MOST = 10_000_000
# a camera that was not looked at for two rounds of checks is not known to be well
_ROUNDS = 2
_COLUMNS = {
    "area": ("area", "wilayah", "kelurahan", "village"),
    "target": ("target", "sasaran"),
    "residents": ("residents", "penduduk", "population"),
    "officers": ("officers", "petugas", "bhabinkamtibmas", "personel"),
    "points": ("points", "titik"),
}


class Aim(Base, Identified):
    """What is aimed at in a kelurahan, and what it is measured by; None where nobody has said."""

    __tablename__ = "programme_aims"
    __table_args__ = (
        CheckConstraint(
            "target >= 0 AND residents >= 0 AND officers >= 0 AND points >= 0", name="not_negative"
        ),
    )

    area_code: Mapped[str] = mapped_column(unique=True)
    target: Mapped[int | None]
    residents: Mapped[int | None]
    officers: Mapped[int | None]
    points: Mapped[int | None]
    set_by: Mapped[int | None] = mapped_column(BigInteger)
    set_at: Mapped[datetime]


@dataclass(frozen=True)
class Count:
    """
    One area's numbers.

    Args:
        recorded: Cameras in the register: written down, or their owner's own enrolment.
        consented: Those whose owners agreed and sent them; each further one is one of these.
        approved: Those that take part.
        connected: Those that take part with a stream.
        healthy: Connected ones whose last look found a picture as it should be.
        waiting: Recorded ones whose owners have not come yet.
        by_officers: Recorded on foot, whatever became of them.
        stickered: Those that take part with a sticker on the wall.
        points_named: Named points (see `cameras.points`).
        points_watched: Those with at least one connected camera.
        target, residents, officers, points: As told; None where nobody has said.
    """

    recorded: int = 0
    consented: int = 0
    approved: int = 0
    connected: int = 0
    healthy: int = 0
    waiting: int = 0
    by_officers: int = 0
    stickered: int = 0
    points_named: int = 0
    points_watched: int = 0
    target: int | None = None
    residents: int | None = None
    officers: int | None = None
    points: int | None = None

    def counted(self) -> list[int]:
        """What is counted of cameras alone, from `recorded` to `stickered`."""
        names = [each.name for each in fields(self)]
        return [getattr(self, name) for name in names[: names.index("stickered") + 1]]

    @property
    def share(self) -> float | None:
        """Cameras that take part over the target; None without a target."""
        return self.approved / self.target if self.target else None

    @property
    def per_thousand(self) -> float | None:
        """Cameras that take part for a thousand residents."""
        return 1000 * self.approved / self.residents if self.residents else None

    def __add__(self, other: Count) -> Count:
        sums = {
            each.name: _sum(getattr(self, each.name), getattr(other, each.name))
            for each in fields(self)
        }
        return Count(**sums)


def _sum(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else one + other


async def areas_seen(work: Work, officer: Person) -> list[str]:
    """
    The areas whose progress an officer may see: those of every role.

    Raises:
        Refusal: no officer at all.
    """
    codes = sorted({grant.area_code for grant in await grants_of(work, officer.id)})
    if not codes:
        raise Refusal("roles.needed")
    return [
        code for code in codes if not any(other != code and covers(other, code) for other in codes)
    ]


async def progress(work: Work, areas: Areas) -> dict[str, Count]:
    """The numbers of every kelurahan, by its code."""
    found = await COUNTING.counts(work)
    aims = {aim.area_code: aim for aim in (await work.session.execute(select(Aim))).scalars()}
    points = await count_points(work)
    return {
        code: _with_aim(found.get(code, Count()), aims.get(code), points.get(code, PointCount()))
        for code in areas.kelurahan_codes
    }


def within(counts: dict[str, Count], code: str) -> Count:
    """The sum over the kelurahan of an area."""
    return sum((each for at, each in counts.items() if covers(code, at)), Count())


def by_area(counts: dict[str, Count], areas: Areas) -> dict[str, Count]:
    """The sums of every area, from the district down to the kelurahan, by its code."""
    return {area.code: within(counts, area.code) for area in areas.all()}


async def _counted(work: Work) -> dict[str, Count]:
    since = work.now - timedelta(days=_ROUNDS * work.settings.check_days)
    is_whole = (Camera.state != State.RECORDED) | Camera.handed_over_at.is_not(None)
    has_consent = Camera.submitted_at.is_not(None)
    takes_part = (Camera.state == State.APPROVED) & Camera.paused_at.is_(None)
    is_connected = takes_part & Camera.stream.is_not(None)
    # the last look at whether it answers is younger than any check
    has_pulse = Health.pulse_at >= work.now - _ROUNDS * _round_of_health(work)
    answers = case((has_pulse, Health.failure.is_(None)), else_=Camera.checked_at >= since)
    is_healthy = is_connected & Camera.drift.is_(None) & answers
    waits = (Camera.state == State.RECORDED) & Camera.handed_over_at.is_not(None)
    on_walls = select(Sticker.camera_id).where(Sticker.state == StickerState.PLACED)
    conditions = (
        is_whole,
        has_consent,
        takes_part,
        is_connected,
        is_healthy,
        waits,
        is_whole & Camera.recorded_by.is_not(None),
        takes_part & Camera.id.in_(on_walls),
    )
    query = (
        select(Camera.area_code, *(func.sum(case((each, 1), else_=0)) for each in conditions))
        .outerjoin(Health, Health.camera_id == Camera.id)
        .where(
            Camera.area_code.is_not(None),
            Camera.state.not_in((State.WITHDRAWN, State.REJECTED)),
        )
        .group_by(Camera.area_code)
    )
    rows = (await work.session.execute(query)).all()
    return {row[0]: Count(*(int(each) for each in row[1:])) for row in rows}


COUNTING: Counting[dict[str, Count]] = Counting(
    name="progress",
    count=_counted,
    as_json=lambda counts: {code: each.counted() for code, each in counts.items()},
    from_json=lambda kept: {code: Count(*each) for code, each in kept.items()},
)


def _round_of_health(work: Work) -> timedelta:
    """Within it every camera was looked at, those that have been silent for long once a day."""
    return max(timedelta(minutes=work.settings.health_minutes), timedelta(hours=13))


def _with_aim(count: Count, aim: Aim | None, points: PointCount) -> Count:
    return count + Count(
        points_named=points.named,
        points_watched=points.watched,
        target=aim.target if aim else None,
        residents=aim.residents if aim else None,
        officers=aim.officers if aim else None,
        points=aim.points if aim else None,
    )


async def set_aims(work: Work, officer: Person, areas: Areas, text: str) -> int:
    """
    Keep what a table says of kelurahan: area; target; residents; officers; points.

    A cell that is left empty leaves what was there. The whole table is kept, or nothing.

    Returns:
        How many kelurahan it told of.

    Raises:
        Refusal: a column, an area or a number that we do not understand, with its line; or an
            area where the officer does not supervise.
    """
    rows = _rows(text)
    for line, row in rows:
        area = _kelurahan(areas, row["area"])
        if area is None:
            raise Refusal("progress.table.area", line=line, value=row["area"])
        await require_at(work, officer.id, Role.SUPERVISOR, area.code)
        await _set(work, officer, area, _numbers(line, row))
    return len(rows)


def _kelurahan(areas: Areas, words: str) -> Area | None:
    """A kelurahan by its name or code; the kecamatan of the same name is not meant."""
    wanted = words.casefold()
    found = (areas.get(code) for code in areas.kelurahan_codes)
    names = (
        (area, (area.code, area.name.casefold(), str(area).casefold())) for area in found if area
    )
    return next((area for area, known in names if wanted in known), None)


async def _set(work: Work, officer: Person, area: Area, numbers: dict[str, Any]) -> None:
    query = select(Aim).where(Aim.area_code == area.code).with_for_update()
    aim = (await work.session.execute(query)).scalar_one_or_none()
    if aim is None:
        aim = Aim(id=new_id(), area_code=area.code)
        work.session.add(aim)
    for name, value in numbers.items():
        setattr(aim, name, value)
    aim.set_by, aim.set_at = officer.id, work.now
    await work.session.flush()
    record(
        work,
        Act.AIM_SET,
        actor_id=officer.id,
        actor_role=Role.SUPERVISOR,
        area=area.code,
        **numbers,
    )


def _rows(text: str) -> list[tuple[int, dict[str, str]]]:
    lines = text.lstrip("\ufeff").splitlines()
    first = lines[0] if lines else ""
    delimiter = max(";,\t", key=first.count)
    table = list(csv.reader(StringIO("\n".join(lines)), delimiter=delimiter))
    header = [cell.strip().casefold() for cell in table[0]] if table else []
    at = {
        column: place
        for place, cell in enumerate(header)
        for column, names in _COLUMNS.items()
        if cell in names
    }
    rows = [(line, row) for line, row in enumerate(table[1:], start=2) if any(map(str.strip, row))]
    if "area" not in at or len(at) < 2 or not rows:
        raise Refusal("progress.table.columns")
    return [
        (line, {name: row[place].strip() if place < len(row) else "" for name, place in at.items()})
        for line, row in rows
    ]


def _numbers(line: int, row: dict[str, str]) -> dict[str, int]:
    numbers = {}
    for name, cell in row.items():
        if name == "area" or not cell:
            continue
        # 12.345 is how Indonesians write twelve thousand
        digits = cell.replace(".", "").replace(",", "").replace(" ", "")
        if not digits.isdecimal() or int(digits) > MOST:
            raise Refusal("progress.table.number", line=line, value=cell)
        numbers[name] = int(digits)
    return numbers


def as_csv(words: Words, areas: Areas, counts: dict[str, Count], codes: Sequence[str]) -> str:
    """The kelurahan of *codes* as a table for spreadsheets."""
    out = StringIO()
    rows = csv.writer(out, delimiter=";")
    names = [each.name for each in fields(Count)]
    rows.writerow([words("progress.column.area"), *(words(f"progress.column.{n}") for n in names)])
    for code, count in counts.items():
        if any(covers(area, code) for area in codes):
            numbers = (getattr(count, name) for name in names)
            rows.writerow([areas.name(code), *("" if n is None else n for n in numbers)])
    return "\ufeff" + out.getvalue()
