"""``python -m nobs_bot.sandbox --port P --token T [--state-dir D]``: the server alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from nobs_bot.sandbox import SandboxServer, the_cast


def main(
    token: Annotated[str, typer.Option(help="The bot's token, NUMBER:SECRET.")],
    port: Annotated[int, typer.Option(help="0 chooses a free one.")] = 0,
    state_dir: Annotated[Path | None, typer.Option(help="Keep the chats here.")] = None,
    enforce_limits: Annotated[bool, typer.Option(help="Answer 429 as Telegram does.")] = False,
    cast: Annotated[bool, typer.Option(help="Seven people with phones.")] = True,
) -> None:
    """Run until stopped; prints the addresses as one line of JSON when ready."""
    server = SandboxServer(
        token,
        port=port,
        state_dir=state_dir,
        cast=the_cast() if cast else (),
        enforce_limits=enforce_limits,
    )
    asyncio.run(_run(server))


async def _run(server: SandboxServer) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    await server.start()
    try:
        addresses = {"api_url": server.api_url, "page_url": server.page_url}
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await server.stop()


if __name__ == "__main__":
    typer.run(main)
