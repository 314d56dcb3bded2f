"""No Blindspot: `python bot.py [COMMAND]`. Composition only; every command is built elsewhere."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from nobs_bot.settings import Settings, WrongSettings, load_settings

cli = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    help="A Telegram bot through which people volunteer their cameras.",
)

# the libraries take a second and more to import, so commands import what they need when they run


def settings_or_exit(**overrides: object) -> Settings:
    """The settings, or an end with what is wrong and how to mend it."""
    try:
        return load_settings(**overrides)
    except WrongSettings as wrong:
        typer.echo(f"These settings are wrong (see .env.example):\n\n{wrong}", err=True)
        raise typer.Exit(2) from None


def run(main: Coroutine[Any, Any, int | None]) -> None:
    """Run *main* until it ends or the process is told to; exit with what it returns."""
    from nobs_bot.errors import CannotStart
    from nobs_bot.storage.crypto import KeyProblem

    # keys and passwords are in our memory, of which no copy may be left on the disk
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        raise typer.Exit(asyncio.run(main) or 0)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except CannotStart as sentence:
        typer.echo(str(sentence), err=True)
        raise typer.Exit(2) from None
    except KeyProblem as problem:
        typer.echo(f"The keys (SECRET_KEYS, or DATA_DIR/keys) are wrong: {problem}", err=True)
        raise typer.Exit(2) from None


@cli.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Start bot, workers and console in one process; without BOT_TOKEN the demo."""
    if context.invoked_subcommand is not None:
        return
    settings = settings_or_exit()
    if settings.bot_token is None:
        _demo(settings)
    else:
        _serve(settings, None)


def _serve(settings: Settings, part: str | None) -> None:
    # what is imported and laid out from here on stays: nothing to collect until all runs
    gc.disable()
    from nobs_bot import log
    from nobs_bot.serving import serve

    if settings.bot_token is None:
        typer.echo("BOT_TOKEN is empty. Put the bot's token into .env, or run the demo.", err=True)
        raise typer.Exit(2)
    log.configure(settings.log_level, settings.log_format)
    run(serve(settings, compose, part))


def _demo(settings: Settings) -> None:
    from nobs_bot import log
    from nobs_bot.demo import run_demo

    log.configure("ERROR" if settings.log_level == "INFO" else settings.log_level)
    run(run_demo(settings, compose))


@cache
def _dispatcher() -> Any:
    """The one dispatcher of this process, which keeps no state."""
    from handlers import build_dispatcher

    return build_dispatcher()


async def compose(foundation: Any, parts: Any = None, **options: Any) -> Any:
    """
    Put handlers and foundation together.

    Args:
        foundation: See `nobs_bot.app.Foundation`.
        parts: What the process does; all of it unless told otherwise.

    Returns:
        The `App`, not yet started, and aiogram's bot, to be closed after it.
    """
    from handlers.composition import outside_of
    from nobs_bot.app import ALL_PARTS, App

    outside, bot = await outside_of(foundation, _dispatcher())
    return App(foundation, outside, parts=parts or ALL_PARTS, **options), bot


@cli.command()
def demo() -> None:
    """The whole programme against a Telegram of its own: a chat page, test cameras, the cast."""
    _demo(settings_or_exit())


@cli.command("bot")
def bot_part() -> None:
    """Only answer people; for several processes on PostgreSQL."""
    _serve(settings_or_exit(), "bot")


@cli.command()
def worker() -> None:
    """Only deliver, check and look after what waits."""
    _serve(settings_or_exit(), "worker")


@cli.command()
def console() -> None:
    """Only serve the webhook, the upload page and the health page."""
    _serve(settings_or_exit(), "console")


@cli.command()
def migrate() -> None:
    """Bring the database to the newest revision."""
    from nobs_bot.preparing import migrate as bring_up_to_date

    run(bring_up_to_date(settings_or_exit()))


@cli.command()
def doctor() -> None:
    """Look whether everything is as it must be, and say what to do where it is not."""
    from nobs_bot.doctor import examine

    run(examine(settings_or_exit()))


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write, such as nobs.tar.")],
) -> None:
    """Write database and files into one archive while the bot runs, and its key beside it."""
    from nobs_bot.backup.making import make_backup

    run(make_backup(settings_or_exit(), file))


@cli.command("backup-keys")
def backup_keys(
    file: Annotated[Path, typer.Argument(help="A new file, to be kept apart from backups.")],
) -> None:
    """Write the keys, without which a backup opens for nobody."""
    from nobs_bot.backup.making import back_up_keys

    run(back_up_keys(settings_or_exit(), file))


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.")],
    key: Annotated[
        Path | None, typer.Option(help="Its key, where it is not beside it as FILE.key.")
    ] = None,
) -> None:
    """Put a backup back, into an empty data folder or database only."""
    from nobs_bot.backup.restoring import restore as put_back

    run(put_back(settings_or_exit(), file, key_file=key))


@cli.command("move-database")
def move_database(
    target: Annotated[str, typer.Argument(help="postgresql://user@host/name, an empty database.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Copy SQLite into PostgreSQL, verified row by row; run it again where it was interrupted."""
    from nobs_bot.moving.move import move

    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    run(move(settings_or_exit(), target, password=password))


@cli.command("export-cameras")
def export_cameras(
    file: Annotated[Path, typer.Argument(help="Ends in .geojson, .csv or .gpkg.")],
) -> None:
    """Write where the cameras hang and look, with OpenStreetMap's keys; no owner, no stream."""
    from nobs_bot.preparing import export

    run(export(settings_or_exit(), file))


@cli.command("import-cameras")
def import_cameras(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, a header and a camera a row.")],
    column: Annotated[
        list[str] | None,
        typer.Option(help="lat=NAME and so on, for a column that is not found by its name."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Record the good rows, do not ask.")] = False,
) -> None:
    """Record the cameras of a district's list; they take no part until their owners agree."""
    from nobs_bot.registering import import_list

    run(import_list(settings_or_exit(), file, column or [], dry_run=dry_run, yes=yes))


@cli.command("claim-letters")
def claim_letters(
    file: Annotated[Path, typer.Argument(help="The PDF to write.")],
    area: Annotated[str, typer.Option(help="Name or code of an area.")] = "all",
) -> None:
    """A letter for each owner of recorded cameras, with a code to take them over or erase them."""
    from nobs_bot.registering import write_letters

    run(write_letters(settings_or_exit(), file, area))


@cli.command("import-areas")
def import_areas(
    file: Annotated[Path, typer.Argument(help="GeoJSON in degrees; anything with pyogrio.")],
    kind: Annotated[str, typer.Option(help="areas, roads or buildings")] = "areas",
) -> None:
    """Take over a district's own areas, roads or buildings: all of a file, or nothing."""
    from nobs_bot.places.layers import Layer
    from nobs_bot.preparing import import_ground

    if kind not in tuple(Layer):
        typer.echo(f"Give --kind one of {', '.join(Layer)}.", err=True)
        raise typer.Exit(2)
    run(import_ground(settings_or_exit(), file, Layer(kind)))


@cli.command()
def invite(
    role: Annotated[str, typer.Argument(help="administrator, reviewer, investigator, ...")],
    area: Annotated[str, typer.Argument(help="Name or code of an area; `all` for the district.")],
    name: Annotated[
        str | None, typer.Option(help="Rank and name, as owners will read it in their logs.")
    ] = None,
) -> None:
    """Print a link that gives a role in an area to whoever opens it first."""
    from nobs_bot.preparing import invite as make_invitation

    run(make_invitation(settings_or_exit(), role, area, name))


@cli.command("check-stream")
def check_stream(
    url: Annotated[str, typer.Argument(help="rtsp://, rtsps://, http:// or https:// address.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    still: Annotated[Path | None, typer.Option(help="Save the picture here.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Look at one camera's stream; exit 0 only where it is good."""
    from nobs_bot.streams.command import check_stream as check

    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    settings = settings_or_exit()
    run(
        check(
            url,
            password_from_stdin=password,
            as_json=as_json,
            still_path=still,
            allowed_networks=settings.allowed_networks,
            out=sys.stdout,
        )
    )


@cli.command("verify-evidence")
def verify_evidence(
    file: Annotated[Path, typer.Argument(help="The exported zip.")],
    key: Annotated[Path | None, typer.Option(help="The published key, as PEM.")] = None,
    fingerprint: Annotated[str | None, typer.Option(help="The published fingerprint.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify an export of evidence, with nothing but the export; exit 0 only where all is well."""
    from nobs_bot.footage.verifier import verify_evidence as verify

    raise typer.Exit(
        verify(file, key_path=key, fingerprint=fingerprint, as_json=as_json, out=sys.stdout)
    )


@cli.command("breach-report")
def breach_report(
    folder: Annotated[Path, typer.Argument(help="A new folder for the report.")],
    *,
    since: Annotated[str, typer.Option(help="From when, as 2026-11-28T10:30.")],
    until: Annotated[str, typer.Option(help="Until when.")],
    how: Annotated[str, typer.Option(help="What happened, for everybody to read.")],
    measures: Annotated[str, typer.Option(help="What is done about it, likewise.")],
    officer: Annotated[
        int | None,
        typer.Option(help="What this person saw; left out, a copy of the database got out."),
    ] = None,
    with_keys: Annotated[bool, typer.Option("--with-keys", help="The keys got out too.")] = False,
    tell: Annotated[
        bool, typer.Option("--tell", help="Send everybody concerned a message.")
    ] = False,
) -> None:
    """Report whose data was exposed, what of it and when, as the law wants within three days."""
    from nobs_bot.auditing import Breach, report_breach

    said = Breach(folder, since, until, officer, with_keys, how, measures, tell)
    run(report_breach(settings_or_exit(), said))


@cli.command("rotate-keys")
def rotate_keys(
    reseal: Annotated[
        bool, typer.Option("--reseal", help="Only seal anew; the keys are as they shall be.")
    ] = False,
) -> None:
    """Make a new key and seal everything with it, while every process goes on."""
    from nobs_bot.rotating import rotate

    run(rotate(settings_or_exit(), only_reseal=reseal))


@cli.command("verify-audit")
def verify_audit(
    head: Annotated[
        list[str] | None, typer.Option(help="A head as told to administrators; also several.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify that no line of the audit log was changed, cut or put in; exit 0 only where so."""
    from nobs_bot.auditing import verify_audit as verify

    run(verify(settings_or_exit(), head or [], as_json=as_json))


if __name__ == "__main__":
    cli()
