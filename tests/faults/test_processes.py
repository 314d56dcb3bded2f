"""A real process, killed at the very points that matter."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from benchmarks.processes import APP, ROOT, environment, start, stop
from nobs_bot.app import Foundation
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import enqueue
from nobs_bot.sandbox import SandboxServer
from nobs_bot.sandbox.faults import Fault
from nobs_bot.schema import is_current, upgrade
from nobs_bot.storage.engine import Database
from tests.conftest import TOKEN
from tests.conversations import enrolling
from tests.installation import settings_for
from tests.messaging.updates import SARI
from tests.phone import Phone, words_of

START_S = 60.0

# runs the migration until *so many* statements were sent, and dies as by kill -9
HALF_WAY = """
import asyncio, os, signal, sys
from sqlalchemy import event
from nobs_bot.schema import upgrade
from nobs_bot.storage.engine import Database

left = int(sys.argv[2])
database = Database(sys.argv[1])

def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(database.engine.sync_engine, "before_cursor_execute", count)
asyncio.run(upgrade(database))
"""


class Process:
    """The app as a process that a test kills and starts again."""

    def __init__(self, sandbox: SandboxServer, folder: Path) -> None:
        self._env = environment(sandbox.api_url, folder) | {"BOT_TOKEN": TOKEN}
        self._log = folder / "log"
        self._running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._running = await start(APP, self._env, self._log)

    async def kill(self) -> None:
        assert self._running is not None
        self._running.kill()
        await self._running.wait()

    async def stop(self) -> int | None:
        if self._running is None:
            return None
        await stop(self._running)
        return self._running.returncode

    @property
    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture
async def app(sandbox: SandboxServer, tmp_path: Path) -> AsyncIterator[Process]:
    """The app, started."""
    process = Process(sandbox, tmp_path)
    await process.start()
    yield process
    await process.stop()


@pytest.fixture
async def sari(sandbox: SandboxServer, app: Process) -> Phone:
    """Sari's phone; the app has greeted her."""
    phone = Phone(sandbox.api_url, SARI)
    await phone.start()
    await phone.expect("Selamat datang", START_S)
    return phone


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(START_S):
        while not happened():
            await asyncio.sleep(0.02)


def hang(sandbox: SandboxServer, when: str) -> Callable[[], bool]:
    """Let the next message to Sari hang; tells whether it does."""
    sandbox.api.faults.arm(Fault("sendMessage", "hang", chat_id=SARI, hang_s=3, when=when))
    return lambda: not sandbox.api.faults.listed()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_between_commit_and_answer(
    sandbox: SandboxServer, app: Process, sari: Phone, when: str
) -> None:
    """What was applied stays; its answer comes after the restart, twice at most."""
    await sari.send("/daftar")
    await sari.expect("UU No. 27/2022")
    await sari.tap("Saya setuju")
    await sari.expect("dipasang di mana")
    await sari.tap("Toko")
    await sari.expect("Siapa yang dapat kami hubungi")
    hangs = hang(sandbox, when)
    await sari.send("Ibu Sari")
    await until(hangs)
    await app.kill()
    await app.start()
    await sari.expect("Nomor telepon", START_S)
    await sari.press("⬅️ Kembali")
    again = await sari.expect("Siapa yang dapat kami hubungi", START_S)
    assert "Ibu Sari" in str(again)
    asked = [each for each in await sari.messages() if "Nomor telepon" in words_of(each)]
    assert len(asked) == (1 if when == "before" else 2)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_between_sending_and_settling(
    sandbox: SandboxServer, app: Process, sari: Phone, tmp_path: Path, when: str
) -> None:
    """A message of the outbox goes again after the restart: twice at most, and in its place."""
    hangs = hang(sandbox, when)
    foundation = Foundation(settings_for(sandbox, tmp_path / "data"))
    async with foundation.office.work() as work:
        for text in ("kabar satu", "kabar dua"):
            await enqueue(work, SARI, Message(text=text), text)
    await foundation.database.close()
    await until(hangs)
    await app.kill()
    await app.start()
    await sari.expect("kabar dua", START_S)
    news = [words_of(each) for each in await sari.messages() if "kabar" in words_of(each)]
    doubled = ["kabar satu"] if when == "after" else []
    assert news == [*doubled, "kabar satu", "kabar dua"]


async def test_told_to_end_it_ends_well_in_the_middle_of_an_answer(
    sandbox: SandboxServer, app: Process, sari: Phone
) -> None:
    hangs = hang(sandbox, "before")
    await sari.send("/bantuan")
    await until(hangs)
    assert await app.stop() == 0
    await app.start()
    await sari.send("/daftar")
    await sari.expect("UU No. 27/2022", START_S)
    assert "Traceback" not in app.log


@pytest.mark.parametrize("statements", [2, 9, 25, 50])
async def test_a_migration_killed_half_way_leaves_nothing(tmp_path: Path, statements: int) -> None:
    path = tmp_path / "nobs.sqlite3"
    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", HALF_WAY, f"sqlite:///{path}", str(statements)],
        cwd=ROOT,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    database = Database(f"sqlite:///{path}")
    await upgrade(database)
    assert await is_current(database)
    await database.close()


async def test_killed_while_it_starts_it_starts_again(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    app, sari = Process(sandbox, tmp_path), Phone(sandbox.api_url, SARI)
    try:
        for moment_s in (0.3, 1.5, 3.0):
            await app.start()
            await asyncio.sleep(moment_s)
            await app.kill()
        await app.start()
        await enrolling.consent(_Patient(sandbox.api_url, sari.person_id))
    finally:
        await app.stop()


class _Patient(Phone):
    async def expect(self, text_part: str, timeout_s: float = START_S) -> dict[str, object]:
        return await super().expect(text_part, START_S)
