"""Transactions: all or nothing, one writer, readers beside it; numbers and the audit log."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.util import greenlet_spawn

from nobs_bot.people.persons import Person, meet
from nobs_bot.storage.audit import Act, AuditLine, forget_owner, lines_about, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.counters import next_number
from nobs_bot.storage.engine import SQLITE_READERS, Database
from nobs_bot.storage.fairness import FairPool
from tests.cast import MONDAY, House


async def people(house: House) -> int:
    async with house.office.look() as work:
        query = select(func.count()).select_from(Person)
        return int((await work.session.execute(query)).scalar_one())


async def test_an_exception_takes_everything_back(any_house: House) -> None:
    before = await people(any_house)
    with pytest.raises(RuntimeError):  # noqa: PT012
        async with any_house.office.work() as work:
            meet(work, 1, None)
            await work.session.flush()
            raise RuntimeError("broken")
    assert await people(any_house) == before


async def test_a_cancelled_task_takes_everything_back(any_house: House) -> None:
    before = await people(any_house)
    reached = asyncio.Event()

    async def writes() -> None:
        async with any_house.office.work() as work:
            meet(work, 1, None)
            await work.session.flush()
            reached.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(writes())
    await reached.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await people(any_house) == before
    async with any_house.office.work() as work:
        meet(work, 2, None)
    assert await people(any_house) == before + 1


async def test_writers_of_sqlite_go_one_after_the_other(house: House) -> None:
    inside, most = 0, 0

    async def writes(number: int) -> None:
        nonlocal inside, most
        async with house.office.work() as work:
            inside += 1
            most = max(most, inside)
            meet(work, number, None)
            await asyncio.sleep(0)
            inside -= 1

    before = await people(house)
    await asyncio.gather(*(writes(number) for number in range(1, 13)))
    assert most == 1
    assert await people(house) == before + 12


async def test_a_reader_sees_only_what_is_committed(any_house: House) -> None:
    before = await people(any_house)
    async with any_house.office.work() as work:
        meet(work, 1, None)
        await work.session.flush()
        assert await people(any_house) == before
    assert await people(any_house) == before + 1


async def test_a_look_cannot_write(house: House) -> None:
    with pytest.raises(DBAPIError, match="readonly"):  # noqa: PT012
        async with house.office.look() as work:
            meet(work, 1, None)
            await work.session.flush()


async def test_what_is_changed_in_a_look_is_forgotten(any_house: House) -> None:
    before = await people(any_house)
    async with any_house.office.look() as work:
        meet(work, 1, None)
    assert await people(any_house) == before


async def test_foreign_keys_hold(any_house: House) -> None:
    with pytest.raises(IntegrityError):
        async with any_house.office.work() as work:
            await work.session.execute(
                text(
                    "INSERT INTO grants (id, person_id, role, area_code, granted_at)"
                    " VALUES (1, 999, 'reviewer', '31.73', '2026-11-16')"
                )
            )


async def test_a_value_outside_its_choice_is_refused_by_the_database(any_house: House) -> None:
    person_id = any_house.ids["Sari"]
    with pytest.raises(IntegrityError):
        async with any_house.office.work() as work:
            await work.session.execute(
                text(
                    "INSERT INTO grants (id, person_id, role, area_code, granted_at)"
                    f" VALUES (1, {person_id}, 'emperor', '31.73', '2026-11-16')"
                )
            )


async def test_a_time_without_its_zone_is_refused(house: House) -> None:
    with pytest.raises(StatementError, match="a time without its zone"):  # noqa: PT012
        async with house.acting("Sari") as (work, sari):
            sari.seen_at = datetime(2026, 11, 16)
            await work.session.flush()


async def test_a_time_of_another_zone_comes_back_as_the_same_instant(any_house: House) -> None:
    wib = timezone(timedelta(hours=7))
    async with any_house.acting("Sari") as (_, sari):
        sari.seen_at = datetime(2026, 11, 16, 21, 30, tzinfo=wib)
    async with any_house.office.look() as work:
        found = await work.session.get(Person, any_house.ids["Sari"])
        assert found is not None
        assert found.seen_at == datetime(2026, 11, 16, 14, 30, tzinfo=UTC)
        assert found.seen_at.utcoffset() == timedelta()


async def test_an_error_message_does_not_hold_the_values(house: House) -> None:
    with pytest.raises(IntegrityError) as broken:
        async with house.office.work() as work:
            meet(work, 710_000_001, "tops3cret")
    assert "tops3cret" not in str(broken.value)


def test_ids_rise_and_fit_sixty_three_bits() -> None:
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(set(ids))
    assert 0 < ids[0] < ids[-1] < 1 << 63


async def test_numbers_follow_one_another_from_1001(any_house: House) -> None:
    async with any_house.office.work() as work:
        assert await next_number(work, "camera") == 1001

    async def one() -> int:
        async with any_house.office.work() as work:
            return await next_number(work, "camera")

    given = await asyncio.gather(*(one() for _ in range(8)))
    assert sorted(given) == list(range(1002, 1010))
    async with any_house.office.work() as work:
        assert await next_number(work, "request") == 1001


async def test_a_number_that_was_rolled_back_is_given_again(house: House) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012
        async with house.office.work() as work:
            await next_number(work, "camera")
            raise RuntimeError
    async with house.office.work() as work:
        assert await next_number(work, "camera") == 1001


async def test_a_line_of_the_audit_log_is_of_the_transaction_and_sealed(house: House) -> None:
    sari, dewi = house.ids["Sari"], house.ids["Dewi"]
    async with house.office.work() as work:
        record(work, Act.APPROVED, actor_id=dewi, actor_role="reviewer", owner_id=sari, why="baik")
        record(work, Act.CHECKED, actor_id=None, owner_id=sari)
    with pytest.raises(RuntimeError):  # noqa: PT012
        async with house.office.work() as work:
            record(work, Act.REJECTED, actor_id=dewi, owner_id=sari)
            raise RuntimeError
    async with house.office.look() as work:
        newest, approved = await lines_about(work, sari)
        assert (newest.act, newest.actor_id) == (Act.CHECKED, None)
        assert (approved.act, approved.at) == (Act.APPROVED, MONDAY)
        assert approved.read_details(work) == {"why": "baik"}
        assert newest.read_details(work) == {}
        assert b"baik" not in (approved.details or b"")
        assert await lines_about(work, house.ids["Budi"]) == []


async def test_lines_of_an_erased_owner_go_and_those_of_others_stay(house: House) -> None:
    async with house.office.work() as work:
        for name in ("Sari", "Budi"):
            record(work, Act.CHECKED, actor_id=None, owner_id=house.ids[name])
        await forget_owner(work, house.ids["Sari"])
    async with house.office.look() as work:
        query = select(AuditLine.owner_id).where(AuditLine.owner_id.is_not(None))
        assert (await work.session.execute(query)).scalars().all() == [house.ids["Budi"]]


async def test_whoever_comes_as_a_connection_is_given_back_waits_behind_those_who_wait() -> None:
    queue, served = FairPool._queue_class(), list[str]()

    async def take(name: str) -> None:
        await greenlet_spawn(queue.get, True, 5)
        served.append(name)

    waiting = [asyncio.create_task(take(name)) for name in ("first", "second")]
    await asyncio.sleep(0.01)
    # begun before those who wait are woken
    waiting.append(asyncio.create_task(take("late")))
    queue.put_nowait(1)
    await asyncio.sleep(0.01)
    for given_back in (2, 3):
        queue.put_nowait(given_back)
    await asyncio.gather(*waiting)
    assert served == ["first", "second", "late"]
    assert type(Database("sqlite:///").reading_pool) is FairPool


async def test_one_who_waited_in_vain_is_told_and_keeps_nobody_from_a_connection(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = house.office.database
    monkeypatch.setattr(database.reading_pool, "_timeout", 0.05)
    async with AsyncExitStack() as held:
        for _ in range(SQLITE_READERS):
            session = await held.enter_async_context(database.reading())
            await session.execute(text("SELECT 1"))
        with pytest.raises(NoneFree):
            await database.ping()
        # a session that asks nothing holds nothing
        async with database.reading():
            pass
    await asyncio.gather(*(database.ping() for _ in range(20)))
