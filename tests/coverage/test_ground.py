"""The roads of the district, in pieces."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from nobs_bot.coverage.aim import aim
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.ground import Ground, road_ground
from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.recruit import recruit
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import View
from nobs_bot.places.areas import Areas


@pytest.fixture(scope="module")
def base(areas: Areas) -> BaseMap:
    return BaseMap(areas)


@pytest.fixture(scope="module")
def ground(base: BaseMap, areas: Areas) -> Ground:
    return road_ground(base, areas)


def test_the_pieces_are_as_long_as_the_roads_within_the_district(
    ground: Ground, base: BaseMap, areas: Areas
) -> None:
    roads = [each.points for each in base.roads(*areas.bounds)]
    lines = np.array([shapely.linestrings(ground.plane.to_metres(each)) for each in roads])
    district = shapely.transform(shapely.union_all(areas.boundaries), ground.plane.to_metres)
    wanted = shapely.length(shapely.intersection(lines, district)).sum()
    assert ground.length_m.sum() == pytest.approx(wanted, rel=1e-9)
    assert wanted < shapely.length(lines).sum()
    assert ground.length_m.min() > 0
    assert ground.length_m.max() <= 5.0


def test_each_piece_lies_in_its_kelurahan_and_on_its_road(
    ground: Ground, base: BaseMap, areas: Areas
) -> None:
    chosen = np.random.default_rng(1).integers(0, len(ground.points), 300)
    for at in chosen.tolist():
        lon, lat = ground.plane.to_degrees(ground.points[at : at + 1])[0]
        area = areas.locate(lat, lon)
        assert area is not None
        assert area.code == ground.area_codes[ground.area[at]]
        name = ground.road_names[ground.road[at]]
        near = base.roads(lon - 1e-6, lat - 1e-6, lon + 1e-6, lat + 1e-6)
        assert name in {road.name for road in near}


def test_the_pieces_of_a_road_follow_one_another(ground: Ground) -> None:
    steps = np.hypot(*np.diff(ground.points, axis=0).T)
    assert (steps < 5.01).mean() > 0.95


def test_coarser_pieces_are_fewer_and_as_long_together(
    ground: Ground, base: BaseMap, areas: Areas
) -> None:
    coarse = road_ground(base, areas, 25.0)
    assert len(coarse.points) < len(ground.points) / 3
    assert coarse.length_m.sum() == pytest.approx(ground.length_m.sum())
    with pytest.raises(ValueError, match="step_m"):
        road_ground(base, areas, 0)


def test_classes_of_roads_can_be_left_out(ground: Ground, base: BaseMap, areas: Areas) -> None:
    walked = road_ground(base, areas, left_out=("motorway", "motorway_link"))
    assert 0.9 < walked.length_m.sum() / ground.length_m.sum() < 1
    everything = {each.kind for each in base.roads(*areas.bounds)}
    nothing = road_ground(base, areas, left_out=everything)
    assert nothing.points.shape == (0, 2)
    survey = Survey(nothing, Obstacles([]))
    survey.put(View(1, 0.0, 0.0, 90.0, 80.0, 40.0))
    assert survey.metres() == 0
    assert survey.by_road() == []
    assert aim(survey, {1}, nothing.length_m, seconds=1).moves == ()
    assert recruit(survey, nothing.length_m) == []
