"""From SQLite to PostgreSQL: every column of every row, also when it is killed in the middle."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Integer,
    LargeBinary,
    Table,
    create_engine,
    insert,
    select,
    text,
)
from sqlalchemy.pool import NullPool

from nobs_bot.errors import CannotStart
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import enqueue
from nobs_bot.moving import move as move_module
from nobs_bot.moving import rows as moved_rows
from nobs_bot.moving.move import MARK, move
from nobs_bot.schema import metadata
from nobs_bot.serving import prepared
from nobs_bot.settings import Settings
from nobs_bot.storage.base import Instant, new_id
from nobs_bot.storage.engine import async_url
from tests.backup.conftest import KEYS_TEXT, Said
from tests.cast import House, settings_in
from tests.databases import fresh

pytestmark = pytest.mark.postgres
ROOT = Path(__file__).parents[2]


@pytest.fixture
def target(postgres: Any) -> Iterator[str]:
    """An empty PostgreSQL database."""
    with fresh(postgres) as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path, secret_keys=KEYS_TEXT)


def value_of(column: Any, number: int) -> Any:
    """A value that a careless copy would bend; every third one is absent where it may be."""
    kind = column.type
    if column.nullable and number % 3 == 0:
        return None
    if isinstance(kind, Instant | DateTime):
        return datetime(2026, 11, 16, 23, 59, 59, 999_999 - number, tzinfo=UTC)
    if isinstance(kind, Enum):
        return list(kind.enum_class)[number % len(kind.enum_class)]
    if isinstance(kind, JSON):
        return [None, {"b": 1.5, "a": ["é", None, "😀"]}, [], {"nil": None}][number % 4]
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, Date):
        return date(2024, 2, 29) + timedelta(days=number)
    if isinstance(kind, Double):
        return [-6.153400000000001, 0.1 + 0.2, 5e-324, 1.7976931348623157e308][number % 4]
    if isinstance(kind, LargeBinary):
        return bytes(range(256)) + number.to_bytes(4, "big")
    if isinstance(kind, Integer):
        return 7 + number
    return f"Ibu Sari 'quoted' \\ \n é 😀 ẞ Z{number}"


def fill(path: Path, each: int) -> None:
    """Rows of odd values in every table, whatever they mean; checks of meaning are switched off."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints=ON")
        made: dict[str, list[int]] = {}
        for table in metadata().sorted_tables:
            rows = [row_of(table, number, made) for number in range(each)]
            connection.execute(insert(table), rows)
            if "id" in table.c:
                made[table.name] = [row["id"] for row in rows]
        connection.commit()
        # JSON's null is not the same as no value, and both are there
        connection.exec_driver_sql(
            "UPDATE camera_checks SET report = NULL"
            " WHERE id = (SELECT max(id) FROM camera_checks WHERE report = 'null')"
        )
        connection.commit()


def row_of(table: Table, number: int, made: dict[str, list[int]]) -> dict[str, Any]:
    row = {column.name: value_of(column, number) for column in table.c}
    for column in table.c:
        if column.foreign_keys:
            goal = next(iter(column.foreign_keys)).column.table.name
            row[column.name] = made[goal][number]
        elif column.name == "id":
            row["id"] = new_id()
    return row


def rows_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, read in the ordinary way and so apart from how the move reads them."""
    address = async_url(url)
    if address.get_backend_name() == "sqlite":
        address = address.set(drivername="sqlite")
    with create_engine(address, poolclass=NullPool).connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata().sorted_tables
        }


async def test_odd_values_of_every_table_come_over_as_they_are(
    house: House, settings: Settings, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.office.database.close()
    fill(tmp_path / "nobs.sqlite3", each=13)
    monkeypatch.setattr(moved_rows, "BATCH", 4)
    before = rows_of(settings.database)
    with without_checks(target):
        said = Said()
        assert await move(settings, target, console=said) == 0, said.text
    assert rows_of(target) == before
    assert sum(map(len, before.values())) > 13 * len(before)
    with (
        create_engine(async_url(target), poolclass=NullPool).connect() as connection,
        closing(sqlite3.connect(tmp_path / "nobs.sqlite3")) as lite,
    ):
        for condition in ("report IS NULL", "CAST(report AS TEXT) = 'null'"):
            query = f"SELECT count(*) FROM camera_checks WHERE {condition}"
            wanted = lite.execute(query).fetchone()[0]
            assert connection.execute(text(query)).scalar() == wanted > 0


class without_checks:  # noqa: N801 - reads as a function
    """Drops the checks of meaning as soon as there are tables, for values that mean nothing."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        from nobs_bot.moving import move as module

        self._upgrade = module._upgrade

        async def upgrade_and_drop(url: Any) -> None:
            await self._upgrade(url)
            with create_engine(async_url(self._url), poolclass=NullPool).begin() as connection:
                named = connection.execute(
                    text(
                        "SELECT conrelid::regclass::text, conname FROM pg_constraint"
                        " WHERE contype = 'c'"
                        " AND connamespace = 'public'::regnamespace"
                    )
                ).all()
                for table, name in named:
                    connection.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'))

        module._upgrade = upgrade_and_drop

    def __exit__(self, *_: object) -> None:
        from nobs_bot.moving import move as module

        module._upgrade = self._upgrade


async def test_the_bot_goes_on_from_what_came_over(
    house: House, settings: Settings, target: str, tmp_path: Path
) -> None:
    await house.waiting("Sari")
    await house.approved("Budi")
    async with house.office.work() as work:
        for number in range(3):
            await enqueue(work, number, Message(text="before"), f"before {number}")
    await house.office.database.close()
    said = Said()
    assert await move(settings, target, console=said) == 0, said.text
    assert "DATABASE_URL=postgresql://" in said.text
    there = await prepared(settings_in(tmp_path, secret_keys=KEYS_TEXT, database_url=target))
    with create_engine(async_url(target), poolclass=NullPool).connect() as connection:
        last = connection.execute(text("SELECT max(number) FROM outbox")).scalar()
    async with there.office.work() as work:
        await enqueue(work, 1, Message(text="after the move"), "after the move")
    with create_engine(async_url(target), poolclass=NullPool).connect() as connection:
        now = connection.execute(text("SELECT max(number) FROM outbox")).scalar()
        assert not connection.execute(text(f"SELECT to_regclass('{MARK}')")).scalar()
    assert now > last >= 3
    await there.database.close()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from nobs_bot.moving import copying, move, rows
from nobs_bot.settings import Settings

folder, target, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
rows.BATCH = 4
copy = copying._copy

def dying(connection, table, given):
    global left
    left -= 1
    copy(connection, table, given)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

copying._copy = dying
asyncio.run(move.move(Settings(_env_file=None, data_dir=Path(folder)), target))
"""


async def test_killed_in_the_middle_it_goes_on_where_it_was(
    house: House, settings: Settings, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner in ("Sari", "Budi", "Citra"):
        for _ in range(3):
            await house.waiting(owner)
    await house.office.database.close()
    for after in (1, 5, 12):
        run = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", KILLED, str(tmp_path), target, str(after)],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert run.returncode == -signal.SIGKILL, run.stdout.decode() + run.stderr.decode()
    with pytest.raises(CannotStart, match="being moved"):
        await prepared(settings_in(tmp_path, secret_keys=KEYS_TEXT, database_url=target))
    said = Said()
    assert await move(settings, target, console=said) == 0, said.text
    assert rows_of(target) == rows_of(settings.database)


async def test_what_changed_since_it_began_is_noticed(
    house: House, settings: Settings, target: str, tmp_path: Path
) -> None:
    await house.waiting("Sari")
    await house.office.database.close()
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, str(tmp_path), target, "9"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    with sqlite3.connect(tmp_path / "nobs.sqlite3") as connection:
        connection.execute("UPDATE audit_lines SET at = '2020-01-01 00:00:00.000000'")
    connection.close()
    said = Said()
    assert await move(settings, target, console=said) == 2
    assert "has changed since the move began" in said.text


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE persons SET seen_at = seen_at + interval '1 microsecond'", "persons"),
        (
            "UPDATE audit_lines SET details = details || '\\x00' WHERE details IS NOT NULL",
            "details",
        ),
        ("DELETE FROM grants WHERE id = (SELECT max(id) FROM grants)", "grants"),
        ("INSERT INTO counters VALUES ('Zz', 1)", "counters"),
    ],
)
async def test_a_row_that_came_over_changed_is_noticed(
    house: House,
    settings: Settings,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    named: str,
) -> None:
    await house.waiting("Sari")
    await house.office.database.close()
    copy_all = move_module.copy_all

    def copy_and_change(*arguments: Any) -> None:
        copy_all(*arguments)
        with create_engine(async_url(target), poolclass=NullPool).begin() as connection:
            assert connection.execute(text(change)).rowcount

    monkeypatch.setattr(move_module, "copy_all", copy_and_change)
    said = Said()
    assert await move(settings, target, console=said) == 2
    assert named in said.text
    assert "are in PostgreSQL as they were" not in said.text
    # and what is not the same is not gone on with
    monkeypatch.undo()
    assert await move(settings, target, console=Said()) == (0 if "DELETE" in change else 2)


async def test_the_password_need_not_stand_on_the_command_line(
    house: House, settings: Settings, target: str
) -> None:
    await house.office.database.close()
    said = Said()
    assert await move(settings, target, password="tops3cret", console=said) == 0
    assert "postgres:***@" in said.text
    assert "tops3cret" not in said.text


async def test_a_running_bot_is_not_moved(house: House, settings: Settings, target: str) -> None:
    said = Said()
    assert await house.told("Sari") == [], "so it has opened its database"
    assert await move(settings, target, console=said) == 2
    assert "Stop the bot first" in said.text
    await house.office.database.close()
    assert await move(settings, target, console=Said()) == 0


async def test_nobody_writes_while_it_moves(
    house: House, settings: Settings, target: str, tmp_path: Path
) -> None:
    from nobs_bot.moving.move import _locked

    await house.office.database.close()
    with _locked(tmp_path / "nobs.sqlite3"):
        other = sqlite3.connect(tmp_path / "nobs.sqlite3", timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("DELETE FROM persons")
        other.close()


async def test_a_database_that_is_not_empty_is_refused(
    house: House, settings: Settings, target: str, postgres: Any
) -> None:
    await house.office.database.close()
    with create_engine(async_url(target), poolclass=NullPool).begin() as connection:
        connection.execute(text("CREATE TABLE theirs (note TEXT)"))
    said = Said()
    assert await move(settings, target, console=said) == 2
    assert "not empty (table theirs)" in said.text
    with create_engine(async_url(target), poolclass=NullPool).begin() as connection:
        connection.execute(text("DROP TABLE theirs"))
    assert await move(settings, target, console=Said()) == 0
    # and not once more over what the bot may have gone on with
    assert await move(settings, target, console=Said()) == 2


@pytest.mark.parametrize(
    "wrong", ["mysql://a:tops3cret@b/c", "postgresql://", "nonsense", "sqlite:///x"]
)
async def test_an_address_that_will_not_do(house: House, settings: Settings, wrong: str) -> None:
    said = Said()
    assert await move(settings, wrong, console=said) == 2
    assert "postgresql://user:password@host/name" in said.text
    assert "tops3cret" not in said.text


async def test_a_server_that_is_away_is_told_without_the_password(
    house: House, settings: Settings
) -> None:
    await house.office.database.close()
    said = Said()
    away = "postgresql://nobs:tops3cret@127.0.0.1:1/nobs"
    assert await move(settings, away, console=said) == 2
    assert "PostgreSQL does not take it" in said.text
    assert "tops3cret" not in said.text
