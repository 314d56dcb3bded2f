"""Hotspots: entered where one supervises, counted in their hours, ended and taken back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nobs_bot.coverage import hotspots
from nobs_bot.coverage.hotspots import HotspotKind, Hours, Spot, read_days, read_hours, read_table
from nobs_bot.errors import Refusal
from nobs_bot.people.roles import Role, grant
from tests.cast import KECAMATAN, OTHER_KECAMATAN, SHOP, House

BRAWL = Spot(HotspotKind.BRAWL, *SHOP, 150.0, Hours(21 * 60, 3 * 60), weight=5)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("21.00-03.00", Hours(1260, 180)),
        ("21:30 – 04:15", Hours(1290, 255)),
        ("7 sampai 9", Hours(420, 540)),
        ("18.00 s.d. 24.00", Hours(1080, 0)),
        ("0-24", Hours()),
        ("9-9", Hours()),
    ],
)
def test_hours_as_people_type_them(text: str, hours: Hours) -> None:
    assert read_hours(text) == hours


@pytest.mark.parametrize("text", ["", "malam", "25-3", "21.60-3", "21", "21.00-", "-3", "1-2-3"])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"hotspot\.hours\.unclear"):
        read_hours(text)


@pytest.mark.parametrize(
    ("hours", "share"),
    [
        (Hours(), 0.5),
        (Hours(1260, 180), 1.0),
        (Hours(480, 720), 0.0),
        (Hours(17 * 60, 19 * 60), 0.5),
        (Hours(4 * 60, 8 * 60), 0.5),
    ],
)
def test_how_much_of_the_hours_is_dark(hours: Hours, share: float) -> None:
    assert hours.night_share == pytest.approx(share)


@given(st.integers(0, 1439), st.integers(0, 1439))
def test_the_dark_share_of_hours_and_of_the_rest_make_up_the_night(first: int, last: int) -> None:
    if first == last:
        return
    length, rest = (last - first) % 1440, (first - last) % 1440
    dark = Hours(first, last).night_share * length + Hours(last, first).night_share * rest
    assert dark == pytest.approx(720, abs=15)


def test_a_table_is_read_with_commas_and_semicolons() -> None:
    text = "kind,lat,lon,radius_m,hours,days,weight,until\n"
    text += "brawl,-6.1534,106.7981,150,21.00-03.00,67,5,2027-06-30\nrobbery,-6.15,106.79,80,,,,\n"
    brawl, robbery = read_table(text)
    assert brawl == Spot(
        HotspotKind.BRAWL,
        -6.1534,
        106.7981,
        150,
        Hours(1260, 180),
        0b110_0000,
        5,
        date(2027, 6, 30),
    )
    assert robbery == Spot(HotspotKind.ROBBERY, -6.15, 106.79, 80)
    indonesian = text.replace(",", ";").replace("-6.1534", "-6,1534")
    assert read_table("\ufeff" + indonesian)[0] == brawl


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("party,-6.15,106.79,80,,,,", "kind"),
        ("brawl,x,106.79,80,,,,", "lat"),
        ("brawl,-6.15,106.79,5000,,,,", "radius_m"),
        ("brawl,-6.15,106.79,nan,,,,", "radius_m"),
        ("brawl,-6.15,106.79,80,late,,,", "hours"),
        ("brawl,-6.15,106.79,80,,8,,", "days"),
        ("brawl,-6.15,106.79,80,,,6,", "weight"),
        ("brawl,-6.15,106.79,80,,,,soon", "until"),
    ],
)
def test_a_wrong_line_is_named(line: str, column: str) -> None:
    head = "kind,lat,lon,radius_m,hours,days,weight,until\nbrawl,-6.15,106.79,80,,,,\n"
    with pytest.raises(Refusal) as caught:
        read_table(head + line)
    assert caught.value.params["line"] == 3
    assert caught.value.params["column"] == column


@pytest.mark.parametrize("text", ["", "a,b\n1,2", 'kind,lat,lon,radius_m\n"brawl'])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        read_table(text)


def test_days_by_their_numbers() -> None:
    assert read_days("1") == 1
    assert read_days("7777") == 64
    assert read_days("1234567") == hotspots.EVERY_DAY


async def test_a_supervisor_enters_and_ends_and_takes_back(any_house: House) -> None:
    async with any_house.acting("Kartika") as (work, kartika):
        entered = await hotspots.enter(work, kartika, any_house.areas, BRAWL)
        assert entered.name == "H-1001"
    for act, counted in ((hotspots.end, 0), (hotspots.begin_again, 1)):
        async with any_house.acting("Kartika") as (work, kartika):
            await act(work, entered.id, kartika)
        async with any_house.office.look() as work:
            assert len(await hotspots.current(work)) == counted


async def test_it_counts_until_its_last_day(house: House) -> None:
    today = house.clock.now().date()
    async with house.acting("Kartika") as (work, kartika):
        spot = Spot(HotspotKind.DRUGS, *SHOP, 100, until=today + timedelta(days=1))
        await hotspots.enter(work, kartika, house.areas, spot)
    house.clock.advance(timedelta(days=1))
    async with house.office.look() as work:
        assert await hotspots.current(work)
    house.clock.advance(timedelta(days=1))
    async with house.office.look() as work:
        assert not await hotspots.current(work)


@pytest.mark.parametrize("who", ["Wayan", "Dewi", "Rahmat", "Sari", "Citra"])
async def test_nobody_else_enters_or_ends_one(house: House, who: str) -> None:
    async with house.acting("Kartika") as (work, kartika):
        entered = await hotspots.enter(work, kartika, house.areas, BRAWL)
    for act in (
        lambda work, person: hotspots.enter(work, person, house.areas, BRAWL),
        lambda work, person: hotspots.end(work, entered.id, person),
        lambda work, person: hotspots.begin_again(work, entered.id, person),
    ):
        async with house.acting(who) as (work, person):
            with pytest.raises(Refusal, match=r"roles\.not_here"):
                await act(work, person)


async def test_only_officers_of_the_area_see_it(house: House) -> None:
    async with house.acting("Kartika") as (work, kartika):
        entered = await hotspots.enter(work, kartika, house.areas, BRAWL)
    async with house.acting("Wayan") as (work, wayan):
        assert await hotspots.known_areas(work, wayan) == [KECAMATAN]
        assert (await hotspots.hotspot_for(work, entered.id, wayan)).id == entered.id
    async with house.acting("Citra") as (work, citra):
        with pytest.raises(Refusal, match=r"roles\.needed"):
            await hotspots.hotspot_for(work, entered.id, citra)
        await grant(work, citra, Role.FIELD_OFFICER, OTHER_KECAMATAN, granted_by=None)
        with pytest.raises(Refusal, match=r"roles\.not_here"):
            await hotspots.hotspot_for(work, entered.id, citra)
        assert not await hotspots.current(work, await hotspots.known_areas(work, citra))


async def test_a_table_is_kept_whole_or_not_at_all(house: House) -> None:
    elsewhere = Spot(HotspotKind.DRUGS, -6.9, 107.6, 100)
    async with house.acting("Kartika") as (work, kartika):
        with pytest.raises(Refusal) as caught:
            await hotspots.enter_all(work, kartika, house.areas, [BRAWL, elsewhere])
        assert caught.value.params["line"] == 3
        await work.session.rollback()
    async with house.office.look() as work:
        assert not await hotspots.current(work)


async def test_one_that_is_over_already_is_refused(house: House) -> None:
    over = Spot(HotspotKind.DRUGS, *SHOP, 100, until=date(2020, 1, 1))
    async with house.acting("Kartika") as (work, kartika):
        with pytest.raises(Refusal, match=r"hotspot\.until\.past"):
            await hotspots.enter(work, kartika, house.areas, over)
