"""Points near a place, without looking at all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nobs_bot.coverage.grid import Grid

metres = st.floats(-300, 300, width=32)
places = st.tuples(metres, metres)


@given(
    st.lists(places, max_size=40), places, st.floats(0, 150), st.sampled_from([7.0, 40.0, 500.0])
)
def test_none_within_the_square_is_missed_and_none_beyond_its_cells_is_there(
    points: list[tuple[float, float]], place: tuple[float, float], away: float, cell: float
) -> None:
    array = np.array(points).reshape(-1, 2)
    found = Grid(array, cell).near(*place, away)
    off = np.abs(array - place).max(axis=1)
    assert len(set(found.tolist())) == len(found)
    assert set(np.flatnonzero(off <= away)) <= set(found.tolist())
    assert (off[found] <= away + cell * 1.001).all()
