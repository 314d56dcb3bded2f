"""What officers wait for: figures and a picture of an area, a new worklist, places to recruit."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Date, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base, Identified, choice
from nobs_bot.storage.leases import Job


class Wanted(StrEnum):
    """What is to be reckoned."""

    COVERAGE = "coverage"
    WORKLIST = "worklist"
    RECRUIT = "recruit"
    EXPORT = "export"
    TABLE = "table"


class CoverageOrder(Job):
    """
    One officer waits for something that takes longer than a conversation may.

    Args:
        area_code: For which area.
        lat, lon, radius_m: For which place instead, close up; None for the whole area.
        source: Telegram's id of a table of hotspots that the officer sent.
    """

    __tablename__ = "coverage_orders"

    what: Mapped[Wanted] = mapped_column(choice(Wanted))
    officer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    area_code: Mapped[str]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    radius_m: Mapped[float | None]
    source: Mapped[str | None]
    ordered_at: Mapped[datetime]


class CoverageFigure(Base, Identified):
    """
    What the cameras of one kelurahan saw on one day, for comparing week with week.

    Args:
        length_m: Metres of road there are.
        seen_m, twice_m, night_m: Metres seen, seen by two or more, seen in the dark, by
            expectation.
        worth, seen_worth: Metres weighted by hotspots, all and seen.
        model: What the figures rest on (see `surveyor.model_name`).
    """

    __tablename__ = "coverage_figures"
    __table_args__ = (UniqueConstraint("area_code", "day"),)

    area_code: Mapped[str]
    day: Mapped[date] = mapped_column(Date)
    model: Mapped[str]
    cameras: Mapped[int]
    length_m: Mapped[float]
    seen_m: Mapped[float]
    twice_m: Mapped[float]
    night_m: Mapped[float]
    worth: Mapped[float]
    seen_worth: Mapped[float]
