"""Keys of other systems: who makes them, where, and that an ended one opens nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from nobs_bot.errors import Refusal
from nobs_bot.people import privacy
from nobs_bot.people.discharging import discharge
from nobs_bot.people.roles import Role, grant, grants_of
from nobs_bot.people.tokens import (
    ApiToken,
    Scope,
    end_token,
    make_token,
    systems_reading,
    token_of,
    tokens_under,
)
from nobs_bot.storage.audit import Act, AuditLine
from tests.cast import DISTRICT, KECAMATAN, KELURAHAN, OTHER_KECAMATAN, House

SCOPES = {Scope.CAMERAS, Scope.PROGRESS}


async def seat(house: House, area: str = KECAMATAN) -> None:
    async with house.acting("Kartika") as (work, who):
        await grant(work, who, Role.ADMINISTRATOR, area, granted_by=None)


async def make(house: House, who_acts: str = "Kartika", **changed: Any) -> tuple[int, str]:
    about = {"name": "Pusat 112", "area_code": KELURAHAN, "scopes": SCOPES, "days": 30, **changed}
    async with house.acting(who_acts) as (work, who):
        made, token = await make_token(work, who, **about)
        return made.id, token


async def is_good(house: House, token: str) -> bool:
    async with house.office.look() as work:
        return await token_of(work, token) is not None


async def test_a_key_is_kept_as_a_digest_and_ends(any_house: House) -> None:
    house = any_house
    await seat(house)
    token_id, token = await make(house)
    assert token.startswith("nobs_")
    assert await is_good(house, token)
    assert not await is_good(house, token + "x")
    assert not await is_good(house, "nobs_")
    async with house.office.look() as work:
        (row,) = (await work.session.execute(select(ApiToken))).scalars()
        assert token.encode() not in row.token_index
        assert row.scopes == ["cameras:read", "progress:read"]
    async with house.acting("Kartika") as (work, who):
        await end_token(work, token_id, who)
    assert not await is_good(house, token)
    async with house.office.look() as work:
        acts = (await work.session.execute(select(AuditLine.act))).scalars().all()
        assert {Act.KEY_MADE, Act.KEY_ENDED} <= set(acts)


async def test_a_key_runs_out(house: House) -> None:
    await seat(house)
    _, token = await make(house)
    house.clock.advance(timedelta(days=31))
    assert not await is_good(house, token)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": " "},
        {"name": "x" * 61},
        {"scopes": set()},
        {"days": 0},
        {"days": 366},
        {"area_code": OTHER_KECAMATAN},
        {"area_code": "31.73"},
        {"name": "a\u202eb"},
    ],
)
async def test_what_is_refused(house: House, changed: dict[str, Any]) -> None:
    await seat(house)
    with pytest.raises(Refusal):
        await make(house, **changed)


@pytest.mark.parametrize("name", ["Sari", "Dewi", "Rahmat", "Citra"])
async def test_only_administrators_make_and_end_keys(house: House, name: str) -> None:
    await seat(house)
    token_id, token = await make(house)
    with pytest.raises(Refusal):
        await make(house, name)
    async with house.acting(name) as (work, who):
        with pytest.raises(Refusal):
            await end_token(work, token_id, who)
        with pytest.raises(Refusal):
            await tokens_under(work, who)
    assert await is_good(house, token)


async def test_another_areas_administrator_neither_sees_nor_ends_it(house: House) -> None:
    await seat(house)
    token_id, _ = await make(house)
    async with house.acting("Budi") as (work, who):
        await grant(work, who, Role.ADMINISTRATOR, OTHER_KECAMATAN, granted_by=None)
        await work.session.flush()
        assert await tokens_under(work, who) == []
        with pytest.raises(Refusal, match=r"system\.unknown"):
            await end_token(work, token_id, who)


async def test_owners_learn_which_systems_read(house: House) -> None:
    await seat(house)
    await make(house)
    await make(house, name="Statistik", scopes={Scope.PROGRESS})
    async with house.office.look() as work:
        assert [each.name for each in await systems_reading(work, [KELURAHAN])] == ["Pusat 112"]
        assert await systems_reading(work, [f"{OTHER_KECAMATAN}.1001"]) == []
        assert await systems_reading(work, []) == []


async def test_a_key_ends_with_the_administration_of_who_made_it(any_house: House) -> None:
    house = any_house
    await seat(house)
    await seat(house, OTHER_KECAMATAN)
    _, lost = await make(house)
    _, kept = await make(house, area_code=OTHER_KECAMATAN)
    async with house.acting("Citra") as (work, citra):
        await grant(work, citra, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
        held = await grants_of(work, house.ids["Kartika"])
        [here] = [each for each in held if each.area_code == KECAMATAN]
        await discharge(work, here.id, citra, house.areas, lambda *_: [])
    assert not await is_good(house, lost)
    assert await is_good(house, kept)
    [told] = [each.text for each in await house.messages("Citra")]
    assert "Pusat 112" in told
    async with house.office.look() as work:
        query = select(AuditLine).where(AuditLine.act == Act.KEY_ENDED)
        assert (await work.session.execute(query)).scalar_one().actor_id == house.ids["Citra"]


async def test_a_key_ends_where_who_made_it_is_erased(house: House) -> None:
    await seat(house)
    _, token = await make(house)
    async with house.acting("Kartika") as (work, kartika):
        await privacy.erase(work, kartika, ())
    assert not await is_good(house, token)
