"""
The doctor: looks at one installation and says what to do where something is not as it must be.

Every look is a function that returns a `Finding`, or None where all is well. Nothing printed holds
a secret: of failures outside, only the kind is told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from rich.console import Console
from rich.markup import escape

from nobs_bot.clock import Clock, SystemClock
from nobs_bot.doctor import kept, machine, telegram
from nobs_bot.doctor.finding import Finding
from nobs_bot.log import redact
from nobs_bot.settings import Settings
from nobs_bot.storage.engine import Database

Look = Callable[[], Awaitable[Finding | None]]


async def examine(
    settings: Settings, *, console: Console | None = None, clock: Clock | None = None
) -> int:
    """
    Look at everything and print what was found.

    Returns:
        0 where nothing must be mended, else 1.
    """
    out = console or Console()
    out.print(f"[bold]{escape(settings.district_name)}[/]")
    errors = warnings = 0
    async for name, finding in look_all_round(settings, clock or SystemClock()):
        _print(out, name, finding)
        errors += bool(finding and finding.is_error)
        warnings += bool(finding and not finding.is_error)
    out.print(_verdict(errors, warnings))
    return 1 if errors else 0


async def look_all_round(
    settings: Settings, clock: Clock
) -> AsyncIterator[tuple[str, Finding | None]]:
    """Each look's name and what it found, in the order in which they build on each other."""
    me = await telegram.ask_api(settings, "getMe")
    webhook = await telegram.ask_api(settings, "getWebhookInfo") if me and me.result else None
    looks = _at_telegram(settings, clock, me, webhook) | _at_the_machine(settings, clock)
    async with kept.opened(settings) as database:
        for name, look in (looks | _at_what_is_kept(settings, database)).items():
            yield name, await _carefully(name, look)


def _at_telegram(
    settings: Settings,
    clock: Clock,
    me: telegram.Answer | None,
    webhook: telegram.Answer | None,
) -> dict[str, Look]:
    """What can be looked at: without a token nothing can, nor behind a server that is away."""
    looks = {"token": _plain(telegram.token_is_good, settings, me)}
    if settings.bot_token is None:
        return looks
    looks = {"Bot API": _plain(telegram.api_answers, settings, me)} | looks
    if me is None:
        return {"Bot API": looks["Bot API"]}
    looks["clock"] = _plain(telegram.clock_is_right, me, clock)
    if webhook is not None:
        looks["webhook"] = _plain(telegram.webhook_is_set, settings, webhook)
        looks["webhook's deliveries"] = _plain(telegram.webhook_delivers, webhook, clock)
        looks["waiting updates"] = _plain(telegram.updates_are_taken, webhook)
    return looks


def _at_the_machine(settings: Settings, clock: Clock) -> dict[str, Look]:
    looks: dict[str, Look] = {
        "data folder": _plain(machine.folder_is_writable, settings.data_dir),
        "disk": _plain(machine.disk_has_room, settings.data_dir),
        "port": lambda: machine.port_is_free(settings.listen_host, settings.listen_port),
        "proxy": _plain(machine.callers_are_told_apart, settings),
        "time zone": _plain(machine.zone_is_the_districts, settings, clock),
        "OpenCV": machine.opencv_starts,
        "children": machine.children_are_confined,
        "areas": _plain(machine.areas_load, settings),
    }
    if settings.geocoder_url is not None:
        looks["geocoder"] = lambda: machine.geocoder_answers(settings)
    return looks


def _at_what_is_kept(settings: Settings, database: Database | None) -> dict[str, Look]:
    looks: dict[str, Look] = {
        "file store": lambda: kept.files_can_be_stored(settings),
        "keys": _plain(kept.keys_are_kept_well, settings),
        "database": lambda: kept.database_is_current(database),
    }
    if database is not None:
        looks["database takes writes"] = lambda: kept.database_takes_writes(database)
        looks["keys open what is stored"] = lambda: kept.keys_open_what_is_stored(
            settings, database
        )
    return looks


def _plain(look: Callable[..., Finding | None], *arguments: Any) -> Look:
    async def run() -> Finding | None:
        return look(*arguments)

    return run


async def _carefully(name: str, look: Look) -> Finding | None:
    """One look that breaks off must not hide what the others would find."""
    try:
        return await look()
    except Exception as exc:
        problem = f"this look broke off: {type(exc).__name__}"
        return Finding("E099", problem, f"Please report this, with the name of the look: {name}.")


def _print(out: Console, name: str, finding: Finding | None) -> None:
    if finding is None:
        out.print(f"[green]good[/]         {escape(name)}")
        return
    mark = "[red]bad [/]" if finding.is_error else "[yellow]warn[/]"
    problem, hint = escape(redact(finding.problem)), escape(redact(finding.hint))
    out.print(f"{mark}  [bold]{finding.code}[/]   {escape(name)}: {problem}", soft_wrap=True)
    out.print(f"             {hint}", soft_wrap=True)


def _verdict(errors: int, warnings: int) -> str:
    if errors:
        return f"[red]{errors} to mend[/], {warnings} to know of."
    return f"[green]Nothing to mend[/], {warnings} to know of."
