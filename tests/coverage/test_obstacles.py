"""Which buildings stand in the way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.visibility import Sweep

Floats = NDArray[np.float64]


def house(x: float, y: float, width: float = 10.0, *, clockwise: bool = False) -> Floats:
    """A square house, its middle given; not closed."""
    ring = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * width / 2 + (x, y)
    return ring[::-1] if clockwise else ring


def test_without_buildings_there_is_nothing_in_the_way() -> None:
    none = Obstacles([])
    assert none.is_empty
    assert none.edges_near(0, 0, 50).shape == (0, 4)
    assert not Obstacles([house(0, 0)]).is_empty


@pytest.mark.parametrize("clockwise", [False, True])
def test_only_the_walls_that_face_the_point_and_are_in_range_are_there(clockwise: bool) -> None:
    obstacles = Obstacles([house(0, 20, clockwise=clockwise), house(80, 0)])
    edges = obstacles.edges_near(0, 0, 50)
    assert len(edges) == 1
    assert edges[0, [1, 3]].tolist() == [15, 15]
    assert obstacles.edges_near(0, 0, 14.9).shape == (0, 4)
    assert len(obstacles.edges_near(20, 0, 60)) == 3  # two of the one, one of the other


@pytest.mark.parametrize(
    ("x", "y", "hides"),
    [(0, 20, False), (0, 15, False), (0, 13.1, False), (0, 12.9, True), (-6.9, 20, False)],
)
def test_the_building_that_the_camera_hangs_on_does_not_hide(
    x: float, y: float, hides: bool
) -> None:
    assert bool(len(Obstacles([house(0, 20)]).edges_near(x, y, 50))) is hides


def test_the_facing_walls_hide_all_that_the_whole_buildings_would() -> None:
    chance = np.random.default_rng(4)
    rings = [house(*chance.uniform(-50, 50, 2), chance.uniform(3, 14)) for _ in range(60)]
    rings.append(np.array([[20, 20], [40, 20], [40, 40], [30, 25], [20, 40]]))  # a bay
    obstacles = Obstacles(rings)
    for x, y in chance.uniform(-40, 40, (40, 2)):
        others = [ring for ring in rings if len(Obstacles([ring]).edges_near(x, y, 200))]
        whole = [np.hstack([ring, np.roll(ring, -1, axis=0)]) for ring in others]
        places = chance.uniform(-60, 60, (200, 2))
        facing = Sweep(x, y, 45, obstacles.edges_near(x, y, 45)).reaches(places)
        assert (facing == Sweep(x, y, 45, np.concatenate(whole)).reaches(places)).all()
