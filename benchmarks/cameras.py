"""The demo's cameras in a process of their own, so that their work is not counted as ours."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nobs_bot.sandbox.cameras import DemoCameras
from nobs_bot.streams.address import StreamAddress, parse_address


async def serve() -> None:
    """Run the cameras until stdin closes; print how to open the good one."""
    cameras = DemoCameras()
    with tempfile.TemporaryDirectory() as folder:
        infos = await cameras.start(cache_dir=Path(folder))
        good = next(info for info in infos if info.key == "good")
        print(json.dumps([good.url, good.username, good.password]), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    await cameras.stop()


@asynccontextmanager
async def running() -> AsyncIterator[StreamAddress]:
    """The address of a demo camera that runs elsewhere."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.cameras"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url, username, password = json.loads(await process.stdout.readline())
        yield parse_address(url).with_credentials(username, password)
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(serve())
