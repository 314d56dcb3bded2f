"""Processes on one PostgreSQL hand people over to one another at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from nobs_bot.messaging.bell import CHANNEL, Bell, Ring, _read, _write
from nobs_bot.messaging.handover import MOST_AWAITED, Handover
from nobs_bot.messaging.inbox import SETTLES_IN
from nobs_bot.messaging.pump import Answers, Pump
from nobs_bot.storage.work import Work
from tests.cast import House
from tests.messaging.test_pump import done, running
from tests.messaging.updates import SARI, Script, begun, update

# nobody looks by themselves while these tests run
NEVER_S = 600.0
WITHIN_S = 10.0

on_postgres = pytest.mark.parametrize(
    "seated_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@asynccontextmanager
async def processes(house: House, *scripts: Script, at_once: int = 16) -> AsyncIterator[list[Pump]]:
    """A pump for each script, as in so many processes, that all hear one another."""
    pumps = [Pump(house.office, each, at_once=at_once, idle_s=NEVER_S) for each in scripts]
    async with asyncio.timeout(60), AsyncExitStack() as stack:
        for each in pumps:
            await stack.enter_async_context(running(each))
            await heard(each)
        # who begins to hear looks for what was missed, and again at longer intervals
        await asyncio.sleep(SETTLES_IN.total_seconds() + 0.1)
        for each in pumps:
            each._pause_s = NEVER_S
        await asyncio.sleep(0.3)
        yield pumps


async def heard(pump: Pump) -> None:
    while not pump._handover.is_heard:
        await asyncio.sleep(0.01)


@on_postgres
async def test_who_types_on_at_once_is_served_whichever_process_is_next(any_house: House) -> None:
    script = Script()
    async with processes(any_house, script, script) as pumps:
        for number in range(1, 81):
            await pumps[number % 2].receive([update(number)])
            async with asyncio.timeout(WITHIN_S):
                while len(script.answered) < number:
                    await asyncio.sleep(0)
    assert script.applied == list(range(1, 81))
    assert script.most_at_work == 1


@on_postgres
async def test_who_came_to_another_process_meanwhile_is_left_to_it(any_house: House) -> None:
    """Else the busiest would keep everybody: it is the last to write down that it is done."""
    may_answer = asyncio.Event()

    async def is_slow(work: Work, raw: dict[str, Any]) -> Answers:
        await may_answer.wait()
        return []

    busy, script = Script(is_slow), Script()
    async with processes(any_house, busy, script) as (first, second):
        await first.receive([update(1)])
        await second.receive([update(2)])
        while not first._handover.is_wanted(SARI):
            await asyncio.sleep(0.01)
        may_answer.set()
        async with asyncio.timeout(WITHIN_S):
            await done(any_house, 1, 2)
    assert (busy.applied, script.applied) == ([1], [2])


@on_postgres
async def test_what_a_front_keeps_is_taken_by_who_answers_and_in_order(
    any_house: House,
) -> None:
    script = Script()
    front = Pump(any_house.office, Script())
    async with processes(any_house, script):
        first = await begun(any_house)
        for number in (first + 2, first + 1):
            await front.receive([update(number)], are_in_order=False)
        await asyncio.sleep(0.1)
        assert script.applied == []
        await front.receive([update(first)], are_in_order=False)
        async with asyncio.timeout(WITHIN_S):
            await done(any_house, first, first + 1, first + 2)
    assert script.applied == [first, first + 1, first + 2], "as they were sent, not as they came"


@on_postgres
async def test_more_at_once_than_there_are_places_are_taken_at_once(any_house: House) -> None:
    """As a poller brings them after a pause, where nobody else is there to take them."""
    script = Script()
    async with processes(any_house, script, at_once=4) as [pump]:
        await pump.receive([update(number, 900 + number) for number in range(1, 21)])
        async with asyncio.timeout(WITHIN_S):
            await done(any_house, *range(1, 21))


@on_postgres
async def test_who_finds_no_place_is_taken_by_another_process(any_house: House) -> None:
    is_over = asyncio.Event()

    async def takes_long(work: Work, raw: dict[str, Any]) -> Answers:
        await is_over.wait()
        return []

    busy, script = Script(takes_long), Script()
    async with processes(any_house, busy, script, at_once=1) as (first, _):
        await first.receive([update(1, 901)])
        await first.receive([update(2, 902)])
        async with asyncio.timeout(WITHIN_S):
            await done(any_house, 2)
        is_over.set()
        async with asyncio.timeout(WITHIN_S):
            await done(any_house, 1)
    assert (busy.applied, script.applied) == ([1], [2])


@on_postgres
async def test_what_was_missed_while_nothing_was_heard_is_looked_for(
    any_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script()
    front = Pump(any_house.office, Script())
    async with processes(any_house, script) as [pump]:
        async with any_house.office.work() as work:
            ends = text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query = :said"
            )
            ended = await work.session.execute(ends, {"said": f"LISTEN {CHANNEL}"})
            assert len(ended.all()) == 1
        while pump._handover.is_heard:
            await asyncio.sleep(0.01)
        await front.receive([update(1)])
        any_house.clock.advance(SETTLES_IN)
        async with asyncio.timeout(WITHIN_S):
            await done(any_house, 1)
    assert "other processes are not heard" in caplog.text


async def test_on_sqlite_nobody_rings_or_listens(house: House) -> None:
    bell = Bell(house.office.database)
    async with house.office.work() as work:
        await bell.ring(work, Ring(frozenset({1})))
    await bell.listen(lambda _: pytest.fail("heard something"))
    assert not bell.is_heard


def test_what_is_rung_is_heard() -> None:
    ring = Ring(frozenset({7, -100, 9}), frozenset({12, -5}))
    assert _write(ring) == "-100 7 9 ?-5 ?12"
    assert _read(_write(ring)) == ring
    assert _read(_write(Ring(wanted=ring.wanted))) == Ring(wanted=ring.wanted)
    assert _read(_write(None)) is None
    assert _read(_write(Ring(frozenset(range(400))))) is None, "no more than PostgreSQL passes on"


def test_what_a_later_version_rings_makes_us_look() -> None:
    assert _read("") is None
    assert _read("lane=7;urgent") is None
    assert _read("7 ?x") is None


def test_those_who_are_awaited_do_not_gather_without_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("nobs_bot.messaging.handover.time.monotonic", lambda: now)
    handover = Handover(Bell(house.office.database))
    everybody = Ring(frozenset(range(MOST_AWAITED + 2)))
    handover.wait_for(range(MOST_AWAITED))
    now += 5
    handover.wait_for([MOST_AWAITED + 1])
    assert handover.hear(everybody) == {MOST_AWAITED + 1}
    handover.took(MOST_AWAITED + 1)
    assert not handover.hear(everybody)


def test_only_who_is_in_hand_is_wanted_and_only_as_long(house: House) -> None:
    handover = Handover(Bell(house.office.database))
    handover.took(7)
    handover.hear(Ring(wanted=frozenset({7, 8})))
    assert handover.is_wanted(7)
    assert not handover.is_wanted(8)
    handover.gave_up(7)
    handover.took(7)
    handover.took(8)
    assert not handover.is_wanted(7)
    assert not handover.is_wanted(8)
