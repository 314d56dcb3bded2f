"""A million cameras in the database (SQLite): how long a start takes, and every screen."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import aiohttp
from sqlalchemy import update

from benchmarks import crowd
from benchmarks.figure import Figure
from benchmarks.processes import APP, environment, running
from benchmarks.telegram import FIRST_ID, Telegram, telegram
from nobs_bot.app import COUNTINGS, Foundation
from nobs_bot.cameras.record import Camera, cameras_in_all
from nobs_bot.people.persons import meet
from nobs_bot.people.roles import Role, grant
from nobs_bot.people.sessions import make_link
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings
from nobs_bot.storage.tallies import Tallier

CAMERAS, OWNERS = 1_000_000, 100_000
WITHIN_M = 39_530.0
ROUNDS = 5
MOST_START_S, MOST_SCREEN_MS = 3.0, 300.0
SCREENS = (
    *("bantuan", "kamera", "antrean", "minta", "batal", "permintaan", "kemajuan", "kesehatan"),
    *("cakupan", "rawan", "titik", "tugas", "stiker", "petugas", "laporan", "riwayat", "konsol"),
)
PAGES = (
    *("", "peta", "antrean", "permintaan", "cakupan", "cakupan/tugas", "kesehatan", "kemajuan"),
    *("langsung", "petugas", "sistem", "catatan", "kamera/1500"),
)
_ANSWER_WITHIN_S = 60.0


async def measure() -> list[Figure]:
    """Fill the register, start the app with an update waiting, and go through each screen twice."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        foundation = await _filled(folder)
        async with telegram(1) as sandbox:
            link_to = await _officer(foundation)
            await sandbox.do(f"persons/{FIRST_ID}/text", text="/bantuan")
            env = environment(
                sandbox.api_url, folder, log_level="WARNING", console_url="http://127.0.0.1:{port}"
            )
            began = perf_counter()
            async with running(APP, env, folder / "log"):
                await _answered(sandbox, 0)
                start_s = perf_counter() - began
                screens = await _screens(sandbox)
                async with _visitor(f"{env['CONSOLE_URL']}/konsol", await link_to()) as visitor:
                    pages = await _pages(visitor, f"{env['CONSOLE_URL']}/konsol")
                # the survey is told all of them meanwhile
                await _order_coverage(sandbox, foundation.areas.district.name)
                beside = await _screens(sandbox)
    return [
        Figure(
            f"start with {CAMERAS} cameras, to the first update's answer",
            round(start_s, 2),
            "s",
            "python bot.py, whole; the update waited",
            f"<= {MOST_START_S:g}",
            start_s <= MOST_START_S,
        ),
        _figure("screen of the chat", screens),
        _figure("page of the command centre", pages),
        _figure("screen of the chat while coverage is reckoned", beside),
    ]


def _figure(what: str, took: dict[str, list[float]]) -> Figure:
    whole = [each for times in took.values() for each in times]
    p95 = quantiles(whole, n=20)[-1]
    slowest = max(took, key=lambda name: median(took[name]))
    return Figure(
        f"{CAMERAS} cameras: a {what}, p95",
        round(p95, 1),
        "ms",
        f"median {median(whole):.0f} ms of {len(took)}; slowest /{slowest}"
        f" {median(took[slowest]):.0f} ms, at first {max(took[slowest]):.0f}",
        f"<= {MOST_SCREEN_MS:.0f}",
        p95 <= MOST_SCREEN_MS,
    )


async def _filled(folder: Path) -> Foundation:
    foundation = Foundation(Settings(_env_file=None, data_dir=folder / "data"))
    await upgrade(foundation.database)
    owner_ids = await crowd.owners(foundation, OWNERS, 900_000_000)
    await crowd.cameras(foundation, owner_ids, CAMERAS, within_m=WITHIN_M)
    codes = foundation.areas.kelurahan_codes
    async with foundation.office.work() as work:
        for at, code in enumerate(codes):
            await work.session.execute(
                update(Camera)
                .where(Camera.id % len(codes) == at)
                .values(area_code=code)
                .execution_options(synchronize_session=False)
            )
    # a register does not come to a million overnight: it was counted before
    await Tallier(foundation.office, cameras_in_all, COUNTINGS).count_due()
    return foundation


async def _officer(foundation: Foundation) -> Any:
    """Somebody with every role; what makes them a link into the command centre."""
    async with foundation.office.work() as work:
        who = meet(work, FIRST_ID, None)
        await work.session.flush()
        for role in Role:
            await grant(work, who, role, foundation.areas.district.code, granted_by=None)

    async def link() -> str:
        async with foundation.office.work() as work:
            token = await make_link(work, who)
        await foundation.database.close()
        return token

    return link


async def _answered(sandbox: Telegram, after: int) -> int:
    """The number of the first message that is sent after a call."""
    async with asyncio.timeout(_ANSWER_WITHIN_S):
        while True:
            calls = (await sandbox.see("calls", after=after))["calls"]
            for call in calls:
                if call["method"].startswith(("sendMessage", "sendPhoto", "editMessage")):
                    return int(call["number"])
            await asyncio.sleep(0.003)


async def _screens(sandbox: Telegram) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for screen in SCREENS:
            calls = (await sandbox.see("calls", after=0))["calls"]
            last = max((int(call["number"]) for call in calls), default=0)
            began = perf_counter()
            await sandbox.do(f"persons/{FIRST_ID}/text", text=f"/{screen}")
            await _answered(sandbox, last)
            took.setdefault(screen, []).append((perf_counter() - began) * 1000)
            await asyncio.sleep(0.2)
    return took


async def _order_coverage(sandbox: Telegram, area: str) -> None:
    calls = (await sandbox.see("calls", after=0))["calls"]
    await sandbox.do(f"persons/{FIRST_ID}/text", text="/cakupan")
    await _answered(sandbox, max(int(call["number"]) for call in calls))
    await sandbox.do(f"persons/{FIRST_ID}/tap", label=area)


@asynccontextmanager
async def _visitor(root: str, token: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"User-Agent": "benchmark"}
    ) as session:
        async with session.post(f"{root}/masuk/{token}") as answer:
            answer.raise_for_status()
        yield session


async def _pages(visitor: aiohttp.ClientSession, root: str) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for page in PAGES:
            began = perf_counter()
            async with visitor.get(f"{root}/{page}") as answer:
                await answer.read()
                assert answer.status == 200, (page, answer.status)
            took.setdefault(page, []).append((perf_counter() - began) * 1000)
    return took
