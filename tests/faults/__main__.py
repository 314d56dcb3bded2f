"""
`python -m tests.faults`: the thousand schedules, and one of them again.

    python -m tests.faults [--schedules N] [--seed S] [--minutes M] [--only KIND] [--into FILE]
    python -m tests.faults replay KIND:SEED
    python -m tests.faults rolling CHECKOUT
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from math import inf
from pathlib import Path

from rich.console import Console

from tests.faults.cluster import MEMBERS
from tests.faults.record import at_once, write
from tests.faults.rolling import roll
from tests.faults.soak import Result
from tests.faults.thousand import all_of, replay

FILE = Path(__file__).parents[2] / "docs" / "faults" / "last.md"


def main() -> int:
    """Run, print, write; 1 where something must never happen and has."""
    # also in the background, where a shell has the first ignored: nothing may stay mounted
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    given = _arguments()
    console = Console()
    if given.what == "rolling":
        found = asyncio.run(roll(Path(given.which).resolve(), console))
        for line in found:
            console.print(line, markup=False, soft_wrap=True)
        return 1 if found else 0
    if given.what == "replay":
        result = asyncio.run(replay(given.which, console))
    else:
        result = asyncio.run(
            all_of(
                given.schedules,
                given.seed,
                given.only,
                console,
                minutes=given.minutes,
                kept=lambda so_far: write(so_far, given.into, seed=given.seed),
            )
        )
        console.print(f"Written to {given.into}.", soft_wrap=True)
    return _said(result, console)


def _said(result: Result, console: Console) -> int:
    console.print(at_once(result), markup=False, soft_wrap=True)
    for name, found in result.violations.items():
        console.print(f"\n{name} failed; once more: python -m tests.faults replay {name}")
        for line in found:
            console.print(f"  {line}", markup=False, soft_wrap=True)
    return 1 if result.violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("what", nargs="?", choices=("run", "replay", "rolling"), default="run")
    parser.add_argument(
        "which", nargs="?", help="KIND:SEED, as printed where one failed; or an older checkout"
    )
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=inf, help="begin none after so many")
    parser.add_argument("--only", choices=tuple(MEMBERS))
    parser.add_argument("--into", type=Path, default=FILE)
    given = parser.parse_args()
    if given.what == "replay" and not given.which:
        parser.error("give the schedule as KIND:SEED")
    if given.what == "rolling" and not given.which:
        parser.error("give the folder of an older version, as `git worktree add` makes it")
    return given


if __name__ == "__main__":
    sys.exit(main())
