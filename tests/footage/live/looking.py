"""A camera that may be watched, and looks at it, for the tests of live view."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from nobs_bot.cameras.connection import set_stream
from nobs_bot.cameras.record import Camera
from nobs_bot.footage.live import views
from nobs_bot.footage.live.record import LiveView
from nobs_bot.footage.live.views import Demand
from nobs_bot.footage.request import Purpose
from nobs_bot.streams.address import StreamAddress, parse_address
from tests.cast import House

CASE = "LP/B/1042/XI/2026/SPKT"
DEMAND = Demand(CASE, Purpose.ROBBERY, 5)
ADDRESS = parse_address("rtsp://admin:rahasia@203.0.113.7/stream")


async def shared(
    house: House, owner: str = "Sari", *, address: StreamAddress = ADDRESS, **about: Any
) -> int:
    """An approved camera whose owner allows live view."""
    camera_id = await house.approved(owner, **about)
    async with house.office.work() as work:
        camera = await house.camera(work, camera_id)
        set_stream(work, camera, address)
        camera.share_live = True
    return camera_id


async def look(house: House, camera_id: int, name: str = "Rahmat", demand: Demand = DEMAND) -> int:
    """Begin a look; returns its id."""
    async with house.acting(name) as (work, who):
        return (await views.begin(work, camera_id, who, demand)).id


async def view(house: House, view_id: int) -> LiveView:
    """The look as it stands."""
    async with house.office.look() as work:
        found = await work.session.get(LiveView, view_id)
        assert found is not None
        return found


async def all_views(house: House) -> list[LiveView]:
    """Every look."""
    async with house.office.look() as work:
        return list((await work.session.execute(select(LiveView))).scalars())


async def change(house: House, camera_id: int, **values: Any) -> Camera:
    """Change a camera's row."""
    async with house.office.work() as work:
        camera = await house.camera(work, camera_id)
        for name, value in values.items():
            setattr(camera, name, value)
        return camera
