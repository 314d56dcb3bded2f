"""What came of a run, in words and as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.faults.cluster import MEMBERS
from tests.faults.soak import Result


def at_once(result: Result) -> str:
    """One line."""
    found = sum(map(len, result.violations.values()))
    return (
        f"{len(result.schedules)} schedules, {sum(result.faults.values())} faults "
        f"({result.kills} kills), {result.updates} updates, {result.messages} messages, "
        f"{result.lured} looks at the lure: {found} violations"
    )


def write(result: Result, into: Path, *, seed: int) -> None:
    """The table, as Markdown."""
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_text(as_markdown(result, seed=seed))


def as_markdown(result: Result, *, seed: int) -> str:
    """The table and the faults by kind."""
    by_kind = {kind: sum(name.startswith(kind) for name in result.schedules) for kind in MEMBERS}
    rows = [
        ("run on", f"{datetime.now(UTC):%Y-%m-%d}"),
        ("seeds", f"{seed} to {seed + len(result.schedules) - 1}"),
        ("schedules on PostgreSQL, in parts", by_kind["postgres"]),
        ("schedules on PostgreSQL, two whole processes", by_kind["pair"]),
        ("schedules on SQLite", by_kind["sqlite"]),
        ("seconds a schedule, median", f"{median(result.seconds or [0]):.1f}"),
        ("minutes in all, starts of clusters aside", f"{sum(result.seconds) / 60:.0f}"),
        ("processes killed", result.kills),
        ("updates", result.updates),
        ("messages", result.messages),
        ("looks at the lure", result.lured),
        ("violations", sum(map(len, result.violations.values()))),
    ]
    lines = ["# The last run", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows]
    lines += ["", "| people | times |", "|---|---|"]
    lines += [f"| {name} | {times} |" for name, times in result.deeds.items()]
    lines += ["", "| fault | times |", "|---|---|"]
    lines += [f"| {name} | {times} |" for name, times in sorted(result.faults.items())]
    for name, found in result.violations.items():
        lines += ["", f"## {name}", "", f"`python -m tests.faults replay {name}`", ""]
        lines += [f"- {line[:400]}" for line in found]
    return "\n".join(lines) + "\n"
