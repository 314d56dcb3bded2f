"""The commands that verify the audit log, and report whose data was exposed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from sqlalchemy import or_, select

from nobs_bot.footage.breach import (
    Affected,
    Incident,
    as_table,
    in_a_copy,
    report,
    seen_by,
    tell_affected,
)
from nobs_bot.people.persons import Person
from nobs_bot.preparing import progress_bar
from nobs_bot.serving import prepared
from nobs_bot.settings import Settings
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.chain import Verdict, read_head, verify_chain
from nobs_bot.storage.work import Work

_SHOWN = 50


async def verify_audit(settings: Settings, heads: list[str], *, as_json: bool) -> int:
    """
    Look at every line and every seal of the audit log.

    Args:
        heads: What administrators were told (see `people.heads`).

    Returns:
        0 where all is as it was written, 1 where something was found, 2 where a head is no head.
    """
    console = Console(stderr=True)
    foundation = await prepared(settings)
    try:
        told = [read_head(foundation.vault, head) for head in heads]
        with progress_bar(console, "verifying") as progress:
            verdict = await verify_chain(foundation.office, told, progress)
    except ValueError as exc:
        console.print(f"Give the whole line after the key: {exc}.", soft_wrap=True)
        return 2
    finally:
        await foundation.database.close()
    typer.echo(_as_json(verdict) if as_json else _as_text(verdict))
    return 0 if verdict.is_well else 1


def _as_json(verdict: Verdict) -> str:
    return json.dumps(
        {
            "well": verdict.is_well,
            "seals": verdict.seals,
            "lines": verdict.lines,
            "erased": verdict.erased,
            "findings": verdict.findings,
        }
    )


def _as_text(verdict: Verdict) -> str:
    looked = f"{verdict.lines} lines in {verdict.seals} seals"
    if verdict.erased:
        looked += f"; {verdict.erased} are gone with their owners, as is written"
    if verdict.is_well:
        return f"The audit log is as it was written: {looked}."
    shown = verdict.findings[:_SHOWN]
    rest = len(verdict.findings) - len(shown)
    lines = [f"The audit log is NOT as it was written: {looked}.", *(f"- {each}" for each in shown)]
    if rest:
        lines.append(f"- and {rest} more; --json has them all")
    return "\n".join(lines)


@dataclass(frozen=True)
class Breach:
    """
    What the operator says of a breach; times are local to the district, as they were typed.

    Args:
        officer: Number of a person or of their Telegram account, whose looks are meant; None for a
            copy of the database.
        with_keys: The keys went with the copy.
        tell: Also send everybody concerned a message.
    """

    folder: Path
    since: str
    until: str
    officer: int | None
    with_keys: bool
    how: str
    measures: str
    tell: bool


async def report_breach(settings: Settings, breach: Breach) -> int:
    """
    Write the report to the agency and the table of those concerned; tell them, where wanted.

    Returns:
        0 where it was written, 2 where something that was said cannot be.
    """
    console = Console()
    foundation = await prepared(settings)
    try:
        async with foundation.office.work() as work:
            incident = _incident(work, breach)
            affected = await _concerned(work, breach, incident)
            words = work.texts.of(settings.default_language)
            files = {
                "laporan.txt": report(work, words, incident, affected).encode(),
                "warga.csv": as_table(work, words, affected),
            }
            _write(breach.folder, files)
            told = await tell_affected(work, incident, affected) if breach.tell else 0
            record(work, Act.BREACH_REPORTED, actor_id=None, lines=len(affected), told=told)
    except ValueError as exc:
        console.print(f"Nothing was written. {exc}", markup=False, soft_wrap=True)
        return 2
    except OSError as exc:
        console.print(f"Nothing was written: {breach.folder}: {exc.strerror}.", soft_wrap=True)
        return 2
    finally:
        await foundation.database.close()
    console.print(
        f"{len(affected)} persons are concerned; {told} of them will be told by message. The "
        f"report and the table of names are in {breach.folder}: for the agency and for letters "
        "only. By law both are due three days after it was found.",
        soft_wrap=True,
    )
    return 0


def _incident(work: Work, breach: Breach) -> Incident:
    since, until = (_instant(work, each) for each in (breach.since, breach.until))
    if until < since:
        raise ValueError("It cannot end before it begins.")
    return Incident(since, until, work.now, breach.how, breach.measures)


def _instant(work: Work, text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no time; write 2026-11-28T10:30.") from None
    return given if given.tzinfo else given.replace(tzinfo=work.settings.zone)


async def _concerned(work: Work, breach: Breach, incident: Incident) -> list[Affected]:
    if breach.officer is None:
        return await in_a_copy(work, incident.until, with_keys=breach.with_keys)
    query = select(Person.id).where(
        or_(Person.id == breach.officer, Person.telegram_id == breach.officer)
    )
    officer_id = (await work.session.execute(query)).scalar()
    if officer_id is None:
        raise ValueError(f"Nobody has the number {breach.officer}.")
    return await seen_by(work, officer_id, incident.since, incident.until)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """For the operator's eyes alone; nothing that exists is written over."""
    folder.mkdir(mode=0o700, parents=True)
    for name, content in files.items():
        with os.fdopen(
            os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        ) as file:
            file.write(content)
