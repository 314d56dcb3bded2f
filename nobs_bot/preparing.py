"""What the commands do that prepare or feed an installation, and tell at the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from nobs_bot.cameras.relocating import relocate
from nobs_bot.coverage.exporting import CannotExport, cameras_in, note_exported, write_file
from nobs_bot.errors import Refusal
from nobs_bot.people.invitations import invite as make_invitation
from nobs_bot.people.persons import MOST_NAME_CHARACTERS, read_name
from nobs_bot.people.roles import Role, open_grants
from nobs_bot.places.importing import CannotImport, import_layer
from nobs_bot.places.layers import Layer
from nobs_bot.serving import prepared
from nobs_bot.settings import Settings

# what stands for the bot's name where Telegram cannot be asked
NO_BOT = "YOUR_BOT"


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
