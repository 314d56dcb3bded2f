"""
One request that asks a thousand owners, from the investigator's tap to the last message.

The sandbox enforces Telegram's limits, so the limit's time is what nobody can beat.
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import crowd
from benchmarks.deliveries import (
    LIMIT_PER_SECOND,
    MOST_OF_LIMIT,
    foundation_in,
    open_chats,
    sending,
    settled,
)
from benchmarks.figure import Figure
from benchmarks.telegram import FIRST_ID, telegram
from nobs_bot.app import Foundation
from nobs_bot.footage import asking
from nobs_bot.footage.question import Question
from nobs_bot.footage.request import Purpose
from nobs_bot.footage.times import Window
from nobs_bot.people.persons import person

OWNERS = 1000


async def measure() -> list[Figure]:
    """Time against the limit's, and how many owners got their question."""
    with tempfile.TemporaryDirectory() as folder:
        async with telegram(OWNERS, enforce_limits=True) as sandbox:
            foundation = await foundation_in(
                Path(folder), sandbox.api_url, request_max_owners=OWNERS
            )
            await open_chats(sandbox, OWNERS)
            ids = await crowd.owners(foundation, OWNERS, FIRST_ID)
            await crowd.cameras(foundation, ids, OWNERS, within_m=60)
            officer_id = await crowd.investigator(foundation)
            async with sending(foundation):
                started = time.perf_counter()
                await _send(foundation, officer_id)
                asked_s = time.perf_counter() - started
                await settled(foundation)
                took_s = time.perf_counter() - started
            await foundation.database.close()
            calls = (await sandbox.see("calls", method="sendMessage"))["calls"]
    told = {call["params"]["chat_id"] for call in calls if (call["answer"] or {}).get("ok")}
    limit_s = OWNERS / LIMIT_PER_SECOND
    return [
        Figure(
            f"{OWNERS} owners told of one request: of the limit's time",
            round(took_s / limit_s, 3),
            "ratio",
            f"{limit_s:.1f} s; took {took_s:.1f} s, of which {asked_s:.1f} s to write the request",
            f"<= {MOST_OF_LIMIT}",
            took_s / limit_s <= MOST_OF_LIMIT,
        ),
        Figure(
            "owners told of one request", len(told), "owners", "", str(OWNERS), len(told) == OWNERS
        ),
    ]


async def _send(foundation: Foundation, officer_id: int) -> None:
    now = datetime.now(UTC)
    question = Question(
        *crowd.CENTER,
        crowd.AREA,
        "Jl. Duri Selatan",
        200.0,
        (Window(now - timedelta(hours=3), now - timedelta(hours=2)),),
        "LP/B/1042/XI/2026/SPKT",
        Purpose.ROBBERY,
    )
    async with foundation.office.work() as work:
        await asking.send(work, await person(work, officer_id), question)
