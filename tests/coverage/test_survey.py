"""What all cameras see, kept up to date, against what the definition says."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import Errors, View, chances, reach_m
from nobs_bot.coverage.visibility import Sweep
from tests.coverage.grounds import KELURAHAN, crossing, houses

Floats = NDArray[np.float64]

views = st.builds(
    View,
    camera_id=st.integers(1, 8),
    x=st.floats(-160, 160, width=32),
    y=st.floats(-160, 160, width=32),
    heading_deg=st.none() | st.floats(0, 359, width=32),
    width_deg=st.sampled_from([75.0, 110.0, 360.0]),
    range_m=st.floats(10, 60, width=32),
    sees_at_night=st.booleans(),
)


def new_survey(*cameras: View, with_houses: bool = True, errors: Errors | None = None) -> Survey:
    survey = Survey(crossing(), Obstacles(houses() if with_houses else []), errors)
    survey.update(cameras)
    return survey


def by_definition(survey: Survey, cameras: list[View]) -> tuple[Floats, Floats]:
    """Seen by one and by two, from each camera's chances of every point."""
    every = np.zeros((len(cameras), len(survey.ground.points)))
    for row, view in zip(every, cameras, strict=True):
        reach = reach_m(view, survey.errors)
        edges = survey.obstacles.edges_near(view.x, view.y, reach)
        sweep = Sweep(view.x, view.y, reach, edges)
        row[:] = chances(view, survey.errors, survey.ground.points, sweep)
    nobody = np.prod(1 - every, axis=0)
    only = sum(
        every[at] * np.prod(1 - np.delete(every, at, axis=0), axis=0) for at in range(len(cameras))
    )
    return 1 - nobody, 1 - nobody - only


@settings(max_examples=60, deadline=None)
@given(st.lists(views, max_size=6, unique_by=lambda view: view.camera_id))
def test_seen_and_twice_are_as_defined(cameras: list[View]) -> None:
    survey = new_survey(*cameras)
    seen, twice = by_definition(survey, cameras)
    # a chance below a thousandth is left out, of each camera
    tolerance = 1e-5 + 1e-3 * len(cameras)
    assert survey.seen == pytest.approx(seen, abs=tolerance)
    assert survey.twice == pytest.approx(twice, abs=tolerance)
    at_night, _ = by_definition(survey, [view for view in cameras if view.sees_at_night])
    assert survey.seen_at_night == pytest.approx(at_night, abs=tolerance)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(views, max_size=4), min_size=1, max_size=5), st.integers(1, 8))
def test_after_any_changes_the_survey_is_as_if_made_anew(
    rounds: list[list[View]], dropped: int
) -> None:
    survey = new_survey()
    for cameras in rounds:
        survey.update(cameras)
        survey.drop(dropped)
        for view in cameras:
            survey.put(view)
    left = {view.camera_id: view for view in rounds[-1]}
    fresh = new_survey(*left.values())
    assert {view.camera_id: view for view in survey.views} == left
    for measure in ("seen", "twice", "seen_at_night"):
        found, wanted = getattr(survey, measure), getattr(fresh, measure)
        assert found == pytest.approx(wanted, abs=1e-9)
        assert (found[wanted == 0] == 0).all()


def test_updating_touches_only_what_changed() -> None:
    one, other = View(1, 5, 5, 0, 90, 40), View(2, -60, 5, 90, 90, 40)
    survey = new_survey(one, other)
    kept = survey.held_by(1)[0]
    survey.update([one, replace(other, heading_deg=270.0)])
    assert survey.held_by(1)[0] is kept
    assert survey.views[1].heading_deg == 270
    survey.update([one])
    assert survey.views == [one]


def test_houses_take_from_what_is_seen() -> None:
    # 45 m behind a row of houses
    camera = View(1, 27, 45, 180, 90, 60)
    behind, open_ground = new_survey(camera), new_survey(camera, with_houses=False)
    assert behind.metres() < 0.7 * open_ground.metres()
    assert not behind.is_upper_bound
    assert open_ground.is_upper_bound


def test_metres_can_be_masked_and_weighted() -> None:
    survey = new_survey(View(1, 5, 5, 270, 90, 60), View(2, -40, 5, 90, 90, 60, True))
    length, seen = survey.ground.length_m, survey.seen
    east = survey.ground.points[:, 0] > 0
    assert survey.metres() == pytest.approx(length @ seen)
    assert survey.metres(east) == pytest.approx(length[east] @ seen[east])
    assert survey.metres(np.full(len(length), 3.0)) == pytest.approx(3 * survey.metres())
    assert 0 < survey.metres(of="twice") < survey.metres(of="seen_at_night") < survey.metres()


def test_the_areas_add_up_and_count_their_own_cameras() -> None:
    survey = new_survey(
        View(1, 5, 5, 270, 90, 60),
        View(2, -40, 5, 90, 90, 60, True),
        View(3, -80, 400, 0, 90, 20),  # far from any road, nearest to the street to the north
        View(4, -90_000, 0, 0, 90, 20),
    )
    areas = survey.by_area()
    assert tuple(areas) == KELURAHAN
    for measure in ("length_m", "seen_m", "twice_m", "night_m"):
        total = sum(getattr(figures, measure) for figures in areas.values())
        of = {"length_m": None, "seen_m": "seen", "twice_m": "twice", "night_m": "seen_at_night"}
        wanted = survey.metres(of=of[measure]) if of[measure] else survey.ground.length_m.sum()
        assert total == pytest.approx(wanted)
    assert [figures.cameras for figures in areas.values()] == [2, 1]


def test_the_roads_come_with_the_most_unseen_first_and_only_those_within() -> None:
    survey = new_survey(View(1, 100, 5, 180, 360, 40))
    (first, second) = survey.by_road()
    assert first == ("Jl. Latumeten", 300, pytest.approx(0))
    assert second[0] == "Jl. Duri Selatan"
    assert second[2] == pytest.approx(survey.metres())
    west = survey.ground.points[:, 0] < -20
    assert survey.by_road(west) == [("Jl. Duri Selatan", 130, 0)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(views, min_size=1, max_size=5, unique_by=lambda view: view.camera_id),
    st.floats(0, 359, width=32),
)
def test_what_turning_would_bring_is_what_it_brings(cameras: list[View], heading: float) -> None:
    survey, chosen = new_survey(*cameras), cameras[0]
    seen, metres = survey.seen, survey.metres()
    index, before, after = survey.if_turned(chosen.camera_id, heading)
    gain = survey.gain_m(chosen.camera_id, heading)
    doubled = survey.gain_m(chosen.camera_id, heading, np.full(len(seen), 2.0))
    assert (survey.seen == seen).all()
    survey.put(replace(chosen, heading_deg=heading))
    untouched = np.ones(len(seen), dtype=bool)
    untouched[index] = False
    assert before == pytest.approx(seen[index], abs=1e-9)
    # float32 keeps seven digits of a chance
    assert after == pytest.approx(survey.seen[index], abs=1e-6)
    assert survey.seen[untouched] == pytest.approx(seen[untouched], abs=1e-9)
    assert gain == pytest.approx(survey.metres() - metres, abs=1e-3)
    assert doubled == pytest.approx(2 * gain)


def test_cameras_that_look_at_one_another_cover_each_other() -> None:
    facing = [View(1, 0, 0, 90, 90, 40), View(2, 25, 0, 270, 90, 40), View(3, 50, 0, 90, 90, 40)]
    covered = new_survey(*facing, with_houses=False).covered_by_others()
    assert covered[1] == pytest.approx(covered[2], abs=1e-6)
    assert covered[1] > 0.95
    assert covered[3] < 0.1
    # on the near wall of a house it is seen, behind the house not
    house = [np.array([[20.0, -6], [32, -6], [32, 6], [20, 6]])]
    for x, seen in ((20.5, True), (33.0, False)):
        survey = Survey(crossing(), Obstacles(house))
        survey.update([View(1, 0, 0, 90, 90, 40), View(2, x, 0, 90, 90, 40)])
        assert (survey.covered_by_others()[2] > 0.9) is seen


def test_nobody_sees_anything_without_cameras() -> None:
    survey = new_survey()
    assert survey.metres() == survey.metres(of="twice") == 0
    assert survey.covered_by_others() == {}
    assert sum(figures.cameras for figures in survey.by_area().values()) == 0
    survey.drop(1)
    with pytest.raises(KeyError):
        survey.if_turned(1, 0)


def test_the_order_of_cameras_does_not_matter() -> None:
    cameras = [View(at, 15.0 * at, 5, 40.0 * at, 90, 50) for at in range(1, 6)]
    wanted = new_survey(*cameras).seen
    for one, other in combinations(range(5), 2):
        cameras[one], cameras[other] = cameras[other], cameras[one]
        assert new_survey(*cameras).seen == pytest.approx(wanted, abs=1e-12)
