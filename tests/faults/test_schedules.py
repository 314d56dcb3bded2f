"""A few dozen of the schedules of which `make soak` runs a thousand."""

from __future__ import annotations

import pytest

from tests.faults.schedule import schedule
from tests.faults.soak import run
from tests.faults.strikes import KINDS

pytestmark = pytest.mark.xdist_group("faults")


@pytest.mark.postgres
async def test_a_few_schedules_on_postgresql_break_nothing() -> None:
    result = await run("postgres", range(1, 11), load_seed=1, webhook=False)
    assert result.violations == {}
    assert len(result.schedules) == 10
    assert result.updates > 100


async def test_a_few_schedules_on_sqlite_break_nothing() -> None:
    result = await run("sqlite", range(1, 11), load_seed=2, webhook=True)
    assert result.violations == {}
    assert len(result.schedules) == 10
    assert result.updates > 100


def test_a_seed_gives_the_same_schedule_each_time() -> None:
    assert schedule("postgres", 7) == schedule("postgres", 7)
    assert schedule("postgres", 7) != schedule("postgres", 8)


def test_every_kind_of_fault_has_its_turn() -> None:
    struck = {
        type(entry.fault) for seed in range(1, 101) for entry in schedule("postgres", seed).entries
    }
    assert struck == set(KINDS)
    on_sqlite = {
        type(entry.fault) for seed in range(1, 101) for entry in schedule("sqlite", seed).entries
    }
    assert on_sqlite == {kind for kind in KINDS if not kind.only_postgres}
