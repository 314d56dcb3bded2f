"""Messages to others: once, in order in each chat, never silently lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from nobs_bot.messaging import outbox
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import Delivery, Outgoing
from tests.cast import House
from tests.messaging.updates import BUDI, SARI, WAYAN


async def put(house: House, chat_id: int, *texts: str, slot: str | None = None) -> None:
    async with house.office.work() as work:
        for text in texts:
            message = Message(text=text, slot=slot)
            await outbox.enqueue(work, chat_id, message, f"{chat_id}:{text}")


async def claim(house: House, limit: int = 20, **more: list[int]) -> list[Outgoing]:
    async with house.office.work() as work:
        return list(await outbox.claim(work, limit, **more))


async def settle(house: House, row: Outgoing, state: Delivery = Delivery.SENT) -> None:
    async with house.office.work() as work:
        await outbox.settle(work, row, state, message_id=7)


async def postpone(house: House, row: Outgoing, minutes: int) -> None:
    async with house.office.work() as work:
        await outbox.postpone(work, row, timedelta(minutes=minutes), "told to wait")


async def texts(house: House, rows: list[Outgoing]) -> list[str]:
    async with house.office.look() as work:
        return [outbox.read(work, row).text for row in rows]


async def states(house: House, chat_id: int) -> list[Delivery]:
    async with house.office.look() as work:
        query = select(Outgoing.state).where(Outgoing.chat_id == chat_id).order_by(Outgoing.number)
        return list((await work.session.execute(query)).scalars())


async def test_a_message_goes_out_only_with_what_it_is_about(any_house: House) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012
        async with any_house.office.work() as work:
            await outbox.enqueue(work, SARI, Message(text="a"), "a")
            raise RuntimeError("the use case broke")
    assert await claim(any_house) == []


async def test_one_occasion_gives_one_message(any_house: House) -> None:
    await put(any_house, SARI, "a")
    await put(any_house, SARI, "a")
    async with any_house.office.work() as work:
        await outbox.enqueue(work, SARI, Message(text="b"), "both")
        await outbox.enqueue(work, SARI, Message(text="c"), "both")
    assert len(await states(any_house, SARI)) == 2


async def test_each_chat_in_order_and_chats_side_by_side(any_house: House) -> None:
    await put(any_house, SARI, "s1", "s2", "s3")
    await put(any_house, BUDI, "b1", "b2")
    first = await claim(any_house)
    assert await texts(any_house, first) == ["s1", "b1"]
    assert await claim(any_house) == []
    await settle(any_house, first[1])
    assert await texts(any_house, await claim(any_house)) == ["b2"]
    await settle(any_house, first[0])
    assert await texts(any_house, await claim(any_house)) == ["s2"]


async def test_many_workers_never_hold_the_same_message(any_house: House) -> None:
    for chat in range(1, 31):
        await put(any_house, 800_000_000 + chat, "a", "b")
    taken = await asyncio.gather(*(claim(any_house, 4) for _ in range(10)))
    numbers = [row.number for rows in taken for row in rows]
    assert len(numbers) == len(set(numbers))
    rest = await claim(any_house, 100)
    assert len(numbers) + len(rest) == 30


async def test_what_must_wait_holds_the_later_ones_of_its_chat_back(any_house: House) -> None:
    await put(any_house, SARI, "s1", "s2")
    await put(any_house, BUDI, "b1")
    [sari, budi] = await claim(any_house)
    await postpone(any_house, sari, minutes=5)
    await settle(any_house, budi)
    assert await claim(any_house) == []
    any_house.clock.advance(timedelta(minutes=6))
    assert await texts(any_house, await claim(any_house)) == ["s1"]


async def test_a_failure_lets_the_next_one_pass(any_house: House) -> None:
    await put(any_house, SARI, "s1", "s2")
    [first] = await claim(any_house)
    await settle(any_house, first, Delivery.FAILED)
    assert await texts(any_house, await claim(any_house)) == ["s2"]
    async with any_house.office.look() as work:
        assert await outbox.delivery_of(work, f"{SARI}:s1") is Delivery.FAILED
        assert await outbox.delivery_of(work, "nothing") is None


async def test_what_a_dead_sender_held_goes_again(any_house: House) -> None:
    await put(any_house, SARI, "s1", "s2")
    [held] = await claim(any_house)
    any_house.clock.advance(outbox.LEASE - timedelta(seconds=1))
    assert await claim(any_house) == []
    any_house.clock.advance(timedelta(seconds=2))
    [again] = await claim(any_house)
    assert (again.number, again.attempts) == (held.number, 2)


async def test_a_sender_that_was_overtaken_settles_nothing(any_house: House) -> None:
    await put(any_house, SARI, "s1")
    [late] = await claim(any_house)
    any_house.clock.advance(outbox.LEASE * 2)
    [fresh] = await claim(any_house)
    await settle(any_house, late, Delivery.FAILED)
    await postpone(any_house, late, minutes=60)
    assert await states(any_house, SARI) == [Delivery.PENDING]
    await settle(any_house, fresh)
    assert await states(any_house, SARI) == [Delivery.SENT]


async def test_a_newer_message_of_a_slot_replaces_one_that_nobody_began(any_house: House) -> None:
    await put(any_house, SARI, "1 of 3", "2 of 3", "3 of 3", slot="progress")
    await put(any_house, BUDI, "1 of 3", slot="progress")
    assert await states(any_house, SARI) == [
        Delivery.REPLACED,
        Delivery.REPLACED,
        Delivery.PENDING,
    ]
    assert await texts(any_house, await claim(any_house)) == ["3 of 3", "1 of 3"]


async def test_a_message_of_a_slot_that_is_being_sent_is_not_replaced(any_house: House) -> None:
    await put(any_house, SARI, "1 of 3", slot="progress")
    [sending] = await claim(any_house)
    await put(any_house, SARI, "2 of 3", "3 of 3", slot="progress")
    assert await states(any_house, SARI) == [
        Delivery.PENDING,
        Delivery.REPLACED,
        Delivery.PENDING,
    ]
    await settle(any_house, sending)
    assert await texts(any_house, await claim(any_house)) == ["3 of 3"]


async def test_chats_that_rest_are_left_alone(any_house: House) -> None:
    await put(any_house, SARI, "s1")
    await put(any_house, BUDI, "b1")
    assert await texts(any_house, await claim(any_house, not_to=[SARI])) == ["b1"]


async def test_a_group_that_moved_takes_its_messages_along(any_house: House) -> None:
    await put(any_house, -100, "g1", "g2")
    [first] = await claim(any_house)
    async with any_house.office.work() as work:
        await outbox.postpone(work, first, timedelta(0), "the group moved")
        await outbox.move_chat(work, -100, -200)
    [again] = await claim(any_house)
    assert (again.chat_id, await texts(any_house, [again])) == (-200, ["g1"])


async def test_what_is_said_is_sealed_and_emptied_once_it_is_sent(any_house: House) -> None:
    await put(any_house, WAYAN, "rahasia-123")
    [row] = await claim(any_house)
    assert b"rahasia" not in (row.payload or b"")
    await settle(any_house, row)
    async with any_house.office.look() as work:
        kept = (await work.session.execute(select(Outgoing))).scalar_one()
    assert (kept.payload, kept.message_id) == (None, 7)


async def test_old_messages_are_forgotten_once_settled(any_house: House) -> None:
    await put(any_house, SARI, "s1")
    await put(any_house, BUDI, "b1")
    [sari, _] = await claim(any_house)
    await settle(any_house, sari)
    any_house.clock.advance(timedelta(days=31))
    async with any_house.office.work() as work:
        await outbox.forget_settled(work, work.now - timedelta(days=30))
    assert await states(any_house, SARI) == []
    assert await states(any_house, BUDI) == [Delivery.PENDING]
