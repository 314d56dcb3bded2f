"""A small ground made for tests: two streets that cross between houses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nobs_bot.coverage.ground import Ground
from nobs_bot.coverage.plane import Plane
from tests.cast import SHOP

STREETS = ("", "Jl. Duri Selatan", "Jl. Latumeten")
KELURAHAN = ("31.73.04.1002", "31.73.04.1003")


def crossing(half_m: int = 150, step_m: float = 5.0) -> Ground:
    """A street to the east and one to the north; what lies west of them is another kelurahan."""
    along = np.arange(-half_m + step_m / 2, half_m, step_m)
    zero = np.zeros_like(along)
    points = np.concatenate([np.column_stack([along, zero]), np.column_stack([zero, along])])
    return Ground(
        points=points,
        length_m=np.full(len(points), step_m),
        road=np.repeat([1, 2], len(along)),
        road_names=STREETS,
        area=(points[:, 0] < -20).astype(np.int64),
        area_codes=KELURAHAN,
        plane=Plane(*SHOP),
    )


def houses() -> list[NDArray[np.float64]]:
    """Rows of houses on the four corners of the crossing, some gaps between them."""
    square = np.array([[0, 0], [12, 0], [12, 12], [0, 12]])
    places = [
        (sign_x * along - 6, sign_y * 12 - 6)
        for along in (20, 34, 60, 90)
        for sign_x in (-1, 1)
        for sign_y in (-1, 1)
    ]
    return [square + place for place in places]
