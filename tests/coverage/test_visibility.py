"""The angular sweep against shapely's shadows."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import Polygon, distance, points, prepare

from nobs_bot.coverage.visibility import Sweep
from tests.coverage.shadows import seen

Floats = NDArray[np.float64]
RANGE_M = 50.0
# a point this near to a shadow's border may count either way
BORDER_M = 1e-4

coordinates = st.one_of(
    st.integers(-6, 6).map(lambda tens: 10.0 * tens + 0.5), st.floats(-60, 60, width=32)
)
walls = st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates), max_size=30)


def off_the_point(edges: Floats) -> Floats:
    """The walls that do not all but touch the origin and are no shorter than a centimetre."""
    if not len(edges):
        return np.empty((0, 4))
    span = edges[:, 2:] - edges[:, :2]
    length = np.hypot(*span.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.abs(edges[:, 0] * span[:, 1] - edges[:, 1] * span[:, 0]) / length
    return edges[(length > 0.01) & (away > 0.01)]


def houses(count: int, seed: int) -> Floats:
    """Walls of houses of 8 x 12 m round the origin, some of them across one another."""
    chance = np.random.default_rng(seed)
    corners = np.array([[-4, -6], [4, -6], [4, 6], [-4, 6]])
    rings = []
    for _ in range(count):
        turn, where, away = *chance.uniform(0, 2 * pi, 2), chance.uniform(9, 55)
        turned = corners @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        ring = turned + away * np.array([np.cos(where), np.sin(where)])
        rings.append(np.hstack([ring, np.roll(ring, -1, axis=0)]))
    return np.concatenate(rings)


def assert_agrees(edges: Floats, at: tuple[float, float] = (0.0, 0.0)) -> None:
    """Points and area as the shadows have them."""
    moved = edges + np.array([*at, *at])
    sweep = Sweep(*at, RANGE_M, moved)
    wanted = seen(*at, RANGE_M, moved, 0.5)
    outline = Polygon(sweep.outline(0, 360, 0.5) - at).buffer(0)
    assert outline.area == pytest.approx(wanted.area, abs=1e-3 * pi * RANGE_M**2)
    places = np.random.default_rng(5).uniform(-RANGE_M, RANGE_M, (300, 2))
    prepare(wanted)
    marks = points(places)
    clear = distance(wanted.boundary, marks) > BORDER_M
    clear &= np.abs(np.hypot(*places.T) - RANGE_M) > 0.01  # the disk of chords
    inside = np.array([wanted.contains(mark) for mark in marks])
    assert (sweep.reaches(places + at) == inside)[clear].all()


@settings(max_examples=150, deadline=None)
@given(walls)
# where the one begins the other is out of range, and comes into it before they cross
@example([(10.5, 10.5, -19.5, 60.5), (30.5, 16.0, -19.5, 50.5)])
def test_any_walls_hide_what_their_shadows_hide(found: list[tuple[float, ...]]) -> None:
    assert_agrees(off_the_point(np.array(found, dtype=float).reshape(-1, 4)))


@pytest.mark.parametrize("count", [1, 10, 50])
def test_houses_hide_what_their_shadows_hide_wherever_the_point_is(count: int) -> None:
    for seed in range(5):
        assert_agrees(houses(count, seed), at=(12_000.0, -8_000.0))


def test_on_open_ground_all_in_range_is_seen() -> None:
    sweep = Sweep(10, 20, RANGE_M)
    places = np.array([[10, 20], [10, 69.9], [10, 70.1], [-39.9, 20], [46, 56]])
    assert sweep.reaches(places).tolist() == [True, True, False, True, False]
    ring = sweep.outline(0, 360, 1)
    assert (ring[0] == ring[-1]).all()
    assert np.hypot(*(ring - (10, 20)).T) == pytest.approx(RANGE_M)
    assert Polygon(ring).area == pytest.approx(pi * RANGE_M**2, rel=1e-3)


def test_a_wall_is_seen_and_what_is_behind_it_is_not_unless_it_hangs_on_it() -> None:
    sweep = Sweep(0, 0, RANGE_M, np.array([[-5.0, 10.0, 5.0, 10.0]]))
    places = np.array([[0, 9.9], [0, 10], [0, 10.1], [0, 30], [5.1, 10], [15.1, 30], [14.9, 30]])
    wanted = [True, True, False, False, True, True, False]
    assert sweep.reaches(places).tolist() == wanted
    assert sweep.reaches(places, 2.0).tolist() == [True, True, True, False, True, True, False]


def test_a_wall_through_the_point_or_straight_away_from_it_hides_nothing() -> None:
    walls_there = np.array([[-5.0, 0.0, 5.0, 0.0], [0.0, 10.0, 0.0, 20.0]])
    places = np.array([[3, 3], [-3, -3], [0, 30], [10, 0]])
    assert Sweep(0, 0, RANGE_M, walls_there).reaches(places).all()


def test_due_south_is_a_direction_like_others() -> None:
    sweep = Sweep(0, 0, RANGE_M, np.array([[-5.0, -10.0, 5.0, -10.0]]))
    places = np.array([[0.0, -9.0], [0.0, -11.0], [-0.0, -9.0], [-0.0, -11.0]])
    assert sweep.reaches(places).tolist() == [True, False, True, False]


@pytest.mark.parametrize("start", [0.0, 170.0, 330.0, -90.0, 725.0])
@pytest.mark.parametrize("width", [0.0, 45.0, 110.0, 359.0])
def test_an_angle_shows_its_part_of_the_whole(start: float, width: float) -> None:
    sweep = Sweep(0, 0, RANGE_M, houses(20, 3))
    part = sweep.outline(start, width, 0.5)
    rest = sweep.outline(start + width, 360 - width, 0.5)
    assert (part[0] == 0).all()
    assert (part[-1] == 0).all()
    if 0 < width < 359:
        whole = Polygon(sweep.outline(0, 360, 0.5)).area
        areas = [Polygon(ring).buffer(0).area for ring in (part, rest)]
        assert sum(areas) == pytest.approx(whole, rel=1e-3)
    inner = part[np.hypot(*part.T) > 1]
    turn = (np.degrees(np.arctan2(*inner.T)) - start + 180 - width / 2) % 360 - 180 + width / 2
    assert (turn > -1e-6).all()
    assert (turn < width + 1e-6).all()


@pytest.mark.parametrize("step", [0, -5])
def test_a_step_that_goes_nowhere_is_refused(step: float) -> None:
    with pytest.raises(ValueError, match="step_deg"):
        Sweep(0, 0, RANGE_M).outline(0, 90, step)
