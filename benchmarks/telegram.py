"""The sandbox in a process of its own, so that its work is not counted as ours."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from benchmarks.processes import ROOT, TOKEN
from nobs_bot.sandbox import SandboxServer
from nobs_bot.sandbox.cast import CastMember

FIRST_ID = 720_000_001


def people(count: int) -> list[CastMember]:
    """As many people as are wanted, each with a phone."""
    return [
        CastMember(f"Warga {at}", FIRST_ID + at, f"warga_{at}", f"+6281255{at:06d}")
        for at in range(count)
    ]


async def serve(count: int, *, enforce_limits: bool, delay_s: float) -> None:
    """Run until stdin closes; print the address."""
    server = SandboxServer(TOKEN, cast=people(count), enforce_limits=enforce_limits)
    await server.start()
    server.api.delay_s = delay_s
    print(server.api_url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()


class Telegram:
    """A sandbox that runs elsewhere."""

    def __init__(self, api_url: str, session: aiohttp.ClientSession) -> None:
        self.api_url = api_url
        self._session = session

    async def see(self, path: str, **query: Any) -> Any:
        """What its control interface tells."""
        async with self._session.get(f"{self.api_url}/sim/{path}", params=query) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def do(self, path: str, **body: Any) -> Any:
        """Have it do something on purpose."""
        async with self._session.post(f"{self.api_url}/sim/{path}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def undo(self, path: str) -> Any:
        """Take back what it was to do on purpose."""
        async with self._session.delete(f"{self.api_url}/sim/{path}") as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def telegram(
    count: int, *, enforce_limits: bool = False, delay_s: float = 0.0
) -> AsyncIterator[Telegram]:
    """A sandbox with *count* people for as long as the block; each call is under way *delay_s*."""
    options = ["--people", str(count), "--delay", str(delay_s)]
    options += ["--limits"] if enforce_limits else []
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.telegram", *options),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as session:
            yield Telegram(url, session)
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--delay", type=float, default=0.0)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.people, enforce_limits=given.limits, delay_s=given.delay))
