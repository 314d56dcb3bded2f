"""What survives a restart: one small table of JSON documents in SQLite, or nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from nobs_bot.sandbox.wire import Json

SCHEMA = """
create table if not exists doc (
    kind text not null,
    key text not null,
    body text not null,
    primary key (kind, key)
) without rowid
"""


class Store:
    """
    Documents by kind and key, each write committed at once.

    Args:
        path: The database file; without it everything is in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.execute(SCHEMA)

    def put(self, kind: str, key: object, body: Json) -> None:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        self._db.execute("insert or replace into doc values (?, ?, ?)", (kind, str(key), text))

    def drop(self, kind: str, key: object) -> None:
        self._db.execute("delete from doc where kind = ? and key = ?", (kind, str(key)))

    def all(self, kind: str) -> Iterator[Json]:
        """Every document of a kind, in the order of its numeric keys where they are numbers."""
        query = "select body from doc where kind = ? order by cast(key as integer), key"
        for (text,) in self._db.execute(query, (kind,)).fetchall():
            yield json.loads(text)

    def one(self, kind: str, key: object) -> Json | None:
        query = "select body from doc where kind = ? and key = ?"
        row = self._db.execute(query, (kind, str(key))).fetchone()
        return json.loads(row[0]) if row else None

    def close(self) -> None:
        self._db.close()
