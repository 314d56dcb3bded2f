"""Who sees this place: asked of the database, whatever the survey is at."""

from __future__ import annotations

from sqlalchemy import select

from nobs_bot.cameras.record import Camera, State
from nobs_bot.coverage.sector import Sector, looks_at
from nobs_bot.places.geodesy import box
from nobs_bot.storage.work import Work

# no camera of ours is said to see a person farther away
FARTHEST_VIEW_M = 100.0


async def seeing(work: Work, lat: float, lon: float, radius_m: float = 0.0) -> list[int]:
    """
    Ids of the cameras that take part and look at a place, without regard to buildings.

    Args:
        lat, lon: The middle of the place, degrees.
    """
    south, west, north, east = box(lat, lon, radius_m + FARTHEST_VIEW_M)
    # only the box is asked of the database, see `footage.matching`
    query = select(
        Camera.id,
        Camera.lat,
        Camera.lon,
        Camera.heading_deg,
        Camera.width,
        Camera.range_m,
        Camera.state,
        Camera.paused_at,
    ).where(Camera.lat.between(south, north), Camera.lon.between(west, east))
    return [
        row.id
        for row in (await work.session.execute(query)).all()
        if row.state is State.APPROVED
        and row.paused_at is None
        and looks_at(
            Sector(
                row.lat,
                row.lon,
                row.heading_deg,
                row.width.degrees if row.width else 80.0,
                row.range_m or 20.0,
            ),
            lat,
            lon,
            radius_m,
        )
    ]
