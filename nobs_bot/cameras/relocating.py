"""Finding anew in which kelurahan each camera hangs, once the areas have changed."""

from __future__ import annotations

from sqlalchemy import select

from nobs_bot.cameras.record import Camera
from nobs_bot.places.areas import Areas
from nobs_bot.storage.work import Work


async def relocate(work: Work, areas: Areas) -> tuple[int, list[str]]:
    """
    Write down where each camera hangs now.

    Returns:
        How many hang elsewhere than before, and the names of those outside of every area, which
        keep the one they had.
    """
    moved, outside = 0, []
    query = select(Camera).where(Camera.lat.is_not(None), Camera.lon.is_not(None))
    for camera in (await work.session.execute(query)).scalars():
        area = areas.locate(camera.lat or 0.0, camera.lon or 0.0)
        if area is None:
            outside.append(camera.name)
        elif area.code != camera.area_code:
            camera.area_code = area.code
            moved += 1
    return moved, outside
