"""
What is written down of updates: that they came, that somebody has them in hand, that they are done.

Of all who write at a moment it is written in one transaction, and in as many statements for all of
them as for one: a statement costs more than what it says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nobs_bot.messaging import inbox
from nobs_bot.messaging.batch import Batch
from nobs_bot.messaging.handover import Handover
from nobs_bot.messaging.inbox import Claimed
from nobs_bot.storage.work import Office, Work


@dataclass(frozen=True)
class Entry:
    """
    What one caller has to write down; what it says is done in the order of its fields.

    Args:
        kept: Updates that came.
        are_in_order: Whether all that was before them has come; see `inbox.store`.
        are_left: Whether they are left to whoever has room for them.
        also: What else belongs to it.
        done: An update with which we are through.
        lanes: Of whom the next update is taken in hand.
        most: How many updates are taken in hand, whosever they are.
    """

    kept: Sequence[dict[str, Any]] = ()
    are_in_order: bool = True
    are_left: bool = False
    also: Callable[[Work], Awaitable[None]] | None = None
    done: Claimed | None = None
    lanes: Sequence[int] = ()
    most: int = 0


class Ledger(Batch[Entry, list[Claimed]]):
    """
    Writes entries down; the result of each is what was taken in hand for it.

    Args:
        handover: Is told of whom nothing is left in our hands, and of what is left to others.
    """

    def __init__(self, office: Office, handover: Handover) -> None:
        super().__init__(office, self._write_down)
        self._handover = handover

    async def _write_down(self, work: Work, entries: Sequence[Entry]) -> list[list[Claimed]]:
        for in_order in {each.are_in_order for each in entries if each.kept}:
            kept = [raw for each in entries if each.are_in_order == in_order for raw in each.kept]
            await inbox.store(work, kept, are_in_order=in_order)
        for each in entries:
            if each.also:
                await each.also(work)
        await inbox.mark_done(work, [each.done for each in entries if each.done])
        heads = await inbox.claim_next(work, {lane for each in entries for lane in each.lanes})
        await self._handover.ring(
            work,
            free={each.done.lane for each in entries if each.done} - heads.keys(),
            blocked={lane for each in entries if each.kept for lane in each.lanes} - heads.keys(),
            are_left=any(each.are_left for each in entries),
        )
        return await _hand_out(work, entries, heads)


async def _hand_out(
    work: Work, entries: Sequence[Entry], heads: dict[int, Claimed]
) -> list[list[Claimed]]:
    """Who was through with somebody goes on with them; others take what is left."""
    taken: list[list[Claimed]] = [[] for _ in entries]
    for entry, theirs in sorted(
        zip(entries, taken, strict=True), key=lambda pair: pair[0].done is None
    ):
        theirs.extend(heads.pop(lane) for lane in entry.lanes if lane in heads)
        if entry.most:
            theirs.extend(await inbox.claim(work, entry.most))
    return taken
