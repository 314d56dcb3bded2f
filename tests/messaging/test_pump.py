"""Each update takes effect once, whatever its handler or Telegram does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from nobs_bot.clock import SystemClock
from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.messaging import inbox
from nobs_bot.messaging import pump as pump_module
from nobs_bot.messaging.chats import is_reachable, slot_message
from nobs_bot.messaging.inbox import Progress
from nobs_bot.messaging.pump import Answers, Pump, Sent
from nobs_bot.people.persons import Person, meet
from nobs_bot.storage.work import Office, Work
from tests.cast import House
from tests.messaging.updates import BUDI, SARI, WAYAN, Script, begun, row, settle_in, update


async def met(house: House) -> set[int]:
    """The accounts whose acquaintance handlers made."""
    async with house.office.look() as work:
        query = select(Person.telegram_id).where(Person.telegram_id.between(1_000, 2_000))
        return set((await work.session.execute(query)).scalars())


async def state(house: House, update_id: int) -> Progress:
    return (await row(house, update_id)).state


@asynccontextmanager
async def running(pump: Pump) -> AsyncIterator[None]:
    task = asyncio.create_task(pump.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def done(house: House, *update_ids: int) -> None:
    async with asyncio.timeout(20):
        for update_id in update_ids:
            while await state(house, update_id) is not Progress.DONE:
                await asyncio.sleep(0.01)


async def test_effects_and_answers_come_once(any_house: House) -> None:
    script = Script()
    pump = Pump(any_house.office, script)
    await pump.receive([update(1), update(2, BUDI)])
    await pump.receive([update(2, BUDI), update(1)])
    await pump.drain()
    assert await met(any_house) == {1_001, 1_002}
    assert sorted(script.applied) == [1, 2]
    assert sorted(number for number, _ in script.answered) == [1, 2]


async def test_one_persons_updates_go_one_after_the_other(any_house: House) -> None:
    script = Script()
    pump = Pump(any_house.office, script, at_once=4)
    async with running(pump):
        people = (SARI, BUDI, WAYAN)
        # in the order in which they come, however they are bundled
        for first in range(1, 31, 5):
            await pump.receive([update(n, people[n % 3]) for n in range(first, first + 5)])
        await done(any_house, *range(1, 31))
    assert sorted(script.applied) == list(range(1, 31))
    for turn in range(3):
        own = [number for number, _ in script.answered if number % 3 == turn]
        assert own == sorted(own)
    assert script.most_at_work == 1


async def test_who_waits_for_another_process_is_served_soon_after_it_is_done(
    any_house: House,
) -> None:
    """Also where that one, writing down that it is done, has not seen that there is more."""
    script = Script()
    pump = Pump(any_house.office, script, idle_s=60)
    async with any_house.office.work() as work:
        await inbox.store(work, [update(1)])
        [others] = await inbox.claim(work, 1)
        await inbox.mark_applied(work, others, [{"text": "a"}])
    async with running(pump):
        await pump.receive([update(2)])
        await asyncio.sleep(0.1)
        assert script.applied == []
        async with any_house.office.work() as work:
            await inbox.mark_done(work, [others])
        async with asyncio.timeout(2):
            await done(any_house, 2)
    assert script.applied == [2]


async def test_a_pump_that_does_not_run_takes_nothing(any_house: House) -> None:
    """The part that takes updates in may be another process than the one that answers."""
    front, script = Pump(any_house.office, Script()), Script()
    await front.receive([update(1)])
    assert (await row(any_house, 1)).lease_until is None
    await Pump(any_house.office, script).drain()
    assert script.applied == [1]


async def receive_each(pump: Pump, *update_ids: int) -> None:
    """As Telegram calls the webhook: one at a time, whatever their order."""
    for number in update_ids:
        await pump.receive([update(number)], are_in_order=False)


async def test_what_comes_before_its_predecessor_waits_for_it(any_house: House) -> None:
    script = Script()
    pump = Pump(any_house.office, script, idle_s=60)
    first = await begun(any_house)
    async with running(pump):
        # the last but one has the one before it, before which one is missing
        await receive_each(pump, first + 3, first + 1, first + 2)
        await asyncio.sleep(0.1)
        assert script.applied == []
        await receive_each(pump, first)
        await done(any_house, *range(first, first + 4))
    assert script.applied == [first, first + 1, first + 2, first + 3]


async def test_what_comes_in_order_is_answered_at_once(any_house: House) -> None:
    script = Script()
    pump = Pump(any_house.office, script, idle_s=60)
    first = await begun(any_house)
    async with running(pump):
        for number in range(first, first + 5):
            await receive_each(pump, number)
            # the clock stands still, so whatever settled would not be done
            await done(any_house, number)
    assert script.applied == list(range(first, first + 5))


async def test_what_another_process_kept_meanwhile_is_not_waited_for(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script()
    pump = Pump(any_house.office, script, idle_s=60)
    first = await begun(any_house)
    # neither look may find it: whom it is about is known
    monkeypatch.setattr(pump, "_look_soon", lambda: None)
    monkeypatch.setattr(pump_module, "_KEPT_WITHIN_S", 0.5)
    async with running(pump):
        await receive_each(pump, first + 1)
        # of somebody else, and left to others
        async with any_house.office.work() as work:
            await inbox.store(work, [update(first, WAYAN)])
            await inbox.claim(work, 1)
        await done(any_house, first + 1)
    assert script.applied == [first + 1]


async def test_whose_predecessor_never_comes_is_answered_soon(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram begins anew anywhere after a week without updates."""
    settle_in(monkeypatch, seconds=1)
    script = Script()
    pump = Pump(replace(house.office, clock=SystemClock()), script, idle_s=60)
    await begun(house)
    async with running(pump):
        await receive_each(pump, 901, 900)
        async with asyncio.timeout(10):
            await done(house, 900, 901)
    assert script.applied == [900, 901]


async def test_after_the_first_of_all_nobody_waits(any_house: House) -> None:
    script = Script()
    pump = Pump(any_house.office, script, idle_s=60)
    async with running(pump):
        # of our own making, as by a page of ours
        await pump.receive([update(-5, BUDI)])
        await receive_each(pump, 701, 700)
        any_house.clock.advance(inbox.SETTLES_IN)
        await done(any_house, 700, 701)
        for number in (702, 703):
            await receive_each(pump, number)
            await done(any_house, number)
    assert script.applied == [-5, 700, 701, 702, 703]


@pytest.mark.parametrize(("missing", "is_due"), [(30, False), (29, True)])
async def test_so_far_back_is_looked_for_what_is_missing(
    any_house: House, missing: int, is_due: bool
) -> None:
    async with any_house.office.work() as work:
        before = [update(number, BUDI) for number in range(1, 50) if number != missing]
        await inbox.store(work, before)
        await work.session.execute(text("UPDATE inbox SET state = 'done', attempts = 1"))
        await inbox.store(work, [update(50)], are_in_order=False)
        assert await inbox.is_due(work) is is_due


async def test_whose_clock_is_a_little_behind_does_not_take_what_settles(any_house: House) -> None:
    """Of processes side by side each looks at the time by itself, and some look early."""
    script = Script()
    pump = Pump(any_house.office, script)
    first = await begun(any_house)
    await receive_each(pump, first + 1)
    any_house.clock.advance(timedelta(milliseconds=-300))
    await pump.drain()
    assert script.applied == []


async def test_what_waits_for_another_is_not_taken_by_who_was_told_to_stop(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "_KEPT_WITHIN_S", 0.5)
    pump = Pump(any_house.office, Script(), idle_s=60)
    first = await begun(any_house)
    async with running(pump):
        await receive_each(pump, first + 1)
    async with any_house.office.work() as work:
        await inbox.store(work, [update(first, WAYAN)])
    await asyncio.sleep(0.7)
    assert (await row(any_house, first + 1)).lease_until is None
    assert (await row(any_house, first + 1)).attempts == 0


async def test_a_clock_that_is_set_back_makes_nobody_wait(any_house: House) -> None:
    script = Script()
    pump = Pump(any_house.office, script)
    first = await begun(any_house)
    await receive_each(pump, first + 1)
    await pump.drain()
    assert script.applied == [], "it settles"
    any_house.clock.advance(timedelta(hours=-1))
    await pump.drain()
    assert script.applied == [first + 1]


async def test_what_is_taken_while_told_to_stop_is_finished(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is under our lease, so nobody else could for two minutes."""
    takes, may_go_on, really = asyncio.Event(), asyncio.Event(), inbox.claim

    async def slow(work: Work, limit: int) -> list[inbox.Claimed]:
        taken = await really(work, limit)
        takes.set()
        await may_go_on.wait()
        return taken

    monkeypatch.setattr(inbox, "claim", slow)
    await Pump(any_house.office, Script()).receive([update(1), update(2, BUDI)])
    script = Script()
    task = asyncio.create_task(Pump(any_house.office, script).run())
    await takes.wait()
    task.cancel()
    may_go_on.set()
    await asyncio.gather(task, return_exceptions=True)
    await done(any_house, 1, 2)
    assert sorted(script.applied) == [1, 2]


async def test_more_people_than_places_are_all_served(any_house: House) -> None:
    script = Script()
    pump = Pump(any_house.office, script, at_once=2)
    async with running(pump):
        await asyncio.gather(*(pump.receive([update(n, 900 + n)]) for n in range(1, 21)))
        await done(any_house, *range(1, 21))
    assert sorted(script.applied) == list(range(1, 21))


async def test_a_refusal_undoes_the_handler_and_is_explained(any_house: House) -> None:
    async def refuses(work: Work, raw: dict[str, Any]) -> Answers:
        meet(work, 1_500, None)
        await work.session.flush()
        raise Refusal("enrol.name.wrong", most=80)

    script = Script(refuses)
    pump = Pump(any_house.office, script)
    await pump.receive([update(1)])
    await pump.drain()
    assert await met(any_house) == set()
    assert script.answered == [(1, [{"do": "say", "text": "refused: enrol.name.wrong"}])]
    assert await state(any_house, 1) is Progress.DONE


async def test_a_bug_undoes_the_handler_and_leaves_a_reference(
    any_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(work: Work, raw: dict[str, Any]) -> Answers:
        meet(work, 1_500, None)
        await work.session.flush()
        raise ZeroDivisionError

    script = Script(breaks)
    pump = Pump(any_house.office, script)
    await pump.receive([update(41), update(42)])
    await pump.drain()
    assert await met(any_house) == set()
    said = [answers[0]["text"] for _, answers in script.answered]
    assert [text[:7] for text in said] == ["sorry: ", "sorry: "]
    logged = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert [
        f"update {n} met a bug, reference {text[7:]}"
        for n, text in zip((41, 42), said, strict=True)
    ] == logged


async def test_what_the_database_refuses_waits_and_runs_again(any_house: House) -> None:
    broken = [OperationalError("SELECT", None, sqlite3.OperationalError("disk I/O error"))]

    async def breaks_once(work: Work, raw: dict[str, Any]) -> Answers:
        meet(work, 1_000 + raw["update_id"], None)
        await work.session.flush()
        if broken:
            raise broken.pop()
        return []

    script = Script(breaks_once)
    pump = Pump(any_house.office, script)
    await pump.receive([update(1), update(2)])
    await pump.drain()
    assert await met(any_house) == set()
    assert await state(any_house, 1) is Progress.WAITING
    any_house.clock.advance(timedelta(minutes=1))
    await pump.drain()
    assert await met(any_house) == {1_001, 1_002}
    assert script.applied == [1, 1, 2]


async def test_answers_that_could_not_be_sent_wait_as_long_as_told(any_house: House) -> None:
    left = [{"do": "say", "text": "the second"}]
    script = Script(sending=[Sent(left=left, error=ExternalError("wait", retry_after_s=30))])
    pump = Pump(any_house.office, script)
    await pump.receive([update(1), update(2)])
    await pump.drain()
    any_house.clock.advance(timedelta(seconds=29))
    await pump.drain()
    assert await state(any_house, 1) is Progress.APPLIED
    assert script.applied == [1]
    any_house.clock.advance(timedelta(seconds=2))
    await pump.drain()
    assert script.applied == [1, 2]
    assert [number for number, _ in script.answered] == [1, 1, 2]
    assert script.answered[1] == (1, left)


async def test_who_blocked_us_is_unreachable_and_their_update_done(any_house: House) -> None:
    error = ExternalError("Forbidden: bot was blocked by the user", permanent=True)
    pump = Pump(any_house.office, Script(sending=[Sent(error=error)]))
    await pump.receive([update(1)])
    await pump.drain()
    async with any_house.office.look() as work:
        assert not await is_reachable(work, SARI)
    assert await state(any_house, 1) is Progress.DONE
    assert await met(any_house) == {1_001}


async def test_a_refused_answer_is_logged_and_the_chat_stays_reachable(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    error = ExternalError("Bad Request: can't parse entities", permanent=True)
    pump = Pump(house.office, Script(sending=[Sent(error=error)]))
    await pump.receive([update(1)])
    await pump.drain()
    async with house.office.look() as work:
        assert await is_reachable(work, SARI)
    assert await state(house, 1) is Progress.DONE
    assert "an answer to update 1 was refused" in caplog.text


async def test_slots_are_remembered(any_house: House) -> None:
    pump = Pump(any_house.office, Script(sending=[Sent({(SARI, "photos"): 77})]))
    await pump.receive([update(1)])
    await pump.drain()
    async with any_house.office.look() as work:
        assert await slot_message(work, SARI, "photos") == 77


async def test_killed_before_the_commit_it_runs_again(any_house: House) -> None:
    reached = asyncio.Event()

    async def never_ends(work: Work, raw: dict[str, Any]) -> Answers:
        meet(work, 1_500, None)
        await work.session.flush()
        reached.set()
        await asyncio.sleep(60)
        return []

    pump = Pump(any_house.office, Script(never_ends))
    await pump.receive([update(1)])
    dying = asyncio.create_task(pump.drain())
    await reached.wait()
    await _kill(dying, pump)
    assert await met(any_house) == set()
    any_house.clock.advance(inbox.LEASE * 2)
    after = Script()
    await Pump(any_house.office, after).drain()
    assert after.applied == [1]
    assert await met(any_house) == {1_001}


async def test_places_that_went_while_it_looked_are_not_filled(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Pump(any_house.office, Script()).receive([update(1), update(2, BUDI)])
    script = Script()
    pump = Pump(any_house.office, script, at_once=1)

    async def fills_up(_: Work) -> bool:
        pump._free = -1
        return True

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "is_due", fills_up)
        started = await pump._start_lanes()
    await pump.drain()
    assert (started, script.applied) == (0, [])
    pump._free = 1
    await pump.drain()
    assert sorted(script.applied) == [1, 2]


async def test_killed_after_the_commit_only_its_answers_go_again(any_house: House) -> None:
    reached = asyncio.Event()

    class Hangs(Script):
        async def answer(self, office: Office, raw: dict[str, Any], answers: Answers) -> Sent:
            reached.set()
            await asyncio.sleep(60)
            return Sent()

    pump = Pump(any_house.office, Hangs())
    await pump.receive([update(1)])
    dying = asyncio.create_task(pump.drain())
    await reached.wait()
    await _kill(dying, pump)
    any_house.clock.advance(inbox.LEASE * 2)
    after = Script()
    await Pump(any_house.office, after).drain()
    assert after.applied == []
    assert after.answered == [(1, [{"do": "say", "text": "halo"}])]
    assert await state(any_house, 1) is Progress.DONE


async def test_a_slow_worker_whose_update_was_redone_changes_nothing(any_house: House) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(work: Work, raw: dict[str, Any]) -> Answers:
        if any_house.office.database.is_sqlite:
            # there is one writer, so that another can only have been before us
            any_house.clock.advance(inbox.LEASE * 2)
            await work.session.execute(inbox._CLAIM, _claim_now(any_house))
        else:
            reached.set()
            await go_on.wait()
        meet(work, 1_500, None)
        return []

    pump = Pump(any_house.office, Script(slow))
    await pump.receive([update(1)])
    working = asyncio.create_task(pump.drain())
    if not any_house.office.database.is_sqlite:
        await reached.wait()
        any_house.clock.advance(inbox.LEASE * 2)
        await Pump(any_house.office, Script()).drain()
        go_on.set()
    await asyncio.wait_for(_lanes(pump), 10)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert 1_500 not in await met(any_house)


def _claim_now(house: House) -> dict[str, Any]:
    now = house.clock.now()
    return {"now": now, "until": now + inbox.LEASE, "most": 10}


async def _lanes(pump: Pump) -> None:
    await asyncio.sleep(0.2)
    while pump._tasks:
        await asyncio.gather(*pump._tasks)


async def _kill(task: asyncio.Task[None], pump: Pump) -> None:
    for each in (task, *pump._tasks):
        each.cancel()
    await asyncio.gather(task, *pump._tasks, return_exceptions=True)
