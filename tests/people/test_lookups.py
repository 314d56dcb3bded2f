"""Officers who open what they need are left alone, and others are told of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from nobs_bot.people.lookups import WITHIN, tell_of_lookups
from nobs_bot.people.persons import meet
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.audit import Act, record
from tests.cast import DISTRICT, House

LIMIT = 5


async def opened(house: House, officer: str, owners: range, act: Act = Act.CAMERA_OPENED) -> None:
    async with house.office.work() as work:
        for nth in owners:
            owner = meet(work, 600_000_000 + nth, None)
            owner.telegram_id = None
            await work.session.flush()
            for _ in range(3):
                record(
                    work,
                    act,
                    actor_id=house.ids[officer],
                    actor_role=Role.INVESTIGATOR,
                    owner_id=owner.id,
                )


async def told(house: House) -> int:
    settings = house.office.settings.model_copy(update={"lookups_a_day": LIMIT})
    return await tell_of_lookups(replace(house.office, settings=settings))


async def test_who_opens_too_many_is_told_of(any_house: House) -> None:
    house = any_house
    async with house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    await opened(house, "Rahmat", range(LIMIT))
    assert await told(house) == 0, "as many as are usual, however often each"
    await opened(house, "Rahmat", range(LIMIT, LIMIT + 1), Act.CLIP_OPENED)
    assert await told(house) == 2
    for name in ("Kartika", "Budi"):
        [message] = await house.told(name)
        assert "Rahmat" in message
        assert "<b>6</b>" in message
    assert await told(house) == 0, "once a day"
    assert await house.told("Rahmat") == []
    house.clock.advance(WITHIN + timedelta(minutes=1))
    assert await told(house) == 0, "another day"


async def test_a_supervisor_does_not_watch_over_themselves(house: House) -> None:
    async with house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    await opened(house, "Kartika", range(LIMIT + 1), Act.OWNER_SHOWN)
    assert await told(house) == 1
    assert (len(await house.told("Budi")), await house.told("Kartika")) == (1, [])


async def test_what_is_seen_many_at_a_time_does_not_count(house: House) -> None:
    await opened(house, "Rahmat", range(LIMIT * 3), Act.COVERAGE_SEEN)
    await opened(house, "Dewi", range(100, 100 + LIMIT * 3), Act.REVIEW_OPENED)
    assert await told(house) == 0
