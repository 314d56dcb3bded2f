"""PostgreSQL's own tools, called so that no password stands in the list of processes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.pq import Conninfo
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from nobs_bot.backup.archive import BackupProblem
from nobs_bot.storage.engine import async_url


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """
    A connection in one transaction that sees one instant.

    Raises:
        BackupProblem: the server does not answer.
    """
    engine = create_engine(async_url(url), poolclass=NullPool, hide_parameters=True)
    try:
        connection = engine.connect()
    except DBAPIError as exc:
        raise BackupProblem(
            f"The database does not answer ({type(exc.orig).__name__}). Look at DATABASE_URL in "
            ".env; `python bot.py doctor` says more."
        ) from None
    with connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ")


def dump(url: str, connection: Connection, target: Path) -> None:
    """Write what *connection* sees into *target*, in PostgreSQL's own format."""
    snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    _run(
        url,
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--lock-wait-timeout=60s",
        f"--snapshot={snapshot}",
        f"--file={target}",
    )


def load(url: str, source: Path) -> None:
    """Take a dump over into an empty database: all of it, or nothing."""
    name = _environment(async_url(url)).get("PGDATABASE", "")
    _run(
        url,
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        f"--dbname={name}",
        str(source),
    )


def require(tool: str) -> None:
    """
    Look whether there is a tool.

    Raises:
        BackupProblem: there is none.
    """
    if shutil.which(tool) is None:
        raise BackupProblem(
            f"{tool} is not on this machine. Install PostgreSQL's client of the server's version "
            "(on Debian and Ubuntu: apt-get install postgresql-client)."
        )


def _run(url: str, tool: str, *arguments: str) -> None:
    require(tool)
    ended = subprocess.run(  # noqa: S603 - our own arguments, and no shell
        [tool, "--no-password", *arguments],
        env=os.environ | _environment(async_url(url)),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == 0:
        return
    said = " ".join(ended.stderr.split())[-600:]
    if "version mismatch" in said or "unsupported version" in said:
        raise BackupProblem(
            f"{tool} is older than the server ({said}). Install the client of the server's "
            "version, and put its folder first in PATH."
        )
    raise BackupProblem(f"{tool} broke off: {said}")


def _environment(url: URL) -> dict[str, str]:
    """The address as libpq's variables; only the same user can read those of a process."""
    variables = {
        each.keyword.decode(): each.envvar.decode()
        for each in Conninfo.get_defaults()
        if each.envvar
    }
    given = url.translate_connect_args(username="user", database="dbname")
    parts = {**given, **{key: value for key, value in url.query.items() if isinstance(value, str)}}
    return {variables[key]: str(value) for key, value in parts.items() if key in variables}
