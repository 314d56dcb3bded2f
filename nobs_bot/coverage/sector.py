"""The ground a camera sees, without regard to buildings: an upper bound."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, ceil, degrees

from nobs_bot.places.geodesy import ahead, angle_between_deg, bearing_deg, distance_m

# how far a place that is asked about may lie from what is seen and still be worth asking for
HEADING_ERROR_DEG = 15.0
POSITION_ERROR_M = 5.0


@dataclass(frozen=True)
class Sector:
    """
    A camera's place and view.

    Args:
        heading_deg: Clockwise from true north; None where unknown.
        width_deg: Horizontal angle of view; 360 is all-round.
        range_m: How far a person can be made out.
        others_deg: Where else it looks, if it pans by itself.
    """

    lat: float
    lon: float
    heading_deg: float | None
    width_deg: float
    range_m: float
    others_deg: tuple[float, ...] = ()

    @property
    def is_all_round(self) -> bool:
        """Whether the direction does not matter."""
        return self.width_deg >= 360


def looks_at(sector: Sector, lat: float, lon: float, radius_m: float) -> bool | None:
    """
    Whether the camera looks into a circle on the ground, allowing for the usual errors.

    One that hangs in the circle and looks away from its middle does not.

    Returns:
        None where the heading is unknown and the circle is in reach.
    """
    metres = distance_m(sector.lat, sector.lon, lat, lon)
    if metres > sector.range_m + radius_m + POSITION_ERROR_M:
        return False
    if sector.is_all_round or metres <= POSITION_ERROR_M:
        return True
    if sector.heading_deg is None:
        return None
    bearing = bearing_deg(sector.lat, sector.lon, lat, lon)
    headings = (sector.heading_deg, *sector.others_deg)
    off_axis = min(angle_between_deg(heading, bearing) for heading in headings)
    return off_axis <= sector.width_deg / 2 + HEADING_ERROR_DEG + _half_angle(radius_m, metres)


def _half_angle(radius_m: float, metres: float) -> float:
    """The angle under which half the circle appears, degrees."""
    return degrees(asin(min(1.0, radius_m / metres)))


def ground_sector(sector: Sector, *, step_deg: float = 5.0) -> list[tuple[float, float]]:
    """
    Outline the ground a camera sees, as a closed ring.

    Args:
        step_deg: Arc resolution in degrees.

    Returns:
        Points in (lat, lon) degrees, WGS 84; first equals last. Empty where the heading is
        unknown.

    Raises:
        ValueError: *step_deg* is not positive.
    """
    if step_deg <= 0:
        raise ValueError("step_deg must be positive")
    if sector.heading_deg is None and not sector.is_all_round:
        return []
    width = min(360.0, sector.width_deg)
    start = (sector.heading_deg or 0.0) - width / 2
    steps = max(1, ceil(width / step_deg))
    arc = [
        ahead(sector.lat, sector.lon, start + width * step / steps, sector.range_m)
        for step in range(steps + 1)
    ]
    if sector.is_all_round:
        return [*arc[:-1], arc[0]]
    apex = (sector.lat, sector.lon)
    return [apex, *arc, apex]
