"""People who are served by several processes in turns: who has one in hand, and who waits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from nobs_bot.messaging.bell import Bell, Ring
from nobs_bot.storage.work import Work

MOST_AWAITED = 1000
_LATE_S = 1.0


class Handover:
    """
    What one process leaves to the others, and what it waits for.

    Somebody who was answered by another process types on before that one has written down that it
    is done; when it has, it did not see yet what they typed. So it rings whom it has in hand no
    more, in the transaction that says so, and we look at those whom we await. Where it does see
    what they typed, it lets them go as well, since we have told it that they came to us: else the
    slower one, which is always a little late, would end up with everybody.
    """

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._awaited: dict[int, float] = {}
        # how many of our lanes' runs have it: one may begin before the one before has quite ended
        self._in_hand: Counter[int] = Counter()
        self._wanted: set[int] = set()

    @property
    def is_heard(self) -> bool:
        """Whether rings of others reach us, so that we need not look again and again."""
        return self._bell.is_heard

    def wait_for(self, lanes: Iterable[int]) -> None:
        """Await lanes; before their updates are kept, since a ring may come the moment after."""
        now = time.monotonic()
        if len(self._awaited) >= MOST_AWAITED:
            # those that the other process took itself are never rung
            self._awaited = {
                lane: since for lane, since in self._awaited.items() if since > now - _LATE_S
            }
        self._awaited.update(dict.fromkeys(lanes, now))

    def took(self, lane: int) -> None:
        """A lane is ours."""
        self.go_on_with(lane)
        self._in_hand[lane] += 1

    def go_on_with(self, lane: int) -> None:
        """What we awaited of a lane is in our hands."""
        self._awaited.pop(lane, None)

    def gave_up(self, lane: int) -> None:
        """A lane that we took is ours no more."""
        self._in_hand[lane] -= 1
        if self._in_hand[lane] <= 0:
            del self._in_hand[lane]
            self._wanted.discard(lane)

    def has(self, lane: int) -> bool:
        """Whether a lane is ours."""
        return lane in self._in_hand

    def is_wanted(self, lane: int) -> bool:
        """Whether another process has what comes next of a lane that is ours."""
        return lane in self._wanted

    def hear(self, ring: Ring) -> frozenset[int]:
        """Another process rang; returns which of the lanes that it has given up we await."""
        self._wanted |= ring.wanted & self._in_hand.keys()
        return ring.free & self._awaited.keys()

    async def ring(
        self, work: Work, *, free: Iterable[int], blocked: Iterable[int], are_left: bool
    ) -> None:
        """
        Tell the others what a transaction leaves to them.

        Args:
            free: Lanes with which one of our runs is through.
            blocked: Lanes whose next update it keeps, and which it could not take.
            are_left: Whether it leaves updates to whoever has room.
        """
        left = frozenset(lane for lane in free if self._in_hand[lane] <= 1)
        ring = Ring(left, frozenset(blocked) - self._in_hand.keys())
        if are_left or ring != Ring():
            await self._bell.ring(work, None if are_left else ring)
