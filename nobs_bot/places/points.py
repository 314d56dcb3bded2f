"""Points: named places that a programme wants watched, such as a market's gate or a crossing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base, Identified

RADII_M = (50, 100, 150, 250)
USUAL_RADIUS_M = 100
MOST_NAME_CHARACTERS = 60


class NamedPoint(Base, Identified):
    """
    A named place and how far around it cameras belong to it.

    `removed_at` is when it was taken off; until then it counts.
    """

    __tablename__ = "named_points"
    __table_args__ = (
        Index(None, "area_code"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="on_earth"),
        CheckConstraint("radius_m BETWEEN 10 AND 1000", name="radius"),
    )

    name: Mapped[str]
    lat: Mapped[float]
    lon: Mapped[float]
    radius_m: Mapped[int]
    area_code: Mapped[str]
    made_by: Mapped[int | None] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
