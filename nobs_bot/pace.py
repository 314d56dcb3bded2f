"""How fast somebody may call."""

from __future__ import annotations

import time
from collections import OrderedDict


class Pace:
    """
    So many calls at once and then so many a second, for each of the latest callers.

    It is kept in this process alone: it keeps one caller from wearing the house out and guards no
    secret, so that several processes allow several times as much.
    """

    def __init__(self, *, burst: float, per_second: float, most_callers: int = 10_000) -> None:
        self._burst = burst
        self._per_second = per_second
        self._most_callers = most_callers
        self._left: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def is_exceeded(self, caller: object) -> bool:
        """Count one call, and say whether it is one too many; those that are, cost nothing."""
        now = time.monotonic()
        left, at = self._left.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        self._left[caller] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > self._most_callers:
            self._left.popitem(last=False)
        return left < 1
