"""The whole installation as real processes, with everything between them that can be broken."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import cameras
from benchmarks.processes import ROOT, TOKEN, environment, free_port, start
from benchmarks.telegram import FIRST_ID, Telegram, telegram
from nobs_bot.app import Foundation
from nobs_bot.settings import Settings
from tests.faults.canary import Canary, canary
from tests.faults.clock import STEPPED, SteppedClock
from tests.faults.disk import Disk, disk
from tests.faults.member import Member
from tests.faults.postgres import Postgres
from tests.faults.proxy import Proxy, balancer, proxy_to

PEOPLE = 1500
LISTENERS = 6
OFFICERS = FIRST_ID + LISTENERS
# a call to Telegram is under way for as long
CALL_S = 0.02
DATABASE = "faults"
DATABASE_MB, DATA_MB = 240, 64
PARTS = {"bot": ("bot",), "worker-1": ("worker",), "worker-2": ("worker",), "console": ("console",)}
# the processes of each kind of cluster, and which part each is; none: it is all of them
MEMBERS: dict[str, dict[str, tuple[str, ...]]] = {
    "postgres": PARTS,
    "pair": {"first": (), "second": ()},
    "sqlite": {"whole": ()},
}
START_WITHIN_S = 180
SETTINGS = {
    "allowed_networks": "127.0.0.1/32",
    "sends_per_second": "1000",
    # the crowd is asked more often than people are
    "request_most_per_week": "100000",
    "request_max_owners": "200",
}


@dataclass
class Cluster:
    """
    What runs, and what stands between.

    Attributes:
        folder: For data and logs.
        foundation: The same database and files, seen by us, past every proxy.
        sandbox: Telegram.
        members: The processes by their names.
        telegram: Between them and Telegram.
        database: Between them and PostgreSQL; None on SQLite.
        cameras: Between them and the camera at `camera_url`.
        disks: `data`, and on PostgreSQL `database`.
        site: Where the console's pages are.
        doors: The same of each process that has one.
    """

    folder: Path
    clock: SteppedClock
    foundation: Foundation
    sandbox: Telegram
    telegram: Proxy
    cameras: Proxy
    camera_url: str
    camera_password: str
    canary: Canary
    disks: dict[str, Disk]
    site: str
    doors: list[str]
    is_webhook: bool
    members: dict[str, Member] = field(default_factory=dict)
    database: Proxy | None = None
    postgres: Postgres | None = None

    def logs(self) -> str:
        """Everything that the processes and the database wrote."""
        files = [member.log for member in self.members.values()]
        files += [self.postgres.log_file] if self.postgres else []
        return "\n".join(each.read_text(errors="replace") for each in files if each.exists())

    async def serves(self) -> bool:
        """Whether whoever has a door is up, who is started again like all the others."""
        try:
            async with aiohttp.ClientSession() as browser:
                for door in self.doors:
                    async with browser.get(f"{door}/healthz") as told:
                        if not told.ok:
                            return False
        except aiohttp.ClientError:
            return False
        return True

    def keep_logs(self, name: str) -> Path:
        """Copy the logs to where they stay; returns the folder."""
        folder = Path(tempfile.gettempdir()) / f"nobs-faults-{name.replace(':', '-')}"
        folder.mkdir(exist_ok=True)
        for member in self.members.values():
            if member.log.exists():
                shutil.copy(member.log, folder)
        if self.postgres is not None:
            shutil.copy(self.postgres.log_file, folder / "postgres.log")
        return folder

    def pids(self) -> list[int]:
        """Of those that run."""
        return [each.pid for each in self.members.values() if each.pid is not None]

    async def is_up(self) -> None:
        """Wait until it takes updates."""
        method = "setWebhook" if self.is_webhook else "getUpdates"
        async with asyncio.timeout(START_WITHIN_S):
            while not (await self.sandbox.see("calls", method=method))["calls"]:
                await asyncio.sleep(0.1)


@asynccontextmanager
async def cluster(kind: str, *, webhook: bool, code: Path = ROOT) -> AsyncIterator[Cluster]:
    """
    A cluster for as long as the block.

    Args:
        kind: `postgres`: a bot, two workers and a console; `pair`: two processes on PostgreSQL,
            each of which is all, behind a balancer; `sqlite`: one process that is all.
        webhook: Updates come by webhook instead of polling.
        code: What the processes run; another checkout stands for another version.
    """
    async with AsyncExitStack() as stack:
        # not the test's folder: a socket's path must be short
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="nobs-faults-"))
        made = await _made(stack, Path(name), kind, code, webhook=webhook)
        for member in made.members.values():
            stack.push_async_callback(member.stop)
            task = asyncio.create_task(member.run(), name=member.name)
            stack.callback(task.cancel)
        await made.is_up()
        yield made


async def _made(
    stack: AsyncExitStack, folder: Path, kind: str, code: Path, *, webhook: bool
) -> Cluster:
    sandbox = await stack.enter_async_context(telegram(PEOPLE, delay_s=CALL_S))
    to_telegram = await stack.enter_async_context(proxy_to(port=_port_of(sandbox.api_url)))
    camera = await stack.enter_async_context(cameras.running())
    to_camera = await stack.enter_async_context(proxy_to(port=camera.port))
    disks = {"data": stack.enter_context(disk(folder / "data", DATA_MB))}
    clock = SteppedClock(folder / "clock")
    postgres = None if kind == "sqlite" else await _postgres(stack, folder, disks)
    direct = postgres.address(DATABASE) if postgres else None
    foundation = _foundation(stack, folder, sandbox.api_url, direct, clock)
    ports = [free_port() for _ in MEMBERS[kind]] if kind == "pair" else [free_port()]
    balancing = await stack.enter_async_context(balancer(ports)) if len(ports) > 1 else None
    made = Cluster(
        folder=folder,
        clock=clock,
        foundation=foundation,
        sandbox=sandbox,
        telegram=to_telegram,
        cameras=to_camera,
        camera_url=replace(camera, port=to_camera.port).url,
        camera_password=camera.password,
        canary=await stack.enter_async_context(canary()),
        disks=disks,
        site=f"http://127.0.0.1:{balancing.port if balancing else ports[0]}",
        doors=[f"http://127.0.0.1:{port}" for port in ports],
        is_webhook=webhook,
        postgres=postgres,
    )
    settings = dict(SETTINGS, console_url=made.site)
    if webhook:
        settings["webhook_url"] = made.site
    if postgres:
        made.database = await stack.enter_async_context(proxy_to(path=postgres.socket))
        own = f"127.0.0.1:{made.database.port}"
        settings["database_url"] = f"postgresql://postgres@{own}/{DATABASE}"
    env = environment(f"http://127.0.0.1:{to_telegram.port}", folder, **settings)
    env |= clock.environment
    await migrated(code, env, folder / "migrate.log")
    for at, (name, part) in enumerate(MEMBERS[kind].items()):
        own_env = env | {"LISTEN_PORT": str(ports[at % len(ports)])}
        made.members[name] = Member(name, *of_version(code, own_env, part), folder / f"{name}.log")
    return made


def of_version(
    code: Path, env: dict[str, str], part: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """What Python is given to run *part* of the checkout *code*, and in which environment."""
    return (str(code / "bot.py"), *part), env | {"PYTHONPATH": f"{STEPPED}:{code}"}


async def migrated(code: Path, env: dict[str, str], log: Path) -> None:
    """
    Bring the database up to date as an operator does.

    Raises:
        RuntimeError: it was refused.
    """
    process = await start(*of_version(code, env, ("migrate",)), log)
    if await process.wait():
        raise RuntimeError(log.read_text())


async def _postgres(stack: AsyncExitStack, folder: Path, disks: dict[str, Disk]) -> Postgres:
    disks["database"] = stack.enter_context(disk(folder / "postgres", DATABASE_MB))
    postgres = await asyncio.to_thread(Postgres, folder / "postgres")
    stack.push_async_callback(postgres.close)
    await asyncio.to_thread(postgres.make, DATABASE)
    return postgres


def _foundation(
    stack: AsyncExitStack, folder: Path, api_url: str, database: str | None, clock: SteppedClock
) -> Foundation:
    given: dict[str, Any] = {
        "bot_token": TOKEN,
        "bot_api_url": api_url,
        "data_dir": folder / "data",
        "database_url": database,
        "request_max_owners": int(SETTINGS["request_max_owners"]),
    }
    foundation = Foundation(Settings(_env_file=None, **given), clock)
    stack.push_async_callback(foundation.database.close)
    return foundation


def _port_of(url: str) -> int:
    return int(url.rpartition(":")[2])
