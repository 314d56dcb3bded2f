"""
A district's list of 20,000 cameras, from the file to the register, on SQLite.

The whole command runs in a process of its own; its peer reads the same file with the csv module
and puts the rows into a bare table in one transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.figure import Figure
from nobs_bot.places.areas import Areas, load_areas

ROWS, DAMAGED = 20_000, 300
WITHIN_S, WITHIN_MB = 30.0, 300.0
ROOT = Path(__file__).parent.parent


async def measure() -> list[Figure]:
    """Seconds from start to end of the command, and its greatest memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        _write(path, load_areas("bench"))
        bare_s = _bare(path)
        seconds, peak_mb, said = await asyncio.to_thread(_command, path)
    assert f"{ROWS - DAMAGED} cameras recorded" in said, said
    return [
        Figure(
            f"import of {ROWS:,} rows, {DAMAGED} of them damaged",
            round(seconds, 1),
            "s",
            f"{seconds / bare_s:.0f} times csv and a bare table ({bare_s:.2f} s), start included",
            f"<= {WITHIN_S:g}",
            seconds <= WITHIN_S,
        ),
        Figure(
            "import: greatest memory of the process",
            round(peak_mb),
            "MB",
            "",
            f"<= {WITHIN_MB:g}",
            peak_mb <= WITHIN_MB,
        ),
    ]


def _write(path: Path, areas: Areas) -> None:
    chance = random.Random(1)
    west, south, east, north = areas.bounds
    rows = []
    while len(rows) < ROWS:
        lat, lon = round(chance.uniform(south, north), 6), round(chance.uniform(west, east), 6)
        if areas.locate(lat, lon):
            at = len(rows)
            phone = f"0812{at % 15_000:08d}"
            rows.append([at, f"Warga nomor {at}", phone, f"Jl. {at}", f"{lat:.6f}", f"{lon:.6f}"])
    for at in chance.sample(range(ROWS), DAMAGED):
        rows[at][4] = chance.choice(["", "abc", "-7.25"])
    with path.open("w", newline="") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(["No", "Nama", "No HP", "Alamat", "Lintang", "Bujur"])
        out.writerows(rows)


def _bare(path: Path) -> float:
    began = time.perf_counter()
    with sqlite3.connect(path.with_suffix(".db")) as table, path.open(newline="") as file:
        table.execute("CREATE TABLE cameras (no, name, phone, address, lat, lon)")
        rows = csv.reader(file, delimiter=";")
        next(rows)
        table.executemany("INSERT INTO cameras VALUES (?, ?, ?, ?, ?, ?)", rows)
    return time.perf_counter() - began


def _command(path: Path) -> tuple[float, float, str]:
    environment = os.environ | {"DATA_DIR": str(path.parent / "data"), "DATABASE_URL": ""}
    said, peak_bytes = path.with_suffix(".said"), 0
    began = time.perf_counter()
    with said.open("wb") as out:
        process = psutil.Popen(
            [sys.executable, ROOT / "bot.py", "import-cameras", path, "--yes"],
            cwd=path.parent,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        # what wait4 says of a child holds the memory of the parent that forked it
        while process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                peak_bytes = max(peak_bytes, process.memory_info().rss)
            time.sleep(0.02)
    return time.perf_counter() - began, peak_bytes / 1e6, said.read_text()
