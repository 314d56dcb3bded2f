"""The programme's progress in the command centre."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from nobs_bot.app import COUNTINGS
from nobs_bot.cameras.growth import growth
from nobs_bot.cameras.progress import progress
from nobs_bot.cameras.record import cameras_in_all
from nobs_bot.console.plots import Line, bar_plot, line_plot, nice_ceiling
from nobs_bot.people.roles import Role, grant
from nobs_bot.storage import tallies
from nobs_bot.storage.tallies import Tallier
from tests.cast import DISTRICT, KELURAHAN, OTHER_KECAMATAN, House
from tests.console.hall import Hall

FAR = (-6.1475, 106.7305)


def tiles(page: str) -> list[str]:
    return re.findall(r"<strong>([\d.,]+)</strong>", page)


async def test_numbers_of_the_own_areas_and_no_others(any_hall: Hall) -> None:
    house = any_hall.house
    await house.approved()
    await house.waiting()
    await house.approved("Budi", at=FAR)
    dewi, kartika = await any_hall.enter("Dewi"), await any_hall.enter("Kartika")
    _, page = await dewi.get("kemajuan")
    assert tiles(page) == ["2", "2", "1", "0", "0"]
    assert "Jembatan Besi" in page
    _, page = await kartika.get("kemajuan")
    assert tiles(page) == ["3", "3", "2", "0", "0"]
    _, page = await kartika.get(f"kemajuan?wilayah={OTHER_KECAMATAN}")
    assert tiles(page) == ["1", "1", "1", "0", "0"]
    for code in (OTHER_KECAMATAN, DISTRICT, "99", "31.73.0"):
        assert (await dewi.get(f"kemajuan?wilayah={code}"))[0] == 403, code
    _, table = await dewi.get("kemajuan/tabel.csv")
    assert "Jembatan Besi, Tambora;2;" in table
    assert "Cengkareng" not in table


async def test_a_large_register_says_as_of_when(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = hall.house
    await house.approved()
    kartika = await hall.enter("Kartika")
    pages = ("kemajuan", "kesehatan")
    assert not any(["Angka per" in (await kartika.get(page))[1] for page in pages])
    monkeypatch.setattr(tallies, "LIVE_UP_TO", 0)
    await Tallier(house.office, cameras_in_all, COUNTINGS).count_due()
    await house.approved()
    for page in pages:
        assert "Angka per Senin" in (await kartika.get(page))[1]
    assert tiles((await kartika.get("kemajuan"))[1])[0] == "1"


async def test_several_areas_stand_side_by_side(hall: Hall) -> None:
    async with hall.house.acting("Dewi") as (work, dewi):
        await grant(work, dewi, Role.REVIEWER, OTHER_KECAMATAN, granted_by=None)
    dewi_in = await hall.enter("Dewi")
    _, page = await dewi_in.get("kemajuan")
    assert "Cengkareng" in page
    assert "Tambora" in page
    _, page = await dewi_in.get(f"kemajuan?wilayah={OTHER_KECAMATAN}")
    assert 'href="/konsol/kemajuan"' in page, "back to all of them"


async def test_a_supervisor_sets_targets(any_hall: Hall) -> None:
    kartika, dewi = await any_hall.enter("Kartika"), await any_hall.enter("Dewi")
    form = {"tabel": "kelurahan;target;penduduk\nJembatan Besi;4;35.210"}
    assert (await dewi.post("kemajuan/target", form))[0] == 403
    status, page = await kartika.post("kemajuan/target", form)
    assert (status, "Target 1 kelurahan disimpan" in page) == (200, True)
    status, page = await kartika.post("kemajuan/target", {"tabel": "kelurahan;target\nAtlantis;3"})
    assert (status, "Atlantis" in page) == (409, True)
    async with any_hall.house.office.look() as work:
        counts = await progress(work, any_hall.house.areas)
    assert (counts[KELURAHAN].target, counts[KELURAHAN].residents) == (4, 35_210)


async def test_growth_is_counted_to_the_end_of_each_week(any_house: House) -> None:
    house = any_house
    await house.approved()
    house.clock.advance(timedelta(weeks=2))
    await house.approved()
    await house.waiting("Budi")
    async with house.office.look() as work:
        weeks = await growth(work, [DISTRICT], weeks=4)
        assert await growth(work, [OTHER_KECAMATAN], weeks=1) != []
        assert (await growth(work, [OTHER_KECAMATAN], weeks=1))[0].approved == 0
        assert await growth(work, []) == []
    assert [(each.consented, each.approved) for each in weeks] == [(0, 0), (1, 1), (1, 1), (3, 2)]
    assert all(each.monday.weekday() == 0 for each in weeks)


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 4), (3, 4), (5, 5), (6, 10), (11, 20), (39, 40), (41, 50), (19_942, 20_000)],
)
def test_an_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert nice_ceiling(value) == top


def test_plots_escape_what_people_wrote_and_stay_inside() -> None:
    plot = bar_plot('A "title"', [("<b>Roa</b>", [("recorded", 10.0), ("approved", 4.0)])])
    assert "<b>" not in plot
    assert "&quot;title&quot;" in plot
    lines = [Line("approved", "", [0, 5, 10])]
    plot = line_plot("Growth", ["a", "b", "c"], lines)
    [points] = re.findall(r'points="([^"]+)"', plot)
    assert points == "52.0,212.0 340.0,112.0 628.0,12.0"
    assert "style=" not in plot
    line_plot("Nothing", [], [Line("approved", "", [])])
