"""
What an export of 10 GB takes: memory over the idle console, and how fast it comes.

The console is the real one, in a process of its own, with sealed originals on the disk; a reader
takes the zip by a one-time link and throws it away. Beside it stands Python's own zipfile, which
packs clear bytes that need neither opening nor vouching for.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import psutil

from benchmarks.figure import Figure
from benchmarks.processes import ROOT, environment, running
from benchmarks.telegram import telegram
from nobs_bot.app import Foundation
from nobs_bot.clock import ManualClock
from nobs_bot.footage.exits import make_link
from nobs_bot.footage.request import Clip, ClipKind, ClipState, Reply, asks_of, request_for
from nobs_bot.people.persons import person
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings
from nobs_bot.storage.base import new_id
from tests.cast import MONDAY, House
from tests.footage.recordings import asked

CONSOLE = (str(ROOT / "bot.py"), "console")
MOST_MB = 64.0
CLIPS, CLIP_MIB = 5, 2048
MIB = 1 << 20
_SPARE_BYTES = 4 * 1024**3
_PEER_MIB = 1024


async def measure() -> list[Figure]:
    """Store, serve, read, weigh."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with telegram(1) as sandbox:
            env = environment(
                sandbox.api_url,
                folder,
                log_level="WARNING",
                console_url="http://127.0.0.1:{port}",
            )
            foundation = _foundation(env)
            await upgrade(foundation.database)
            house = _house(foundation)
            request_id = await _request(house)
            distinct = await _store(house, request_id, folder)
            url = await _link(house, request_id, env["CONSOLE_URL"])
            await foundation.database.close()
            async with running(CONSOLE, env, folder / "log") as process:
                idle_mb = await _idle(process.pid, env["CONSOLE_URL"])
                peak_mb, size, seconds = await _take(process.pid, url)
        peer = await asyncio.to_thread(_peer_mb_a_second, folder)
    over_mb = peak_mb - idle_mb
    speed = size / 1e6 / seconds
    return [
        Figure(
            f"memory over idle while {size / 1e9:.1f} GB of evidence are exported",
            round(over_mb, 1),
            "MB",
            f"idle {idle_mb:.0f}; {distinct} sealed files; {speed:.0f} MB/s,"
            f" zipfile of clear bytes {peer:.0f} MB/s",
            f"<= {MOST_MB:.0f}",
            over_mb <= MOST_MB,
        )
    ]


def _foundation(env: dict[str, str]) -> Foundation:
    settings = Settings(
        _env_file=None,
        bot_token=env["BOT_TOKEN"],
        data_dir=Path(env["DATA_DIR"]),
        console_url=env["CONSOLE_URL"],
    )
    return Foundation(settings, ManualClock(MONDAY))


def _house(foundation: Foundation) -> House:
    clock = foundation.clock
    assert isinstance(clock, ManualClock)
    # nothing is looked at here, so nobody looks
    return House(foundation.office, clock, foundation.areas, foundation.files, None)  # type: ignore[arg-type]


async def _request(house: House) -> int:
    await house.seat()
    return await asked(house, "Sari")


async def _store(house: House, request_id: int, folder: Path) -> int:
    """The clips; all of different content where the disk has room, else of the same."""
    needed = CLIPS * CLIP_MIB * MIB + _SPARE_BYTES
    distinct = CLIPS if shutil.disk_usage(folder).free > needed else 1
    async with house.office.look() as work:
        [ask] = await asks_of(work, request_id)
    taken = []
    for number in range(distinct):
        draft = await house.files.take(f"incoming/{number}", _content(number))
        await house.files.settle(draft, draft.name)
        taken.append(draft)
    async with house.office.work() as work:
        (await work.session.merge(ask)).reply = Reply.HAS
        for number in range(CLIPS):
            stored, clip_id = taken[number % distinct], new_id()
            source = {"file_id": "", "name": f"kamera-{number}.mp4"}
            work.session.add(
                Clip(
                    id=clip_id,
                    ask_id=ask.id,
                    request_id=request_id,
                    camera_id=ask.camera_id,
                    owner_id=ask.owner_id,
                    unique_id=str(number),
                    source=work.vault.seal_json("footage_clips.source", clip_id, source),
                    recompressed=False,
                    state=ClipState.STORED,
                    file_name=stored.name,
                    size_bytes=stored.size,
                    sha256=stored.sha256,
                    crc32=stored.crc32,
                    blocks=stored.blocks,
                    kind=ClipKind.VIDEO,
                    media_type="video/mp4",
                    sent_at=work.now,
                    stored_at=work.now,
                    attempts=1,
                )
            )
    return distinct


async def _content(number: int) -> AsyncIterator[bytes]:
    block = bytearray(os.urandom(MIB))
    for at in range(CLIP_MIB):
        block[:16] = number.to_bytes(8, "big") + at.to_bytes(8, "big")
        yield bytes(block)


async def _link(house: House, request_id: int, base: str) -> str:
    # the console reads the machine's clock, and a link is good for ten minutes of it
    house.clock.advance(MONDAY.now(MONDAY.tzinfo) - MONDAY)
    async with house.office.work() as work:
        officer = await person(work, house.ids["Rahmat"])
        url = make_link(work, await request_for(work, request_id, officer), officer)
    assert url is not None
    assert url.startswith(base)
    return url


async def _idle(pid: int, base: str) -> float:
    """The console's weight once it serves and has come to rest."""
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{base}/keys/evidence") as answer:
                    assert answer.ok, answer.status
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.2)
    await asyncio.sleep(2)
    return _weight_mb(pid)


async def _take(pid: int, url: str) -> tuple[float, int, float]:
    """Peak weight in MB, bytes and seconds of one export."""
    peak = 0.0
    size = 0
    began = weighed = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        assert answer.ok, await answer.text()
        async for piece in answer.content.iter_any():
            size += len(piece)
            if time.monotonic() - weighed > 0.1:
                weighed = time.monotonic()
                peak = max(peak, _weight_mb(pid))
    assert size > CLIPS * CLIP_MIB * MIB
    return peak, size, time.monotonic() - began


def _weight_mb(pid: int) -> float:
    return float(psutil.Process(pid).memory_full_info().pss / 1e6)


class _Nowhere:
    """A file that takes everything and keeps nothing."""

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        return None


def _peer_mb_a_second(folder: Path) -> float:
    clear = folder / "clear.mp4"
    with clear.open("wb") as file:
        for at in range(_PEER_MIB):
            file.write(at.to_bytes(8, "big") * (MIB // 8))
    began = time.monotonic()
    with zipfile.ZipFile(_Nowhere(), "w", zipfile.ZIP_STORED) as archive:  # type: ignore[arg-type]
        archive.write(clear)
    return _PEER_MIB * MIB / 1e6 / (time.monotonic() - began)


if __name__ == "__main__":
    print(asyncio.run(measure()), file=sys.stdout)
