"""Polling confirms an update only once it is kept."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from nobs_bot.messaging.inbox import Received
from nobs_bot.messaging.polling import Poller
from nobs_bot.messaging.pump import Pump
from nobs_bot.sandbox import SandboxServer
from nobs_bot.sandbox.faults import Fault
from tests.cast import House
from tests.conftest import TOKEN
from tests.faults.proxy import BAD_GATEWAY, proxy_to
from tests.messaging.updates import SARI, Script
from tests.phone import Phone


class Keeping(Pump):
    """A pump whose database breaks when the test says so."""

    broken = 0

    async def receive(self, updates: list[dict[str, Any]]) -> None:
        if self.broken:
            self.broken -= 1
            raise OperationalError("INSERT", None, sqlite3.OperationalError("disk I/O error"))
        await super().receive(updates)


class NeverDone(Pump):
    """A pump that keeps updates and is killed before it says so."""

    async def receive(self, updates: list[dict[str, Any]]) -> None:
        await super().receive(updates)
        await asyncio.sleep(60)


@asynccontextmanager
async def polling(pump: Pump, sandbox: SandboxServer) -> AsyncIterator[None]:
    poller = Poller(pump, TOKEN, sandbox.api_url)
    task = asyncio.create_task(poller.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def kept(house: House, count: int) -> list[int]:
    """The updates in the inbox, once there are as many."""
    async with asyncio.timeout(20):
        while True:
            async with house.office.look() as work:
                query = select(Received.update_id).order_by(Received.update_id)
                found = list((await work.session.execute(query)).scalars())
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def confirmed(sandbox: SandboxServer) -> None:
    async with asyncio.timeout(20):
        while sandbox.inbox.pending:
            await asyncio.sleep(0.02)


async def test_updates_are_kept_and_confirmed(house: House, sandbox: SandboxServer) -> None:
    phone = Phone(sandbox.api_url, SARI)
    await phone.start()
    async with polling(Pump(house.office, Script()), sandbox):
        await kept(house, 1)
        await phone.send("halo")
        first, second = await kept(house, 2)
        await confirmed(sandbox)
    assert second == first + 1


async def test_what_could_not_be_kept_is_not_confirmed(
    house: House, sandbox: SandboxServer
) -> None:
    await Phone(sandbox.api_url, SARI).start()
    pump = Keeping(house.office, Script())
    pump.broken = 1
    async with polling(pump, sandbox):
        async with asyncio.timeout(20):
            while pump.broken:
                await asyncio.sleep(0.01)
        assert len(sandbox.inbox.pending) == 1
        await kept(house, 1)
        await confirmed(sandbox)


async def test_killed_before_confirming_the_same_comes_again_and_counts_once(
    house: House, sandbox: SandboxServer
) -> None:
    phone = Phone(sandbox.api_url, SARI)
    await phone.start()
    script = Script()
    pump = Pump(house.office, script)
    async with polling(NeverDone(house.office, script), sandbox):
        await kept(house, 1)
    assert len(sandbox.inbox.pending) == 1
    async with polling(pump, sandbox):
        await phone.send("halo")
        await kept(house, 2)
        await confirmed(sandbox)
    await pump.drain()
    assert len(script.applied) == 2


async def test_it_outlives_a_broken_telegram(house: House, sandbox: SandboxServer) -> None:
    await Phone(sandbox.api_url, SARI).start()
    for kind in ("5xx", "429", "cut"):
        sandbox.api.faults.arm(Fault(method="getUpdates", kind=kind))
    sandbox.api.faults.arm(Fault(method="deleteWebhook", kind="5xx"))
    async with polling(Pump(house.office, Script()), sandbox):
        await kept(house, 1)


async def test_the_token_is_never_logged(house: House, sandbox: SandboxServer, caplog: Any) -> None:
    for kind in ("5xx", "cut"):
        sandbox.api.faults.arm(Fault(method="getUpdates", kind=kind))
    await Phone(sandbox.api_url, SARI).start()
    async with polling(Pump(house.office, Script()), sandbox):
        await kept(house, 1)
    assert "no updates" in caplog.text
    assert TOKEN.split(":")[1] not in caplog.text


async def test_a_gateways_page_in_place_of_an_answer_is_lived_through(
    house: House, sandbox: SandboxServer
) -> None:
    pump = Pump(house.office, Script())
    async with proxy_to(port=int(sandbox.api_url.rpartition(":")[2])) as gateway:
        gateway.says = BAD_GATEWAY
        poller = asyncio.create_task(Poller(pump, TOKEN, f"http://127.0.0.1:{gateway.port}").run())
        await asyncio.sleep(0.3)
        assert not poller.done()
        await Phone(sandbox.api_url, SARI).start()
        gateway.heal()
        assert len(await kept(house, 1)) == 1
        poller.cancel()
        await asyncio.gather(poller, return_exceptions=True)
