"""The roads through a circle, as points beyond it."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import numpy as np
import pytest

from nobs_bot.coverage.basemap import BaseMap, Road
from nobs_bot.coverage.ways import BEYOND_M, ways
from nobs_bot.places.areas import Areas
from nobs_bot.places.geodesy import ahead, distance_m
from tests.cast import SHOP

RADIUS_M = 50.0


class Roads:
    """A base map with only these roads: each a name and the places it leads through."""

    def __init__(self, *roads: tuple[str, list[tuple[float, float]]]) -> None:
        self._roads = [
            Road("residential", name, np.array([(lon, lat) for lat, lon in places]))
            for name, places in roads
        ]

    def roads(self, *box: float) -> list[Road]:
        """All of them, however far."""
        assert box[0] < SHOP[1] < box[2]
        assert box[1] < SHOP[0] < box[3]
        return self._roads


def off(bearing: float, metres: float) -> tuple[float, float]:
    """A place so far from the shop."""
    return ahead(*SHOP, bearing, metres)


def found(*roads: tuple[str, list[tuple[float, float]]]) -> list[tuple[float, float]]:
    return list(ways(cast(BaseMap, Roads(*roads)), *SHOP, RADIUS_M))


def test_a_road_through_the_place_leads_200_m_beyond_it_both_ways() -> None:
    points = found(("Jl. Duri Selatan", [off(270, 900), off(90, 900)]))
    away = [distance_m(*SHOP, *point) for point in points]
    assert RADIUS_M < min(away) < RADIUS_M + 16
    assert RADIUS_M + BEYOND_M - 16 < max(away) <= RADIUS_M + BEYOND_M + 1
    west = [point for point in points if point[1] < SHOP[1]]
    assert len(west) == pytest.approx(len(points) / 2, abs=1)
    gaps = [distance_m(*one, *other) for one, other in pairwise(west)]
    assert max(gaps) == pytest.approx(15, abs=0.5)


def test_a_road_that_passes_by_does_not_lead_there() -> None:
    assert found(("Jl. Latumeten", [off(300, 200), off(60, 200)])) == []


def test_the_same_road_goes_on_in_its_next_piece() -> None:
    first, second = [off(0, 0), off(90, 120)], [off(90, 120), off(90, 200)]
    assert len(found(("Jl. Duri Selatan", first), ("Jl. Duri Selatan", second))) > len(
        found(("Jl. Duri Selatan", first), ("", second))
    )


def test_west_jakarta_has_roads_that_lead_to_the_shop(areas: Areas) -> None:
    points = ways(BaseMap(areas), *SHOP, RADIUS_M)
    assert points
    assert all(RADIUS_M - 1 < distance_m(*SHOP, *point) < 251 for point in points)
