"""A few of the schedules of which `make soak` runs a thousand."""

from __future__ import annotations

from itertools import count, islice

import pytest

from tests.faults.cluster import MEMBERS
from tests.faults.schedule import Schedule, schedule
from tests.faults.soak import run
from tests.faults.strikes import KINDS, Kill

ON_POSTGRES, ON_A_PAIR, ON_SQLITE = 6, 4, 5
pytestmark = pytest.mark.xdist_group("faults")


def quick(kind: str, most: int) -> list[Schedule]:
    """The first *most* schedules that kill one process at most: starting it takes the longest."""
    plans = (schedule(kind, seed) for seed in count(1))
    return list(islice((plan for plan in plans if _starts(plan) <= 1), most))


def _starts(plan: Schedule) -> int:
    kills = [entry.fault.member for entry in plan.entries if isinstance(entry.fault, Kill)]
    return sum(len(MEMBERS[plan.kind]) if member == "all" else 1 for member in kills)


@pytest.mark.postgres
async def test_schedules_on_postgresql_break_nothing() -> None:
    seeds = [plan.seed for plan in quick("postgres", ON_POSTGRES)]
    result = await run("postgres", seeds, load_seed=1, webhook=True)
    assert result.violations == {}
    assert len(result.schedules) == ON_POSTGRES
    assert result.updates > 100


@pytest.mark.postgres
async def test_schedules_on_two_whole_processes_break_nothing() -> None:
    """Who is answered by one of them types on at the other."""
    seeds = [plan.seed for plan in quick("pair", ON_A_PAIR)]
    result = await run("pair", seeds, load_seed=3, webhook=True)
    assert result.violations == {}
    assert len(result.schedules) == ON_A_PAIR
    assert result.updates > 50


async def test_schedules_on_sqlite_break_nothing() -> None:
    seeds = [plan.seed for plan in quick("sqlite", ON_SQLITE)]
    result = await run("sqlite", seeds, load_seed=2, webhook=False)
    assert result.violations == {}
    assert len(result.schedules) == ON_SQLITE
    assert result.updates > 50


def test_a_seed_gives_the_same_schedule_each_time() -> None:
    assert schedule("postgres", 7) == schedule("postgres", 7)
    assert schedule("postgres", 7) != schedule("postgres", 8)


def test_every_kind_of_fault_has_its_turn() -> None:
    few = [
        *quick("postgres", ON_POSTGRES),
        *quick("pair", ON_A_PAIR),
        *quick("sqlite", ON_SQLITE),
    ]
    assert {type(entry.fault) for plan in few for entry in plan.entries} == set(KINDS)
    many = [schedule("sqlite", seed) for seed in range(1, 101)]
    on_sqlite = {type(entry.fault) for plan in many for entry in plan.entries}
    assert on_sqlite == {kind for kind in KINDS if not kind.only_postgres}
