"""Starts that cannot succeed: the real command ends with a sentence and exit code 2."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from nobs_bot.sandbox import SandboxServer
from tests.conftest import TOKEN

ROOT = Path(__file__).parent.parent


async def started(folder: Path, *command: str, **environment: str) -> tuple[int | None, str]:
    """The exit code and what was printed, away from this machine's own settings."""
    own = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "bot.py"),
        *command,
        cwd=folder,
        env=own | {"DATA_DIR": str(folder / "data")} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
    assert b"Traceback" not in out, out.decode()
    return process.returncode, " ".join(out.decode().split())


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


async def test_a_token_that_telegram_refuses(tmp_path: Path, sandbox: SandboxServer) -> None:
    wrong = "123456789:" + "A" * 35
    code, said = await started(tmp_path, BOT_TOKEN=wrong, BOT_API_URL=sandbox.api_url)
    assert code == 2
    assert "does not accept BOT_TOKEN" in said
    assert wrong not in said


async def test_a_port_that_is_taken(
    tmp_path: Path, sandbox: SandboxServer, taken_port: int
) -> None:
    code, said = await started(
        tmp_path, BOT_TOKEN=TOKEN, BOT_API_URL=sandbox.api_url, LISTEN_PORT=str(taken_port)
    )
    assert code == 2
    assert f"port {taken_port}" in said
    assert "LISTEN_PORT" in said


@pytest.mark.parametrize("command", [(), ("migrate",), ("invite", "reviewer", "all")])
async def test_a_database_that_is_away(tmp_path: Path, command: tuple[str, ...]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: whoever calls is refused
        url = f"postgresql://nobs:tops3cret@127.0.0.1:{nobody.getsockname()[1]}/nobs"
        code, said = await started(tmp_path, *command, BOT_TOKEN=TOKEN, DATABASE_URL=url)
    assert code == 2
    assert "DATABASE_URL" in said
    assert "tops3cret" not in said


DIES = """
import bot, os
async def die():
    os.abort()
bot.run(die())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="cores are named otherwise elsewhere")
def test_whoever_dies_leaves_no_memory_behind(tmp_path: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    process = subprocess.Popen(
        ("prlimit", f"--core={most if most >= 0 else 'unlimited'}", sys.executable, "-c", DIES),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    _, status = os.waitpid(process.pid, 0)
    process.returncode = 0  # it is over, and was waited for
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []


async def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    code, said = await started(tmp_path, BOT_TOKEN=TOKEN)
    assert code == 2
    assert "DATA_DIR" in said


async def test_a_console_alone_serves_until_it_is_told_to_stop(
    tmp_path: Path, sandbox: SandboxServer
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    settings = {"BOT_TOKEN": TOKEN, "BOT_API_URL": sandbox.api_url, "LISTEN_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "bot.py"),
        "console",
        cwd=tmp_path,
        env=own | {"DATA_DIR": str(tmp_path / "data")} | settings,
    )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            answers = 0
            while answers < 3:
                await asyncio.sleep(0.3)
                with contextlib.suppress(aiohttp.ClientConnectorError):
                    async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
                        answers += answer.ok
        assert process.returncode is None
    finally:
        process.terminate()
    assert await process.wait() == 0


def test_what_few_need_is_not_loaded_before_somebody_is_answered() -> None:
    """Migrating and the outbox's way to Telegram would keep whoever waits longer."""
    code = (
        "import sys; from bot import _dispatcher; _dispatcher();"
        "import nobs_bot.serving, handlers.composition;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run(
        (sys.executable, "-c", code), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "aiogram" in loaded
    assert not {"alembic", "telegram", "httpx", "pygments", "rich"} & set(loaded)
