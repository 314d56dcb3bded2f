"""How much of the time cameras answer: a row for a camera and a day, however often it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.cameras.record import Camera
from nobs_bot.cameras.review import within
from nobs_bot.storage.base import Base
from nobs_bot.storage.work import Work, drop

DAYS_SHOWN = 7
DAYS_KEPT = 100


class CameraDay(Base):
    """The seconds of one local day in which a camera answered and did not; the rest is unknown."""

    __tablename__ = "camera_days"
    __table_args__ = (
        Index(None, "day"),
        CheckConstraint("up_s >= 0 AND down_s >= 0", name="not_negative"),
    )

    camera_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cameras.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    up_s: Mapped[int]
    down_s: Mapped[int]


@dataclass(frozen=True)
class Uptime:
    """Seconds in which cameras answered and did not."""

    up_s: int = 0
    down_s: int = 0

    @property
    def share(self) -> float | None:
        """The share of the known time, 0 to 1; None where nothing is known."""
        known = self.up_s + self.down_s
        return self.up_s / known if known else None

    def __add__(self, other: Uptime) -> Uptime:
        return Uptime(self.up_s + other.up_s, self.down_s + other.down_s)


async def note_span(
    work: Work, camera_id: int, since: datetime, *, was_up: bool, is_up: bool
) -> None:
    """
    Count the time from one look to this one.

    Where the two differ, something changed in between, and each gets half.
    """
    for day, seconds in _by_local_day(since, work.now, work.settings.zone):
        row = await work.session.get(CameraDay, (camera_id, day))
        if row is None:
            row = CameraDay(camera_id=camera_id, day=day, up_s=0, down_s=0)
            work.session.add(row)
        up = round(seconds * (was_up + is_up) / 2)
        row.up_s += up
        row.down_s += seconds - up


def _by_local_day(since: datetime, until: datetime, zone: ZoneInfo) -> list[tuple[date, int]]:
    """The days that a span of time touches, with how many seconds of each."""
    spans = []
    while since < until:
        day = since.astimezone(zone).date()
        midnight = datetime.combine(day + timedelta(days=1), time(), zone)
        end = min(until, midnight.astimezone(until.tzinfo))
        spans.append((day, round((end - since).total_seconds())))
        since = end
    return [(day, seconds) for day, seconds in spans if seconds > 0]


async def uptime_of(work: Work, camera_id: int, days: int = DAYS_SHOWN) -> Uptime:
    """One camera's, over the last days and today."""
    query = select(func.sum(CameraDay.up_s), func.sum(CameraDay.down_s)).where(
        CameraDay.camera_id == camera_id, CameraDay.day > _first(work, days)
    )
    up, down = (await work.session.execute(query)).one()
    return Uptime(int(up or 0), int(down or 0))


async def uptime_by_area(work: Work, days: int = DAYS_SHOWN) -> dict[str, Uptime]:
    """That of each kelurahan, over its cameras."""
    query = (
        select(Camera.area_code, func.sum(CameraDay.up_s), func.sum(CameraDay.down_s))
        .join(CameraDay, CameraDay.camera_id == Camera.id)
        .where(CameraDay.day > _first(work, days))
        .group_by(Camera.area_code)
    )
    rows = (await work.session.execute(query)).all()
    return {str(area): Uptime(int(up), int(down)) for area, up, down in rows}


async def forget_old_days(work: Work) -> int:
    """Drop what is older than `DAYS_KEPT` days; returns how many rows that were."""
    return await drop(work, delete(CameraDay).where(CameraDay.day <= _first(work, DAYS_KEPT)))


async def drop_days(work: Work, camera_id: int) -> None:
    """Remove what is known of a camera that leaves."""
    await work.session.execute(delete(CameraDay).where(CameraDay.camera_id == camera_id))


def _first(work: Work, days: int) -> date:
    """The day before the first one that counts."""
    return work.now.astimezone(work.settings.zone).date() - timedelta(days=days)


async def uptime_by_day(work: Work, codes: Sequence[str], days: int = 30) -> dict[date, Uptime]:
    """That of all cameras in these areas together, of each day of which something is known."""
    query = (
        select(CameraDay.day, func.sum(CameraDay.up_s), func.sum(CameraDay.down_s))
        .join(Camera, CameraDay.camera_id == Camera.id)
        .where(within(codes), CameraDay.day > _first(work, days))
        .group_by(CameraDay.day)
        .order_by(CameraDay.day)
    )
    rows = (await work.session.execute(query)).all()
    return {day: Uptime(int(up), int(down)) for day, up, down in rows}
