"""How fast a bot may write: over all, in one chat, in a group."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nobs_bot.clock import Clock
from nobs_bot.sandbox.wire import too_many


@dataclass
class _Bucket:
    tokens: float
    at: float


class Limits:
    """
    Token buckets: 30 a second over all; in a private chat 1 a second after a burst of 3;
    20 a minute in a group.

    Args:
        clock: What the buckets are filled by.
        enforced: Whether anything is refused.
    """

    def __init__(self, clock: Clock, *, enforced: bool) -> None:
        self._clock = clock
        self.enforced = enforced
        self._buckets: dict[int | None, _Bucket] = {}

    def take(self, chat_id: int, count: int = 1) -> None:
        """
        Count *count* messages to a chat.

        Raises:
            BotApiError: 429, with the seconds after which it would pass.
        """
        if not self.enforced:
            return
        wait_s = max(self._wait_s(key, count) for key in (None, chat_id))
        if wait_s > 0:
            raise too_many(max(1, math.ceil(wait_s)))
        for key in (None, chat_id):
            self._buckets[key].tokens -= count

    def _wait_s(self, key: int | None, count: int) -> float:
        size, per_second = _allowance(key)
        now = self._clock.now().timestamp()
        bucket = self._buckets.setdefault(key, _Bucket(size, now))
        bucket.tokens = min(size, bucket.tokens + (now - bucket.at) * per_second)
        bucket.at = now
        # An album larger than the burst passes a full bucket and leaves it in debt.
        return max(0.0, (min(count, size) - bucket.tokens) / per_second)


def _allowance(key: int | None) -> tuple[float, float]:
    """Size of the bucket and what it gains a second."""
    if key is None:
        return 30.0, 30.0
    return (3.0, 1.0) if key > 0 else (20.0, 20.0 / 60.0)
