"""The command centre with the cast in front of it, for each test of its pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from handlers.menu import menu_for
from nobs_bot.console.centre import Centre
from nobs_bot.console.entry import address_of
from nobs_bot.console.opening import Means, command_centre
from nobs_bot.console.site import Site
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.gallery import Gallery
from nobs_bot.coverage.surveyor import Surveyor
from nobs_bot.people.sessions import make_link
from nobs_bot.streams.check import StreamChecker
from nobs_bot.streams.children import Children
from nobs_bot.streams.live import LiveStreams
from tests.cast import House
from tests.installation import free_port

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36"


@dataclass
class Visitor:
    """A browser without a screen; it follows where it is led and keeps its cookies."""

    session: aiohttp.ClientSession
    root: str
    csrf: str = ""

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.session.get(f"{self.root}/{path}", headers=headers) as answer:
            return answer.status, await answer.text()

    async def post(
        self, path: str, form: dict[str, Any] | None = None, **headers: str
    ) -> tuple[int, str]:
        body = {"csrf": self.csrf, **(form or {})}
        async with self.session.post(f"{self.root}/{path}", data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def ask(self, method: str, path: str) -> tuple[int, str]:
        return await (self.get(path) if method == "GET" else self.post(path))

    async def json(self, path: str) -> Any:
        headers = {"Accept": "application/json"}
        async with self.session.get(f"{self.root}/{path}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


@dataclass
class Hall:
    """The centre, open for visitors."""

    house: House
    centre: Centre
    site: Site
    port: int
    sessions: list[aiohttp.ClientSession] = field(default_factory=list)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}/konsol"

    async def link(self, name: str) -> str:
        async with self.house.acting(name) as (work, who):
            token = await make_link(work, who)
        return address_of(f"http://127.0.0.1:{self.port}", token)

    def stranger(self, agent: str = AGENT) -> Visitor:
        jar = aiohttp.CookieJar(unsafe=True)
        session = aiohttp.ClientSession(cookie_jar=jar, headers={"User-Agent": agent})
        self.sessions.append(session)
        return Visitor(session, self.root)

    async def enter(self, name: str, agent: str = AGENT) -> Visitor:
        """One of the cast, signed in."""
        visitor, address = self.stranger(agent), await self.link(name)
        async with visitor.session.post(address) as answer:
            assert answer.status == 200, await answer.text()
            visitor.csrf = csrf_in(await answer.text())
        return visitor


def csrf_in(page: str) -> str:
    found = re.search(r'data-csrf="([0-9a-f]{64})"', page)
    assert found, page
    return found.group(1)


async def _nobody(updates: list[dict[str, Any]]) -> None:
    raise AssertionError("no updates come here")


@asynccontextmanager
async def hall_in(house: House, live: LiveStreams | None = None) -> AsyncIterator[Hall]:
    """The centre of a house, listening; its live pictures come from *live*."""
    streams = live or LiveStreams(StreamChecker())
    port = free_port()
    pages = f"http://127.0.0.1:{port}"
    settings = house.office.settings.model_copy(update={"console_url": pages})
    house.office = replace(house.office, settings=settings)
    children = Children()
    surveyor = Surveyor(children, "Polres Metro Jakarta Barat", house.office.settings.data_dir)
    base = BaseMap(house.areas)
    gallery = Gallery(base, house.files)
    means = Means(
        office=house.office,
        files=house.files,
        areas=house.areas,
        base=base,
        gallery=gallery,
        surveyor=surveyor,
        live=streams,
        geocoder=None,
        bot_name="nobs_bot",
        menu_for=menu_for,
    )
    centre = command_centre(means, pages)
    site = Site(house.office, _nobody, "secret", house.files, centre=centre)
    await site.start("127.0.0.1", port)
    hall = Hall(house, centre, site, port)
    try:
        yield hall
    finally:
        for session in hall.sessions:
            await session.close()
        await site.stop()
        await surveyor.close()
        await children.close()
