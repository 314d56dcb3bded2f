"""Runs when a process of the cluster starts: its clock is stepped by `tests.faults.clock`."""

from __future__ import annotations

import mmap
import os
import struct
import time
from datetime import datetime, timedelta


def _follow(file: str) -> None:
    from nobs_bot.clock import SystemClock

    with open(file, "rb") as opened:
        shared = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    true_time, true_now = time.time, SystemClock.now

    def offset_s() -> float:
        return float(struct.unpack_from("d", shared)[0])

    def now(clock: SystemClock) -> datetime:
        return true_now(clock) + timedelta(seconds=offset_s())

    SystemClock.now = now  # type: ignore[method-assign]
    time.time = lambda: true_time() + offset_s()


# other Pythons that a process starts inherit the path, but are none of ours
if "NOBS_TEST_CLOCK" in os.environ:
    _follow(os.environ["NOBS_TEST_CLOCK"])
