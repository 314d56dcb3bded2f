"""The cast in a house of their own: real SQLite, real files, a clock that moves when told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from nobs_bot.cameras import enrolment, review
from nobs_bot.cameras.photos import add_photo
from nobs_bot.cameras.record import Camera, PlaceKind, Width
from nobs_bot.clock import ManualClock
from nobs_bot.footage.look import Looker
from nobs_bot.messaging import outbox
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import Outgoing
from nobs_bot.people.consent import give_consent
from nobs_bot.people.persons import Person, meet, person, set_name
from nobs_bot.people.roles import Role, grant
from nobs_bot.places.areas import Areas, load_areas
from nobs_bot.settings import Settings
from nobs_bot.storage.crypto import Vault, parse_keys
from nobs_bot.storage.engine import Database
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.work import Office, Work
from nobs_bot.streams.children import Children
from nobs_bot.texts import Texts
from tests.databases import administer, fresh, lay_migrated

# Jalan Duri Selatan; the kelurahan that holds it, its kecamatan, the district
SHOP = (-6.1534, 106.7981)
KELURAHAN, KECAMATAN, DISTRICT = "31.73.04.1006", "31.73.04", "31.73"
OTHER_KECAMATAN = "31.73.01"
SEATED = "test_seated"
# Monday, 16 November 2026, 10.00 WIB
MONDAY = datetime(2026, 11, 16, 3, tzinfo=UTC)
KEYS = parse_keys("1:" + "QUJD" * 10 + "QUI=")
ROLES = {
    "Wayan": (Role.FIELD_OFFICER, KECAMATAN),
    "Dewi": (Role.REVIEWER, KECAMATAN),
    "Rahmat": (Role.INVESTIGATOR, KECAMATAN),
    "Kartika": (Role.SUPERVISOR, DISTRICT),
}
CAST = ("Sari", "Budi", "Wayan", "Dewi", "Rahmat", "Kartika", "Citra")


@dataclass
class House:
    """An office with everyone in it."""

    office: Office
    clock: ManualClock
    areas: Areas
    files: FileStore
    looker: Looker
    ids: dict[str, int] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1))

    @asynccontextmanager
    async def acting(self, name: str) -> AsyncIterator[tuple[Work, Person]]:
        """A transaction in which one of the cast acts."""
        async with self.office.work() as work:
            yield work, await person(work, self.ids[name])

    async def seat(self) -> None:
        """Make everyone's acquaintance and give the officers their roles."""
        async with self.office.work() as work:
            for number, name in enumerate(CAST, start=1):
                who = meet(work, 710_000_000 + number, None)
                set_name(work, who, name)
                self.ids[name] = who.id
                await work.session.flush()
                if name in ROLES:
                    await grant(work, who, *ROLES[name], granted_by=None)

    async def draft(
        self,
        owner: str = "Sari",
        *,
        at: tuple[float, float] = SHOP,
        heading_deg: float | None = 135.0,
        width: Width = Width.NORMAL,
        range_m: float = 20.0,
        retention_days: int = 14,
    ) -> int:
        """A whole enrolment that was not sent yet; returns the camera's id."""
        async with self.acting(owner) as (work, who):
            await give_consent(work, who)
            camera = await enrolment.begin(work, who)
            enrolment.set_place_kind(work, camera, PlaceKind.SHOP)
            enrolment.set_contact_name(work, camera, who, f"Ibu {owner}")
            enrolment.set_contact_phone(work, camera, who, "0812 5550 101", verified=False)
            enrolment.set_location(work, camera, self.areas, *at)
            await add_photo(work, camera, f"file-{next(self._numbers)}", "unique")
            enrolment.set_heading(work, camera, heading_deg)
            enrolment.set_width(work, camera, width)
            enrolment.set_range(work, camera, range_m)
            enrolment.set_indoors(work, camera, False)
            enrolment.set_retention(work, camera, retention_days)
            camera.sharing_chosen = True
            return camera.id

    async def waiting(self, owner: str = "Sari", **about: Any) -> int:
        """A camera in the queue."""
        camera_id = await self.draft(owner, **about)
        async with self.acting(owner) as (work, who):
            await enrolment.submit(work, await self.camera(work, camera_id), who)
        return camera_id

    async def approved(self, owner: str = "Sari", **about: Any) -> int:
        """A camera that takes part; nobody of the cast has looked at it."""
        camera_id = await self.waiting(owner, **about)
        async with self.office.work() as work:
            camera = await self.camera(work, camera_id)
            camera.state, camera.decided_at = review.State.APPROVED, work.now
        return camera_id

    @staticmethod
    async def camera(work: Work, camera_id: int) -> Camera:
        """The camera of this id."""
        camera = await work.session.get(Camera, camera_id)
        assert camera is not None
        return camera

    async def told(self, name: str) -> list[str]:
        """What was put into the outbox for one of the cast, the oldest first."""
        return [message.text for message in await self.messages(name)]

    async def messages(self, name: str) -> list[Message]:
        """The same, with buttons and pictures."""
        chat_id = 710_000_001 + CAST.index(name)
        async with self.office.look() as work:
            query = (
                select(Outgoing)
                .where(Outgoing.chat_id == chat_id, Outgoing.payload.is_not(None))
                .order_by(Outgoing.number)
            )
            rows = (await work.session.execute(query)).scalars().all()
            return [outbox.read(work, row) for row in rows]


def settings_in(folder: Path, **more: Any) -> Settings:
    """Settings that nothing of the environment touches."""
    return Settings(_env_file=None, data_dir=folder, **more)


@pytest.fixture(scope="session")
def areas() -> Areas:
    """West Jakarta."""
    return load_areas("Polres Metro Jakarta Barat")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at the newest revision, made once and copied for every test."""
    path = tmp_path_factory.mktemp("migrated") / "nobs.sqlite3"

    asyncio.run(lay_migrated(path))
    return path


@asynccontextmanager
async def house_on(
    url: str, folder: Path, areas: Areas, seated: dict[str, int] | None = None
) -> AsyncIterator[House]:
    """The cast in a migrated database; *seated* are the ids where they have their seats in it."""
    settings = settings_in(folder)
    clock, vault = ManualClock(MONDAY), Vault(KEYS)
    database = Database(url)
    office = Office(database, vault, clock, Texts(settings.zone), settings)
    files, children = FileStore((folder / "files").as_uri(), vault), Children()
    house = House(office, clock, areas, files, Looker(children, files), dict(seated or {}))
    if not seated:
        await house.seat()
    try:
        yield house
    finally:
        await children.close()
        await database.close()


@dataclass(frozen=True)
class Seated:
    """A database in which the cast have their seats, made once and copied for every test."""

    name: str
    ids: dict[str, int]


async def seat(url: str, folder: Path, areas: Areas) -> dict[str, int]:
    """Give the cast their seats in a migrated database; their ids."""
    async with house_on(url, folder, areas) as house:
        return house.ids


@pytest.fixture(scope="session")
def seated(migrated: Path, areas: Areas, tmp_path_factory: pytest.TempPathFactory) -> Seated:
    """An SQLite file with the cast in it."""
    path = tmp_path_factory.mktemp("seated") / "nobs.sqlite3"
    shutil.copyfile(migrated, path)
    return Seated(str(path), asyncio.run(seat(f"sqlite:///{path}", path.parent, areas)))


@pytest.fixture(scope="session")
def seated_template(
    postgres: Any, template: str, areas: Areas, tmp_path_factory: pytest.TempPathFactory
) -> Seated:
    """A PostgreSQL database with the cast in it."""
    administer(postgres, f"CREATE DATABASE {SEATED} TEMPLATE {template} STRATEGY FILE_COPY")
    folder = tmp_path_factory.mktemp("seated")
    return Seated(SEATED, asyncio.run(seat(postgres.get_uri(SEATED), folder, areas)))


@pytest.fixture
async def house(seated: Seated, tmp_path: Path, areas: Areas) -> AsyncIterator[House]:
    """The cast on SQLite."""
    copy = tmp_path / "nobs.sqlite3"
    shutil.copyfile(seated.name, copy)
    async with house_on(f"sqlite:///{copy}", tmp_path, areas, seated.ids) as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def seated_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """As `migrated_url`, with the cast in it."""
    if request.param == "sqlite":
        yield None
        return
    like = request.getfixturevalue("seated_template")
    with fresh(request.getfixturevalue("postgres"), like.name) as url:
        yield url


@pytest.fixture
async def any_house(
    seated_url: str | None,
    seated: Seated,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    areas: Areas,
) -> AsyncIterator[House]:
    """The cast on SQLite, and once more on PostgreSQL."""
    copy = tmp_path / "nobs.sqlite3"
    if seated_url is None:
        shutil.copyfile(seated.name, copy)
    else:
        seated = request.getfixturevalue("seated_template")
    async with house_on(seated_url or f"sqlite:///{copy}", tmp_path, areas, seated.ids) as made:
        yield made


@pytest.fixture
def office(house: House) -> Office:
    """The cast's office."""
    return house.office
