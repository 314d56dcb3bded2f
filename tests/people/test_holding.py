"""One person, one transaction at a time."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from nobs_bot.messaging import conversation
from nobs_bot.people.arrival import receive
from nobs_bot.people.persons import Person, meet
from nobs_bot.storage.audit import Act, record
from tests.cast import House

SARI, SOMEBODY_NEW = 710_000_001, 720_000_001


@pytest.mark.parametrize("account", [SARI, SOMEBODY_NEW])
async def test_one_transaction_at_a_time_has_a_person(any_house: House, account: int) -> None:
    seen: list[tuple[str, bool]] = []

    async def act(name: str) -> None:
        async with any_house.office.work() as work:
            who, _ = await receive(work, account)
            seen.append((name, who is not None))
            if who is None:
                meet(work, account, None)
            await asyncio.sleep(0.1)
            seen.append((name, True))

    await asyncio.gather(act("one"), act("two"), act("three"))
    names = [name for name, _ in seen]
    assert names[::2] == names[1::2]
    assert [was_there for _, was_there in seen[::2]] == [account == SARI, True, True]
    async with any_house.office.look() as work:
        count = select(func.count()).select_from(Person).where(Person.telegram_id == account)
        assert (await work.session.execute(count)).scalar_one() == 1


@pytest.mark.parametrize("stands_somewhere", [True, False])
async def test_who_waited_sees_where_the_other_left_the_dialogue(
    any_house: House, stands_somewhere: bool
) -> None:
    """Not where it stood when the waiting began."""
    async with any_house.office.work() as work:
        if stands_somewhere:
            await conversation.save(work, SARI, conversation.Dialogue("a question", {"steps": 0}))

    async def step() -> None:
        async with any_house.office.work() as work:
            _, dialogue = await receive(work, SARI)
            await asyncio.sleep(0.05)
            dialogue.go("a question", steps=dialogue.data.get("steps", 0) + 1)
            await conversation.save(work, SARI, dialogue)

    await asyncio.gather(*[step() for _ in range(5)])
    async with any_house.office.look() as work:
        _, dialogue = await receive(work, SARI)
    assert (dialogue.state, dialogue.data) == ("a question", {"steps": 5})


# on SQLite nobody writes beside anybody
@pytest.mark.parametrize(
    "seated_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
async def test_others_go_on_about_somebody_who_is_held(any_house: House) -> None:
    async with any_house.office.work() as work:
        who, _ = await receive(work, SARI)
        assert who is not None
        async with asyncio.timeout(5), any_house.office.work() as other:
            record(other, Act.SUBMITTED, actor_id=None, owner_id=who.id)
            await other.session.flush()
