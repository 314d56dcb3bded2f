"""
Updates a second from HTTP to the answer, beside a bare aiogram bot under the same load.

The app is the whole of it: `python bot.py` with its webhook, the real handlers, and SQLite with
synchronous=FULL. In an enrolment a person types a name, which is sealed into the draft, and goes
back to the question: real steps, each of which writes. The bare bot answers each text with one
message, writes nothing and has forgotten what it was doing once it is killed.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.processes import APP, BARE, ROOT, environment, running

AT_ONCE = 16
ROUNDS = 3
SECONDS = 6.0
LEAST_OF_BARE = 0.15
MOST_P99_MS = 150.0
LONGEST_LINE = 64 * 1024 * 1024


class Load:
    """The load generator's process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.pid = process.pid
        self.api_url = f"http://127.0.0.1:{port}"

    async def run(
        self,
        *webhooks: str,
        dialogue: bool,
        prepare: bool = False,
        seconds: float = SECONDS,
        most: int | None = None,
        persons: int = AT_ONCE,
    ) -> dict[str, Any]:
        """Let the crowd type at the bot behind *webhooks*, once it is there."""
        assert self._process.stdin is not None
        order = {
            "webhooks": webhooks,
            "seconds": seconds,
            "persons": persons,
            "prepare": prepare,
            "dialogue": dialogue,
            "most": most,
        }
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await read_line(self._process)


async def read_line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next JSON line of a process."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("the load generator broke off")
    answer: dict[str, Any] = json.loads(line)
    return answer


@asynccontextmanager
async def load_running() -> AsyncIterator[Load]:
    """A load generator for as long as the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.load"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    assert process.stdin is not None
    try:
        yield Load(process, int((await read_line(process))["port"]))
    finally:
        process.stdin.close()
        await process.wait()


async def measure() -> list[Figure]:
    """Rounds of both in turns; the ratio is the median of the rounds'."""
    ours, bare = [], []
    async with load_running() as load:
        for _ in range(ROUNDS):
            bare.append(await _one_round(load, BARE, dialogue=False))
            ours.append(await _one_round(load, APP, dialogue=True))
    our_rate, bare_rate = _rate(ours), _rate(bare)
    ratio = statistics.median(
        _rate([one]) / _rate([other]) for one, other in zip(ours, bare, strict=True)
    )
    p99_ms = _p99(ours)
    step = "typing a name in an enrolment and going back; 16 persons at once"
    return [
        Figure(
            f"updates through inbox, handler and commit ({step})",
            round(our_rate, 1),
            "updates/s",
            f"bare aiogram, one answer, nothing kept: {bare_rate:.0f} updates/s",
            "see the ratio",
            True,
        ),
        Figure(
            "updates: beside a bare bot",
            round(ratio, 3),
            "ratio",
            "bare aiogram bot in the same run",
            f">= {LEAST_OF_BARE}",
            ratio >= LEAST_OF_BARE,
        ),
        Figure(
            "updates: p99 from the call to the answer, 16 at once",
            round(p99_ms, 1),
            "ms",
            f"bare aiogram: {_p99(bare):.1f} ms",
            f"< {MOST_P99_MS:.0f}",
            p99_ms < MOST_P99_MS,
        ),
    ]


async def _one_round(load: Load, command: tuple[str, ...], *, dialogue: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = environment(
            load.api_url, folder, webhook_url="http://127.0.0.1:{port}", log_level="WARNING"
        )
        webhook = f"http://127.0.0.1:{env['LISTEN_PORT']}/telegram/webhook"
        async with running(command, env, folder / "log"):
            # warms up, and leaves everybody at the question for their name
            await load.run(webhook, dialogue=dialogue, prepare=dialogue, seconds=1.0)
            return await load.run(webhook, dialogue=dialogue)


def _rate(rounds: list[dict[str, Any]]) -> float:
    return statistics.median(each["updates"] / each["seconds"] for each in rounds)


def _p99(rounds: list[dict[str, Any]]) -> float:
    every = sorted(ms for each in rounds for ms in each["ms"])
    return float(every[int(len(every) * 0.99)])
