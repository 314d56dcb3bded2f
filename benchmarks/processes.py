"""Bots as processes of their own, as an operator starts them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOKEN = "424242:sandbox-token-of-the-benchmarks"
APP = (str(ROOT / "bot.py"),)
BARE = ("-m", "benchmarks.bare")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(api_url: str, folder: Path, **settings: str) -> dict[str, str]:
    """What a bot process is given: the machine's own variables and these settings only."""
    own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    port = str(free_port())
    return own | {
        "PYTHONPATH": str(ROOT),
        "BOT_TOKEN": TOKEN,
        "BOT_API_URL": api_url,
        "LISTEN_PORT": port,
        "DATA_DIR": str(folder / "data"),
        "ALLOWED_NETWORKS": "127.0.0.0/8",
        **{name.upper(): value.replace("{port}", port) for name, value in settings.items()},
    }


async def start(
    command: tuple[str, ...], env: dict[str, str], log: Path
) -> asyncio.subprocess.Process:
    """Start Python with *command*, in a group of its own; its output goes to *log*."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=log.parent,
            env=env,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask it to end, and wait."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    await process.wait()


@asynccontextmanager
async def running(
    command: tuple[str, ...], env: dict[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs for as long as the block."""
    process = await start(command, env, log)
    try:
        yield process
    except Exception as exc:
        exc.add_note(f"the process said: {log.read_text()[-3000:]}")
        raise
    finally:
        await stop(process)
