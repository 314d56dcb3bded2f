"""The ways by which somebody may have come to a place or left it: the roads through it."""

from __future__ import annotations

from math import cos, radians

import numpy as np

from nobs_bot.coverage.basemap import BaseMap, Line

BEYOND_M = 200.0
_STEP_M = 15.0
_M_PER_DEG_LAT, _M_PER_DEG_LON = 110_574.0, 111_320.0

Ways = tuple[tuple[float, float], ...]


def ways(base: BaseMap, lat: float, lon: float, radius_m: float) -> Ways:
    """
    Points along the roads that lead through a circle, outside of it and up to 200 m further.

    Args:
        lat, lon: The middle of the circle, degrees.

    Returns:
        Points in (lat, lon) degrees, 15 m apart along each road; a road of the same name that
        begins where one ends is the same road.
    """
    reach_m = radius_m + BEYOND_M
    half_lat = reach_m / _M_PER_DEG_LAT
    half_lon = reach_m / (_M_PER_DEG_LON * cos(radians(lat)))
    near = base.roads(lon - half_lon, lat - half_lat, lon + half_lon, lat + half_lat)
    lines = [(road.name, _densified(_metres(road.points, lat, lon))) for road in near]
    through = [name for name, line in lines if (np.hypot(*line.T) <= radius_m).any()]
    names = {name for name in through if name}
    points = [
        line[(away > radius_m) & (away <= reach_m)]
        for name, line in lines
        for away in [np.hypot(*line.T)]
        if name in names or (away <= radius_m).any()
    ]
    found = np.concatenate(points) if points else np.empty((0, 2))
    return tuple(
        (lat + north / _M_PER_DEG_LAT, lon + east / (_M_PER_DEG_LON * cos(radians(lat))))
        for east, north in found.tolist()
    )


def _metres(points: Line, lat: float, lon: float) -> Line:
    """(lon, lat) degrees as metres east and north of a place."""
    east = (points[:, 0] - lon) * _M_PER_DEG_LON * cos(radians(lat))
    return np.column_stack([east, (points[:, 1] - lat) * _M_PER_DEG_LAT])


def _densified(line: Line) -> Line:
    """The line with a point at least every 15 m."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.arange(0.0, along[-1], _STEP_M)
    return np.column_stack([np.interp(wanted, along, line[:, axis]) for axis in (0, 1)])
