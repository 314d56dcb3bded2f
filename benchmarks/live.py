"""
Live view: what a stream costs, all in, while fifty cameras are watched, and when a picture comes.

The command centre runs in this process, its children beside it; cameras and viewers run in
processes of their own and are not counted. The peer remuxes the camera with PyAV and sends nothing
to anybody.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import av
import psutil
from pydantic import SecretStr

from benchmarks import cameras, crowd
from benchmarks.figure import Figure
from benchmarks.processes import TOKEN, free_port
from nobs_bot.app import Foundation
from nobs_bot.cameras.connection import set_stream
from nobs_bot.cameras.record import Camera
from nobs_bot.console.centre import Centre
from nobs_bot.console.live.pages import LivePages
from nobs_bot.console.site import Site
from nobs_bot.footage.live.views import Demand, begin
from nobs_bot.footage.request import Purpose
from nobs_bot.people.persons import person
from nobs_bot.people.roles import Role, grant
from nobs_bot.people.sessions import enter, make_link
from nobs_bot.schema import upgrade
from nobs_bot.settings import Settings
from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.check import StreamChecker
from nobs_bot.streams.live import LiveStreams

STREAMS = 50
WATCHED_S, SETTLED_S, BARE_S = 15.0, 5.0, 10.0
MOST_CORE_PERCENT = 2.0
GOP_S = 1.0  # the demo's camera sends a keyframe each second
AGENT = "No Blindspot benchmark"
SECRET_KEYS = "1:" + "QUJD" * 10 + "QUI="


async def measure() -> list[Figure]:
    """Processor time a stream, the first picture, and that all fifty were shown."""
    async with cameras.running() as address:
        with tempfile.TemporaryDirectory() as folder:
            async with centre(Path(folder), address) as shown:
                first_s = await _first_pictures(shown)
                percent, shown_count = await _percent(shown)
        bare = await asyncio.to_thread(_bare_percent, address)
    most_s = 1.0 + GOP_S
    return [
        Figure(
            f"live view: of a core a stream, {STREAMS} at once",
            round(percent, 2),
            "%",
            f"{percent / bare:.1f} times PyAV remuxing one, alone ({bare:.2f} %)",
            f"<= {MOST_CORE_PERCENT:g}",
            percent <= MOST_CORE_PERCENT,
        ),
        Figure(
            "live view: streams shown at once",
            shown_count,
            "streams",
            "",
            f"{STREAMS}",
            shown_count == STREAMS,
        ),
        Figure(
            "live view: from opening the socket to the first picture, p50",
            round(statistics.median(first_s), 2),
            "s",
            f"slowest of {len(first_s)}: {max(first_s):.2f} s; GOP {GOP_S:g} s",
            f"<= {most_s:g}",
            statistics.median(first_s) <= most_s,
        ),
    ]


class Shown:
    """The centre, an officer's cookie, and one look a camera."""

    def __init__(self, root: str, cookie: str, views: list[int]) -> None:
        self.root = root
        self.cookie = cookie
        self.views = views

    def addresses(self, views: list[int]) -> list[str]:
        return [f"{self.root}/langsung/lihat/{view}/siaran" for view in views]


@asynccontextmanager
async def centre(folder: Path, address: StreamAddress) -> AsyncIterator[Shown]:
    """The command centre on SQLite, with fifty cameras and a look at each."""
    port = free_port()
    pages = f"http://127.0.0.1:{port}"
    settings = Settings(
        _env_file=None,
        bot_token=SecretStr(TOKEN),
        data_dir=folder,
        secret_keys=SecretStr(SECRET_KEYS),
        console_url=pages,
    )
    foundation = Foundation(settings)
    await upgrade(foundation.database)
    cookie, views = await _seat(foundation, address)
    checker = StreamChecker(allowed_networks=[ipaddress.ip_network("127.0.0.0/8")])
    await checker.start()
    streams = LiveStreams(checker)
    hall = Centre(foundation.office, pages)
    hall.add(LivePages(foundation.office, foundation.areas, streams, hall.gate, hall.shell))
    site = Site(foundation.office, _nobody, "secret", foundation.files, centre=hall)
    await site.start("127.0.0.1", port)
    await checker.children.ready()
    try:
        yield Shown(f"{pages}/konsol", cookie, views)
    finally:
        await streams.close()
        await site.stop()
        await checker.close()
        await foundation.database.close()


async def _nobody(updates: object) -> None:
    raise AssertionError("no updates come here")


async def _seat(foundation: Foundation, address: StreamAddress) -> tuple[str, list[int]]:
    owners = await crowd.owners(foundation, STREAMS + 1, 720_000_000)
    await crowd.cameras(foundation, owners[1:], STREAMS, within_m=500)
    views = []
    async with foundation.office.work() as work:
        officer = await person(work, owners[0])
        await grant(
            work, officer, Role.INVESTIGATOR, foundation.areas.district.code, granted_by=None
        )
        await work.session.flush()
        for camera_id in range(1, STREAMS + 1):
            camera = await work.session.get(Camera, camera_id)
            assert camera is not None
            set_stream(work, camera, address)
            camera.share_live = True
            await work.session.flush()
            demand = Demand("LP/B/1042/XI/2026/SPKT", Purpose.ROBBERY, 15)
            views.append((await begin(work, camera_id, officer, demand)).id)
        token = await make_link(work, officer)
        await work.session.flush()
        cookie = await enter(work, token, AGENT, "benchmark")
    return cookie, views


@asynccontextmanager
async def viewers(shown: Shown, views: list[int]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that watches; it prints the seconds to each first picture, then reads on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.live"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    order = {"cookie": shown.cookie, "addresses": shown.addresses(views)}
    process.stdin.write(json.dumps(order).encode() + b"\n")
    await process.stdin.drain()
    try:
        yield process
    finally:
        process.stdin.close()
        await process.wait()


async def _first_pictures(shown: Shown) -> list[float]:
    """One camera after another, each from rest."""
    seconds = []
    for view in shown.views[:7]:
        async with viewers(shown, [view]) as process:
            assert process.stdout is not None
            seconds.append(json.loads(await process.stdout.readline())["s"])
    return seconds


async def _percent(shown: Shown) -> tuple[float, int]:
    async with viewers(shown, shown.views) as process:
        assert process.stdout is not None
        begun = 0
        async with asyncio.timeout(90):
            while begun < STREAMS:
                begun += "s" in json.loads(await process.stdout.readline())
        await asyncio.sleep(SETTLED_S)
        before_s, at = _cpu_s(process.pid), time.monotonic()
        await asyncio.sleep(WATCHED_S)
        used_s, took_s = _cpu_s(process.pid) - before_s, time.monotonic() - at
    return 100 * used_s / took_s / STREAMS, begun


def _cpu_s(viewers_pid: int) -> float:
    """Of this process and all its children, but for the viewers and the cameras."""
    own = psutil.Process()
    seconds = sum(own.cpu_times()[:2])
    for child in own.children(recursive=True):
        if "benchmarks." not in " ".join(child.cmdline()):
            seconds += sum(child.cpu_times()[:2])
    assert psutil.pid_exists(viewers_pid)
    return float(seconds)


def _bare_percent(address: StreamAddress) -> float:
    """The peer, in a process of its own; the address goes in by its standard input."""
    code = "from benchmarks.live import bare; bare()"
    done = subprocess.run(
        [sys.executable, "-c", code], input=address.url, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def bare() -> None:
    """Remux the camera on standard input for a while; print the percentage of a core."""
    url = sys.stdin.read()
    options = {"rtsp_transport": "tcp", "probesize": "500000", "analyzeduration": "200000"}
    with (
        av.open(url, container_options=options) as source,
        av.open(
            "/dev/null",
            "w",
            format="mp4",
            options={"movflags": "frag_every_frame+empty_moov+default_base_moof"},
        ) as output,
    ):
        track = output.add_stream_from_template(source.streams.video[0])
        begun, used = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None and packet.pts is not None:
                packet.stream = track
                output.mux(packet)
            if time.monotonic() - begun > BARE_S:
                break
        took_s = time.monotonic() - begun
        now = resource.getrusage(resource.RUSAGE_SELF)
    spent_s = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    print(100 * spent_s / took_s)


async def watch() -> None:
    """The viewers' process: open every socket, tell of each first picture, read until told."""
    loop = asyncio.get_running_loop()
    order = json.loads(await asyncio.to_thread(sys.stdin.readline))
    headers = {"User-Agent": AGENT, "Cookie": f"konsol={order['cookie']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        watching = [asyncio.create_task(_watch(session, each)) for each in order["addresses"]]
        await loop.run_in_executor(None, sys.stdin.read)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


async def _watch(session: aiohttp.ClientSession, address: str) -> None:
    at = time.monotonic()
    is_first = True
    async with session.ws_connect(address, max_msg_size=0) as socket:
        async for message in socket:
            if is_first and message.type is aiohttp.WSMsgType.BINARY and message.data[0] == 1:
                is_first = False
                print(json.dumps({"s": time.monotonic() - at}), flush=True)


if __name__ == "__main__":
    asyncio.run(watch())
