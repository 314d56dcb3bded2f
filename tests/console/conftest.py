"""A site of our own with an owner who was asked, for each test of the upload page."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from nobs_bot.cameras import rights
from nobs_bot.console.site import Site
from nobs_bot.console.upload_page import address_of
from nobs_bot.footage import answers
from nobs_bot.footage.clips import fetch_clips, wanted_files
from nobs_bot.footage.links import make_link
from nobs_bot.footage.request import Ask, Clip, FootageRequest, Outcome
from nobs_bot.footage.upload import Upload, UploadPart
from nobs_bot.storage.doomed import remove_doomed
from nobs_bot.storage.work import Office
from tests.cameras.test_photos import Telegram
from tests.cast import House
from tests.console.hall import Hall, hall_in
from tests.footage.requests import send


@dataclass
class Browser:
    """A browser without a screen: it follows the links and keeps the cookies."""

    session: aiohttp.ClientSession

    async def look(self, address: str) -> tuple[int, str]:
        async with self.session.get(address) as answer:
            return answer.status, await answer.text()

    async def press(self, address: str, **form: str) -> tuple[int, str, str]:
        """The status, the page, and the address where that led."""
        async with self.session.post(address, data=form) as answer:
            return answer.status, await answer.text(), str(answer.url)

    def cookies(self) -> dict[str, str]:
        return {each.key: each.value for each in self.session.cookie_jar}


@dataclass
class Counter:
    """The site, the owner's ask, and everything a test does with them."""

    house: House
    office: Office
    port: int
    request_id: int
    camera_id: int
    ask_id: int = 0
    site: Site | None = None
    sessions: list[aiohttp.ClientSession] = field(default_factory=list)

    async def start(self) -> None:
        self.site = Site(self.office, _nobody, "secret", self.house.files)
        await self.site.start("127.0.0.1", self.port)

    async def stop(self) -> None:
        assert self.site is not None
        await self.site.stop()

    def cut_lines(self) -> None:
        """Every connection breaks, as when a phone leaves its network."""
        assert self.site is not None
        assert self.site._runner is not None
        assert self.site._runner.server is not None
        for connection in self.site._runner.server.connections:
            assert connection.transport is not None
            connection.transport.abort()

    async def link(self, name: str = "Sari") -> str:
        """The address of a new link."""
        async with self.house.acting(name) as (work, who):
            _, token = await make_link(work, self.ask_id, who)
        assert self.office.settings.pages is not None
        return address_of(self.office.settings.pages, token)

    def browser(self) -> Browser:
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.sessions.append(session)
        return Browser(session)

    async def enter(self) -> tuple[str, dict[str, str]]:
        """A new link opened: the address of its files, and the headers that let one in."""
        browser = self.browser()
        status, page, where = await browser.press(await self.link())
        assert status == 200, page
        [(name, value)] = browser.cookies().items()
        return where + "berkas/", {"Cookie": f"{name}={value}", "Tus-Resumable": "1.0.0"}

    async def uploads(self) -> list[Upload]:
        async with self.office.look() as work:
            return list((await work.session.execute(select(Upload).order_by(Upload.id))).scalars())

    async def parts(self) -> list[UploadPart]:
        async with self.office.look() as work:
            query = select(UploadPart).order_by(UploadPart.upload_id, UploadPart.start_byte)
            return list((await work.session.execute(query)).scalars())

    async def clips(self) -> list[Clip]:
        async with self.office.look() as work:
            return list((await work.session.execute(select(Clip).order_by(Clip.id))).scalars())

    async def fetched(self) -> list[Clip]:
        """The clips after the workers have had their turn."""
        while await fetch_clips(self.office, self.house.files, Telegram(), self.house.looker):
            pass
        await self.removed()
        return await self.clips()

    async def removed(self) -> None:
        while await remove_doomed(self.office, self.house.files, wanted_files):
            pass

    async def close_request(self) -> None:
        async with self.house.acting("Rahmat") as (work, rahmat):
            request = await work.session.get(FootageRequest, self.request_id)
            assert request is not None
            await answers.close(work, request, rahmat, Outcome.NOT_NEEDED)

    async def withdraw_camera(self) -> None:
        async with self.house.acting("Sari") as (work, sari):
            await rights.withdraw(work, await self.house.camera(work, self.camera_id), sari)
            await answers.let_go(work, [self.camera_id])


async def _nobody(updates: list[dict[str, Any]]) -> None:
    raise AssertionError("no updates come here")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def counter_in(house: House) -> Counter:
    """Sari's camera was asked for; the site listens."""
    port = free_port()
    settings = house.office.settings.model_copy(update={"console_url": f"http://127.0.0.1:{port}"})
    office = replace(house.office, settings=settings)
    house.office = office
    camera_id = await house.approved()
    counter = Counter(house, office, port, await send(house), camera_id)
    async with office.look() as work:
        counter.ask_id = (await work.session.execute(select(Ask.id))).scalar_one()
    await counter.start()
    return counter


@pytest.fixture
async def counter(house: House) -> AsyncIterator[Counter]:
    made = await counter_in(house)
    yield made
    await made.stop()
    for session in made.sessions:
        await session.close()


@pytest.fixture
async def any_counter(any_house: House) -> AsyncIterator[Counter]:
    """On SQLite, and once more on PostgreSQL."""
    made = await counter_in(any_house)
    yield made
    await made.stop()
    for session in made.sessions:
        await session.close()


def code_in(text: str) -> str:
    """The code of a message to the owner."""
    found = re.search(r"<code>(\d{6})</code>", text)
    assert found, text
    return found.group(1)


@pytest.fixture
async def hall(house: House) -> AsyncIterator[Hall]:
    """The command centre, open."""
    async with hall_in(house) as made:
        yield made


@pytest.fixture
async def any_hall(any_house: House) -> AsyncIterator[Hall]:
    """On SQLite, and once more on PostgreSQL."""
    async with hall_in(any_house) as made:
        yield made
