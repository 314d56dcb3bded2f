"""Which cameras look at a point, against each sector by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nobs_bot.coverage.sector import Sector, looks_at
from nobs_bot.coverage.watchers import Watchers

metres = st.floats(-120, 120, width=32)
cameras = st.tuples(
    metres,
    metres,
    st.none() | st.floats(0, 360, width=32),
    st.sampled_from([45.0, 110.0, 200.0, 360.0]),
    st.sampled_from([3.0, 15.9, 16.0, 40.0, 300.0]),
)
Row = tuple[float, float, float | None, float, float]


def watchers(rows: list[Row]) -> Watchers:
    columns = list(zip(*rows, strict=True)) or [()] * 5
    x, y, heading, width, range_m = (np.array(column, dtype=float) for column in columns)
    return Watchers(np.arange(100, 100 + len(rows)), x, y, heading, width, range_m)


def holds(row: Row, x: float, y: float, by: float) -> bool:
    """Whether the sector holds the point, wider and further (or less so) by a little."""
    cx, cy, heading, width, range_m = row
    east, north = x - cx, y - cy
    if np.hypot(east, north) > range_m + by or (heading is None and width < 360):
        return False
    turn = abs((np.degrees(np.arctan2(east, north)) - (heading or 0) + 180) % 360 - 180)
    return width >= 360 or turn <= width / 2 + by or (by > 0 and np.hypot(east, north) < 1e-3)


@given(st.lists(cameras, max_size=30), metres, metres)
def test_those_are_found_whose_sector_holds_the_point(rows: list[Row], x: float, y: float) -> None:
    found = set((watchers(rows).at(x, y) - 100).tolist())
    surely = {at for at, row in enumerate(rows) if holds(row, x, y, -1e-3)}
    perhaps = {at for at, row in enumerate(rows) if holds(row, x, y, 1e-3)}
    assert found <= perhaps
    away = {at for at, row in enumerate(rows) if np.hypot(x - row[0], y - row[1]) > 1e-3}
    assert surely & away <= found


def test_a_camera_sees_its_own_place_and_to_the_borders() -> None:
    one = watchers([(0, 0, 90, 90, 40)])
    for place in ((0, 0), (40, 0), (39.9, 0), (20, 20), (20, -20)):
        assert one.at(*place).tolist() == [100]
    for place in ((40.1, 0), (-1, 0), (20, 20.1)):
        assert one.at(*place).tolist() == []


def test_those_that_cannot_see_are_never_found() -> None:
    none = watchers([(0, 0, None, 90, 40), (0, 0, 0, 0, 40), (0, 0, 0, 90, 0)])
    assert none.at(0, 0).tolist() == []
    assert watchers([]).at(0, 0).tolist() == []
    assert watchers([(0, 0, None, 360, 40)]).at(3, 3).tolist() == [100]


@pytest.mark.parametrize("heading", [0, 135, 270])
def test_whoever_is_found_also_looks_there_with_the_usual_errors(heading: float) -> None:
    sector = Sector(0.0, 0.0, heading, 80, 40)
    one = watchers([(0, 0, heading, 80, 40)])
    for x, y in np.random.default_rng(1).uniform(-45, 45, (100, 2)):
        if len(one.at(x, y)):
            assert looks_at(sector, y / 110_574, x / 111_320, 1.0)
