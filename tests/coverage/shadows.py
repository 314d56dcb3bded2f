"""What is seen from a point, the slow way: the disk without the shadow of each wall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from shapely import Point, Polygon, union_all
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
FAR = 4.0


def shadow(edge: Floats, range_m: float) -> Polygon:
    """What a wall hides from the origin, a little beyond the range."""
    one, other = edge[:2], edge[2:]
    begin = np.arctan2(*one)
    turn = (np.arctan2(*other) - begin + np.pi) % (2 * np.pi) - np.pi
    angles = begin + turn * np.linspace(0, 1, 17)
    arc = FAR * range_m * np.column_stack([np.sin(angles), np.cos(angles)])
    return Polygon([one, *arc, other])


def seen(x: float, y: float, range_m: float, edges: Floats, step_deg: float) -> BaseGeometry:
    """The ground seen round the point, moved so that the point is the origin."""
    disk = Point(0, 0).buffer(range_m, quad_segs=round(90 / step_deg))
    walls = edges - (x, y, x, y)
    cross = walls[:, 0] * walls[:, 3] - walls[:, 1] * walls[:, 2]
    return disk.difference(union_all([shadow(wall, range_m) for wall in walls[cross != 0]]))
