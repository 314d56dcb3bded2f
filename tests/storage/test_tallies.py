"""Counts over the whole register: anew while it is small, kept where it is large."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from nobs_bot.app import COUNTINGS
from nobs_bot.cameras import progress
from nobs_bot.cameras.record import cameras_in_all
from nobs_bot.cameras.stickers import STOCK
from nobs_bot.storage import tallies
from nobs_bot.storage.tallies import Counting, Tallier, Tally
from tests.cast import KELURAHAN, House


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cameras are many here."""
    monkeypatch.setattr(tallies, "LIVE_UP_TO", 1)


def tallier(house: House) -> Tallier:
    return Tallier(house.office, cameras_in_all, COUNTINGS)


async def approved(house: House) -> tuple[int, bool]:
    """Cameras that take part, as an officer is told; and whether as of a moment ago."""
    async with house.office.look() as work:
        found = await progress.progress(work, house.areas)
        return found[KELURAHAN].approved, await progress.COUNTING.as_of(work) is not None


async def test_a_small_register_is_counted_whenever_somebody_looks(any_house: House) -> None:
    await any_house.approved()
    assert await tallier(any_house).count_due() == 0
    assert await approved(any_house) == (1, False)
    await any_house.approved("Budi")
    assert await approved(any_house) == (2, False)


@pytest.mark.usefixtures("large")
async def test_a_large_one_is_counted_now_and_then(any_house: House) -> None:
    await any_house.approved()
    await any_house.approved("Budi")
    assert await tallier(any_house).count_due() == len(COUNTINGS)
    await any_house.approved()
    assert await approved(any_house) == (2, True), "as of a moment ago"
    assert await tallier(any_house).count_due() == 0, "it is not due yet"
    any_house.clock.advance(timedelta(minutes=2))
    assert await tallier(any_house).count_due() == len(COUNTINGS)
    assert await approved(any_house) == (3, True)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("counting", COUNTINGS, ids=lambda each: str(each.name))
async def test_what_is_kept_is_what_was_counted(any_house: House, counting: Counting[Any]) -> None:
    await any_house.approved()
    await any_house.waiting("Budi")
    async with any_house.office.look() as work:
        fresh = await counting.count(work)
    await tallier(any_house).count_due()
    async with any_house.office.look() as work:
        assert await counting.as_of(work) == any_house.clock.now()
        assert await counting.counts(work) == fresh


@pytest.mark.usefixtures("large")
async def test_of_two_workers_one_counts(any_house: House) -> None:
    await any_house.approved()
    await any_house.approved("Budi")
    done = await asyncio.gather(*(tallier(any_house).count_due() for _ in range(2)))
    assert sum(done) == len(COUNTINGS)


@pytest.mark.usefixtures("large")
async def test_who_is_killed_while_counting_is_followed_by_another(any_house: House) -> None:
    await any_house.approved()
    await any_house.approved("Budi")

    async def killed(work: object) -> Any:
        raise KeyboardInterrupt

    broken = Counting("stock", killed, STOCK.as_json, STOCK.from_json)
    with pytest.raises(KeyboardInterrupt):
        await Tallier(any_house.office, cameras_in_all, [broken]).count_due()
    async with any_house.office.look() as work:
        assert (await STOCK.counts(work))[KELURAHAN].lacking == 2, "counted live until then"
    again = Tallier(any_house.office, cameras_in_all, [STOCK])
    assert await again.count_due() == 0
    any_house.clock.advance(timedelta(minutes=11))
    assert await again.count_due() == 1


async def test_a_register_that_became_small_is_counted_live_again(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await any_house.approved()
    monkeypatch.setattr(tallies, "LIVE_UP_TO", 0)
    await tallier(any_house).count_due()
    monkeypatch.setattr(tallies, "LIVE_UP_TO", 5)
    assert await tallier(any_house).count_due() == 0
    assert await approved(any_house) == (1, False)
    async with any_house.office.look() as work:
        assert (await work.session.execute(select(Tally))).first() is None


async def test_what_takes_long_holds_nobody_up(house: House) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(others())
    counting = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
        " SELECT i FROM n WHERE i % 100000 = 0"
    )
    async with house.office.long_look() as work:
        before = turns
        assert len((await work.session.execute(counting)).all()) == 3
    beside.cancel()
    assert turns - before > 100
