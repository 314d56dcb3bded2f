"""What the idle app weighs: its whole process tree, shared pages counted once."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import psutil

from benchmarks.figure import Figure
from benchmarks.processes import APP, environment, running, start
from benchmarks.telegram import FIRST_ID, Telegram, telegram

MOST_MB = 300.0
ANSWER_WITHIN_S = 30


async def measure() -> list[Figure]:
    """Start `python bot.py` anew, let somebody begin an enrolment, wait a little, look."""
    with tempfile.TemporaryDirectory() as name:
        async with telegram(1) as sandbox:
            env = environment(sandbox.api_url, Path(name), log_level="WARNING")
            migration = await start((*APP, "migrate"), env, Path(name) / "log")
            assert await migration.wait() == 0
            async with running(APP, env, Path(name) / "log") as process:
                await _talk(sandbox)
                await asyncio.sleep(3)
                weights = tree_mb(process.pid)
    whole_mb = sum(weights.values())
    parts = ", ".join(f"{what} {mb:.0f}" for what, mb in weights.items())
    return [
        Figure(
            "memory of the idle app, all its processes (PSS)",
            round(whole_mb, 1),
            "MB",
            parts,
            f"<= {MOST_MB:.0f}",
            whole_mb <= MOST_MB,
        )
    ]


async def _talk(sandbox: Telegram) -> None:
    """A few updates, so that what is loaded at the first one is loaded."""
    person = f"persons/{FIRST_ID}"
    await sandbox.do(f"{person}/start", payload="")
    await _until(sandbox, "enrol.start")
    await sandbox.do(f"{person}/text", text="/daftar")
    await _until(sandbox, "consent.agree")
    await sandbox.do(f"{person}/text", text="/bantuan")
    await _until(sandbox, "home")


async def _until(sandbox: Telegram, data: str) -> None:
    async with asyncio.timeout(ANSWER_WITHIN_S):
        while True:
            calls = (await sandbox.see("calls", method="sendMessage"))["calls"]
            if any(f'"{data}' in str(call["params"].get("reply_markup")) for call in calls):
                return
            await asyncio.sleep(0.1)


def tree_mb(pid: int) -> dict[str, float]:
    """Proportional set size of a process and all its children, by their names, in MB."""
    main = psutil.Process(pid)
    weights: dict[str, float] = {}
    for process in [main, *main.children(recursive=True)]:
        what = "app" if process.pid == pid else process.cmdline()[-2].split(".")[-1]
        weights[what] = weights.get(what, 0) + process.memory_full_info().pss / 1e6
    return weights
