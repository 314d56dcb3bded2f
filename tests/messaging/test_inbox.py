"""Updates are kept once, and handed out one at a time a person, to one worker at a time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from nobs_bot.messaging import inbox
from nobs_bot.messaging.conversation import Dialogue, load
from nobs_bot.messaging.inbox import Claimed, Progress, Received, lane_of
from tests.cast import House
from tests.messaging.updates import BUDI, SARI, WAYAN, row, update


class Overtaken(Exception):  # noqa: N818 - ends a transaction, as the pump does
    pass


async def store(house: House, *updates: dict[str, Any]) -> None:
    async with house.office.work() as work:
        await inbox.store(work, updates)


async def claim(house: House, limit: int = 10) -> list[Claimed]:
    async with house.office.work() as work:
        return await inbox.claim(work, limit)


async def apply(house: House, taken: Claimed, *answers: str) -> bool:
    async with house.office.work() as work:
        return await inbox.mark_applied(work, taken, [{"text": each} for each in answers])


async def finish(house: House, taken: Claimed) -> Claimed | None:
    async with house.office.work() as work:
        await inbox.mark_done(work, [taken])
        return (await inbox.claim_next(work, [taken.lane])).get(taken.lane)


def ids(rows: list[Claimed]) -> list[int]:
    return [each.update_id for each in rows]


async def test_an_update_that_comes_twice_is_kept_once(any_house: House) -> None:
    await store(any_house, update(1, text="first"), update(2))
    await store(any_house, update(1, text="again"), update(3, BUDI))
    async with any_house.office.look() as work:
        assert await work.session.scalar(select(func.count()).select_from(Received)) == 3
        [first, _] = await claim(any_house)
        assert inbox.read_payload(work.vault, first)["message"]["text"] == "first"


async def test_an_update_that_was_done_stays_done_when_it_comes_again(any_house: House) -> None:
    await store(any_house, update(1))
    [taken] = await claim(any_house)
    await apply(any_house, taken)
    await store(any_house, update(1))
    assert await claim(any_house) == []
    assert (await row(any_house, 1)).state is Progress.DONE


async def test_only_the_oldest_of_each_person_is_handed_out(any_house: House) -> None:
    await store(any_house, *(update(n, (SARI, BUDI, WAYAN)[n % 3]) for n in range(9, 0, -1)))
    taken = await claim(any_house)
    assert ids(taken) == [1, 2, 3]
    assert await claim(any_house) == []


async def test_a_limit_takes_the_oldest(any_house: House) -> None:
    await store(any_house, update(5, SARI), update(6, BUDI), update(7, WAYAN))
    assert ids(await claim(any_house, 2)) == [5, 6]


async def test_many_workers_at_once_never_hold_the_same(any_house: House) -> None:
    await store(any_house, *(update(n, 800_000_000 + n) for n in range(1, 31)))
    taken = await asyncio.gather(*(claim(any_house, 4) for _ in range(10)))
    held = [each for rows in taken for each in ids(rows)]
    assert len(held) == len(set(held))
    assert sorted(held + ids(await claim(any_house, 100))) == list(range(1, 31))


async def test_what_a_dead_worker_held_is_handed_out_after_its_lease(any_house: House) -> None:
    await store(any_house, update(1))
    [first] = await claim(any_house)
    any_house.clock.advance(inbox.LEASE - timedelta(seconds=1))
    assert await claim(any_house) == []
    any_house.clock.advance(timedelta(seconds=2))
    [second] = await claim(any_house)
    assert (first.attempts, second.attempts) == (1, 2)


async def test_a_worker_that_was_overtaken_can_write_nothing(any_house: House) -> None:
    await store(any_house, update(1))
    [late] = await claim(any_house)
    any_house.clock.advance(inbox.LEASE * 2)
    [fresh] = await claim(any_house)
    assert not await apply(any_house, late, "late")
    assert await apply(any_house, fresh, "fresh")
    await finish(any_house, late)
    async with any_house.office.work() as work:
        await inbox.postpone(work, late, timedelta(hours=1), "late", [])
    kept = await row(any_house, 1)
    assert kept.state is Progress.APPLIED
    assert kept.last_error is None
    async with any_house.office.look() as work:
        any_house.clock.advance(inbox.LEASE * 2)
        [again] = await claim(any_house)
        assert inbox.read_answers(work.vault, again) == [{"text": "fresh"}]


async def test_an_update_is_applied_once(any_house: House) -> None:
    await store(any_house, update(1))
    [taken] = await claim(any_house)
    assert await apply(any_house, taken, "a")
    assert not await apply(any_house, taken, "b")


async def test_the_next_of_a_person_is_handed_on(any_house: House) -> None:
    await store(any_house, update(1), update(2), update(3, BUDI))
    [first, budis] = await claim(any_house)
    await apply(any_house, first, "a")
    following = await finish(any_house, first)
    assert following is not None
    assert following.update_id == 2
    await apply(any_house, budis, "b")
    assert await finish(any_house, budis) is None


async def test_one_that_came_late_waits_for_the_younger_one_that_is_run(any_house: House) -> None:
    await store(any_house, update(2))
    [younger] = await claim(any_house)
    await store(any_house, update(1), update(3))
    async with any_house.office.work() as work:
        assert not await inbox.is_due(work)
        assert await inbox.claim_next(work, [SARI]) == {}
    assert await claim(any_house) == []
    await apply(any_house, younger, "a")
    following = await finish(any_house, younger)
    assert following is not None
    assert following.update_id == 1
    # whoever ran it is dead
    any_house.clock.advance(inbox.LEASE * 2)
    assert ids(await claim(any_house)) == [1]


async def test_who_waits_holds_their_own_later_updates_back_only(any_house: House) -> None:
    await store(any_house, update(1), update(2), update(3, BUDI))
    [first, budis] = await claim(any_house)
    async with any_house.office.work() as work:
        await inbox.postpone(work, first, timedelta(minutes=5), "told to wait", None)
    assert await claim(any_house) == []
    await apply(any_house, budis)
    assert await finish(any_house, budis) is None
    async with any_house.office.look() as work:
        assert not await inbox.is_due(work)
    any_house.clock.advance(timedelta(minutes=6))
    async with any_house.office.look() as work:
        assert await inbox.is_due(work)
    assert ids(await claim(any_house)) == [1]


async def test_what_is_typed_is_sealed_and_emptied_when_it_is_done(any_house: House) -> None:
    await store(any_house, update(1, text="rahasia-123"))
    assert b"rahasia" not in ((await row(any_house, 1)).payload or b"")
    [taken] = await claim(any_house)
    await apply(any_house, taken, "jawaban-456")
    kept = await row(any_house, 1)
    assert b"jawaban" not in (kept.answers or b"")
    assert kept.payload
    await finish(any_house, taken)
    done = await row(any_house, 1)
    assert (done.payload, done.answers, done.state) == (None, None, Progress.DONE)


async def test_an_update_without_answers_is_done_when_it_is_applied(any_house: House) -> None:
    await store(any_house, update(1))
    [taken] = await claim(any_house)
    assert await apply(any_house, taken)
    done = await row(any_house, 1)
    assert (done.payload, done.state) == (None, Progress.DONE)


@pytest.mark.parametrize("answers", [[], [{"text": "a"}]])
async def test_where_a_person_stands_is_kept_with_what_was_applied(
    any_house: House, answers: list[dict[str, Any]]
) -> None:
    house = any_house
    for number, dialogue in enumerate(
        [Dialogue("a question", {"step": 1}), Dialogue("another", {"step": 2}), Dialogue()]
    ):
        await store(house, update(number))
        [taken] = await claim(house)
        async with house.office.work() as work:
            assert await inbox.mark_applied(work, taken, answers, dialogue)
        async with house.office.work() as work:
            await inbox.mark_done(work, [taken])
            assert await load(work, SARI) == dialogue
        kept = await row(house, number)
        assert (kept.state, kept.payload, kept.answers) == (Progress.DONE, None, None)


async def test_where_a_person_stands_is_not_kept_by_who_was_overtaken(any_house: House) -> None:
    house = any_house
    await store(house, update(1))
    [late] = await claim(house)
    house.clock.advance(inbox.LEASE)
    [taken] = await claim(house)
    for each, step, is_ours in ((taken, 2, True), (late, 1, False)):
        with suppress(Overtaken):
            async with house.office.work() as work:
                dialogue = Dialogue("a question", {"step": step})
                assert is_ours is await inbox.mark_applied(work, each, [{"text": "a"}], dialogue)
                if not is_ours:
                    raise Overtaken
    async with house.office.look() as work:
        assert (await load(work, SARI)).data == {"step": 2}


async def test_only_what_is_done_is_forgotten(any_house: House) -> None:
    await store(any_house, update(1), update(2, BUDI))
    [sari, _] = await claim(any_house)
    await apply(any_house, sari)
    any_house.clock.advance(timedelta(days=4))
    async with any_house.office.work() as work:
        await inbox.forget_done(work, work.now - timedelta(days=3))
        left = (await work.session.execute(select(Received.update_id))).scalars().all()
    assert left == [2]


def test_whose_an_update_is() -> None:
    tap = {"update_id": 1, "callback_query": {"id": "7", "from": {"id": SARI}}}
    channel = {"update_id": 1, "channel_post": {"chat": {"id": -100}}}
    assert [lane_of(each) for each in (update(1, BUDI), tap, channel, {"update_id": 1})] == [
        BUDI,
        SARI,
        -100,
        0,
    ]
