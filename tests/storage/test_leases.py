"""Work that waits: never two holders, and nobody who comes late writes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from nobs_bot.storage.doomed import DoomedFile, doom, remove_doomed
from nobs_bot.storage.leases import backoff, claim, held, holding, postpone, settle
from tests.cast import House

LEASE = timedelta(seconds=60)


async def put(house: House, *names: str) -> None:
    async with house.office.work() as work:
        for name in names:
            doom(work, name)
            await work.session.flush()


async def take(house: House, limit: int = 10) -> list[DoomedFile]:
    async with house.office.work() as work:
        return list(await claim(work, DoomedFile, lease=LEASE, limit=limit))


async def test_of_many_workers_each_row_has_one_holder(any_house: House) -> None:
    await put(any_house, *(f"file-{number}" for number in range(20)))
    taken = await asyncio.gather(*(take(any_house, 3) for _ in range(10)))
    names = [row.name for rows in taken for row in rows]
    assert sorted(names) == sorted(set(names))
    rest = await take(any_house, 100)
    assert sorted(names + [row.name for row in rest]) == sorted(f"file-{n}" for n in range(20))


async def test_a_held_row_is_free_again_when_its_lease_is_over(any_house: House) -> None:
    await put(any_house, "a")
    assert [row.attempts for row in await take(any_house)] == [1]
    any_house.clock.advance(LEASE - timedelta(seconds=1))
    assert await take(any_house) == []
    any_house.clock.advance(timedelta(seconds=1))
    assert [row.attempts for row in await take(any_house)] == [2]


async def test_a_worker_that_comes_back_late_finds_nothing(any_house: House) -> None:
    await put(any_house, "a")
    [late] = await take(any_house)
    any_house.clock.advance(LEASE)
    [second] = await take(any_house)
    async with any_house.office.work() as work:
        assert await held(work, DoomedFile, late.id, late.attempts) is None
        current = await held(work, DoomedFile, second.id, second.attempts)
        assert current is not None
        settle(current)
    assert await take(any_house) == []


async def test_what_is_not_due_is_not_taken(house: House) -> None:
    await put(house, "a")
    [row] = await take(house)
    async with house.office.work() as work:
        current = await held(work, DoomedFile, row.id, row.attempts)
        assert current is not None
        postpone(work, current, timedelta(minutes=5), "the store is away")
    house.clock.advance(timedelta(minutes=4, seconds=59))
    assert await take(house) == []
    house.clock.advance(timedelta(seconds=1))
    [again] = await take(house)
    assert (again.attempts, again.last_error) == (2, "the store is away")


async def test_the_longest_due_comes_first(house: House) -> None:
    await put(house, "old")
    house.clock.advance(timedelta(seconds=10))
    await put(house, "new")
    assert [row.name for row in await take(house, 1)] == ["old"]
    assert [row.name for row in await take(house, 1)] == ["new"]


async def test_a_claim_that_is_rolled_back_holds_nothing(house: House) -> None:
    await put(house, "a")
    with pytest.raises(RuntimeError):  # noqa: PT012
        async with house.office.work() as work:
            assert await claim(work, DoomedFile, lease=LEASE, limit=1)
            raise RuntimeError("killed")
    assert [row.attempts for row in await take(house)] == [1]


def test_waiting_doubles_up_to_a_limit() -> None:
    assert [backoff(attempts).total_seconds() for attempts in (1, 2, 3, 9, 10, 11, 5000)] == [
        2,
        4,
        8,
        512,
        900,
        900,
        900,
    ]
    assert backoff(0) == timedelta(seconds=2)


async def test_a_doomed_file_goes_after_the_commit_and_not_without_it(house: House) -> None:
    await house.files.put("photos/1", b"picture")
    with pytest.raises(RuntimeError):  # noqa: PT012
        async with house.office.work() as work:
            doom(work, "photos/1")
            raise RuntimeError("rolled back")
    assert await remove_doomed(house.office, house.files) == 0
    assert await house.files.get("photos/1") == b"picture"
    async with house.office.work() as work:
        doom(work, "photos/1")
        doom(work, None)
    assert await remove_doomed(house.office, house.files) == 1
    with pytest.raises(FileNotFoundError):
        await house.files.get("photos/1")
    async with house.office.look() as work:
        assert (await work.session.execute(select(DoomedFile))).all() == []


async def test_a_file_that_could_not_be_removed_is_tried_again(house: House) -> None:
    class Away:
        async def delete(self, name: str) -> None:
            raise OSError("the store is away")

    await house.files.put("photos/1", b"picture")
    async with house.office.work() as work:
        doom(work, "photos/1")
    with pytest.raises(OSError, match="away"):
        await remove_doomed(house.office, Away())  # type: ignore[arg-type]
    house.clock.advance(timedelta(minutes=5))
    assert await remove_doomed(house.office, house.files) == 1


async def test_a_lease_is_renewed_while_work_goes_on_and_not_afterwards(any_house: House) -> None:
    async with any_house.office.work() as work:
        doom(work, "photos/1")
    lease = timedelta(seconds=0.3)
    async with any_house.office.work() as work:
        [row] = await claim(work, DoomedFile, lease=lease, limit=1)
    async with holding(any_house.office, DoomedFile, row.id, row.attempts, lease):
        for _ in range(4):
            any_house.clock.advance(timedelta(seconds=0.2))
            await asyncio.sleep(0.25)
            async with any_house.office.work() as work:
                assert await claim(work, DoomedFile, lease=lease, limit=1) == []
    any_house.clock.advance(timedelta(seconds=0.4))
    await asyncio.sleep(0.25)
    async with any_house.office.work() as work:
        [again] = await claim(work, DoomedFile, lease=lease, limit=1)
        assert again.attempts == 2


async def test_a_lease_that_somebody_else_took_is_not_renewed(any_house: House) -> None:
    async with any_house.office.work() as work:
        doom(work, "photos/1")
    lease = timedelta(seconds=0.3)
    async with any_house.office.work() as work:
        [row] = await claim(work, DoomedFile, lease=lease, limit=1)
    any_house.clock.advance(timedelta(seconds=1))
    async with any_house.office.work() as work:
        [other] = await claim(work, DoomedFile, lease=timedelta(seconds=5), limit=1)
    any_house.clock.advance(timedelta(seconds=1))
    async with holding(any_house.office, DoomedFile, row.id, row.attempts, lease):
        await asyncio.sleep(0.25)
    async with any_house.office.look() as work:
        current = await work.session.get(DoomedFile, other.id)
        assert current is not None
        assert current.lease_until == any_house.clock.now() + timedelta(seconds=4)
