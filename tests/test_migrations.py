"""The migrations lead to the tables that the classes describe, on both databases, up and down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, Enum, inspect, text

from nobs_bot.schema import (
    is_current,
    metadata,
    migrating,
    migration_config,
    newest_revision,
    upgrade,
)
from nobs_bot.storage.engine import Database


@pytest.fixture
async def database(database_url: str | None, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh, empty database."""
    fresh = Database(database_url or f"sqlite:///{tmp_path / 'fresh.sqlite3'}")
    yield fresh
    await fresh.close()


async def run(database: Database, act: Callable[[Connection], Any]) -> Any:
    """Run something of Alembic's in one transaction, as `upgrade` does."""
    async with migrating(database) as connection:
        return await connection.run_sync(act)


async def migrate(database: Database, how: Any, revision: str) -> None:
    await run(database, lambda connection: how(migration_config(connection), revision))


async def look(database: Database, act: Callable[[Connection], Any]) -> Any:
    async with database.engine.connect() as connection:
        return await connection.run_sync(act)


async def tables(database: Database) -> set[str]:
    found = await look(database, lambda connection: inspect(connection).get_table_names())
    return set(found) - {"alembic_version"}


def differences(connection: Connection) -> list[Any]:
    options = {"compare_type": True, "render_as_batch": True}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, metadata()))


async def checks_of(database: Database) -> dict[str, set[str]]:
    """The check constraints of each table, by name; Alembic compares them not."""

    def read(connection: Connection) -> dict[str, set[str]]:
        found = inspect(connection)
        return {
            table: {str(each["name"]) for each in found.get_check_constraints(table)}
            for table in metadata().tables
        }

    checks: dict[str, set[str]] = await look(database, read)
    return checks


async def test_a_fresh_database_reaches_the_newest_revision(database: Database) -> None:
    assert not await is_current(database)
    await upgrade(database)
    assert await is_current(database)
    assert await tables(database) == set(metadata().tables)


def test_the_newest_file_is_the_newest_revision() -> None:
    heads = ScriptDirectory.from_config(migration_config()).get_heads()
    assert heads == [newest_revision()]


async def test_upgrading_what_is_up_to_date_changes_nothing(database: Database) -> None:
    await upgrade(database)
    await upgrade(database)
    assert await is_current(database)


async def test_tables_and_classes_agree(database: Database) -> None:
    await upgrade(database)
    assert await look(database, differences) == []


async def test_the_database_checks_what_the_classes_say(database: Database) -> None:
    await upgrade(database)
    kept = await checks_of(database)
    for name, table in metadata().tables.items():
        wanted = {str(each.name) for each in table.constraints if isinstance(each, CheckConstraint)}
        assert wanted <= kept[name], name


async def test_every_choice_in_the_database_has_the_values_of_its_class(
    database: Database,
) -> None:
    """Alembic does not see a changed choice, so a new value without a migration is found here."""
    await upgrade(database)

    def sql_of(connection: Connection) -> dict[str, str]:
        found = inspect(connection)
        return {
            table: " ".join(str(each["sqltext"]) for each in found.get_check_constraints(table))
            for table in metadata().tables
        }

    kept = await look(database, sql_of)
    seen = 0
    for name, table in metadata().tables.items():
        for column in table.columns:
            if isinstance(column.type, Enum):
                seen += 1
                for value in column.type.enums:
                    assert f"'{value}'" in kept[name], f"{name}.{column.name}: {value}"
    assert seen >= 8


async def test_down_to_nothing_and_up_again(database: Database) -> None:
    await upgrade(database)
    await migrate(database, command.downgrade, "base")
    assert await tables(database) == set()
    await upgrade(database)
    assert await look(database, differences) == []


async def test_each_revision_goes_down_and_up_by_itself(database: Database) -> None:
    script = ScriptDirectory.from_config(migration_config())
    revisions = [each.revision for each in script.walk_revisions("base", "heads")][::-1]
    for revision in revisions:
        await migrate(database, command.upgrade, revision)
        await migrate(database, command.downgrade, "-1")
        await migrate(database, command.upgrade, revision)
    assert await is_current(database)


async def test_an_index_that_an_early_installation_has_stays(database: Database) -> None:
    await migrate(database, command.upgrade, "0014")
    async with database.engine.begin() as connection:
        await connection.execute(
            text("CREATE INDEX ix_audit_lines_act_at ON audit_lines (act, at)")
        )
    await migrate(database, command.upgrade, "head")
    assert await look(database, differences) == []
    await migrate(database, command.downgrade, "0014")


def test_the_revisions_are_one_line() -> None:
    script = ScriptDirectory.from_config(migration_config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


async def test_half_a_migration_does_not_stay(database: Database) -> None:
    """The power goes after the last table was made, before the transaction ends."""

    class PowerCut(Exception):  # noqa: N818
        pass

    def broken(connection: Connection) -> None:
        command.upgrade(migration_config(connection), "head")
        raise PowerCut

    with pytest.raises(PowerCut):
        await run(database, broken)
    assert await look(database, lambda connection: inspect(connection).get_table_names()) == []
    await upgrade(database)
    assert await is_current(database)


async def test_a_migration_that_fails_leaves_the_database_as_it_was(database: Database) -> None:
    async with database.engine.begin() as connection:
        # in the way of the migration, which wants to make a table of this name
        await connection.execute(text("CREATE TABLE slots (in_the_way INTEGER)"))
    with pytest.raises(Exception, match="slots"):
        await upgrade(database)
    assert await tables(database) == {"slots"}
    async with database.engine.begin() as connection:
        await connection.execute(text("DROP TABLE slots"))
    await upgrade(database)
    assert await is_current(database)


async def test_two_processes_that_start_at_once_both_end_well(
    database_url: str | None, tmp_path: Path
) -> None:
    import asyncio

    url = database_url or f"sqlite:///{tmp_path / 'fresh.sqlite3'}"
    both = Database(url), Database(url)
    try:
        await asyncio.gather(*(upgrade(each) for each in both))
        assert await is_current(both[0])
    finally:
        for each in both:
            await each.close()


OLD_ROWS = {
    "persons": {
        "id": 1,
        "telegram_id": 71,
        "phone_verified": False,
        "created_at": "@",
        "seen_at": "@",
    },
    "cameras": {
        "id": 2,
        "number": 1001,
        "owner_id": 1,
        "state": "approved",
        "lat": -6.15,
        "lon": 106.8,
        "area_code": "31.73.04.1006",
        "heading_unknown": False,
        "share_footage": True,
        "share_stills": False,
        "share_live": False,
        "sharing_chosen": True,
        "stream_declined": False,
        "created_at": "@",
        "touched_at": "@",
    },
    "footage_requests": {
        "id": 3,
        "number": 1001,
        "requester_id": 1,
        "state": "closed",
        "area_code": "31.73.04.1006",
        "lat": -6.15,
        "lon": 106.8,
        "radius_m": 100.0,
        "starts_at": "2026-11-01 01:00:00+00:00",
        "ends_at": "2026-11-01 02:00:00+00:00",
        "purpose": "theft",
        "words": b"sealed",
        "outcome": "helped",
        "created_at": "@",
        "expires_at": "@",
    },
    "footage_asks": {
        "id": 4,
        "request_id": 3,
        "camera_id": 2,
        "owner_id": 1,
        "reply": "has",
        "asked_at": "@",
    },
    "footage_clips": {
        "id": 5,
        "ask_id": 4,
        "request_id": 3,
        "camera_id": 2,
        "owner_id": 1,
        "unique_id": "u",
        "source": b"sealed",
        "recompressed": False,
        "state": "stored",
        "file_name": "evidence/3/5-1",
        "sha256": "ab" * 32,
        "sent_at": "@",
        "attempts": 1,
    },
    "audit_lines": {"id": 6, "at": "@", "act": "clip_opened", "owner_id": 1, "request_id": 3},
}


async def test_what_the_first_revision_kept_is_all_there_after_the_second(
    database: Database,
) -> None:
    """From a populated database up, and down again with what only the second one knows."""
    from datetime import UTC, datetime

    moment = datetime(2026, 11, 1, tzinfo=UTC)

    def fill(connection: Connection) -> None:
        for table, row in OLD_ROWS.items():
            values = {name: moment if value == "@" else value for name, value in row.items()}
            names = ", ".join(values)
            places = ", ".join(f":{name}" for name in values)
            statement = text(f"INSERT INTO {table} ({names}) VALUES ({places})")
            connection.execute(statement, values)

    async def rows() -> dict[str, dict[str, Any]]:
        async with database.engine.connect() as connection:
            return {
                table: dict(
                    (await connection.execute(text(f"SELECT * FROM {table}"))).one()._mapping
                )
                for table in OLD_ROWS
            }

    await migrate(database, command.upgrade, "0001")
    await run(database, fill)
    before = await rows()
    await upgrade(database)
    after = await rows()
    for table, row in before.items():
        assert {name: after[table][name] for name in row} == row, table
    assert after["footage_requests"]["kind"] == "footage"
    assert not after["footage_requests"]["is_emergency"]
    assert (after["footage_asks"]["reminders"], after["footage_asks"]["due_at"]) == (0, None)

    def use(connection: Connection) -> None:
        connection.execute(text("UPDATE footage_requests SET outcome = 'passed_on'"))
        connection.execute(text("UPDATE footage_asks SET reply = 'saved'"))
        connection.execute(text("UPDATE footage_clips SET state = 'erased'"))
        connection.execute(text("UPDATE audit_lines SET act = 'evidence_held'"))

    await run(database, use)
    await migrate(database, command.downgrade, "0001")
    async with database.engine.connect() as connection:
        [(outcome,)] = (
            await connection.execute(text("SELECT outcome FROM footage_requests"))
        ).all()
        [(reply,)] = (await connection.execute(text("SELECT reply FROM footage_asks"))).all()
        [(state,)] = (await connection.execute(text("SELECT state FROM footage_clips"))).all()
        assert (await connection.execute(text("SELECT * FROM audit_lines"))).all() == []
    assert (outcome, reply, state) == ("helped", "has", "failed")
    await upgrade(database)


async def test_references_are_checked_after_a_migration(database: Database) -> None:
    await upgrade(database)
    if not database.is_sqlite:
        return
    async with database.engine.connect() as connection:
        [(is_on,)] = (await connection.exec_driver_sql("PRAGMA foreign_keys")).all()
    assert is_on == 1
    with pytest.raises(RuntimeError, match="without what it refers to"):
        async with migrating(database) as connection:
            await connection.execute(
                text(
                    "INSERT INTO consents (id, person_id, version, language, text_sha256, given_at)"
                    " VALUES (1, 99, 'v', 'id', 'x', '2026-11-01')"
                )
            )
