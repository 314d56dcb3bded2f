"""Sealing what is in the database anew, with the key that seals now, while everybody works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, MetaData, Table, func, select, tuple_, update

from nobs_bot.storage.base import SEALED_BY
from nobs_bot.storage.crypto import Vault
from nobs_bot.storage.work import Office

_AT_ONCE = 500

Tick = Callable[[int, int], None]


def sealed_columns(metadata: MetaData) -> Iterator[tuple[Table, list[Column[Any]]]]:
    """Every table that has sealed columns, with those."""
    for table in metadata.sorted_tables:
        found = [column for column in table.columns if SEALED_BY in column.info]
        if found:
            yield table, found


async def reseal(office: Office, metadata: MetaData, tick: Tick = lambda *_: None) -> int:
    """
    Seal every value anew that another key than the newest one sealed.

    A value that somebody writes meanwhile stays as they wrote it. Whoever breaks it off and begins
    again does the rest.

    Args:
        tick: Is told how many rows were looked at, and of how many.

    Returns:
        How many values were sealed anew.
    """
    tables = list(sealed_columns(metadata))
    async with office.look() as work:
        counts = [
            (await work.session.execute(select(func.count()).select_from(table))).scalar_one()
            for table, _ in tables
        ]
    looked = done = 0
    for table, columns in tables:
        last: tuple[Any, ...] | None = None
        while True:
            rows = await _rows_after(office, table, columns, last)
            if not rows:
                break
            last = tuple(rows[-1][: len(table.primary_key)])
            done += await _reseal_rows(office, table, columns, rows)
            looked += len(rows)
            tick(looked, max(looked, sum(counts)))
    return done


async def _rows_after(
    office: Office, table: Table, columns: list[Column[Any]], last: tuple[Any, ...] | None
) -> list[Any]:
    key = list(table.primary_key)
    asked = [*key, *(table.c[column.info[SEALED_BY]] for column in columns), *columns]
    query = select(*(each.label(f"c{nth}") for nth, each in enumerate(asked)))
    query = query.order_by(*key).limit(_AT_ONCE)
    if last is not None:
        query = query.where(tuple_(*key) > last)
    async with office.look() as work:
        return list((await work.session.execute(query)).all())


async def _reseal_rows(
    office: Office, table: Table, columns: list[Column[Any]], rows: list[Any]
) -> int:
    key = list(table.primary_key)
    written = []
    for row in rows:
        at, rest = row[: len(key)], row[len(key) :]
        for column, number, value in zip(
            columns, rest[: len(columns)], rest[len(columns) :], strict=True
        ):
            if value is not None and not office.vault.is_by_newest(value):
                fresh = _anew(office.vault, f"{table.name}.{column.name}", number, value)
                same = [each == part for each, part in zip(key, at, strict=True)]
                written.append(
                    update(table).where(*same, column == value).values({column.name: fresh})
                )
    if not written:
        return 0
    async with office.work() as work:
        done = [await work.session.execute(each.returning(*key)) for each in written]
        return sum(len(each.all()) for each in done)


def _anew(vault: Vault, where: str, number: int, value: bytes) -> bytes:
    return vault.seal(where, number, vault.open(where, number, value))
