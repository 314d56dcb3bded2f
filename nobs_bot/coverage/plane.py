"""The ground round a place as a plane, in metres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nobs_bot.places.geodesy import offset_m

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Plane:
    """
    Local metres east and north of a place, with the same constants as `places.geodesy`.

    A degree of longitude is taken to be as long everywhere as at *lat*. Ten kilometres to the
    north or south of it (West Jakarta reaches 12 km from its middle at the most) spans are wrong
    by 0.05 % at the most: two centimetres in a view of 40 m, and five metres in where a point
    at the edge lies, which all points near it share.

    Args:
        lat, lon: The origin, degrees, WGS 84.
    """

    def __init__(self, lat: float, lon: float) -> None:
        self.lat, self.lon = lat, lon
        east, _ = offset_m(lat, lon, lat, lon + 1)
        _, north = offset_m(lat, lon, lat + 1, lon)
        self._origin = np.array([lon, lat])
        self._m_per_deg = np.array([east, north])

    def to_metres(self, points: Floats) -> Floats:
        """(lon, lat) degrees, shape (n, 2), as metres east and north."""
        metres: Floats = (np.asarray(points, dtype=float) - self._origin) * self._m_per_deg
        return metres

    def to_degrees(self, points: Floats) -> Floats:
        """Metres east and north, shape (n, 2), as (lon, lat) degrees."""
        degrees: Floats = np.asarray(points, dtype=float) / self._m_per_deg + self._origin
        return degrees
