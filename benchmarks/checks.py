"""What a check costs beyond OpenCV itself, and how quickly its child starts."""

from __future__ import annotations

import ipaddress
import statistics
import time

from benchmarks import cameras
from benchmarks.figure import Figure
from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.check import StreamChecker, Verdict
from nobs_bot.streams.children import Child, Children
from nobs_bot.streams.forkserver import Channel

ROUNDS = 7
MOST_BEYOND_BARE = 1.10
MOST_START_MS = 30.0


async def measure() -> list[Figure]:
    """Both figures, each the median of several rounds, on the demo's 720p camera."""
    async with cameras.running() as address:
        ratio = await _ratio(address)
    start_ms = await _start_ms()
    return [
        Figure(
            "check: CPU beyond bare cv2 in a warm child",
            round(ratio, 3),
            "ratio",
            "cv2.VideoCapture.read() of as many frames, opened with the same options",
            f"<= {MOST_BEYOND_BARE}",
            ratio <= MOST_BEYOND_BARE,
        ),
        Figure(
            "check: start of the child",
            round(start_ms, 2),
            "ms",
            "180-300 ms for a new interpreter that imports cv2",
            f"<= {MOST_START_MS}",
            start_ms <= MOST_START_MS,
        ),
    ]


def read_bare(channel: Channel, *, url: str, frames: int) -> None:
    """The peer, run in the same kind of child: open, read as many frames, end."""
    from nobs_bot.streams.capture import open_stream  # in the child, where cv2 is loaded

    capture = open_stream(url, "rtsp", 5)
    arrived = sum(capture.read()[0] for _ in range(frames))
    channel.send({"frames": arrived})


class _Counted(Children):
    """Keeps the last child, whose processor time the kernel tells at its end."""

    last: Child

    async def fork(self) -> Child:
        self.last = await super().fork()
        return self.last


async def _ratio(address: StreamAddress) -> float:
    """The two in turns, so that whatever else the machine does meets both."""
    children = _Counted()
    checker = StreamChecker(allowed_networks=[ipaddress.ip_network("127.0.0.0/8")])
    checker._children = children
    await (await children.fork()).end()  # loads OpenCV, which is part of no check
    pairs = []
    for _ in range(ROUNDS + 1):
        ours_s, frames = await _our_cpu_s(checker, children, address)
        pairs.append((ours_s, await _bare_cpu_s(children, address, frames)))
    await checker.close()
    # The first round warms both up.
    return statistics.median(ours / bare for ours, bare in pairs[1:])


async def _our_cpu_s(
    checker: StreamChecker, children: _Counted, address: StreamAddress
) -> tuple[float, int]:
    before_s = time.process_time()
    report = await checker.check(address)
    assert report.verdict is Verdict.GOOD, report
    own_s = time.process_time() - before_s
    return own_s + children.last.cpu_s, int(report.measures["frames"])


async def _bare_cpu_s(children: Children, address: StreamAddress, frames: int) -> float:
    before_s = time.process_time()
    child = await children.fork()
    arguments = {"url": address.url, "frames": frames}
    await child.give(
        {
            "task": "benchmarks.checks:read_bare",
            "arguments": arguments,
            "deadline_s": 30,
            "port": address.port,
        }
    )
    heard = [message async for message, _ in child.messages()]
    assert heard[-1] == {"frames": frames}, heard
    await child.ended.wait()
    await child.end()
    return time.process_time() - before_s + child.cpu_s


async def _start_ms() -> float:
    children = Children()
    taken_ms = [await _one_start_ms(children) for _ in range(12)]
    await children.close()
    return statistics.median(taken_ms[2:])


async def _one_start_ms(children: Children) -> float:
    started_at = time.perf_counter()
    child = await children.fork()
    async for _ in child.messages():
        break
    taken_ms = (time.perf_counter() - started_at) * 1000
    await child.end()
    return taken_ms
