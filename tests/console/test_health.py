"""The health of cameras in the command centre."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from nobs_bot.people.roles import Role, grant
from nobs_bot.storage.audit import Act, lines_about
from nobs_bot.streams.report import Failure
from tests.cameras.test_health import Cameras, connected, live
from tests.cast import DISTRICT, OTHER_KECAMATAN
from tests.console.hall import Hall

HOURS = timedelta(hours=2)


def tiles(page: str) -> list[str]:
    return re.findall(r"<strong>([\d.,– %]+)</strong>", page)


async def test_which_answer_how_much_and_which_are_silent(any_hall: Hall) -> None:
    house, cameras = any_hall.house, Cameras()
    cameras.failing["dead.example"] = Failure.NO_ANSWER
    await connected(house, "well.example")
    await connected(house, "dead.example")
    await live(house, cameras, HOURS, step=timedelta(minutes=10))
    rahmat = await any_hall.enter("Rahmat")
    _, page = await rahmat.get("kesehatan")
    assert tiles(page)[:4] == ["2", "1", "1", "0"]
    assert "<svg" in page
    _, page = await rahmat.get("kesehatan/diam")
    assert "K-1002" in page
    assert "K-1001" not in page
    assert "Sari" not in page
    async with house.office.look() as work:
        acts = [line.act for line in await lines_about(work, house.ids["Sari"])]
    assert acts.count(Act.HEALTH_SEEN) == 1


async def test_the_map_follows_the_pulse(hall: Hall) -> None:
    house, cameras = hall.house, Cameras()
    await connected(house, "cam.example")
    await live(house, cameras, HOURS, step=timedelta(minutes=10))
    rahmat = await hall.enter("Rahmat")
    sheet = await rahmat.json("peta/kamera")
    assert sheet["columns"]["health"] == [1]
    cameras.failing["cam.example"] = Failure.NO_ANSWER
    await live(house, cameras, HOURS, step=timedelta(minutes=10))
    rahmat = await hall.enter("Rahmat")
    later = await rahmat.json("peta/kamera")
    assert later["columns"]["health"] == [2]
    assert later["edition"] != sheet["edition"]


@pytest.mark.parametrize("code", [DISTRICT, OTHER_KECAMATAN, "99"])
async def test_other_areas_are_not_shown(hall: Hall, code: str) -> None:
    rahmat = await hall.enter("Rahmat")
    for path in ("kesehatan", "kesehatan/diam"):
        assert (await rahmat.get(f"{path}?wilayah={code}"))[0] == 403


async def test_an_administrator_sees_no_single_cameras(hall: Hall) -> None:
    async with hall.house.acting("Budi") as (work, budi):
        await grant(work, budi, Role.ADMINISTRATOR, DISTRICT, granted_by=None)
    budi_in = await hall.enter("Budi")
    assert (await budi_in.get("kesehatan"))[0] == 403
    assert (await budi_in.get("kesehatan/diam"))[0] == 403
