"""`verify-evidence`: verifying an export from the command line, for people and for scripts."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.text import Text

from nobs_bot.footage.archive import NotAnExport
from nobs_bot.footage.verify import Finding, Verdict, load_key, verify

WELL, NOT_WELL, NOT_VERIFIED = 0, 1, 2

_UNPINNED = (
    "This key came with the export. It proves only that the export is consistent in itself: "
    "whoever changes everything can sign it anew with a key of their own. Hold the fingerprint "
    "against the one that the district publishes, with --fingerprint or --key."
)


def verify_evidence(
    path: Path,
    *,
    key_path: Path | None,
    fingerprint: str | None,
    as_json: bool,
    out: TextIO,
) -> int:
    """
    Verify one export and print what was found.

    Returns:
        0 only where all is well; 1 where something differs; 2 where it could not be verified.
    """
    console = Console(file=out, highlight=False, soft_wrap=True)
    try:
        key = load_key(key_path.read_bytes()) if key_path else None
        verdict = _verify(path, key, fingerprint, None if as_json else console)
    except NotAnExport:
        return _not_verified(f"{path} is not an export of evidence.", as_json, console)
    except ValueError as exc:
        return _not_verified(f"{key_path}: {exc}.", as_json, console)
    except OSError as exc:
        return _not_verified(f"{exc.filename}: {exc.strerror}.", as_json, console)
    if as_json:
        found = {"ok": verdict.is_well, "file": str(path), **asdict(verdict)}
        console.print(Text(json.dumps(found, ensure_ascii=False, indent=1)))
    else:
        _print(verdict, console)
    return WELL if verdict.is_well else NOT_WELL


def _verify(
    path: Path, key: Ed25519PublicKey | None, fingerprint: str | None, console: Console | None
) -> Verdict:
    if console is None:
        return verify(path, key=key, fingerprint=fingerprint)
    columns = (TextColumn("Verifying"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=path.stat().st_size)

        def tick(count: int) -> None:
            progress.advance(task, count)

        return verify(path, key=key, fingerprint=fingerprint, tick=tick)


def _not_verified(why: str, as_json: bool, console: Console) -> int:
    console.print(Text(json.dumps({"ok": False, "problem": why}) if as_json else why))
    return NOT_VERIFIED


def _print(verdict: Verdict, console: Console) -> None:
    if verdict.request:
        console.print(Text(f"Request      {verdict.request}"))
    console.print(Text(f"Files        {verdict.files}, {verdict.size_bytes:,} bytes in all"))
    console.print(Text(f"Signed with  {verdict.fingerprint or 'no key that can be read'}"))
    if verdict.is_pinned and verdict.is_well:
        console.print(Text("             the published key", style="green"))
    elif not verdict.is_pinned:
        console.print(Text(_UNPINNED, style="yellow"))
    for finding in verdict.findings:
        console.print(_line(finding))
    if verdict.is_well:
        words = "All is well: every file is the one that was signed."
        console.print(Text(words, style="bold green"))
    else:
        count = len(verdict.findings)
        words = f"NOT as it was signed: {count} finding{'s' * (count > 1)}."
        console.print(Text(words, style="bold red"))


def _line(finding: Finding) -> Text:
    # names come out of the file, so they may hold anything
    where = finding.where if finding.where.isprintable() else repr(finding.where)
    line = Text("✗ ", style="red")
    line.append(f"{where}: {finding.what}", style="default")
    if finding.field is not None:
        line.append(f"; field {finding.field!r}", style="default")
    if finding.byte is not None:
        line.append(f"; first at byte {finding.byte}", style="default")
    return line
