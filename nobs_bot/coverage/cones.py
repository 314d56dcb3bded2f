"""A camera as maps show it."""

from __future__ import annotations

from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.drawing import Cone


def cone_of(camera: Camera, *, style: str = "own", label: str = "") -> Cone:
    """The camera's place and every direction in which it looks; see `Cone` for the style."""
    assert camera.lat is not None
    assert camera.lon is not None
    return Cone(
        lat=camera.lat,
        lon=camera.lon,
        heading_deg=camera.heading_deg,
        others_deg=tuple(camera.other_headings or ()),
        width_deg=camera.width.degrees if camera.width else None,
        range_m=camera.range_m,
        style=style,
        label=label,
    )
