"""What the commands do that start a real installation."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from nobs_bot.app import App, Foundation, Part
from nobs_bot.errors import CannotStart
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings
from nobs_bot.storage.engine import Database
from nobs_bot.tracing import start_tracing

# a file in the data folder while a backup is being restored
RESTORING = "restoring"
# a table in PostgreSQL while SQLite's rows are moved there
MOVING = "move_under_way"
Compose = Callable[..., Awaitable[tuple[App, Any]]]


async def serve(settings: Settings, compose: Compose, part: str | None) -> int:
    """
    Run until told to stop.

    Args:
        compose: Puts the handlers and the foundation together (see `bot.py`).
        part: One part alone; None for all of them.
    """
    stop_tracing = start_tracing(settings.otlp_endpoint, part) if settings.otlp_endpoint else None
    foundation = await prepared(settings)
    app, bot = await compose(foundation, frozenset({Part(part)}) if part else None)
    try:
        await until_told_to_stop(app)
    finally:
        await bot.session.close()
        if stop_tracing is not None:
            await asyncio.to_thread(stop_tracing)
    return 0


async def prepared(settings: Settings) -> Foundation:
    """
    The foundation on a database that is up to date.

    Raises:
        CannotStart: the data folder cannot be written or is half restored, or the database does
            not answer or is half moved.
    """
    if (settings.data_dir / RESTORING).exists():
        raise CannotStart(
            "A restore was interrupted. Run `python bot.py restore FILE` again; or, to begin with "
            f"nothing, move the folder {settings.data_dir} away."
        )
    try:
        foundation = Foundation(settings)
    except OSError as exc:
        raise CannotStart(
            f"The folder {settings.data_dir} cannot be used ({exc.strerror}). Make it writable, "
            "or set another DATA_DIR in .env."
        ) from None
    try:
        await upgrade(foundation.database)
    except (DBAPIError, OSError) as exc:
        await foundation.database.close()
        where = "DATABASE_URL in .env" if settings.database_url else str(settings.data_dir)
        raise CannotStart(
            f"The database does not answer ({type(exc).__name__}). Look at {where}; "
            "`python bot.py doctor` says more."
        ) from None
    if await _is_half_moved(foundation.database):
        await foundation.database.close()
        raise CannotStart(
            "Rows of SQLite are being moved into this database. Finish that first: leave "
            "DATABASE_URL as it was and run `python bot.py move-database` again."
        )
    return foundation


async def _is_half_moved(database: Database) -> bool:
    if database.is_sqlite:
        return False
    async with database.reading() as session:
        found = await session.execute(text("SELECT to_regclass(:name)"), {"name": MOVING})
        return found.scalar() is not None


async def until_told_to_stop(app: App) -> None:
    """
    Run the app until SIGTERM or SIGINT, and end it cleanly.

    It is drained first; a second signal ends that at once.
    """
    # what was made so far lives as long as the process; searching it for garbage time and again
    # would hold everybody up for a fifth of a second (of 220,000 objects 2,000 are garbage)
    gc.freeze()
    gc.enable()
    # what a page or an update leaves behind is no cycle, mostly
    gc.set_threshold(20_000, 20, 20)
    running = asyncio.create_task(app.run())
    loop, ending = asyncio.get_running_loop(), list[asyncio.Task[None]]()

    async def end() -> None:
        await app.drain()
        running.cancel()

    def told() -> None:
        if ending:
            running.cancel()
        else:
            ending.append(asyncio.create_task(end()))

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, told)
    try:
        await running
    except asyncio.CancelledError:
        return
