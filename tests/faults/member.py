"""One process of a cluster, which somebody starts again whenever it has ended."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import start

# between an end and the next start; less than any operator's supervisor takes
PAUSE_S = 0.1
# `bot.py` says so where the machine does not let it start: the database or the disk is away
CANNOT_START = 2


@dataclass
class Member:
    """
    A supervised process.

    Attributes:
        name: As people call it: bot, worker-1.
        arguments: What Python is given.
        kills: How often it was killed.
        ends: Every end that nobody wished, with what it said last.
    """

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    kills: int = 0
    ends: list[str] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None
    _is_killed: bool = False
    _is_over: bool = False

    async def run(self) -> None:
        """Keep it running until `stop`."""
        while not self._is_over:
            with suppress(OSError):  # no room for its log, for instance: again in a moment
                self._process = await start(self.arguments, self.environment, self.log)
                await self._process.wait()
                self._note_end(self._process.returncode)
            self._is_killed = False
            await asyncio.sleep(PAUSE_S)

    def _note_end(self, code: int | None) -> None:
        if not (self._is_over or self._is_killed or code == CANNOT_START):
            last = self.log.read_text(errors="replace")[-1500:]
            self.ends.append(f"{self.name} ended by itself with {code}: …{last}")

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    def kill(self) -> None:
        """`kill -9`."""
        if self.pid is not None and self._process is not None:
            self._is_killed = True
            self.kills += 1
            self._process.kill()

    def replace(self, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        """Ask it to end, and start something else in its place."""
        self.arguments, self.environment = arguments, environment
        if self.pid is not None and self._process is not None:
            self._is_killed = True
            self._process.terminate()

    def signal(self, number: signal.Signals) -> None:
        """Stop it in its tracks, or let it go on."""
        if self.pid is not None and self._process is not None:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """Ask it to end, and have it ended where it does not; its children too."""
        self._is_over = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(25):
                await process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
