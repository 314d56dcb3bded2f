"""The page for the keys of other systems: shown once, ended at once, for administrators alone."""

from __future__ import annotations

import re

import pytest

from nobs_bot.people.roles import Role, grant
from nobs_bot.people.tokens import token_of
from tests.cast import DISTRICT, KELURAHAN, House
from tests.console.hall import Hall, Visitor

FORM = {"nama": "Pusat 112", "wilayah": KELURAHAN, "izin": "cameras:read", "hari": "90"}


async def administrator(hall: Hall, area: str = DISTRICT) -> Visitor:
    async with hall.house.acting("Kartika") as (work, who):
        await grant(work, who, Role.ADMINISTRATOR, area, granted_by=None)
    return await hall.enter("Kartika")


async def is_good(house: House, token: str) -> bool:
    async with house.office.look() as work:
        return await token_of(work, token) is not None


async def test_a_key_is_shown_once_and_ended_with_one_button(any_hall: Hall) -> None:
    hall = any_hall
    kartika = await administrator(hall)
    status, page = await kartika.post("sistem", FORM)
    assert status == 200
    token = re.search(r"nobs_[\w-]{40,}", page)
    assert token
    assert await is_good(hall.house, token[0])
    _, page = await kartika.get("sistem")
    assert token[0] not in page
    assert "Pusat 112" in page
    assert "belum pernah dipakai" in page
    end = re.search(r"sistem/(\d+)/akhiri", page)
    assert end
    assert (await kartika.post(end[0]))[0] == 200
    assert not await is_good(hall.house, token[0])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"nama": "x"}, "2 sampai 60"),
        ({"izin": ""}, ""),
        ({"hari": "900"}, "paling lama 365 hari"),
        ({"wilayah": "99.99"}, ""),
    ],
)
async def test_a_wrong_form_comes_back(hall: Hall, changed: dict[str, str], said: str) -> None:
    kartika = await administrator(hall)
    status, page = await kartika.post("sistem", FORM | changed)
    assert status == 409
    assert 'role="alert"' in page
    assert said in page
    assert "nobs_" not in page


@pytest.mark.parametrize("name", ["Dewi", "Rahmat", "Wayan"])
async def test_nobody_else_has_it(hall: Hall, name: str) -> None:
    visitor = await hall.enter(name)
    assert (await visitor.get("sistem"))[0] == 403
    assert (await visitor.post("sistem", FORM))[0] == 403


async def test_a_kelurahans_administrator_chooses_among_its_own(hall: Hall) -> None:
    _, page = await (await administrator(hall, KELURAHAN)).get("sistem")
    assert re.findall(r'<option value="([\d.]+)"', page) == [KELURAHAN]
