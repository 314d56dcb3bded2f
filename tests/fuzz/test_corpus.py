"""Every seed and every case that was ever found, once; and a little fuzzing each time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import _change_what_is_kept, kept
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS


def test_each_target_has_seeds() -> None:
    assert set(SEEDS) == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_is_mended(name: str) -> None:
    for data in kept(name):
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25, derandomize=True, database=None, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds_are_read_or_refused(name: str) -> None:
    assert _change_what_is_kept(name, seconds=60, seed=None) == 0
