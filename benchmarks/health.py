"""A round of health over a whole programme's cameras: what a look costs, and that nothing grows."""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import psutil
from sqlalchemy import func, select, update

from benchmarks import cameras
from benchmarks.figure import Figure
from nobs_bot.cameras.connection import set_stream
from nobs_bot.cameras.health import Health, enlist
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.rounds import HealthRounds, keep_books
from nobs_bot.clock import SystemClock
from nobs_bot.people.persons import meet
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings
from nobs_bot.storage.base import new_id
from nobs_bot.storage.crypto import Vault, load_keys
from nobs_bot.storage.engine import Database
from nobs_bot.storage.work import Office
from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.pulse import take_pulse
from nobs_bot.texts import Texts

CAMERAS = 2500
MOST_CPU_S = 0.15
MOST_MINUTES = 4.0
MOST_GROWTH_MB = 8.0
LOOPBACK = ip_network("127.0.0.0/8")


async def measure() -> list[Figure]:
    """Two rounds over 2,500 RTSP cameras that answer, all due at once, books and all."""
    with tempfile.TemporaryDirectory() as name:
        async with cameras.running() as address:
            office = await _office(Path(name))
            try:
                return await _measured(office, address)
            finally:
                await office.database.close()


async def _measured(office: Office, address: StreamAddress) -> list[Figure]:
    await _connect(office, address)
    health = HealthRounds(office, partial(take_pulse, allowed_networks=[LOOPBACK]))
    process = psutil.Process()
    await _round(office, health)
    first_mb = process.memory_info().rss / 1e6
    began, cpu = time.monotonic(), time.process_time()
    await _round(office, health)
    cpu_s = (time.process_time() - cpu) / CAMERAS
    minutes = (time.monotonic() - began) / 60
    growth_mb = process.memory_info().rss / 1e6 - first_mb
    answering = await _answering(office)
    assert answering == CAMERAS, f"{answering} of {CAMERAS} cameras answer"
    peer = f"{CAMERAS} RTSP cameras with digest passwords, one server, SQLite"
    return [
        Figure(
            "health: CPU a camera, all in",
            round(cpu_s, 4),
            "s",
            peer,
            f"<= {MOST_CPU_S}",
            cpu_s <= MOST_CPU_S,
        ),
        Figure(
            "health: a round of 2,500 cameras",
            round(minutes, 2),
            "min",
            "on two cores, one of which the cameras take",
            f"< {MOST_MINUTES:.0f}",
            minutes < MOST_MINUTES,
        ),
        Figure(
            "health: memory that a further round adds",
            round(growth_mb, 1),
            "MB",
            f"{first_mb:.0f} MB after the first round",
            f"<= {MOST_GROWTH_MB:.0f}",
            growth_mb <= MOST_GROWTH_MB,
        ),
    ]


async def _office(folder: Path) -> Office:
    settings = Settings(_env_file=None, data_dir=folder)
    database = Database(settings.database)
    await upgrade(database)
    vault = Vault(load_keys(folder / "keys"))
    return Office(database, vault, SystemClock(), Texts(settings.zone), settings)


async def _connect(office: Office, address: StreamAddress) -> None:
    """As many cameras as there are, each with its own sealed address, taken under watch."""
    async with office.work() as work:
        owner = meet(work, 710_000_001, None)
        await work.session.flush()
        for number in range(1001, 1001 + CAMERAS):
            camera = Camera(
                id=new_id(),
                number=number,
                owner_id=owner.id,
                state=State.APPROVED,
                lat=-6.15,
                lon=106.79,
                area_code="31.73.04.1001",
                created_at=work.now,
                touched_at=work.now,
            )
            work.session.add(camera)
            set_stream(work, camera, address)
    while True:
        async with office.work() as work:
            if not await enlist(work):
                return


async def _round(office: Office, health: HealthRounds) -> None:
    """Everything is due, and worked off as the app does it, with its books every minute."""
    async with office.work() as work:
        began = work.now
        await work.session.execute(update(Health).values(due_at=began - timedelta(seconds=1)))
    books_at = time.monotonic() + 60
    while await _left(office, began):
        if not await health.start_due():
            await asyncio.sleep(0.1)
        if time.monotonic() > books_at:
            books_at += 60
            async with office.work() as work:
                await keep_books(work)
    await health.wait()


async def _left(office: Office, began: object) -> bool:
    async with office.look() as work:
        query = select(Health.id).where(Health.due_at < began).limit(1)
        return (await work.session.execute(query)).first() is not None


async def _answering(office: Office) -> int:
    async with office.look() as work:
        query = select(func.count()).where(Health.pulse_at.is_not(None), Health.failure.is_(None))
        return int((await work.session.execute(query)).scalar_one())
