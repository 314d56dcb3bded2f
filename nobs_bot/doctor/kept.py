"""Looks at what is kept: keys, database, files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from nobs_bot.doctor.finding import Finding
from nobs_bot.schema import is_current
from nobs_bot.settings import Settings
from nobs_bot.storage.audit import AuditLine
from nobs_bot.storage.crypto import KEY_BYTES, KeyProblem, MasterKey, Vault, load_keys
from nobs_bot.storage.engine import Database
from nobs_bot.storage.files import FileStore

PATIENCE_S = 10.0


def keys_are_kept_well(settings: Settings) -> Finding | None:
    """Whether the keys are there, readable, and nobody else's."""
    path = settings.data_dir / "keys"
    given = settings.secret_keys.get_secret_value() if settings.secret_keys else None
    if given is None and not path.exists():
        return Finding(
            "W030",
            "there are no keys yet",
            "The first start makes them. If the bot ran here before, put its keys back instead.",
        )
    try:
        load_keys(path, given)
    except (KeyProblem, OSError, UnicodeError) as exc:
        reason = str(exc) if isinstance(exc, KeyProblem) else type(exc).__name__
        return Finding("E030", f"the keys cannot be read: {reason}", "Put them back from a copy.")
    if given is None and path.stat().st_mode & 0o077:
        mode = path.stat().st_mode & 0o777
        return Finding(
            "E031",
            f"others may read the key file (mode {mode:04o})",
            f"chmod 600 {path}; who had access may have the keys, so think of new ones.",
        )
    return None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database | None]:
    """The database, not opened where that would make a new file."""
    if _is_fresh(settings):
        yield None
        return
    database = Database(settings.database)
    try:
        yield database
    finally:
        await database.close()


def _is_fresh(settings: Settings) -> bool:
    address = settings.database
    return address.startswith("sqlite:///") and not Path(address[len("sqlite:///") :]).exists()


async def database_is_current(database: Database | None) -> Finding | None:
    """Whether the database opens and has the newest tables."""
    if database is None:
        return Finding("W031", "there is no database yet", "The first start makes it.")
    try:
        async with asyncio.timeout(PATIENCE_S):
            if await is_current(database):
                return None
    except (SQLAlchemyError, OSError) as exc:
        return Finding(
            "E032",
            f"the database does not open: {type(exc).__name__}",
            "Check DATABASE_URL, that the server runs, and that its user may connect.",
        )
    return Finding(
        "E033",
        "the database is not at the newest revision",
        "Stop the bot, back up, run `python bot.py migrate`, start again.",
    )


async def database_takes_writes(database: Database) -> Finding | None:
    """Whether something can be written; it is taken back at once."""
    try:
        async with asyncio.timeout(PATIENCE_S), database.transaction() as session:
            await session.execute(text("CREATE TABLE doctor_was_here (note INTEGER)"))
            await session.rollback()
    except (SQLAlchemyError, OSError) as exc:
        return Finding(
            "E034",
            f"nothing can be written into the database: {type(exc).__name__}",
            "Check owner and mode of its file, or that the server is not a read-only copy.",
        )
    return None


async def keys_open_what_is_stored(settings: Settings, database: Database) -> Finding | None:
    """Whether the oldest and the newest sealed line of the audit log open."""
    lines = await _sealed_lines(database)
    if not lines:
        return None
    given = settings.secret_keys.get_secret_value() if settings.secret_keys else None
    path = settings.data_dir / "keys"
    hint = "Put the keys back that belong to this database; without them it stays closed."
    if given is None and not path.exists():
        return Finding("E035", "there is a database, but its keys are gone", hint)
    try:
        vault = Vault(load_keys(path, given))
        for line in lines:
            vault.open_json("audit_lines.details", line.id, line.details or b"")
    except (KeyProblem, OSError, UnicodeError):
        return Finding("E036", "the keys do not open what is stored", hint)
    return None


async def _sealed_lines(database: Database) -> list[AuditLine]:
    sealed = select(AuditLine).where(AuditLine.details.is_not(None)).limit(1)
    try:
        async with asyncio.timeout(PATIENCE_S), database.reading() as session:
            found = [
                (await session.execute(sealed.order_by(order))).scalar_one_or_none()
                for order in (AuditLine.id.asc(), AuditLine.id.desc())
            ]
    except (SQLAlchemyError, OSError):
        return []  # what is wrong there, `database_is_current` says
    return [line for line in found if line is not None]


async def files_can_be_stored(settings: Settings) -> Finding | None:
    """Whether a file can be stored, read back and removed."""
    name, content = f"doctor-{uuid4().hex}", os.urandom(64)
    try:
        async with asyncio.timeout(PATIENCE_S * 2):
            store = FileStore(settings.files, Vault([MasterKey(1, os.urandom(KEY_BYTES))]))
            await store.put(name, content)
            came_back = await store.get(name)
            await store.delete(name)
    except Exception as exc:  # obstore has an exception of its own for every kind of store
        return Finding(
            "E037",
            f"the file store does not work: {type(exc).__name__}",
            "Check FILES_URL, and the access that its user has there.",
        )
    if came_back == content:
        return None
    return Finding("E038", "a stored file came back changed", "Do not trust this file store.")
