"""The ground that a camera sees, and whether it looks at a place."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import pytest
from shapely.geometry import Polygon

from nobs_bot.coverage.sector import Sector, ground_sector, looks_at
from nobs_bot.places.geodesy import (
    ahead,
    angle_between_deg,
    bearing_deg,
    box,
    distance_m,
    moved,
    offset_m,
)
from tests.cast import SHOP

LAT, LON = SHOP


def sector(heading: float | None, width: float = 80, range_m: float = 20) -> Sector:
    return Sector(LAT, LON, heading, width, range_m)


def area_m2(ring: list[tuple[float, float]]) -> float:
    """Area of the ring on the ground."""
    return float(Polygon([offset_m(LAT, LON, *point) for point in ring]).area)


@pytest.mark.parametrize(("width", "range_m"), [(45, 20), (80, 20), (110, 60), (360, 15)])
@pytest.mark.parametrize("heading", [0.0, 135.0, 359.0])
def test_the_outline_has_the_area_of_its_circle_sector(
    heading: float, width: float, range_m: float
) -> None:
    ring = ground_sector(sector(heading, width, range_m), step_deg=1)
    assert ring[0] == ring[-1]
    assert area_m2(ring) == pytest.approx(pi * range_m**2 * width / 360, rel=0.01)


@pytest.mark.parametrize("heading", range(0, 360, 45))
def test_the_outline_lies_where_the_camera_looks(heading: int) -> None:
    ring = ground_sector(sector(heading, 60, 30))
    assert ring[0] == (LAT, LON)
    for point in ring[1:-1]:
        assert distance_m(LAT, LON, *point) == pytest.approx(30, rel=0.001)
        off = angle_between_deg(bearing_deg(LAT, LON, *point), heading)
        assert off <= 30.001


def test_without_a_heading_there_is_no_outline_but_all_round_there_is() -> None:
    assert ground_sector(sector(None)) == []
    ring = ground_sector(sector(None, 360))
    assert ring[0] == ring[-1]
    assert all(distance_m(LAT, LON, *point) == pytest.approx(20, rel=0.001) for point in ring)


@pytest.mark.parametrize("step", [0, -1])
def test_a_step_that_goes_nowhere_is_refused(step: float) -> None:
    with pytest.raises(ValueError, match="step_deg"):
        ground_sector(sector(0), step_deg=step)


@pytest.mark.parametrize(
    ("heading", "width", "range_m", "bearing", "metres", "radius_m", "wanted"),
    [
        # in front of it
        (90, 80, 20, 90, 15, 5, True),
        (90, 80, 20, 90, 15, 100, True),
        # behind it, with the place out of its sight
        (270, 80, 20, 90, 15, 5, False),
        (270, 80, 20, 90, 15, 100, False),
        # at the edge: half the width, 15° of error, and the circle's own angle
        (90, 80, 40, 90 + 54, 30, 0.01, True),
        (90, 80, 40, 90 + 57, 30, 0.01, False),
        (90, 80, 40, 90 + 70, 30, 10, True),
        # in reach: the range, the circle, and 5 m of error
        (90, 80, 20, 90, 24, 0.01, True),
        (90, 80, 20, 90, 26, 0.01, False),
        (90, 80, 20, 90, 120, 100, True),
        (90, 80, 20, 90, 126, 100, False),
        # all round, whatever the heading
        (270, 360, 20, 90, 15, 5, True),
        (None, 360, 20, 90, 15, 5, True),
        # not known
        (None, 80, 20, 90, 15, 5, None),
        (None, 80, 20, 90, 15, 100, None),
        (None, 80, 20, 90, 200, 100, False),
        # at the very place
        (270, 80, 20, 90, 0, 10, True),
        (None, 80, 20, 90, 3, 10, True),
        # over north
        (350, 80, 20, 10, 15, 1, True),
        (10, 80, 20, 350, 15, 1, True),
        (10, 45, 20, 310, 15, 1, False),
    ],
)
def test_a_camera_looks_at_a_place(
    heading: float | None,
    width: float,
    range_m: float,
    bearing: float,
    metres: float,
    radius_m: float,
    wanted: bool | None,
) -> None:
    place = ahead(LAT, LON, bearing, metres)
    assert looks_at(sector(heading, width, range_m), *place, radius_m) is wanted


def test_a_camera_that_pans_looks_each_way_in_turn() -> None:
    panning = replace(sector(0), others_deg=(180.0,))
    for bearing, looks in ((0, True), (180, True), (90, False), (270, False)):
        lat, lon = ahead(panning.lat, panning.lon, bearing, 15)
        assert looks_at(panning, lat, lon, 0) is looks


def test_distances_agree_with_the_geodesic_within_half_a_percent() -> None:
    from geopy.distance import geodesic

    for bearing in range(0, 360, 30):
        for metres in (10, 500, 5000):
            point = ahead(LAT, LON, bearing, metres)
            true = geodesic(SHOP, point).meters
            assert distance_m(LAT, LON, *point) == pytest.approx(metres, rel=0.002)
            assert true == pytest.approx(metres, rel=0.01)


def test_moving_and_measuring_are_each_others_reverse() -> None:
    point = moved(LAT, LON, east_m=120, north_m=-45)
    assert offset_m(LAT, LON, *point) == pytest.approx((120, -45), abs=0.01)
    south, west, north, east = box(LAT, LON, 50)
    assert south < LAT < north
    assert west < LON < east
    assert distance_m(LAT, LON, north, LON) == pytest.approx(50, abs=0.1)


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [(0, 0, 0), (350, 10, 20), (10, 350, 20), (0, 180, 180), (90, 300, 150)],
)
def test_the_angle_between_directions_is_the_smaller_one(
    one: float, other: float, wanted: float
) -> None:
    assert angle_between_deg(one, other) == wanted
