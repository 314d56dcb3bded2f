"""
A clock that a test steps while real processes run.

The offset is eight bytes in a file that every process of a cluster has mapped; `stepped` is put on
their path, whose `sitecustomize` adds it to what `nobs_bot.clock.SystemClock` and `time.time` say.
The product has no setting for it. The monotonic clock goes on, as it does where an operator or NTP
sets a machine's clock.
"""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

VARIABLE = "NOBS_TEST_CLOCK"
STEPPED = Path(__file__).parent / "stepped"


class SteppedClock:
    """
    The machine's clock plus an offset; the same for us and for the processes.

    Args:
        file: Where the offset is kept; made.
    """

    def __init__(self, file: Path) -> None:
        file.write_bytes(struct.pack("d", 0.0))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 8)
        self.environment = {VARIABLE: str(file)}

    @property
    def offset_s(self) -> float:
        """By how much the clock is ahead, seconds."""
        return float(struct.unpack_from("d", self._shared)[0])

    def step(self, by_s: float) -> None:
        """Set the clock forward, or back where *by_s* is negative."""
        struct.pack_into("d", self._shared, 0, self.offset_s + by_s)

    def now(self) -> datetime:
        """As `nobs_bot.clock.Clock`."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)
