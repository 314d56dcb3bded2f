"""The closed form of what a camera holds, against cameras drawn at random."""

from __future__ import annotations

from dataclasses import replace
from math import erf as exact_erf

import numpy as np
import pytest
from numpy.typing import NDArray

from nobs_bot.coverage.views import (
    Errors,
    View,
    chances,
    chances_by_heading,
    erf,
    normal_cdf,
    reach_m,
)
from nobs_bot.coverage.visibility import Sweep

Floats = NDArray[np.float64]
DRAWN = 40_000


def view(heading: float | None = 350.0, width: float = 90.0, range_m: float = 40.0) -> View:
    return View(7, 300.0, -200.0, heading, width, range_m)


def on_open_ground(of: View, errors: Errors, points: Floats) -> Floats:
    return chances(of, errors, points, Sweep(of.x, of.y, reach_m(of, errors)))


def round_about(of: View, away: Floats, seed: int = 1) -> Floats:
    """Points so far from the camera, in any direction."""
    turn = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(away))
    return np.column_stack([of.x + away * np.sin(turn), of.y + away * np.cos(turn)])


def drawn(of: View, errors: Errors, points: Floats) -> Floats:
    """How often a hard sector holds each point, its heading and place drawn anew each time."""
    chance = np.random.default_rng(3)
    heading = (of.heading_deg or 0) + chance.normal(0, errors.heading_deg, DRAWN)
    place = np.array([of.x, of.y]) + chance.normal(0, errors.position_m, (DRAWN, 2))
    share = []
    for point in points:
        off = point - place
        turn = (np.degrees(np.arctan2(*off.T)) - heading + 180) % 360 - 180
        share.append(((np.hypot(*off.T) <= of.range_m) & (abs(turn) <= of.width_deg / 2)).mean())
    return np.array(share)


@pytest.mark.parametrize(
    ("errors", "width", "range_m"),
    [
        (Errors(), 90, 40),
        (Errors(), 75, 20),
        (Errors(5, 3), 110, 60),
        (Errors(30, 5), 110, 60),
        (Errors(15, 5), 300, 40),
    ],
)
def test_the_closed_form_agrees_with_cameras_drawn_at_random(
    errors: Errors, width: float, range_m: float
) -> None:
    camera = view(350, width, range_m)
    chance = np.random.default_rng(2)
    far = round_about(camera, chance.uniform(errors.position_m, range_m + 15, 150))
    near = round_about(camera, chance.uniform(0, errors.position_m, 60))
    off_far = on_open_ground(camera, errors, far) - drawn(camera, errors, far)
    off_near = on_open_ground(camera, errors, near) - drawn(camera, errors, near)
    assert np.abs(off_far).max() < 0.07
    assert np.abs(off_near).max() < 0.12
    assert abs(np.concatenate([off_far, off_near]).mean()) < 0.01


def test_without_errors_the_sector_is_hard() -> None:
    camera = view(350, 90, 40)
    points = np.array([[0, 39.9], [0, 40.1], [-30, 10], [10, 20], [-20, -20], [23, 20]])
    wanted = [1, 0, 0, 1, 0, 0]
    found = on_open_ground(camera, Errors(0, 0), points + np.array([camera.x, camera.y]))
    assert found.tolist() == wanted


def test_the_chance_turns_with_the_camera_through_north() -> None:
    errors, away = Errors(), np.full(24, 30.0)
    turn = np.radians(np.arange(0, 360, 15))
    points = np.column_stack([np.sin(turn), np.cos(turn)]) * away[:, None] + (300, -200)
    north = on_open_ground(view(0), errors, points)
    for steps in (1, 11, 12, 23, 25):
        turned = on_open_ground(view(15.0 * steps), errors, points)
        assert turned == pytest.approx(np.roll(north, steps), abs=1e-12)


def test_an_unknown_heading_spreads_the_view_over_all_directions() -> None:
    camera, errors = view(None), Errors()
    points = round_about(camera, np.array([10.0, 30.0, 40.0, 70.0]))
    reached = normal_cdf((40 - np.array([10.0, 30.0, 40.0, 70.0])) / 5)
    assert on_open_ground(camera, errors, points) == pytest.approx(reached / 4, abs=1e-6)
    all_round = on_open_ground(replace(camera, width_deg=360.0), errors, points)
    assert all_round == pytest.approx(reached, abs=1e-6)
    mean = np.mean(
        [
            on_open_ground(replace(camera, heading_deg=float(deg)), errors, points)
            for deg in range(0, 360, 5)
        ],
        axis=0,
    )
    assert mean == pytest.approx(reached / 4, abs=1e-3)


def test_several_headings_at_once_are_as_one_at_a_time() -> None:
    camera, errors = view(), Errors()
    points = round_about(camera, np.linspace(0, 60, 50))
    sweep = Sweep(camera.x, camera.y, reach_m(camera, errors))
    headings = [0.0, 45.0, 350.0]
    together = chances_by_heading(camera, errors, points, sweep, headings)
    for heading, row in zip([None, *headings], together, strict=True):
        alone = chances(replace(camera, heading_deg=heading), errors, points, sweep)
        assert row == pytest.approx(alone)


def test_a_camera_that_pans_looks_one_way_at_a_time() -> None:
    errors = Errors()
    points = round_about(view(), np.linspace(1, 50, 40))
    panning = replace(view(0), others_deg=(120.0, 240.0))
    each = [on_open_ground(view(heading), errors, points) for heading in (0.0, 120.0, 240.0)]
    np.testing.assert_allclose(on_open_ground(panning, errors, points), np.mean(each, axis=0))
    # between eight directions and an unknown one there is nothing to choose
    eight = replace(view(0), others_deg=tuple(range(45, 360, 45)))
    unknown = on_open_ground(view(None), errors, points)
    np.testing.assert_allclose(on_open_ground(eight, errors, points), unknown, atol=0.01)


def test_what_a_wall_hides_has_no_chance() -> None:
    camera, errors = view(0), Errors()
    wall = np.array([[290.0, -190.0, 310.0, -190.0]])
    sweep = Sweep(camera.x, camera.y, reach_m(camera, errors), wall)
    before, behind = np.array([[300.0, -192.0]]), np.array([[300.0, -180.0]])
    assert chances(camera, errors, before, sweep)[0] > 0.7
    assert chances(camera, errors, behind, sweep)[0] == 0


def test_the_error_function_is_as_exact_as_its_source_says() -> None:
    x = np.linspace(-6, 6, 24_001)
    exact = np.array([exact_erf(each) for each in x])
    assert np.abs(erf(x) - exact).max() < 2e-7
    assert normal_cdf(np.array([-40.0, 0.0, 40.0])) == pytest.approx([0, 0.5, 1], abs=1e-7)
