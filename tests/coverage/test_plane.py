"""Metres round a place."""

from __future__ import annotations

import numpy as np
import pytest

from nobs_bot.coverage.plane import Plane
from nobs_bot.places.areas import Areas
from nobs_bot.places.geodesy import offset_m
from tests.cast import SHOP


def test_the_plane_agrees_with_the_offsets_and_comes_back() -> None:
    plane = Plane(*SHOP)
    places = np.array([[106.80, -6.14], [106.71, -6.22], [SHOP[1], SHOP[0]]])
    metres = plane.to_metres(places)
    for place, found in zip(places, metres, strict=True):
        assert found == pytest.approx(offset_m(*SHOP, place[1], place[0]))
    assert metres[2] == pytest.approx((0, 0))
    assert plane.to_degrees(metres) == pytest.approx(places, abs=1e-12)


def test_spans_anywhere_in_the_district_are_right_within_a_twentieth_of_a_percent(
    areas: Areas,
) -> None:
    from geopy.distance import geodesic

    plane = Plane(*areas.center)
    west, south, east, north = areas.bounds
    for corner in ((west, south), (east, north), (west, north), (east, south)):
        here = plane.to_metres(np.array([corner]))[0]
        assert np.hypot(*here) < 12_000
        for step in ((100, 0), (0, 100), (70, -70)):
            lon, lat = plane.to_degrees(np.array([here + step]))[0]
            true = geodesic(corner[::-1], (lat, lon)).meters
            assert np.hypot(*step) == pytest.approx(true, rel=5e-4)
