"""Of several processes one does what only one may do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from nobs_bot.storage import elections
from nobs_bot.storage.elections import TERM, Election
from tests.cast import House

on_postgres = pytest.mark.parametrize(
    "seated_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@asynccontextmanager
async def standing(*candidates: Election) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.stand()) for each in candidates]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def winners(*candidates: Election, wanted: int = 1) -> list[int]:
    """Which have won, as soon as so many have."""
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            while sum(each.is_won for each in candidates) != wanted:
                await asyncio.sleep(0.01)
    return [nth for nth, each in enumerate(candidates) if each.is_won]


def candidates(house: House, count: int, name: str = "sending") -> list[Election]:
    return [Election(house.office, name, every_s=0.02) for _ in range(count)]


@on_postgres
async def test_one_of_many_wins_and_the_next_follows_at_once(any_house: House) -> None:
    house = any_house
    many = candidates(house, 5)
    async with standing(*many):
        [first] = await winners(*many)
        for _ in range(20):
            await asyncio.sleep(0.01)
            assert [nth for nth, each in enumerate(many) if each.is_won] == [first]
        others = candidates(house, 1, "polling")
        async with standing(*others):
            assert await winners(*others) == [0], "each office is its own"
    assert not any(each.is_won for each in many)
    fresh = candidates(house, 1)
    async with standing(*fresh):
        assert await winners(*fresh) == [0], "it was given up, and the clock stands still"


@on_postgres
async def test_one_that_was_killed_after_its_clock_was_set_right_is_followed(
    any_house: House,
) -> None:
    """Else it would hold the office for as long as its clock was ahead."""
    killed, heir = candidates(any_house, 2)
    any_house.clock.advance(timedelta(hours=1))
    await killed._try()
    any_house.clock.advance(-timedelta(hours=1))
    async with standing(heir):
        assert await winners(heir) == [0]


@on_postgres
async def test_one_whose_clock_is_a_little_ahead_keeps_the_office(any_house: House) -> None:
    ahead, other = candidates(any_house, 2)
    any_house.clock.advance(TERM)
    await ahead._try()
    any_house.clock.advance(-TERM)
    async with standing(other):
        await asyncio.sleep(0.2)
        assert not other.is_won


@on_postgres
async def test_one_that_was_killed_is_followed_when_its_term_is_over(
    any_house: House,
) -> None:
    house = any_house
    killed, heir = candidates(house, 2)
    await killed._try()
    assert killed.is_won
    async with standing(heir):
        house.clock.advance(TERM - timedelta(seconds=1))
        await asyncio.sleep(0.2)
        assert not heir.is_won
        house.clock.advance(timedelta(seconds=1))
        assert await winners(heir) == [0]
    # it was only asleep, and learns it
    house.clock.advance(timedelta(seconds=1))
    async with standing(*candidates(house, 1)):
        await asyncio.sleep(0.2)
        await killed._try()
        assert not killed.is_won


@on_postgres
async def test_one_that_could_not_renew_stops_before_another_may_begin(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = candidates(any_house, 1)[0]
    await one._try()
    assert one.is_won
    monkeypatch.setattr(elections, "SURE_FOR_S", 0.05)
    await asyncio.sleep(0.06)
    assert not one.is_won
    assert timedelta(seconds=10) < TERM


async def test_a_process_alone_needs_no_election(house: House) -> None:
    assert all(each.is_won for each in candidates(house, 2))
