"""Rows, keys first, in the same order and as the same values on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    Text,
    bindparam,
    cast,
    collate,
    func,
    insert,
    literal,
    select,
    tuple_,
)

BATCH = 500

Rows = Sequence[tuple[Any, ...]]


def columns(table: Table) -> list[Column[Any]]:
    """The table's columns, those of its key first."""
    keys = list(table.primary_key.columns)
    return keys + [column for column in table.columns if column not in keys]


def query_of(table: Table, connection: Connection) -> Any:
    """Everything in *table*, by key."""
    # JSON as text, which tells no value from the value null
    return select(
        *(
            cast(column, Text).label(column.name) if isinstance(column.type, JSON) else column
            for column in columns(table)
        )
    ).order_by(*_sorted_as_bytes(table, connection))


def _sorted_as_bytes(table: Table, connection: Connection) -> list[ColumnElement[Any]]:
    """The keys, sorted as SQLite sorts them whatever the server's language is."""
    is_postgres = connection.dialect.name == "postgresql"
    return [
        collate(column, "C") if is_postgres and isinstance(column.type, String) else column
        for column in table.primary_key.columns
    ]


def keys_of(table: Table, connection: Connection) -> Any:
    """The key, to be compared with a `bound`."""
    return tuple_(*_sorted_as_bytes(table, connection))


def bound(table: Table, values: Sequence[Any]) -> Any:
    """The key of one row."""
    keys = table.primary_key.columns
    return tuple_(*(literal(value, key.type) for value, key in zip(values, keys, strict=True)))


def batches(connection: Connection, table: Table) -> Iterator[Rows]:
    """The table's rows by key, `BATCH` at a time."""
    query, size = query_of(table, connection).limit(BATCH), len(table.primary_key.columns)
    rows = connection.execute(query).all()
    while rows:
        yield [as_told(table, row) for row in rows]
        later = keys_of(table, connection) > bound(table, rows[-1][:size])
        rows = connection.execute(query.where(later)).all()


def as_told(table: Table, row: Sequence[Any]) -> tuple[Any, ...]:
    """
    The row in one form: instants in UTC, which PostgreSQL tells in the session's zone, and JSON
    as PostgreSQL keeps it, by value and not by spelling.
    """
    return tuple(_told(column, value) for column, value in zip(columns(table), row, strict=True))


def _told(column: Column[Any], value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(column.type, JSON) and value is not None:
        return json.dumps(json.loads(value, parse_float=_number), sort_keys=True)
    return value


def _number(spelled: str) -> int | float:
    # 1e3, 1000.0 and 1000 are one number
    value = float(spelled)
    return int(value) if value.is_integer() else value


def insertion(table: Table) -> Any:
    """Inserts rows that are given as `columns` are, each value under p_ and its column's name."""
    values: dict[str, Any] = {}
    for column in columns(table):
        name = f"p_{column.name}"
        if isinstance(column.type, JSON):
            values[column.name] = cast(bindparam(name, type_=Text()), column.type)
        else:
            values[column.name] = bindparam(name, type_=column.type)
    return insert(table).values(values)


def count_of(connection: Connection, table: Table) -> int:
    """How many rows there are."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
