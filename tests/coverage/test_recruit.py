"""Where cameras are wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.recruit import recruit
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import View
from tests.coverage.grounds import crossing, houses


def a_survey(*cameras: View) -> Survey:
    survey = Survey(crossing(), Obstacles(houses()))
    survey.update(cameras)
    return survey


def test_each_place_adds_what_it_says_and_no_more_than_the_one_before() -> None:
    survey = a_survey(View(1, 5, 5, 270, 90, 60))
    importance = np.where(survey.ground.road == 1, 2.0, 1.0)
    places = recruit(survey, survey.ground.length_m * importance, 6)
    gains = [place.gain for place in places]
    assert len(places) == 6
    assert gains == sorted(gains, reverse=True)
    for number, place in enumerate(places, start=100):
        before = survey.metres(importance)
        survey.put(View(number, place.x, place.y, place.heading_deg, 80, 25))
        assert survey.metres(importance) - before == pytest.approx(place.gain, abs=0.05)


def test_the_first_place_is_the_best_of_all() -> None:
    survey = a_survey(View(1, 5, 5, 270, 90, 60))
    first = recruit(survey, survey.ground.length_m, 1, every_m=5)[0]
    before = survey.metres()
    most = 0.0
    for x, y in survey.ground.points.tolist():
        view = View(100, x, y, None, 80, 25)
        for heading in range(0, 360, 45):
            survey.put(replace(view, heading_deg=float(heading)))
            most = max(most, survey.metres() - before)
    assert first.gain == pytest.approx(most, abs=0.02)


def test_places_lie_apart_on_the_roads_and_carry_their_names() -> None:
    survey = a_survey()
    places = recruit(survey, survey.ground.length_m, 50, every_m=10, spacing_m=40)
    spots = np.array([(place.x, place.y) for place in places])
    apart = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    assert apart[~np.eye(len(spots), dtype=bool)].min() >= 40
    for place in places:
        assert place.heading_deg % 45 == 0
        assert min(abs(place.x), abs(place.y)) < 1e-9
    assert {place.road for place in places} == {"Jl. Duri Selatan", "Jl. Latumeten"}


def test_a_road_without_a_name_is_called_after_the_nearest_that_has_one() -> None:
    ground = crossing()
    ground = replace(ground, road=np.where(ground.points[:, 0] > 40, 0, ground.road))
    survey = Survey(ground, Obstacles([]))
    weights = ground.length_m * (ground.points[:, 0] > 40)
    named = {place.road for place in recruit(survey, weights, 20) if place.x < 130}
    far = {place.road for place in recruit(survey, weights, 20) if place.x > 145}
    assert named == {"Jl. Duri Selatan"}
    assert far <= {""}


def test_a_mask_restricts_the_search() -> None:
    survey = a_survey()
    west = survey.ground.area == 1
    places = recruit(survey, survey.ground.length_m * west, 50)
    assert places
    assert all(place.x < -20 for place in places)


def test_where_all_is_seen_or_nothing_counts_nobody_is_wanted() -> None:
    survey = a_survey()
    assert recruit(survey, np.zeros(len(survey.ground.points))) == []
    assert recruit(survey, survey.ground.length_m, 0) == []
    everywhere = [View(at, x, y, None, 360, 60) for at, (x, y) in enumerate(survey.ground.points)]
    full = Survey(survey.ground, Obstacles([]))
    full.update(everywhere)
    assert sum(place.gain for place in recruit(full, full.ground.length_m)) < 1e-3
