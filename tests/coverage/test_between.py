"""Buildings between a camera and a place."""

from __future__ import annotations

from typing import cast

import numpy as np

from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.between import Walls
from nobs_bot.coverage.sector import Sector
from nobs_bot.places.geodesy import ahead, moved
from tests.cast import SHOP


class Town:
    """Some houses, each (east, north, width, depth) in metres from the shop."""

    def __init__(self, *houses: tuple[float, float, float, float]) -> None:
        self._rings = []
        for east, north, wide, deep in houses:
            corners = [
                (east + x * wide / 2, north + y * deep / 2)
                for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
            ]
            places = [moved(*SHOP, east_m=x, north_m=y) for x, y in corners]
            self._rings.append(np.array([(lon, lat) for lat, lon in places]))

    def buildings(self, *bounds: float) -> list[np.ndarray]:
        return self._rings


NORTH = Sector(*SHOP, 0.0, 80.0, 60.0)
PLACE = ahead(*SHOP, 0.0, 40.0)


def hidden(*houses: tuple[float, float, float, float], radius_m: float = 5.0) -> bool:
    return Walls(cast(BaseMap, Town(*houses))).hide(NORTH, *PLACE, radius_m)


def test_a_house_in_between_hides() -> None:
    assert hidden((0, 20, 30, 8))


def test_no_house_a_house_behind_and_one_beside_do_not() -> None:
    assert not hidden()
    assert not hidden((0, 60, 30, 8))
    assert not hidden((30, 20, 10, 8))


def test_a_place_that_looks_out_from_behind_is_not_hidden() -> None:
    assert hidden((0, 20, 12, 8), radius_m=5)
    assert not hidden((0, 20, 12, 8), radius_m=30)


def test_the_house_that_the_camera_hangs_on_does_not_hide() -> None:
    assert not hidden((0, 0, 20, 20))


def test_what_is_out_of_range_is_not_hidden_but_too_far() -> None:
    far = ahead(*SHOP, 0.0, 90.0)
    assert not Walls(cast(BaseMap, Town((0, 20, 30, 8)))).hide(NORTH, *far, 5.0)
