"""What breaks things really breaks them, and puts them right again."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from benchmarks.processes import ROOT
from nobs_bot.clock import SystemClock
from nobs_bot.sandbox import SandboxServer
from tests.conftest import TOKEN
from tests.faults.canary import HOST, canary
from tests.faults.clock import STEPPED, SteppedClock
from tests.faults.disk import disk
from tests.faults.proxy import BAD_GATEWAY, Proxy, proxy_to


def _telegram(proxy: Proxy) -> str:
    return f"http://127.0.0.1:{proxy.port}/bot{TOKEN}/getMe"


async def _asked(proxy: Proxy) -> tuple[int, str]:
    timeout = aiohttp.ClientTimeout(total=0.5)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(_telegram(proxy)) as answer,
    ):
        return answer.status, await answer.text()


async def test_a_proxy_breaks_connections_and_heals(sandbox: SandboxServer) -> None:
    port = int(sandbox.api_url.rpartition(":")[2])
    async with proxy_to(port=port) as proxy:
        assert (await _asked(proxy))[0] == 200
        proxy.lose_answers = 1
        with pytest.raises(aiohttp.ClientError):
            await _asked(proxy)
        assert len(sandbox.api.calls) == 2  # it was done, and nobody heard of it
        proxy.is_down = True
        with pytest.raises(aiohttp.ClientError):
            await _asked(proxy)
        proxy.heal()
        proxy.says = BAD_GATEWAY
        assert await _asked(proxy) == (502, "<html><h1>502 Bad Gateway</h1></html>")
        proxy.heal()
        assert (await _asked(proxy))[0] == 200
        assert len(sandbox.api.calls) == 3
        proxy.stall()
        with pytest.raises(TimeoutError):
            await _asked(proxy)
        proxy.heal()
        assert (await _asked(proxy))[0] == 200


def test_a_full_disk_has_no_room_and_is_gone_in_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    with disk(folder, 4) as small:
        if not small.is_mounted:
            # in a container root is often not allowed to; the next test is of what is done instead
            pytest.skip("mounting is not allowed here")
        small.fill([])
        with pytest.raises(OSError, match="No space") as full:
            (folder / "more").write_bytes(b"x" * 8192)
        assert full.value.errno == errno.ENOSPC
        small.free()
        (folder / "more").write_bytes(b"x" * 8192)
    assert not folder.exists()


async def test_without_mounting_a_process_cannot_make_its_files_longer(tmp_path: Path) -> None:
    writing = (
        "import sys\n"
        "for line in sys.stdin:\n"
        "    try:\n"
        "        open(sys.argv[1], 'ab', buffering=0).write(b'x' * 5000)\n"
        "    except OSError as exc:\n"
        "        print(exc.errno, flush=True)\n"
        "    else:\n"
        "        print('ok', flush=True)\n"
    )
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", writing, str(tmp_path / "file")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )

    async def tried() -> str:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"\n")
        return (await child.stdout.readline()).decode().strip()

    with disk(tmp_path / "limited", 4) as limited:
        limited.is_mounted, was = False, limited.is_mounted
        assert await tried() == "ok"
        limited.fill([child.pid])
        assert await tried() == str(errno.EFBIG)
        limited.free()
        assert await tried() == "ok"
        limited.is_mounted = was
    assert child.stdin is not None
    child.stdin.close()
    await child.wait()


def test_a_step_of_the_clock_reaches_a_process(tmp_path: Path) -> None:
    clock = SteppedClock(tmp_path / "clock")
    asking = (
        "import time; from nobs_bot.clock import SystemClock as C; "
        "print(C().now().isoformat(), time.time())"
    )

    def told() -> tuple[datetime, float]:
        said = subprocess.run(
            [sys.executable, "-c", asking],
            env={"PYTHONPATH": f"{STEPPED}:{ROOT}", "PATH": os.environ["PATH"]} | clock.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        return datetime.fromisoformat(said[0]), float(said[1])

    for step_s in (7200.0, -3600.0 - 7200.0):
        clock.step(step_s)
        now, seconds = told()
        true = SystemClock().now()
        assert abs((now - true).total_seconds() - clock.offset_s) < 5
        assert abs(seconds - true.timestamp() - clock.offset_s) < 5
        assert abs((clock.now() - true).total_seconds() - clock.offset_s) < 1


async def test_the_canary_notes_who_comes_and_the_lure_sends_there() -> None:
    async with canary() as bird:
        reader, writer = await asyncio.open_connection("127.0.0.1", bird.lure_port)
        writer.write(b"DESCRIBE rtsp://127.0.0.1/1 RTSP/1.0\r\nCSeq: 4\r\n\r\n")
        said = await reader.readuntil(b"\r\n\r\n")
        assert f"Location: rtsp://{HOST}:{bird.port}/1".encode() in said
        assert b"CSeq: 4" in said
        writer.close()
        assert (bird.lured, bird.touched) == (1, [])
        _, writer = await asyncio.open_connection(HOST, bird.port)
        writer.write(b"hello")
        async with asyncio.timeout(5):
            while not bird.touched:
                await asyncio.sleep(0.02)
        assert bird.touched == ["hello"]
        writer.close()
