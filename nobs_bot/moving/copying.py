"""Rows as they go over, in batches, and as they are compared afterwards."""

from __future__ import annotations

from hashlib import sha256
from itertools import zip_longest

from rich.console import Console
from sqlalchemy import Connection, Engine, Table

from nobs_bot.moving.rows import (
    Rows,
    as_told,
    batches,
    bound,
    columns,
    insertion,
    keys_of,
    query_of,
)
from nobs_bot.preparing import progress_bar
from nobs_bot.schema import metadata


class CannotMove(Exception):  # noqa: N818 - read by the operator as a sentence
    """The move cannot begin or go on; says why and what to do."""


def copy_all(source: Connection, engine: Engine, total: int, out: Console) -> None:
    """
    Take every row over, each batch in a transaction of its own.

    Raises:
        CannotMove: what is there already is not what is in *source*.
    """
    done = 0
    with progress_bar(out, "copying") as progress:
        for table in metadata().sorted_tables:
            for rows in batches(source, table):
                with engine.begin() as target:
                    _copy(target, table, rows)
                done += len(rows)
                progress(done, total)


def _copy(target: Connection, table: Table, rows: Rows) -> None:
    """Insert those of *rows* that are not there; what is there must be the same."""
    size = len(table.primary_key.columns)
    keys = keys_of(table, target)
    there = {
        tuple(row[:size]): as_told(table, row)
        for row in target.execute(
            query_of(table, target).where(
                keys >= bound(table, rows[0][:size]), keys <= bound(table, rows[-1][:size])
            )
        )
    }
    wanted = {row[:size]: row for row in rows}
    if any(wanted.get(key) != row for key, row in there.items()):
        raise CannotMove(
            f"Table {table.name} holds rows in PostgreSQL that are not SQLite's: one of the two "
            "has changed since the move began. Make an empty database and begin anew."
        )
    new = [row for key, row in wanted.items() if key not in there]
    if new:
        names = [f"p_{column.name}" for column in columns(table)]
        target.execute(insertion(table), [dict(zip(names, row, strict=True)) for row in new])


def verify_all(
    source: Connection, engine: Engine, total: int, out: Console
) -> list[tuple[str, int, str]]:
    """
    Compare every column of every row; returns each table's name, rows and digest.

    Raises:
        CannotMove: a row differs.
    """
    found, done = [], 0
    with progress_bar(out, "verifying") as progress, engine.connect() as connection:
        target = connection.execution_options(isolation_level="REPEATABLE READ")
        for table in metadata().sorted_tables:
            ours, theirs, count = sha256(), sha256(), 0
            for old, new in zip_longest(
                batches(source, table), batches(target, table), fillvalue=()
            ):
                if list(old) != list(new):
                    raise CannotMove(_difference(table, old, new))
                ours.update(repr(old).encode())
                theirs.update(repr(new).encode())
                count += len(old)
                progress(done + count, total)
            if ours.digest() != theirs.digest():
                # equal in Python and yet not the same, such as 1 and True
                raise CannotMove(f"Table {table.name}: values came back as another type.")
            found.append((table.name, count, ours.hexdigest()))
            done += count
    return found


def _difference(table: Table, old: Rows, new: Rows) -> str:
    """Where two batches differ; never with what, which may be somebody's."""
    names = [column.name for column in columns(table)]
    for before, after in zip_longest(old, new):
        if before is None or after is None or before == after:
            continue
        odd = [name for name, a, b in zip(names, before, after, strict=True) if a != b]
        return (
            f"Table {table.name}: a row came over changed, in {', '.join(odd)}. Nothing of SQLite "
            "was changed. Please report this; go on with SQLite."
        )
    return f"Table {table.name}: {len(old)} rows in SQLite are {len(new)} in PostgreSQL."
