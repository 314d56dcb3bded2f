"""Distances and directions on the ground, for spans of a few kilometres."""

from __future__ import annotations

from math import atan2, cos, degrees, hypot, radians, sin

# metres a degree at latitude 0 on WGS 84; Jakarta's 6 degrees change them by half a percent
_M_PER_DEG_LAT = 110_574.0
_M_PER_DEG_LON = 111_320.0


def offset_m(lat: float, lon: float, to_lat: float, to_lon: float) -> tuple[float, float]:
    """Metres east and north from one point to another."""
    east = (to_lon - lon) * _M_PER_DEG_LON * cos(radians(lat))
    return east, (to_lat - lat) * _M_PER_DEG_LAT


def distance_m(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Metres between two points."""
    return hypot(*offset_m(lat, lon, to_lat, to_lon))


def bearing_deg(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Direction from one point to another, degrees clockwise from true north."""
    east, north = offset_m(lat, lon, to_lat, to_lon)
    return degrees(atan2(east, north)) % 360


def moved(lat: float, lon: float, *, east_m: float, north_m: float) -> tuple[float, float]:
    """The point so many metres east and north of another."""
    return (
        lat + north_m / _M_PER_DEG_LAT,
        lon + east_m / (_M_PER_DEG_LON * cos(radians(lat))),
    )


def ahead(lat: float, lon: float, bearing: float, range_m: float) -> tuple[float, float]:
    """The point *range_m* metres away in direction *bearing* (degrees)."""
    angle = radians(bearing)
    return moved(lat, lon, east_m=range_m * sin(angle), north_m=range_m * cos(angle))


def angle_between_deg(one: float, other: float) -> float:
    """The smaller angle between two directions, 0 to 180 degrees."""
    return abs((one - other + 180) % 360 - 180)


def box(lat: float, lon: float, radius_m: float) -> tuple[float, float, float, float]:
    """(south, west, north, east) of a box that holds the circle."""
    south, west = moved(lat, lon, east_m=-radius_m, north_m=-radius_m)
    north, east = moved(lat, lon, east_m=radius_m, north_m=radius_m)
    return south, west, north, east
