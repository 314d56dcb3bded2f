"""
A day of a busy district in an hour or two: does the app grow?

The app is the whole of it, `python bot.py` on SQLite: updates by webhook through the real
dialogue, checks of a real RTSP camera, deliveries by the outbox, in fifty slices. After each slice
it is left alone for a moment and weighed, with all its processes. What a first fifth loads and
fills is its own; from then on neither memory nor the number of open files may grow. Files are those
of the quietest slice of each fifth: connections come and go, and one that leaks stays.

Not among those that `python -m benchmarks` runs by itself. A tenth of it, in minutes:
`python -m benchmarks.day --size 0.1`.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import track
from sqlalchemy import func, select

from benchmarks import cameras, crowd
from benchmarks.figure import Figure
from benchmarks.memory import tree_mb
from benchmarks.processes import APP, environment, running
from benchmarks.updates import Load, load_running
from nobs_bot.app import Foundation
from nobs_bot.cameras.checks import Check, ask_check
from nobs_bot.cameras.connection import set_stream
from nobs_bot.cameras.record import Camera
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import Delivery, Outgoing, enqueue_each
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings
from nobs_bot.streams.address import StreamAddress

ONLY_BY_NAME = True
UPDATES, CHECKS, DELIVERIES = 100_000, 20_000, 5_000
SLICES = 50
A_FIFTH = SLICES // 5
MOST_GROWTH = 0.05
FIRST_CHAT = 730_000_001
SLICE_WITHIN_S = 1800
REST_S = 2.0
SETTINGS = {
    "allowed_networks": "127.0.0.1/32",
    "checks_at_once": "24",  # each waits two seconds for pictures and takes a fifth of a core
    "log_level": "WARNING",
    "webhook_url": "http://127.0.0.1:{port}",
}


@dataclass(frozen=True)
class Weight:
    """
    What the app's processes hold: megabytes, and open files.

    Args:
        mb: PSS. A page of a library counts less while others run that use it, so the machine must
            do nothing else meanwhile.
        own_mb: USS: what is theirs alone, whatever others do.
    """

    mb: float
    own_mb: float
    files: int


@dataclass
class Day:
    """An installation that is driven through its day, or through a part of *size*."""

    foundation: Foundation
    load: Load
    webhook: str
    size: float
    pid: int = 0

    def part(self, of_the_day: int) -> int:
        """How many of a whole day's fall into a slice."""
        return max(1, round(of_the_day * self.size / SLICES))

    async def slice(self, number: int) -> Weight:
        """A fiftieth of everything, then a rest, then the scales."""
        async with asyncio.timeout(SLICE_WITHIN_S):
            await asyncio.gather(self._type(number), self._check(), self._deliver(number))
        await asyncio.sleep(REST_S)
        return weigh(self.pid)

    async def _type(self, number: int) -> None:
        told = await self.load.run(
            self.webhook,
            dialogue=True,
            prepare=number == 0,
            seconds=SLICE_WITHIN_S,
            most=self.part(UPDATES),
        )
        assert told["updates"] >= self.part(UPDATES), told["updates"]

    async def _check(self) -> None:
        """One check of each camera, and until none is left."""
        async with self.foundation.office.work() as work:
            for camera in (await work.session.execute(select(Camera))).scalars():
                if camera.stream is not None:
                    await ask_check(work, camera, tell_owner=False)
        await self._none_left(select(func.count()).where(Check.due_at.is_not(None)))

    async def _deliver(self, number: int) -> None:
        count = self.part(DELIVERIES)
        letters = [
            (FIRST_CHAT + at, Message(text="Kabar dari program."), f"day:{number}:{at}")
            for at in range(count)
        ]
        async with self.foundation.office.work() as work:
            await enqueue_each(work, letters)
        pending = Outgoing.state == Delivery.PENDING
        await self._none_left(select(func.count()).select_from(Outgoing).where(pending))

    async def _none_left(self, count: object) -> None:
        while True:
            async with self.foundation.office.look() as work:
                if not (await work.session.execute(count)).scalar_one():  # type: ignore[call-overload]
                    return
            await asyncio.sleep(0.5)

    async def outcome(self) -> tuple[int, int]:
        """How many checks were finished, and messages delivered."""
        async with self.foundation.office.look() as work:
            checks = select(func.count()).where(Check.finished_at.is_not(None))
            sent = select(func.count()).where(Outgoing.state == Delivery.SENT)
            return (
                (await work.session.execute(checks)).scalar_one(),
                (await work.session.execute(sent)).scalar_one(),
            )


def weigh(pid: int) -> Weight:
    """The process and all its children."""
    top, files, own = psutil.Process(pid), 0, 0
    for each in (top, *top.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            files += each.num_fds()
            own += each.memory_full_info().uss
    return Weight(sum(tree_mb(pid).values()), own / 1e6, files)


async def measure(size: float = 1.0) -> list[Figure]:
    """The day, or a part of it."""
    with tempfile.TemporaryDirectory(prefix="nobs-day-") as name:
        async with cameras.running() as camera, load_running() as load:
            folder = Path(name)
            env = environment(load.api_url, folder, **SETTINGS)
            webhook = f"http://127.0.0.1:{env['LISTEN_PORT']}/telegram/webhook"
            day = Day(await _foundation(folder, env["BOT_TOKEN"]), load, webhook, size)
            await _connect(day, camera)
            async with running(APP, env, folder / "log") as app:
                day.pid = app.pid
                weights = [
                    await day.slice(number)
                    for number in track(range(SLICES), "the day", console=Console(stderr=True))
                ]
                checks, sent = await day.outcome()
            await day.foundation.database.close()
            said = (folder / "log").read_text()
    assert "Traceback" not in said, said[-3000:]
    return _figures(size, weights, checks, sent)


def _figures(size: float, weights: list[Weight], checks: int, sent: int) -> list[Figure]:
    fifths = [weights[at : at + A_FIFTH] for at in range(0, SLICES, A_FIFTH)]
    mb = [statistics.median(each.mb for each in fifth) for fifth in fifths]
    own_mb = [statistics.median(each.own_mb for each in fifth) for fifth in fifths]
    files = [min(each.files for each in fifth) for fifth in fifths]
    first_mb, last_mb, first_files, last_files = mb[1], mb[-1], files[1], files[-1]
    growth, more = last_mb / first_mb - 1, last_files - first_files
    what = f"{round(UPDATES * size)} updates, {checks} checks, {sent} deliveries"
    return [
        Figure(
            f"a day in one process ({what}): memory that it grew by",
            round(growth * 100, 1),
            "%",
            "PSS of all its processes, by fifths of the day, the first for warming up: "
            f"{', '.join(f'{each:.0f}' for each in mb)} MB; theirs alone (USS): "
            f"{', '.join(f'{each:.0f}' for each in own_mb)} MB",
            f"<= {MOST_GROWTH * 100:.0f}",
            growth <= MOST_GROWTH,
        ),
        Figure(
            f"a day in one process ({what}): open files more",
            more,
            "files",
            f"least in each fifth of the day: {', '.join(map(str, files))}",
            "<= 0",
            more <= 0,
        ),
    ]


async def _foundation(folder: Path, token: str) -> Foundation:
    foundation = Foundation(
        Settings(_env_file=None, bot_token=token, data_dir=folder / "data")  # type: ignore[arg-type]
    )
    await upgrade(foundation.database)
    return foundation


async def _connect(day: Day, address: StreamAddress) -> None:
    """As many cameras as there are checks in a slice, all with the one stream."""
    count = day.part(CHECKS)
    owner_ids = await crowd.owners(day.foundation, count, FIRST_CHAT)
    await crowd.cameras(day.foundation, owner_ids, count, within_m=500)
    async with day.foundation.office.work() as work:
        for camera in (await work.session.execute(select(Camera))).scalars():
            set_stream(work, camera, address)


if __name__ == "__main__":
    from benchmarks.__main__ import as_table

    parser = argparse.ArgumentParser(description="How much the app grows in a day.")
    parser.add_argument("--size", type=float, default=1.0, help="1 is the whole day")
    Console().print(as_table(asyncio.run(measure(parser.parse_args().size))))
