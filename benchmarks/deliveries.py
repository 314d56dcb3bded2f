"""
A thousand messages to others, through the outbox and the sender, against Telegram's limits.

Six hundred chats: two hundred get three messages each, the others one. The limit's time is what
nobody can beat: 30 messages a second over all, after the burst that the sandbox (as Telegram)
lets through. The sandbox enforces its limits, so one message too early is a 429.
"""

from __future__ import annotations

import asyncio
import gc
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.processes import TOKEN
from benchmarks.telegram import FIRST_ID, Telegram, telegram
from nobs_bot.app import Foundation
from nobs_bot.buttons import button, column
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import enqueue, next_due
from nobs_bot.messaging.sender import Sender
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings

CHATS = 600
CHATS_WITH_THREE = 200
MESSAGES = CHATS + 2 * CHATS_WITH_THREE
LIMIT_PER_SECOND = 30.0
MOST_OF_LIMIT = 1.05


async def measure() -> list[Figure]:
    """Time against the limit's, refusals, and the order in each chat."""
    with tempfile.TemporaryDirectory() as folder:
        async with telegram(CHATS, enforce_limits=True) as sandbox:
            foundation = await foundation_in(Path(folder), sandbox.api_url)
            await open_chats(sandbox, CHATS)
            await _fill(foundation)
            took_s = await _deliver(foundation)
            await foundation.database.close()
            calls = (await sandbox.see("calls", method="sendMessage"))["calls"]
    refused = [call for call in calls if not (call["answer"] or {}).get("ok")]
    limit_s = MESSAGES / LIMIT_PER_SECOND
    wrong = _out_of_order(calls)
    return [
        Figure(
            f"{MESSAGES} deliveries to {CHATS} chats: of the limit's time",
            round(took_s / limit_s, 3),
            "ratio",
            f"{limit_s:.1f} s, 30 messages a second; took {took_s:.1f} s",
            f"<= {MOST_OF_LIMIT}",
            took_s / limit_s <= MOST_OF_LIMIT,
        ),
        Figure("deliveries: refused (429)", len(refused), "calls", "", "0", not refused),
        Figure(
            "deliveries: lost, doubled or out of order in their chat",
            wrong,
            "messages",
            "",
            "0",
            not wrong,
        ),
    ]


async def foundation_in(folder: Path, api_url: str, **more: Any) -> Foundation:
    """A migrated installation of its own."""
    given: dict[str, Any] = {"bot_token": TOKEN, "bot_api_url": api_url, "data_dir": folder, **more}
    foundation = Foundation(Settings(_env_file=None, **given))
    await upgrade(foundation.database)
    return foundation


async def open_chats(sandbox: Telegram, count: int) -> None:
    """A bot may write only to those who have started it."""
    for at in range(count):
        await sandbox.do(f"persons/{FIRST_ID + at}/start", payload="")


async def _fill(foundation: Foundation) -> None:
    """First one for everybody, then the second and third of those who get three."""
    async with foundation.office.work() as work:
        for turn in range(3):
            for chat in range(CHATS if turn == 0 else CHATS_WITH_THREE):
                text = json.dumps({"chat": chat, "turn": turn})
                answer = column(button("Ya", "yes"))
                message = Message(text=text, keyboard=answer)
                await enqueue(work, FIRST_ID + chat, message, f"bench:{chat}:{turn}")


async def _deliver(foundation: Foundation) -> float:
    started = time.perf_counter()
    async with sending(foundation):
        await settled(foundation)
        return time.perf_counter() - started


@asynccontextmanager
async def sending(foundation: Foundation) -> AsyncIterator[None]:
    """With the sender at work, and, as in the app, only what is new searched for garbage."""
    settings = foundation.settings
    sender = Sender(
        foundation.office,
        TOKEN,
        settings.bot_api_url,
        foundation.gallery,
        per_second=settings.sends_per_second,
    )
    gc.collect()
    gc.freeze()
    running = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        gc.unfreeze()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def settled(foundation: Foundation) -> None:
    """Until no message waits any more."""
    while not await _is_done(foundation):
        await asyncio.sleep(0.02)


async def _is_done(foundation: Foundation) -> bool:
    async with foundation.office.look() as work:
        return await next_due(work) is None


def _out_of_order(calls: list[dict[str, Any]]) -> int:
    """How many messages are not what each chat should have got, in order and once."""
    got: dict[int, list[int]] = {}
    for call in calls:
        if (call["answer"] or {}).get("ok"):
            said = json.loads(call["params"]["text"])
            got.setdefault(said["chat"], []).append(said["turn"])
    wrong = 0
    for chat in range(CHATS):
        wanted = [0, 1, 2] if chat < CHATS_WITH_THREE else [0]
        wrong += got.get(chat, []) != wanted
    return wrong
