"""The commands that record cameras from a list and write to their owners."""

from __future__ import annotations

import asyncio
import csv
import sys
from pathlib import Path

import typer
from rich.console import Console

from nobs_bot.cameras.letters import letters_for, write
from nobs_bot.cameras.lists.columns import Column, Columns, match
from nobs_bot.cameras.lists.table import Table, UnreadableList, read_table
from nobs_bot.cameras.lists.taking import Fate, Plan, carry_out, plan, read_entries
from nobs_bot.preparing import NO_BOT, bot_name, progress_bar
from nobs_bot.serving import prepared
from nobs_bot.settings import Settings

_SHOWN = 20


async def import_list(
    settings: Settings, path: Path, told: list[str], *, dry_run: bool, yes: bool
) -> int:
    """
    Look at every row, say what it would do, and record the good ones in one transaction.

    Args:
        told: What the operator said of columns: `lat=NAME`.
        dry_run: Stop after the report.
        yes: Do not ask before recording.

    Returns:
        0 where it was carried out or was a dry run, 2 where nothing was recorded.
    """
    console = Console()
    try:
        table = read_table(path)
        columns = _columns(console, table, told, ask=not yes and sys.stdin.isatty())
    except UnreadableList as exc:
        console.print(f"Nothing was recorded. {exc}", markup=False, soft_wrap=True)
        return 2
    foundation = await prepared(settings)
    try:
        with progress_bar(console, "reading") as progress:
            read = await asyncio.to_thread(read_entries, table, columns, foundation.areas, progress)
        del table  # a whole district's list is heavy, and has been read
        async with foundation.office.look() as work:
            planned = await plan(work, read)
        report = _report(path, planned)
        _say(console, planned, report)
        if dry_run:
            return 0
        if not planned.count(Fate.NEW):
            console.print("There is nothing to record.")
            return 0
        if not yes and not _agreed(planned):
            console.print("Nothing was recorded.")
            return 2
        async with foundation.office.work() as work:
            # once more, under the lock: somebody may have recorded one of them meanwhile
            planned = await plan(work, read)
            with progress_bar(console, "recording") as progress:
                count = await carry_out(work, planned, progress)
    except OSError as exc:
        console.print(f"Nothing was recorded: {exc}", markup=False, soft_wrap=True)
        return 2
    finally:
        await foundation.database.close()
    console.print(
        f"{count} cameras recorded. They take no part until their owners agree: "
        "`python bot.py claim-letters letters.pdf` writes to them.",
        soft_wrap=True,
    )
    return 0


def _columns(console: Console, table: Table, told: list[str], *, ask: bool) -> Columns:
    wanted: dict[Column, str] = {}
    for each in told:
        column, is_told, name = each.partition("=")
        if not is_told or column not in tuple(Column):
            raise UnreadableList(f"Give --column as one of {', '.join(Column)}, =, and its name.")
        wanted[Column(column)] = name
    try:
        columns = match(table.header, wanted)
    except KeyError as exc:
        raise UnreadableList(
            f"There is no column {exc}. The columns are: {', '.join(table.header)}."
        ) from None
    if not columns.have_a_place and ask:
        columns = match(table.header, wanted | _asked(console, table, columns))
    if not columns.have_a_place:
        raise UnreadableList(
            "No columns for the place were found. Say which they are: --column lat=NAME "
            f"--column lon=NAME. The columns are: {', '.join(table.header)}."
        )
    for column, at in columns.at.items():
        console.print(f"{column:>10}  ←  {table.header[at]}", markup=False)
    if columns.secret:
        console.print(
            f"Left out, since no owner has agreed to it yet: {', '.join(columns.secret)}.",
            markup=False,
            soft_wrap=True,
        )
    if columns.unused:
        console.print(f"Not used: {', '.join(columns.unused)}.", markup=False, soft_wrap=True)
    return columns


def _asked(console: Console, table: Table, columns: Columns) -> dict[Column, str]:
    """The columns of the place, from the operator."""
    _, example = table.rows[0]
    for at, name in enumerate(table.header, start=1):
        console.print(f"{at:>3}  {name}  (such as {example[at - 1]!r})", markup=False)
    answers = {}
    for column in (Column.LAT, Column.LON):
        if column not in columns.at:
            at = typer.prompt(f"Which of these is {column}? Number", type=int)
            if not 1 <= at <= len(table.header):
                raise UnreadableList(f"There is no column {at}.")
            answers[column] = table.header[at - 1]
    return answers


def _report(path: Path, planned: Plan) -> Path:
    """Every row and what becomes of it, beside the list."""
    report = path.with_name(f"{path.stem}.report.csv")
    with report.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(("line", "fate", "why"))
        rows.writerows((each.line, each.fate, each.why) for each in planned.verdicts)
    return report


def _say(console: Console, planned: Plan, report: Path) -> None:
    bad = [each for each in planned.verdicts if each.fate is Fate.BAD]
    for each in bad[:_SHOWN]:
        console.print(f"line {each.line}: {each.why}", markup=False, soft_wrap=True)
    if len(bad) > _SHOWN:
        console.print(f"... and {len(bad) - _SHOWN} more bad rows.")
    console.print(
        f"{planned.count(Fate.NEW)} new ({planned.mended} of them mended), "
        f"{planned.count(Fate.KNOWN)} known, {planned.count(Fate.REPEATED)} repeated, "
        f"{planned.count(Fate.REFUSED)} that their owners had erased, {len(bad)} bad. "
        f"Row by row in {report}.",
        markup=False,
        soft_wrap=True,
    )


def _agreed(planned: Plan) -> bool:
    left = len(planned.verdicts) - planned.count(Fate.NEW)
    question = f"Record {planned.count(Fate.NEW)} cameras and leave the other {left} rows out?"
    return sys.stdin.isatty() and typer.confirm(question)


async def write_letters(settings: Settings, path: Path, area: str) -> int:
    """A PDF with a letter for each owner of recorded cameras; each has a link made for it."""
    console = Console()
    foundation = await prepared(settings)
    try:
        place = foundation.areas.district if area == "all" else foundation.areas.find(area)
        if place is None:
            console.print(f"There is no area {area!r}.", markup=False)
            return 2
        name = await bot_name(settings)
        if name == NO_BOT:
            console.print("Nothing was written: the links need the bot. Is BOT_TOKEN in .env?")
            return 2
        async with foundation.office.work() as work:
            letters = await letters_for(work, place.code, name)
        words = foundation.office.texts.of(settings.default_language)
        with progress_bar(console, "letters") as progress:
            await asyncio.to_thread(
                write,
                path,
                letters,
                foundation.areas,
                words=words,
                settings=settings,
                progress=progress,
            )
    except OSError as exc:
        console.print(f"Nothing was written: {exc}", markup=False, soft_wrap=True)
        return 2
    finally:
        await foundation.database.close()
    console.print(f"{len(letters)} letters in {path}.", soft_wrap=True)
    return 0
