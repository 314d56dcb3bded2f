"""Processes: none outlives what started it, whoever is killed how."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from nobs_bot.streams.children import Children, ForkserverBroken

ROOT = Path(__file__).parents[2]
SPIN = "tests.streams.tasks:spin"
APP = """
import asyncio, signal
from nobs_bot.streams.children import Children

# who runs the tests in the background has it ignored
signal.signal(signal.SIGINT, signal.default_int_handler)

async def main():
    children = Children()
    for _ in range(2):
        child = await children.fork()
        await child.give({"task": "tests.streams.tasks:spin", "arguments": {}, "deadline_s": 60})
    print("ready", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def gone(processes: list[psutil.Process]) -> bool:
    """Whether all of *processes* end, without waiting for ever."""
    for _ in range(500):
        if not any(_runs(process) for process in processes):
            return True
        await asyncio.sleep(0.02)
    return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_child_does_its_task_and_ends() -> None:
    children = Children()
    child = await children.fork()
    order = {"task": "tests.streams.tasks:echo", "arguments": {"word": "halo"}, "deadline_s": 5}
    await child.give(order)
    heard = [message async for message in child.messages()]
    assert heard == [({"alive": True}, b""), ({"word": "halo"}, b"\x00\x01")]
    await child.end()
    assert not psutil.pid_exists(child.pid)
    assert child.cpu_s >= 0
    await children.close()
    assert psutil.Process().children() == []


async def test_child_that_never_ends_is_killed() -> None:
    children = Children()
    child = await children.fork()
    await child.give({"task": SPIN, "arguments": {}, "deadline_s": 60})
    await child.end()
    assert not psutil.pid_exists(child.pid)
    await children.close()


async def test_child_dies_by_its_own_deadline() -> None:
    children = Children()
    child = await children.fork()
    await child.give({"task": SPIN, "arguments": {}, "deadline_s": 0.1})
    assert [message async for message in child.messages()] == [({"alive": True}, b"")]
    await child.end()
    await children.close()


@pytest.mark.parametrize("task", ["eat_memory", "write_a_file", "fail"])
async def test_child_is_limited(task: str) -> None:
    children = Children()
    child = await children.fork()
    await child.give({"task": f"tests.streams.tasks:{task}", "arguments": {}, "deadline_s": 20})
    heard = [message async for message in child.messages()]
    assert heard == [({"alive": True}, b"")]
    await child.end()
    again = await children.fork()
    await again.end()
    await children.close()


async def test_closing_ends_every_child() -> None:
    children = Children()
    running = [await children.fork() for _ in range(3)]
    processes = [psutil.Process(child.pid) for child in running]
    for child in running:
        await child.give({"task": SPIN, "arguments": {}, "deadline_s": 60})
    await children.close()
    assert await gone(processes)
    for child in running:
        await child.end()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_app_killed_leaves_nobody_behind(how: signal.Signals) -> None:
    app = subprocess.Popen(
        [sys.executable, "-c", APP], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert app.stdout is not None
    assert await asyncio.to_thread(app.stdout.readline) == b"ready\n"
    family = psutil.Process(app.pid).children(recursive=True)
    assert len(family) == 3
    app.send_signal(how)
    app.wait()
    app.stdout.close()
    assert await gone(family)


async def test_forkserver_killed_takes_its_children_along() -> None:
    children = Children()
    child = await children.fork()
    await child.give({"task": SPIN, "arguments": {}, "deadline_s": 60})
    process = psutil.Process(child.pid)
    (forkserver,) = psutil.Process().children()
    forkserver.kill()
    assert await gone([process])
    await child.end()
    await children.close()


async def test_forkserver_that_cannot_load_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A broken cv2 found before the real one, as where a shared library is missing.
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1 is missing')\n")
    (tmp_path / "nobs_bot").symlink_to(ROOT / "nobs_bot")
    monkeypatch.setattr("nobs_bot.__file__", str(tmp_path / "nobs_bot" / "__init__.py"))
    monkeypatch.setattr(Path, "resolve", Path.absolute)
    children = Children()
    with pytest.raises(ForkserverBroken, match="libGL"):
        await children.fork()
    await children.close()


async def test_forkserver_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "42:rahasia")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    children = Children()
    child = await children.fork()
    environment = psutil.Process(child.pid).environ()
    assert not {"BOT_TOKEN", "http_proxy", "HOME"} & set(environment)
    assert os.environ["BOT_TOKEN"] == "42:rahasia"
    await child.end()
    await children.close()
