"""Whether a building stands between a camera and a place."""

from __future__ import annotations

import numpy as np

from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.plane import Plane
from nobs_bot.coverage.sector import Sector
from nobs_bot.coverage.visibility import Sweep
from nobs_bot.places.geodesy import box

# the middle of the circle, and eight places on each of two rings
_RINGS, _SPOKES = (0.0, 0.5, 0.9), 8


class Walls:
    """
    The buildings of the base map, as far as it knows them.

    Args:
        base: Knows their outlines.
    """

    def __init__(self, base: BaseMap) -> None:
        self._base = base

    def hide(self, sector: Sector, lat: float, lon: float, radius_m: float) -> bool:
        """
        Whether all of a circle on the ground is hidden from a camera by buildings.

        Its own building hides nothing (see `obstacles.Obstacles`), and what is out of its range
        is not hidden, but too far.
        """
        reach_m = sector.range_m
        south, west, north, east = box(sector.lat, sector.lon, reach_m)
        plane = Plane(sector.lat, sector.lon)
        rings = [plane.to_metres(ring) for ring in self._base.buildings(west, south, east, north)]
        if not rings:
            return False
        [middle] = plane.to_metres(np.array([(lon, lat)]))
        angles = np.linspace(0, 2 * np.pi, _SPOKES, endpoint=False)
        spokes = np.column_stack([np.sin(angles), np.cos(angles)])
        places = np.concatenate([middle + spokes * share * radius_m for share in _RINGS])
        within = places[np.hypot(*places.T) <= reach_m]
        if not len(within):
            return False
        sweep = Sweep(0.0, 0.0, reach_m, Obstacles(rings).edges_near(0.0, 0.0, reach_m))
        return not sweep.reaches(within).any()
