"""Load, kills, restarts, and the wait until everything is worked off."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks import cameras
from benchmarks.processes import APP, TOKEN, environment, start, stop
from benchmarks.siege.crowd import Crowd
from benchmarks.siege.verdict import Evidence, violations
from benchmarks.telegram import FIRST_ID, Telegram, telegram
from nobs_bot.app import Foundation
from nobs_bot.cameras.checks import Check
from nobs_bot.cameras.photos import Photo
from nobs_bot.messaging.inbox import Received
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import enqueue, next_due
from nobs_bot.people.invitations import invite
from nobs_bot.people.roles import Role
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings
from nobs_bot.storage.doomed import UNCLAIMED_FOR, DoomedFile
from nobs_bot.storage.work import Work

PEOPLE = 900
LISTENERS = 8
REVIEWER_ID = FIRST_ID + LISTENERS
JOBS = (Photo, Check)
START_WITHIN_S = 60
DRAIN_WITHIN_S = 180
# as long as a call to Telegram is under way
CALL_S = 0.06
# now and then the process is killed while it starts
KILLED_AT_START = 0.15


@dataclass(frozen=True)
class Outcome:
    """What came of a siege."""

    kills: int
    updates: int
    messages: int
    violations: list[str]


async def besiege(
    folder: Path, *, kills: int, seed: int, webhook: bool = False, at_once: int = 16
) -> Outcome:
    """
    Kill the app *kills* times at moments that *seed* decides, and count what came of it.

    Args:
        folder: For data and logs.
        webhook: Updates come by webhook instead of polling.
        at_once: How many people act side by side.
    """
    chance = random.Random(seed)
    more = {"webhook_url": "http://127.0.0.1:{port}"} if webhook else {}
    async with telegram(PEOPLE, delay_s=CALL_S) as sandbox, cameras.running() as camera:
        env = environment(sandbox.api_url, folder, sends_per_second="1000", **more)
        async with _foundation(folder, sandbox.api_url) as foundation:
            invitation = await _prepare(foundation, sandbox)
            app = _App(env, folder / "log", sandbox)
            await app.start()
            ids = iter(range(REVIEWER_ID + 1, FIRST_ID + PEOPLE))
            crowd = Crowd(sandbox.api_url, ids, camera.url, chance)
            acting = asyncio.create_task(crowd.act(at_once, REVIEWER_ID, invitation))
            teller = Teller(foundation, chance)
            telling = asyncio.create_task(teller.tell())
            try:
                for _ in range(kills):
                    await app.run_until_killed(chance)
                crowd.end()
                teller.end()
                await asyncio.gather(acting, telling)
            finally:
                acting.cancel()
                telling.cancel()
                await asyncio.gather(acting, telling, return_exceptions=True)
            await _drained(foundation, sandbox)
            await app.stop()
            evidence = Evidence(
                foundation,
                crowd.deeds,
                teller.told,
                (await sandbox.see("messages"))["messages"],
                (folder / "log").read_text(),
                kills,
            )
            updates = await _count_updates(foundation)
            return Outcome(kills, updates, len(evidence.messages), await violations(evidence))


@asynccontextmanager
async def _foundation(folder: Path, api_url: str) -> AsyncIterator[Foundation]:
    """The same database, seen by a second process: ours."""
    given: dict[str, Any] = {
        "bot_token": TOKEN,
        "bot_api_url": api_url,
        "data_dir": folder / "data",
    }
    foundation = Foundation(Settings(_env_file=None, **given))
    await upgrade(foundation.database)
    yield foundation
    await foundation.database.close()


async def _prepare(foundation: Foundation, sandbox: Telegram) -> str:
    """Open the listeners' chats; returns the reviewer's invitation."""
    for at in range(LISTENERS):
        await sandbox.do(f"persons/{FIRST_ID + at}/start", payload="")
    async with foundation.office.work() as work:
        district = foundation.areas.district.code
        return invite(work, Role.REVIEWER, district, created_by=None)


class Teller:
    """
    Puts numbered messages into the outbox, from a process that nobody kills.

    `told` has the numbers of each chat in their order.
    """

    def __init__(self, foundation: Foundation, chance: random.Random) -> None:
        self._foundation = foundation
        self._chance = chance
        self._over = asyncio.Event()
        self.told: dict[int, list[int]] = {FIRST_ID + at: [] for at in range(LISTENERS)}

    def end(self) -> None:
        """Say nothing new."""
        self._over.set()

    async def tell(self) -> None:
        """Tell until `end`."""
        while not self._over.is_set():
            async with self._foundation.office.work() as work:
                for _ in range(self._chance.randint(1, 4)):
                    await self._tell_one(work)
            await asyncio.sleep(self._chance.uniform(0.1, 0.6))

    async def _tell_one(self, work: Work) -> None:
        number = 1 + sum(map(len, self.told.values()))
        chat_id = FIRST_ID + self._chance.randrange(LISTENERS)
        message = Message(text=json.dumps({"number": number}))
        await enqueue(work, chat_id, message, f"siege:{number}")
        self.told[chat_id].append(number)


class _App:
    """The process under siege."""

    def __init__(self, env: dict[str, str], log: Path, sandbox: Telegram) -> None:
        self._env = env
        self._log = log
        self._sandbox = sandbox
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await start(APP, self._env, self._log)

    async def run_until_killed(self, chance: random.Random) -> None:
        """Let it run for a moment, under load or still starting; kill it, and start it anew."""
        if chance.random() < KILLED_AT_START:
            await asyncio.sleep(chance.uniform(0.2, 3))
        else:
            await self._is_up()
            # soon, in the midst of what has gathered while it was down, or later
            await asyncio.sleep(chance.uniform(0, chance.choice((0.5, 3))))
        assert self._process is not None
        assert self._process.returncode is None, f"it ended by itself:\n{self._log.read_text()}"
        self._process.kill()
        await self._process.wait()
        await self.start()

    async def _is_up(self) -> None:
        """Wait until it asks for updates, or has announced where it takes them."""
        method = "setWebhook" if "WEBHOOK_URL" in self._env else "getUpdates"
        before = await self._calls(method)
        async with asyncio.timeout(START_WITHIN_S):
            while await self._calls(method) == before:
                await asyncio.sleep(0.05)

    async def _calls(self, method: str) -> int:
        calls = (await self._sandbox.see("calls", method=method))["calls"]
        return int(calls[-1]["number"]) if calls else 0

    async def stop(self) -> None:
        assert self._process is not None
        await stop(self._process)


async def _drained(foundation: Foundation, sandbox: Telegram) -> None:
    """Wait until no update is open and no message is pending."""
    async with asyncio.timeout(DRAIN_WITHIN_S):
        while await _has_work(foundation) or (await sandbox.see("updates"))["updates"]:
            await asyncio.sleep(0.3)


async def _has_work(foundation: Foundation) -> bool:
    open_updates = select(func.count()).where(Received.state.in_(["waiting", "applied"]))
    async with foundation.office.look() as work:
        if await next_due(work) is not None:
            return True
        jobs = [select(func.count()).where(kind.due_at.is_not(None)) for kind in JOBS]
        # but what a kill left half written is removed a day later
        soon = DoomedFile.due_at < work.now + UNCLAIMED_FOR / 2
        jobs.append(select(func.count()).where(soon))
        counts = [await work.session.scalar(query) for query in (open_updates, *jobs)]
        return any(counts)


async def _count_updates(foundation: Foundation) -> int:
    async with foundation.office.look() as work:
        count = select(func.count()).select_from(Received)
        return int((await work.session.execute(count)).scalar_one())
