"""
`python bot.py move-database postgresql://...`: from SQLite to PostgreSQL, verified row by row.

Rows go over in batches, each in one transaction. What is there already is compared, not trusted,
so a move that was killed goes on where it was. Nothing is taken from SQLite, and nobody can write
there meanwhile.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table as Shown
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    func,
    inspect,
    literal,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from nobs_bot.moving.copying import CannotMove, copy_all, verify_all
from nobs_bot.moving.rows import count_of
from nobs_bot.schema import metadata, newest_revision, upgrade
from nobs_bot.serving import MOVING as MARK
from nobs_bot.settings import Settings
from nobs_bot.storage.engine import Database, async_url

NOT_OURS = {"alembic_version", MARK}


async def move(
    settings: Settings, target: str, *, password: str | None = None, console: Console | None = None
) -> int:
    """
    Copy everything to *target* and compare it there.

    Returns:
        0 where every row is there as it was; 2 where it could not be moved.
    """
    out = console or Console()
    try:
        await asyncio.to_thread(_move, settings, _address(target, password), out)
    except CannotMove as problem:
        out.print(str(problem), markup=False, soft_wrap=True)
        return 2
    return 0


def _address(target: str, password: str | None) -> URL:
    try:
        url = make_url(target)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql" or not url.database:
        raise CannotMove("Give the new database as postgresql://user:password@host/name.")
    return url.set(password=password) if password else url


def _move(settings: Settings, url: URL, out: Console) -> None:
    path = _source_path(settings)
    with _locked(path) as source:
        _check_source(source)
        engine = create_engine(_driven(url), poolclass=NullPool, hide_parameters=True)
        _prepare_target(engine, url, path)
        try:
            total = sum(count_of(source, table) for table in metadata().sorted_tables)
            copy_all(source, engine, total, out)
            digests = verify_all(source, engine, total, out)
            _finish(engine)
        except DBAPIError as exc:
            raise CannotMove(
                f"PostgreSQL broke off ({type(exc.orig).__name__}: {_first_line(exc)}). What is "
                "there stays; run the same command again to go on."
            ) from None
    _tell(out, url, path, digests)


def _driven(url: URL) -> URL:
    return async_url(url.render_as_string(hide_password=False))


def _first_line(exc: DBAPIError) -> str:
    return str(exc.orig).partition("\n")[0]


def _source_path(settings: Settings) -> Path:
    if not settings.database.startswith("sqlite:///"):
        raise CannotMove(
            "DATABASE_URL names PostgreSQL already. For the move leave it as it was, so that it "
            "names SQLite."
        )
    path = Path(settings.database.removeprefix("sqlite:///"))
    if not path.is_file():
        raise CannotMove(f"There is no database at {path}. Look at DATA_DIR in .env.")
    return path


@contextmanager
def _locked(path: Path) -> Iterator[Connection]:
    """
    A reading connection that keeps everybody else out, so that nothing is written meanwhile.

    Raises:
        CannotMove: somebody has the database open.
    """
    address = f"{path.absolute().as_uri()}?mode=rw"
    with closing(
        sqlite3.connect(address, uri=True, isolation_level=None, timeout=2, check_same_thread=False)
    ) as raw:
        try:
            # every process with the file open holds a shared lock on it, which this does not bear
            raw.execute("PRAGMA locking_mode=EXCLUSIVE")
            raw.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as exc:
            raise CannotMove(
                f"The database at {path} is in use or cannot be read ({exc}). Stop the bot first."
            ) from None
        engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
        with engine.connect() as connection:
            yield connection


def _check_source(source: Connection) -> None:
    have = inspect(source)
    revision = None
    if have.has_table("alembic_version"):
        revision = source.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision != newest_revision():
        raise CannotMove(
            "The SQLite database is not at the newest revision. `python bot.py migrate`, then move."
        )
    unknown = set(have.get_table_names()) - {table.name for table in metadata().sorted_tables}
    if left := sorted(unknown - NOT_OURS):
        raise CannotMove(f"The SQLite database has tables that nobody knows: {', '.join(left)}.")


def _prepare_target(engine: Engine, url: URL, path: Path) -> None:
    """
    Tables at the newest revision, and a mark that says whose move is under way.

    Raises:
        CannotMove: the server does not answer, or something else is in the database.
    """
    try:
        with engine.begin() as connection:
            _claim_target(connection, path)
        asyncio.run(_upgrade(url))
    except DBAPIError as exc:
        raise CannotMove(
            f"PostgreSQL does not take it ({type(exc.orig).__name__}: {_first_line(exc)}). Check "
            "the address, that the server runs, and that its user may make tables."
        ) from None


def _claim_target(connection: Connection, path: Path) -> None:
    have = inspect(connection)
    if have.has_table(MARK):
        source = connection.execute(text(f"SELECT source FROM {MARK}")).scalar()  # noqa: S608
        if source != str(path.absolute()):
            raise CannotMove(
                f"A move from {source} into this database is under way. Finish that one, or take "
                "another, empty database."
            )
        return
    ours = {table.name: table for table in metadata().sorted_tables}
    for name in have.get_table_names():
        if name in NOT_OURS:
            continue
        if (
            name not in ours
            or connection.execute(select(literal(1)).select_from(ours[name])).first()
        ):
            raise CannotMove(
                f"The PostgreSQL database is not empty (table {name}). Make an empty one "
                "(createdb) and name that. Nothing was changed."
            )
    connection.execute(text(f"CREATE TABLE {MARK} (source TEXT NOT NULL)"))
    connection.execute(
        text(f"INSERT INTO {MARK} VALUES (:source)"),  # noqa: S608 - our own name
        {"source": str(path.absolute())},
    )


async def _upgrade(url: URL) -> None:
    database = Database(url.render_as_string(hide_password=False))
    try:
        await upgrade(database)
    finally:
        await database.close()


def _finish(engine: Engine) -> None:
    """Let PostgreSQL count on from the numbers that came over, and take the mark away."""
    with engine.begin() as connection:
        for table in metadata().sorted_tables:
            for column in table.primary_key.columns:
                sequence = connection.execute(
                    select(func.pg_get_serial_sequence(table.name, column.name))
                ).scalar()
                last = connection.execute(select(func.max(column))).scalar() if sequence else None
                if last is not None and last > 0:
                    connection.execute(select(func.setval(sequence, last)))
        connection.execute(text(f"DROP TABLE {MARK}"))
        connection.execute(text("ANALYZE"))


def _tell(out: Console, url: URL, path: Path, digests: list[tuple[str, int, str]]) -> None:
    shown = Shown("table", "rows", "SHA-256 of its rows, the same on both sides")
    for name, count, digest in digests:
        if count:
            shown.add_row(name, str(count), digest[:16])
    out.print(shown)
    out.print(f"All {sum(count for _, count, _ in digests)} rows are in PostgreSQL as they were.")
    secret = ", with the password in place of ***," if url.password else ""
    out.print(f"Put this into .env{secret} and start the bot:")
    address = url.set(drivername="postgresql").render_as_string(hide_password=True)
    out.print(f"DATABASE_URL={address}", markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"{path} was left as it is. Remove it when you are content: it ages, and what is erased "
        "for an owner from now on stays in it.",
        markup=False,
        soft_wrap=True,
    )
