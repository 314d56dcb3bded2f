"""
The database's part of an update, with nothing else to do: by psycopg as it comes, and through
SQLAlchemy on the connections of the app.

What an update takes where each is written by itself: ten statements in three transactions (kept and
taken; applied; done), for as many persons at once as the load has. The app writes what it can of
several updates together, and so fewer.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg
from sqlalchemy import TextClause, text

from benchmarks.updates import AT_ONCE
from nobs_bot.storage.engine import Database

SECONDS = 6.0
TABLE = """
CREATE TABLE raw (
    id bigint PRIMARY KEY, person bigint, state text, payload bytea, until timestamptz
)
"""
PAYLOAD = os.urandom(400)
_LOOK = "SELECT * FROM raw WHERE id = %(id)s"
_WRITE = "UPDATE raw SET state = 'open', payload = %(payload)s WHERE id = %(id)s"
_TAKE = "UPDATE raw SET until = now() WHERE id = %(id)s"
_KEPT = ("INSERT INTO raw VALUES (%(id)s, %(person)s, 'waiting', %(payload)s, NULL)", _TAKE)
# person, conversation and draft are read; draft or name, conversation and the update are written
_APPLIED = (_LOOK, _LOOK, _LOOK, _WRITE, _WRITE, _WRITE)
_DONE = ("UPDATE raw SET state = 'done', payload = NULL WHERE id = %(id)s", _TAKE)


def rate(peer: Callable[[str], Coroutine[Any, Any, float]], address: str) -> float:
    """Updates a second of a peer in this process, as many at once as there are persons."""
    return asyncio.run(peer(address))


async def raw(address: str) -> float:
    """psycopg, with nothing around it."""
    async with await psycopg.AsyncConnection.connect(address) as connection:
        await connection.execute("TRUNCATE raw")
    deadline = time.perf_counter() + SECONDS
    began = time.perf_counter()
    counts = await asyncio.gather(
        *[_raw_person(address, each, deadline) for each in range(AT_ONCE)]
    )
    return sum(counts) / (time.perf_counter() - began)


async def layered(address: str) -> float:
    """The same through SQLAlchemy, in transactions as the app opens them."""
    database = Database(address)
    groups = [[_text(each) for each in group] for group in (_KEPT, _APPLIED, _DONE)]
    async with database.transaction() as session:
        await session.execute(text("TRUNCATE raw"))
    began = time.perf_counter()
    people = [_layered_person(database, groups, each, began + SECONDS) for each in range(AT_ONCE)]
    counts = await asyncio.gather(*people)
    took_s = time.perf_counter() - began
    await database.close()
    return sum(counts) / took_s


def _text(statement: str) -> TextClause:
    return text(re.sub(r"%\((\w+)\)s", r":\1", statement))


async def _layered_person(
    database: Database, groups: list[list[TextClause]], person: int, deadline: float
) -> int:
    done = 0
    while time.perf_counter() < deadline:
        values = {"id": person << 40 | done, "person": person, "payload": PAYLOAD}
        for group in groups:
            async with database.transaction() as session:
                for statement in group:
                    await session.execute(statement, values)
        done += 1
    return done


async def _raw_person(address: str, person: int, deadline: float) -> int:
    """Update after update: kept and taken; applied; done."""
    done = 0
    async with await psycopg.AsyncConnection.connect(address) as connection:
        while time.perf_counter() < deadline:
            number = person << 40 | done
            for statements in (_KEPT, _APPLIED, _DONE):
                for statement in statements:
                    await connection.execute(
                        statement, {"id": number, "person": person, "payload": PAYLOAD}
                    )
                await connection.commit()
            done += 1
    return done
