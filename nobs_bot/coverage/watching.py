"""Who sees this place: asked of the database, whatever the survey is at."""

from __future__ import annotations

from sqlalchemy import select

from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.sector import Sector, looks_at
from nobs_bot.places.geodesy import box
from nobs_bot.storage.work import Work

# a camera outside a circle may still look into it from as far as any camera is said to see
FARTHEST_VIEW_M = 100.0


def sector_of(camera: Camera) -> Sector:
    """The camera's view; what the owner did not say is taken as usual."""
    assert camera.lat is not None
    assert camera.lon is not None
    width = camera.width.degrees if camera.width else 80.0
    others_deg = tuple(camera.other_headings or ())
    reach_m = camera.range_m or 20.0
    return Sector(camera.lat, camera.lon, camera.heading_deg, width, reach_m, others_deg)


async def seeing(work: Work, lat: float, lon: float, radius_m: float = 0.0) -> list[Camera]:
    """
    The cameras that take part and look at a place, without regard to buildings.

    Args:
        lat, lon: The middle of the place, degrees.
    """
    south, west, north, east = box(lat, lon, radius_m + FARTHEST_VIEW_M)
    # only the box is asked of the database: given more to choose from, SQLite takes the index of
    # the states, and looks at every camera that takes part
    query = select(Camera).where(Camera.lat.between(south, north), Camera.lon.between(west, east))
    return [
        camera
        for camera in (await work.session.execute(query)).scalars()
        if camera.is_active and looks_at(sector_of(camera), lat, lon, radius_m)
    ]
