"""Addresses in words, asked of a Nominatim of our own over HTTP."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select

from nobs_bot.errors import ExternalError
from nobs_bot.places.areas import Areas
from nobs_bot.places.geocode import AddressLookup, CachedPlaces, look_up, run_lookups
from nobs_bot.places.nominatim import NominatimGeocoder
from nobs_bot.storage.work import Work
from tests.cast import House

ADDRESS = "Jl. Duri Selatan 12"
ANSWER = {"lat": "-6.1534", "lon": "106.7981", "display_name": "Jalan Duri Selatan, Tambora"}


@dataclass
class Nominatim:
    """Answers like Nominatim, as the test tells it to."""

    url: str = ""
    status: int = 200
    places: list[dict[str, str]] = field(default_factory=lambda: [ANSWER])
    asked: list[dict[str, str]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    async def search(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        self.agents.append(request.headers["User-Agent"])
        self.at.append(time.monotonic())
        return web.json_response(self.places, status=self.status)


@pytest.fixture
async def nominatim() -> AsyncIterator[Nominatim]:
    server = Nominatim()
    app = web.Application()
    app.router.add_get("/search", server.search)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
def geocoder(nominatim: Nominatim, areas: Areas) -> NominatimGeocoder:
    return NominatimGeocoder(nominatim.url, "cctv-test", areas.bounds)


class Told:
    """Remembers what people were told."""

    def __init__(self) -> None:
        self.all: list[tuple[int, str, str, Any]] = []

    async def __call__(self, work: Work, row: AddressLookup, query: str, places: Any) -> None:
        self.all.append((row.person_id, row.purpose, query, places))


async def ask(house: House, query: str = ADDRESS, who: str = "Sari") -> None:
    async with house.office.work() as work:
        look_up(work, house.ids[who], "enrol", query)


async def test_an_address_becomes_a_place_and_the_person_is_told(
    house: House, nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    told = Told()
    await ask(house)
    assert await run_lookups(house.office, geocoder, told) == 1
    places = [(ANSWER["display_name"], -6.1534, 106.7981)]
    assert told.all == [(house.ids["Sari"], "enrol", ADDRESS, places)]
    assert await run_lookups(house.office, geocoder, told) == 0
    assert nominatim.agents == ["cctv-test"]
    assert nominatim.asked[0]["q"] == ADDRESS
    assert nominatim.asked[0]["countrycodes"] == "id"
    assert "viewbox" in nominatim.asked[0]


async def test_the_same_address_is_asked_once_whatever_its_case(
    house: House, nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    told = Told()
    for query in (ADDRESS, ADDRESS.upper(), f"  {ADDRESS.replace(' ', '  ')} "):
        await ask(house, query)
        await run_lookups(house.office, geocoder, told)
    assert len(nominatim.asked) == 1
    assert len({str(places) for _, _, _, places in told.all}) == 1
    assert len(told.all) == 3


async def test_what_was_found_long_ago_is_asked_anew(
    house: House, nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    for days in (0, 29, 2):
        house.clock.advance(timedelta(days=days))
        await ask(house)
        await run_lookups(house.office, geocoder, Told())
    assert len(nominatim.asked) == 2


async def test_that_nothing_was_found_is_told_and_remembered(
    house: House, nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    nominatim.places = []
    told = Told()
    for _ in range(2):
        await ask(house)
        await run_lookups(house.office, geocoder, told)
    assert [places for _, _, _, places in told.all] == [[], []]
    assert len(nominatim.asked) == 1


async def test_no_more_than_three_places_are_offered(
    house: House, nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    nominatim.places = [ANSWER] * 9
    assert len(await geocoder.find(ADDRESS)) == 3


async def test_two_requests_are_a_second_apart(
    nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    import asyncio

    await asyncio.gather(geocoder.find("a"), geocoder.find("b"))
    first, second = nominatim.at
    assert second - first >= 1


async def test_a_server_in_trouble_is_asked_again_and_then_the_person_is_told(
    house: House, nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    nominatim.status = 503
    told = Told()
    await ask(house)
    for _ in range(2):
        assert await run_lookups(house.office, geocoder, told) == 1
        assert told.all == []
        assert await run_lookups(house.office, geocoder, told) == 0
        house.clock.advance(timedelta(minutes=1))
    assert await run_lookups(house.office, geocoder, told) == 1
    assert told.all == [(house.ids["Sari"], "enrol", ADDRESS, None)]
    async with house.office.look() as work:
        assert (await work.session.execute(select(AddressLookup))).all() == []
        assert (await work.session.execute(select(CachedPlaces))).all() == []


async def test_a_server_that_comes_back_is_used(
    house: House, nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    nominatim.status = 502
    told = Told()
    await ask(house)
    await run_lookups(house.office, geocoder, told)
    nominatim.status = 200
    house.clock.advance(timedelta(minutes=1))
    await run_lookups(house.office, geocoder, told)
    assert [len(places) for _, _, _, places in told.all] == [1]


async def test_a_server_that_is_away_is_an_external_error(areas: Areas) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = NominatimGeocoder(f"http://127.0.0.1:{port}", "cctv-test", areas.bounds)
    with pytest.raises(ExternalError):
        await away.find(ADDRESS)


async def test_the_address_is_nowhere_readable(
    house: House, nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    await ask(house)
    async with house.office.look() as work:
        [row] = (await work.session.execute(select(AddressLookup))).scalars().all()
        assert b"Duri" not in row.query
    await run_lookups(house.office, geocoder, Told())
    async with house.office.look() as work:
        [kept] = (await work.session.execute(select(CachedPlaces))).scalars().all()
        assert b"Duri" not in kept.places + kept.query_index


async def test_a_look_up_that_was_killed_is_taken_up_again(
    house: House, nominatim: Nominatim, geocoder: NominatimGeocoder
) -> None:
    class Killed:
        async def find(self, query: str) -> list[tuple[str, float, float]]:
            raise KeyboardInterrupt

    await ask(house)
    with pytest.raises(KeyboardInterrupt):
        await run_lookups(house.office, Killed(), Told())
    told = Told()
    assert await run_lookups(house.office, geocoder, told) == 0
    house.clock.advance(timedelta(seconds=60))
    assert await run_lookups(house.office, geocoder, told) == 1
    assert len(told.all) == 1
