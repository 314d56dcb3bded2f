"""
Run every benchmark, or one by its name: print the figures and write them to results.json.

What takes hours has `ONLY_BY_NAME` and runs only where it is named.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import benchmarks
from benchmarks.figure import Figure

RESULTS = Path(__file__).parent / "results.json"


def names() -> list[str]:
    """The modules here that measure something."""
    found = [each.name for each in pkgutil.iter_modules(benchmarks.__path__)]
    return [name for name in found if name != "__main__" and hasattr(_module(name), "measure")]


def _module(name: str) -> object:
    return importlib.import_module(f"benchmarks.{name}")


def run(chosen: list[str], console: Console) -> tuple[list[Figure], bool]:
    """The figures of *chosen*, and whether one of them broke."""
    figures: list[Figure] = []
    broke = False
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        for name in chosen:
            task = progress.add_task(name, total=1)
            try:
                figures += asyncio.run(_module(name).measure())  # type: ignore[attr-defined]
            except Exception as exc:
                console.print_exception()
                figures.append(_broken(name, exc))
                broke = True
            progress.update(task, completed=1)
    return figures, broke


def _broken(name: str, error: Exception) -> Figure:
    return Figure(f"{name} broke: {type(error).__name__}: {error}", 0, "", "", "a figure", False)


def as_table(figures: list[Figure]) -> Table:
    """The figures for a person."""
    table = Table(title="No Blindspot: figures")
    for heading in ("figure", "value", "unit", "beside", "wanted", "met"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for each in figures:
        met = "[green]yes[/]" if each.met else "[red]no[/]"
        table.add_row(each.name, f"{each.value:g}", each.unit, each.peer, each.wanted, met)
    return table


def write(figures: list[Figure], path: Path, *, whole: bool) -> None:
    """Write the figures; where only some were measured, those of the others stay."""
    kept = []
    if path.exists() and not whole:
        fresh = {each.name for each in figures}
        kept = [row for row in json.loads(path.read_text()) if row["name"] not in fresh]
    rows = kept + [asdict(each) for each in figures]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Exit code 0 wherever everything could be measured, also where a figure is not met."""
    console = Console()
    known = names()
    if unknown := set(arguments) - set(known):
        console.print(f"No benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
        return 2
    usual = [name for name in known if not hasattr(_module(name), "ONLY_BY_NAME")]
    figures, broke = run(arguments or usual, console)
    console.print(as_table(figures))
    write(figures, RESULTS, whole=not arguments)
    return 1 if broke else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
