"""Writes that are committed together stand and fall by themselves."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from nobs_bot.messaging.batch import Writes
from nobs_bot.people.persons import Person, meet
from nobs_bot.storage.work import Work
from tests.cast import House


def meeting(account: int, done: list[int]) -> object:
    async def write(work: Work) -> int:
        meet(work, account, None)
        await work.session.flush()
        done.append(account)
        return account

    return write


async def accounts(house: House) -> set[int]:
    async with house.office.look() as work:
        found = await work.session.scalars(
            select(Person.telegram_id).where(Person.telegram_id < 1_000)
        )
        return {each for each in found if each}


async def test_each_gets_its_own_result_in_the_order_of_coming(any_house: House) -> None:
    batch, done = Writes(any_house.office), list[int]()
    results = await asyncio.gather(*(batch.write(meeting(n, done)) for n in range(1, 21)))
    assert results == done == list(range(1, 21))
    assert await accounts(any_house) == set(range(1, 21))


async def test_what_comes_while_one_is_committed_goes_together(house: House) -> None:
    batch, transactions = Writes(house.office), set[int]()

    async def write(work: Work) -> None:
        transactions.add(id(work))
        await asyncio.sleep(0)

    await asyncio.gather(*(batch.write(write) for _ in range(10)))
    assert len(transactions) <= 2


async def test_a_bad_write_does_not_take_its_neighbours_along(any_house: House) -> None:
    batch, done = Writes(any_house.office), list[int]()
    writes = [meeting(1, done), meeting(2, done), meeting(1, done), meeting(3, done)]
    results = await asyncio.gather(*(batch.write(each) for each in writes), return_exceptions=True)
    assert [type(each) for each in results] == [int, int, IntegrityError, int]
    assert await accounts(any_house) == {1, 2, 3}


async def test_a_write_alone_that_fails_is_tried_once(any_house: House) -> None:
    batch, tries = Writes(any_house.office), list[int]()

    async def bad(work: Work) -> None:
        tries.append(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await batch.write(bad)
    assert tries == [1]
    assert await batch.write(meeting(1, tries)) == 1


async def test_a_caller_who_went_away_stops_nobody(any_house: House) -> None:
    batch, done = Writes(any_house.office), list[int]()
    gone = asyncio.create_task(batch.write(meeting(1, done)))
    await asyncio.sleep(0)
    gone.cancel()
    assert await batch.write(meeting(2, done)) == 2
    assert 2 in await accounts(any_house)


def away_for(times: int, write: Any) -> Any:
    """*write*, while the database is away for its first *times*."""
    left = iter(range(times))

    async def broken(work: Work) -> Any:
        for _ in left:
            raise OperationalError("UPDATE", None, sqlite3.OperationalError("gone"))
        return await write(work)

    return broken


async def test_what_must_be_written_down_waits_for_the_database(house: House) -> None:
    batch, done = Writes(house.office), list[int]()
    write = away_for(2, meeting(7, done))
    assert await batch.write_at_last(write, within=timedelta(seconds=30)) == 7
    assert await accounts(house) == {7}


async def test_it_does_not_wait_for_ever(house: House) -> None:
    batch = Writes(house.office)
    write = away_for(1000, meeting(7, []))
    with pytest.raises(OperationalError):
        await batch.write_at_last(write, within=timedelta(seconds=0.7))
    assert await accounts(house) == set()
