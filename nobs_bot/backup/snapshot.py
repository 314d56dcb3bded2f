"""A consistent copy of the database while the bot writes, and what is to be told of it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from nobs_bot.backup import postgres
from nobs_bot.backup.archive import BackupProblem, Progress
from nobs_bot.schema import metadata

PAGES = 1024
# columns that name a file of the store
NAMES_A_FILE = ("file_name", "still_name", "viewing_name")


@dataclass
class Snapshot:
    """
    What a database holds.

    Args:
        revision: Of its schema.
        tables: Rows by table.
        files: The names of files in it, and of those that are in the store; see `missing`.
    """

    revision: str
    tables: dict[str, int]
    files: sqlite3.Connection = field(repr=False)

    def close(self) -> None:
        """Forget the names of files."""
        self.files.close()


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite address; None for another engine."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def take(url: str, target: Path, progress: Progress) -> Snapshot:
    """
    Copy the database at *url* to *target*, readable by nobody else.

    Raises:
        BackupProblem: there is no database, or it cannot be read.
    """
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    path = sqlite_path(url)
    if path is None:
        postgres.require("pg_dump")
        with postgres.connected(url) as connection:
            found = look(connection)
            postgres.dump(url, connection, target)
        return found
    _copy_sqlite(path, target, progress)
    with opened_sqlite(target) as connection:
        return look(connection)


def _copy_sqlite(path: Path, target: Path, progress: Progress) -> None:
    """SQLite's online backup, of one instant however long it takes."""
    if not path.is_file():
        raise BackupProblem(f"There is no database at {path}. Look at DATA_DIR in .env.")
    address = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=30)) as source,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            # a reading transaction holds the instant; without it every write of the bot's would
            # make the copy begin anew
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(
                copy, pages=PAGES, progress=lambda _, left, of: progress(of - left, of), sleep=0
            )
            # one file, without a log beside it
            copy.execute("PRAGMA journal_mode=DELETE")
            damage = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as exc:
        if exc.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise BackupProblem(f"There is no room left in {target.parent}.") from None
        raise BackupProblem(f"The database at {path} cannot be read: {exc}.") from None
    if damage != "ok":
        raise BackupProblem(f"The database at {path} is damaged: {damage}. Restore a backup.")


@contextmanager
def opened_sqlite(path: Path) -> Iterator[Connection]:
    """A connection to an SQLite file that nobody else uses."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, hide_parameters=True)
    with engine.connect() as connection:
        yield connection


def look(connection: Connection) -> Snapshot:
    """
    Count the rows and note which files they name.

    Raises:
        BackupProblem: these are no tables of ours.
    """
    try:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    except SQLAlchemyError:
        raise BackupProblem(
            "The database has no tables of this program. Start it once, or look at DATABASE_URL "
            "and DATA_DIR in .env."
        ) from None
    return Snapshot(str(revision), _counts(connection), _named_files(connection))


def _counts(connection: Connection) -> dict[str, int]:
    quote = connection.dialect.identifier_preparer.quote
    names = sorted(set(inspect(connection).get_table_names()) - {"alembic_version"})
    return {
        name: connection.exec_driver_sql(f"SELECT count(*) FROM {quote(name)}").scalar_one()  # noqa: S608 - a table's own name, quoted
        for name in names
    }


def _named_files(connection: Connection) -> sqlite3.Connection:
    """The names in a table of their own, on the disk where they are many."""
    files = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    files.execute("CREATE TABLE named (name TEXT PRIMARY KEY) WITHOUT ROWID")
    files.execute("CREATE TABLE stored (name TEXT PRIMARY KEY) WITHOUT ROWID")
    files.execute("BEGIN")
    have = inspect(connection)
    for table in metadata().sorted_tables:
        if not have.has_table(table.name):
            continue  # the backup is older
        columns = {each["name"] for each in have.get_columns(table.name)}
        for name in NAMES_A_FILE:
            if name in table.c and name in columns:
                _note(connection, files, select(table.c[name]).where(table.c[name].is_not(None)))
    return files


def _note(connection: Connection, files: sqlite3.Connection, query: object) -> None:
    rows = connection.execution_options(stream_results=True).execute(query)  # type: ignore[call-overload]
    for part in rows.partitions(1000):
        files.executemany("INSERT OR IGNORE INTO named VALUES (?)", [tuple(row) for row in part])


def note_stored(files: sqlite3.Connection, name: str) -> None:
    """The store has a file of this name."""
    files.execute("INSERT OR IGNORE INTO stored VALUES (?)", (name,))


def missing(files: sqlite3.Connection) -> list[str]:
    """The files that rows name and the store has not."""
    query = "SELECT name FROM named WHERE name NOT IN (SELECT name FROM stored) ORDER BY name"
    return [name for (name,) in files.execute(query)]
