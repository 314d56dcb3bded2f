"""Which way to turn cameras: against all the ways there are, and what no plan may do."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nobs_bot.coverage import optimum
from nobs_bot.coverage.aim import Plan, aim
from nobs_bot.coverage.choices import Choice, Choices
from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.prices import bound
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import View
from tests.coverage.grounds import crossing, houses

chance_values = st.sampled_from([0.0, 0.0, 0.1, 0.3, 0.6, 0.9, 0.999])


@st.composite
def small_choices(draw: st.DrawFn) -> Choices:
    """Up to five cameras with up to four directions over up to eight points."""
    size = draw(st.integers(1, 8))
    found = []
    for camera_id in range(draw(st.integers(1, 5))):
        points = sorted(draw(st.sets(st.integers(0, size - 1), min_size=1)))
        rows = draw(st.integers(1, 4))
        row = st.lists(chance_values, min_size=len(points), max_size=len(points))
        chance = np.array([draw(row) for _ in range(rows)])
        headings = tuple(90.0 * at for at in range(rows))
        found.append(Choice(camera_id, headings, np.array(points), chance))
    numbers = st.lists(st.sampled_from([0.0, 0.5, 1.2]), min_size=size, max_size=size)
    weights = st.lists(st.floats(0, 9, width=16), min_size=size, max_size=size)
    share = draw(st.sampled_from([0.0, 0.2, 1.0]))
    return Choices(found, np.array(draw(weights)), np.array(draw(numbers)), share)


def best_of_all(choices: Choices) -> float:
    """The worth of the best of all the ways there are."""
    ways = product(*(range(len(choice.chance)) for choice in choices.choices))
    return max(choices.value(way) for way in ways)


@settings(max_examples=100, deadline=None)
@given(small_choices())
def test_the_search_finds_the_best_within_its_gap(choices: Choices) -> None:
    best = best_of_all(choices)
    start = choices.improved(choices.greedy())
    found = optimum.search(choices, start, time.monotonic() + 20)
    assert found is not None
    value = choices.value(found.chosen)
    assert found.bound >= best - 1e-6
    assert best * (1 - 0.005) - 1e-6 <= value <= best + 1e-6
    assert value >= choices.value(start) - 1e-9


@settings(max_examples=150, deadline=None)
@given(small_choices())
def test_the_quick_answer_keeps_its_guarantee_and_prices_bound_it(choices: Choices) -> None:
    best, free = best_of_all(choices), choices.worth_without_choices
    greedy = choices.value(choices.greedy())
    assert greedy - free >= (best - free) / 2 - 1e-6
    better = choices.value(choices.improved(choices.greedy()))
    assert greedy - 1e-6 <= better <= best + 1e-6
    assert bound(choices, better) >= best - 1e-6


@settings(max_examples=50, deadline=None)
@given(small_choices())
def test_groups_have_no_point_in_common_and_add_up(choices: Choices) -> None:
    groups = choices.components()
    assert sorted(at for group in groups for at in group) == list(range(len(choices.choices)))
    held = [
        {int(point) for at in group for point in choices.choices[at].points} for group in groups
    ]
    assert sum(len(points) for points in held) == len(set().union(*held))
    chosen = choices.greedy()
    added = 0.0
    for group in groups:
        part = choices.part(group)
        added += part.value([chosen[at] for at in group]) - part.worth_without_choices
    assert choices.value(chosen) == pytest.approx(choices.worth_without_choices + added)


CAMERAS = [
    View(1, -60, 5, 0, 90, 40),  # looks away from the street
    View(2, -20, -5, 90, 90, 40),
    View(3, 20, 5, None, 90, 40),
    View(4, 5, 40, 45, 80, 30),
    View(5, 0, 0, None, 360, 20),
    View(6, 60, 5, 90, 90, 40),
]


def a_survey(cameras: list[View] | None = None) -> Survey:
    survey = Survey(crossing(), Obstacles(houses()))
    survey.update(CAMERAS if cameras is None else cameras)
    return survey


def carried_out(survey: Survey, plan: Plan, weights: np.ndarray) -> float:
    """The worth after the moves, from the survey itself."""
    turned = {move.camera_id: move.to_deg for move in plan.moves}
    views = [
        replace(view, heading_deg=turned.get(view.camera_id, view.heading_deg))
        for view in survey.views
    ]
    seen = np.zeros(len(weights))
    after = a_survey(views)
    for view in views:
        index, chance = after.held_by(view.camera_id)
        seen[index] += chance
    return float(weights @ (np.minimum(seen, 1) + 0.2 * np.clip(seen - 1, 0, 1)))


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_a_plan_is_worth_what_it_says(seconds: float) -> None:
    survey = a_survey()
    weights = survey.ground.length_m * np.where(survey.ground.road == 1, 3.0, 1.0)
    plan = aim(survey, {1, 2, 3, 4, 5, 6}, weights, seconds=seconds)
    assert plan.method == ("highs" if seconds else "greedy")
    assert plan.value == pytest.approx(carried_out(survey, plan, weights), rel=1e-5)
    nothing = replace(plan, moves=())
    assert plan.before == pytest.approx(carried_out(survey, nothing, weights), rel=1e-5)
    assert plan.before < plan.value <= plan.bound
    assert 0 <= plan.gap < 0.05
    gains = [move.gain_in_plan for move in plan.moves]
    assert gains == sorted(gains, reverse=True)
    assert min(gains) > 0
    for move in plan.moves:
        without = replace(plan, moves=tuple(each for each in plan.moves if each != move))
        only = replace(plan, moves=(move,))
        lost = plan.value - carried_out(survey, without, weights)
        won = carried_out(survey, only, weights) - plan.before
        assert move.gain_in_plan == pytest.approx(lost, abs=0.01)
        assert move.gain_alone == pytest.approx(won, abs=0.01)


def test_only_those_turn_that_may_and_to_the_compass() -> None:
    survey = a_survey()
    plan = aim(survey, {1, 3, 5}, survey.ground.length_m)
    assert {move.camera_id for move in plan.moves} <= {1, 3}
    assert all(move.to_deg % 45 == 0 for move in plan.moves)
    by_id = {move.camera_id: move for move in plan.moves}
    assert by_id[1].from_deg == 0
    assert by_id[3].from_deg is None
    assert aim(survey, {1}, survey.ground.length_m, directions=4).moves[0].to_deg % 90 == 0


def test_what_is_as_good_as_it_gets_stays() -> None:
    survey = a_survey()
    weights = survey.ground.length_m
    first = aim(survey, set(range(1, 7)), weights)
    turned = {move.camera_id: move.to_deg for move in first.moves}
    for view in CAMERAS:
        heading = turned.get(view.camera_id, view.heading_deg)
        survey.put(replace(view, heading_deg=heading))
    again = aim(survey, set(range(1, 7)), weights)
    assert again.before == pytest.approx(first.value, rel=1e-5)
    assert again.value <= first.bound * 1.0001
    assert sum(move.gain_in_plan for move in again.moves) <= 0.005 * first.value


@pytest.mark.parametrize("seconds", [0.0, 2.0])
def test_where_nothing_counts_or_nobody_may_turn_there_is_nothing_to_do(seconds: float) -> None:
    survey = a_survey()
    nothing = aim(survey, {1, 2, 3}, np.zeros(len(survey.ground.points)), seconds=seconds)
    assert (nothing.moves, nothing.value, nothing.bound, nothing.gap) == ((), 0, 0, 0)
    nobody = aim(survey, set(), survey.ground.length_m, seconds=seconds)
    assert nobody.moves == ()
    assert nobody.value == nobody.before == nobody.bound > 0
    with pytest.raises(KeyError):
        aim(survey, {99}, survey.ground.length_m)


def test_without_highspy_the_quick_answer_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    survey = a_survey()
    wanted = aim(survey, {1, 2, 3, 4, 6}, survey.ground.length_m, seconds=0)
    monkeypatch.setitem(sys.modules, "highspy", None)
    assert aim(survey, {1, 2, 3, 4, 6}, survey.ground.length_m) == wanted
    assert wanted.method == "greedy"


def test_when_time_is_over_the_bound_still_holds() -> None:
    survey = a_survey()
    best = aim(survey, {1, 2, 3, 4, 6}, survey.ground.length_m)
    hasty = aim(survey, {1, 2, 3, 4, 6}, survey.ground.length_m, seconds=1e-9)
    assert hasty.method == "highs"
    assert hasty.bound >= best.value - 1e-6
    assert hasty.value >= 0.95 * best.value
