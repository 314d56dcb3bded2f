"""What the commands do that start, prepare or feed a real installation."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from nobs_bot.app import App, Foundation, Part
from nobs_bot.cameras.relocating import relocate
from nobs_bot.coverage.exporting import CannotExport, cameras_in, note_exported, write_file
from nobs_bot.errors import CannotStart, Refusal
from nobs_bot.people.invitations import invite as make_invitation
from nobs_bot.people.persons import MOST_NAME_CHARACTERS, read_name
from nobs_bot.people.roles import Role, open_grants
from nobs_bot.places.importing import CannotImport, import_layer
from nobs_bot.places.layers import Layer
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings
from nobs_bot.storage.engine import Database
from nobs_bot.tracing import start_tracing

# what stands for the bot's name where Telegram cannot be asked
NO_BOT = "YOUR_BOT"
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


@contextmanager
def progress_bar(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar while it lasts; is told how many are done, and of how many."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


async def migrate(settings: Settings) -> int:
    """Bring the database to the newest revision."""
    foundation = await prepared(settings)
    await foundation.database.close()
    Console().print("The database is up to date.")
    return 0


async def import_ground(settings: Settings, path: Path, layer: Layer) -> int:
    """Take a layer of ground over, and find anew in which kelurahan each camera hangs."""
    console = Console()
    try:
        with progress_bar(console, path.name) as progress:
            imported = await asyncio.to_thread(
                import_layer, path, layer, settings.data_dir, progress
            )
    except CannotImport as exc:
        console.print(f"Nothing was imported.\n{exc}", markup=False, soft_wrap=True)
        return 2
    console.print(f"{imported.count} {layer} imported into {imported.path}.", soft_wrap=True)
    if imported.mended:
        console.print("Mended: " + ", ".join(imported.mended), markup=False, soft_wrap=True)
    if layer is Layer.AREAS:
        await _relocate(settings, console)
    console.print("Restart the bot: it reads the ground when it starts.")
    return 0


async def export(settings: Settings, path: Path) -> int:
    """Write the cameras that take part into a file; their owners can read that they were in it."""
    console = Console()
    foundation = await prepared(settings)
    try:
        async with foundation.office.work() as work:
            cameras = await cameras_in(work, None)
            # first the lines: an export that nobody can read of is worse than a line too many
            await note_exported(work, cameras, None, None)
        write_file(path, cameras)
    except (CannotExport, OSError) as exc:
        console.print(f"Nothing was exported. {exc}", markup=False, soft_wrap=True)
        return 2
    finally:
        await foundation.database.close()
    console.print(f"{len(cameras)} cameras written to {path}.", soft_wrap=True)
    return 0


async def _relocate(settings: Settings, console: Console) -> None:
    foundation = await prepared(settings)
    async with foundation.office.work() as work:
        moved, outside = await relocate(work, foundation.areas)
        strays = [
            f"{held.role} in {held.area_code}"
            for held in await open_grants(work)
            if foundation.areas.get(held.area_code) is None
        ]
    await foundation.database.close()
    console.print(f"{moved} cameras are in another kelurahan now.")
    if outside:
        console.print(f"Outside of every area, left as they were: {', '.join(outside)}.")
    if strays:
        console.print(f"Roles in areas that are no more; give them anew: {', '.join(strays)}.")


async def invite(settings: Settings, role: str, area: str, name: str | None) -> int:
    """
    Print an invitation link; the first administrator comes in this way.

    Args:
        name: How owners will read of them; None for what their account calls itself.
    """
    console = Console()
    try:
        called = None if name is None else read_name(name)
    except Refusal:
        console.print(f"Give the name of a person, of 2 to {MOST_NAME_CHARACTERS} characters.")
        return 2
    foundation = await prepared(settings)
    place = foundation.areas.district if area == "all" else foundation.areas.find(area)
    if role not in tuple(Role) or place is None:
        roles = ", ".join(Role)
        console.print(f"Give one of the roles {roles}, and an area such as `all` or Tambora.")
        await foundation.database.close()
        return 2
    async with foundation.office.work() as work:
        start = make_invitation(work, Role(role), place.code, created_by=None, name=called)
    await foundation.database.close()
    bot = await bot_name(settings)
    hours = settings.invitation_hours
    console.print(f"Whoever opens this first becomes {role} in {place}, within {hours} hours:")
    console.print(f"https://t.me/{bot}?start={start}", soft_wrap=True, style="bold")
    return 0


async def bot_name(settings: Settings) -> str:
    if settings.bot_token is None:
        return NO_BOT
    url = f"{settings.bot_api_url}/bot{settings.bot_token.get_secret_value()}/getMe"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return str((await response.json())["result"]["username"])
    except (aiohttp.ClientError, KeyError, ValueError):
        return NO_BOT
