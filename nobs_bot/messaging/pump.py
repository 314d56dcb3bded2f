"""Works the inbox off: people side by side, each person's updates one after the other."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from nobs_bot import tracing
from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.messaging import inbox
from nobs_bot.messaging.bell import Bell, Ring
from nobs_bot.messaging.chats import fill_slot, is_gone, mark_unreachable
from nobs_bot.messaging.conversation import Dialogue
from nobs_bot.messaging.handover import Handover
from nobs_bot.messaging.inbox import SETTLES_IN, Claimed, Progress, lane_of
from nobs_bot.messaging.ledger import Entry, Ledger
from nobs_bot.storage.engine import AWAY
from nobs_bot.storage.leases import backoff
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

# so long the database may be away before a lane breaks off; its lease is longer
WAITED_FOR = inbox.LEASE / 2
FIRST_PAUSE_S = 0.01
_KEPT_WITHIN_S = 0.02
ENDS_WITHIN_S = 20.0

Answers = list[dict[str, Any]]
T = TypeVar("T")


@dataclass
class Applied:
    """What came of an update: the answers to the person, and where they stand now."""

    answers: Answers
    dialogue: Dialogue | None = None


@dataclass
class Sent:
    """What came of sending answers: the slots they fill, and what is left where it broke off."""

    slots: dict[tuple[int, str], int] = field(default_factory=dict)
    left: Answers = field(default_factory=list)
    error: ExternalError | None = None


class Conversation(Protocol):
    """What the pump needs of the handlers."""

    async def apply(self, work: Work, raw: dict[str, Any]) -> Applied:
        """Run the handler inside *work*; may raise `Refusal`. What it returns is kept there."""
        ...

    async def explain(self, work: Work, raw: dict[str, Any], refusal: Refusal) -> Answers:
        """Answers to somebody whose input was refused; nothing else was changed."""
        ...

    async def apologise(self, work: Work, raw: dict[str, Any], reference: str) -> Answers:
        """Answers to somebody whose update met a bug."""
        ...

    async def answer(self, office: Office, raw: dict[str, Any], answers: Answers) -> Sent:
        """Send the answers; nothing is written."""
        ...


class _Overtaken(Exception):  # noqa: N818 - ends a transaction that another worker has redone
    pass


class Pump:
    """
    Claims updates and runs them; where `run` is never called, it keeps them for other processes.

    Args:
        office: Opens transactions.
        conversation: Handles updates and sends answers.
        at_once: How many people are served side by side.
        idle_s: How often the table is looked at when nobody rings.
    """

    def __init__(
        self,
        office: Office,
        conversation: Conversation,
        *,
        at_once: int = 16,
        idle_s: float = 0.5,
    ) -> None:
        self._office = office
        self._conversation = conversation
        self._bell = Bell(office.database)
        self._handover = Handover(self._bell)
        self._ledger = Ledger(office, self._handover)
        self._free = at_once  # under 0 where more came at once than there are places
        self._is_running = False
        self._idle_s = self._pause_s = idle_s
        self._awake = asyncio.Event()
        self._raced: set[int] = set()
        self._settled_at_s = 0.0  # when the last that settles is due, by the loop's clock
        self._settling: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def receive(self, updates: list[dict[str, Any]], *, are_in_order: bool = True) -> None:
        """
        Keep updates; when this returns they survive anything.

        Args:
            are_in_order: Whether Telegram brought them by their ids; see `inbox.store`.
        """
        lanes = list({lane_of(each): None for each in updates})
        # what is free to run is taken in hand at once, which saves a transaction
        are_ours = self._is_running and self._free >= len(updates)
        if self._is_running:
            self._handover.wait_for(lanes)
        entry = Entry(
            kept=updates,
            are_in_order=are_in_order,
            are_left=not are_ours,
            lanes=lanes if are_ours else (),
        )
        taken = await self._take(entry)
        self._office.meter.count("nobs_updates_received_total", len(updates))
        # who waits for another process hears of it; what found no place is ours as much as theirs
        if not are_ours or (taken < len(updates) and not self._handover.is_heard):
            self._look_soon()
        if are_ours and not are_in_order and taken < len(updates):
            self._take_up_soon(lanes)

    async def _take(self, entry: Entry) -> int:
        """Write an entry down and start what was taken in hand; returns of how many people."""
        # whoever is cancelled meanwhile has taken it all the same, and nobody else could
        return await asyncio.shield(self._spawn(self._take_and_start(entry)))

    async def _take_and_start(self, entry: Entry) -> int:
        taken = await self._ledger.write(entry)
        for row in taken:
            self._start_lane(row)
        return len(taken)

    def _hear(self, ring: Ring | None) -> None:
        """Another process rang; None: there is something, or we may have missed it."""
        if ring is None:
            self._awake.set()
            self._look_once_settled()
            return
        ours = self._handover.hear(ring)
        if ours and self._free > 0:
            self._spawn(self._take_up(ours))
        elif ours:
            self._look_soon()

    async def _take_up(self, lanes: frozenset[int]) -> None:
        """Take what waits in lanes that are free now."""
        try:
            await self._take(Entry(lanes=list(lanes)))
        except AWAY as exc:
            log.warning("lanes that are free wait for the database: %s", type(exc))

    def _take_up_soon(self, lanes: Iterable[int]) -> None:
        """Take lanes once what others keep at this moment is kept, or else what came settled."""
        if not self._raced:
            asyncio.get_running_loop().call_later(_KEPT_WITHIN_S, self._take_up_raced)
        self._raced.update(lanes)
        self._look_once_settled()

    def _take_up_raced(self) -> None:
        raced, self._raced = self._raced, set()
        # of whom we have one in hand, the next is taken after it
        lanes = frozenset(lane for lane in raced if not self._handover.has(lane))
        # what is taken by who was told to stop would lie in its hands for a lease
        if lanes and self._is_running and self._free > 0:
            self._spawn(self._take_up(lanes))

    def _look_soon(self) -> None:
        """Look at once, and again and again at ever longer intervals."""
        self._pause_s = FIRST_PAUSE_S
        self._awake.set()

    def _look_once_settled(self) -> None:
        """Look when what settles now is due: once for all that settle meanwhile."""
        loop = asyncio.get_running_loop()
        self._settled_at_s = loop.time() + SETTLES_IN.total_seconds()
        if self._settling is None:
            self._settling = loop.call_at(self._settled_at_s, self._look_at_what_settled)

    def _look_at_what_settled(self) -> None:
        self._look_soon()
        loop = asyncio.get_running_loop()
        is_over = loop.time() >= self._settled_at_s
        self._settling = (
            None if is_over else loop.call_at(self._settled_at_s, self._look_at_what_settled)
        )

    async def run(self) -> None:
        """Work until cancelled; what is under way then is finished first."""
        self._is_running = True
        listening = asyncio.create_task(self._bell.listen(self._hear))
        try:
            while True:
                self._awake.clear()
                try:
                    started = await self._start_lanes()
                except AWAY as exc:
                    log.warning("the inbox waits for the database: %s", type(exc))
                    started = 0
                if not started:
                    await self._wait()
        finally:
            self._is_running = False
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(ENDS_WITHIN_S):
                    while self._tasks:
                        await asyncio.wait(self._tasks)

    async def drain(self) -> None:
        """Run until nothing is due, for tests."""
        while await self._start_lanes() or self._tasks:
            await asyncio.gather(*self._tasks)

    async def _wait(self) -> None:
        # not wait_for, which before Python 3.12 can swallow a cancellation
        pause_s, self._pause_s = self._pause_s, min(self._idle_s, self._pause_s * 2)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._awake.wait()

    async def _start_lanes(self) -> int:
        if self._free <= 0:
            return 0
        async with self._office.glance() as work:
            if not await inbox.is_due(work):
                return 0
        # the places may be gone by now, and no more than that many are asked for
        return await self._take(Entry(most=self._free)) if self._free > 0 else 0

    def _start_lane(self, row: Claimed) -> None:
        self._free -= 1
        self._handover.took(row.lane)
        self._spawn(self._run_lane(row)).add_done_callback(self._lane_ended)

    def _spawn(self, running: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(running)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _lane_ended(self, task: asyncio.Task[None]) -> None:
        if self._free <= 0:
            self._awake.set()  # others may have been waiting for a place
        self._free += 1
        if not task.cancelled() and task.exception():
            log.error("a lane broke off; its lease runs out", exc_info=task.exception())

    async def _run_lane(self, first: Claimed) -> None:
        row: Claimed | None = first
        try:
            while row is not None:
                with tracing.span("update", attempt=row.attempts):
                    row = await self._run_one(row)
        finally:
            self._handover.gave_up(first.lane)

    async def _run_one(self, row: Claimed) -> Claimed | None:
        started = time.perf_counter()
        raw = inbox.read_payload(self._office.vault, row)
        answers = inbox.read_answers(self._office.vault, row)
        if row.state is Progress.WAITING:
            with tracing.span("apply"):
                applied = await self._apply(row, raw)
            if applied is None:
                return None
            answers = applied
        following = await self._answer(row, raw, answers)
        self._office.meter.took("nobs_update_seconds", time.perf_counter() - started)
        return following

    async def _apply(self, row: Claimed, raw: dict[str, Any]) -> Answers | None:
        """The answers of an update whose effects are now committed; None where it must wait."""
        try:
            return await self._try(row, raw)
        except _Overtaken:
            return None
        except AWAY as exc:
            await self._wait_for_database(row, exc)
            return None

    async def _try(self, row: Claimed, raw: dict[str, Any]) -> Answers:
        try:
            async with self._office.work() as work:
                done = await self._commit(work, row, await self._conversation.apply(work, raw))
            self._counted("applied")
            return done
        except Refusal as refusal:
            self._counted("refused")
            async with self._office.work() as work:
                answers = await self._conversation.explain(work, raw, refusal)
                return await self._commit(work, row, Applied(answers))
        except (_Overtaken, *AWAY):
            raise
        except Exception:
            return await self._apologise(row, raw)

    async def _wait_for_database(self, row: Claimed, error: Exception) -> None:
        self._counted("postponed")
        log.warning("update %s waits for the database: %s", row.update_id, type(error))
        await self._later(row, str(type(error)), None)

    def _counted(self, outcome: str) -> None:
        self._office.meter.count("nobs_updates_handled_total", outcome=outcome)

    async def _commit(self, work: Work, row: Claimed, applied: Applied) -> Answers:
        if not await inbox.mark_applied(work, row, applied.answers, applied.dialogue):
            raise _Overtaken
        return applied.answers

    async def _apologise(self, row: Claimed, raw: dict[str, Any]) -> Answers:
        reference = secrets.token_hex(3).upper()
        self._counted("bug")
        log.exception("update %s met a bug, reference %s", row.update_id, reference)
        async with self._office.work() as work:
            answers = await self._conversation.apologise(work, raw, reference)
            return await self._commit(work, row, Applied(answers))

    async def _answer(self, row: Claimed, raw: dict[str, Any], answers: Answers) -> Claimed | None:
        try:
            with tracing.span("answer", answers=len(answers)):
                sent = await self._send(raw, answers)
        except AWAY as exc:
            await self._wait_for_database(row, exc)
            return None
        if sent.error and not sent.error.permanent:
            await self._answer_later(row, sent)
            return None
        return await self._finish(row, sent)

    async def _send(self, raw: dict[str, Any], answers: Answers) -> Sent:
        return await self._conversation.answer(self._office, raw, answers) if answers else Sent()

    async def _finish(self, row: Claimed, sent: Sent) -> Claimed | None:
        """We are through with an update; returns the next of the same person."""
        if sent.error and not is_gone(sent.error):
            log.error("an answer to update %s was refused: %s", row.update_id, sent.error)
        also = (lambda work: _remember(work, row.lane, sent)) if sent.slots or sent.error else None
        # whoever came to another process meanwhile is left to it
        lanes = () if self._handover.is_wanted(row.lane) else (row.lane,)
        entry = Entry(also=also, done=row, lanes=lanes)
        following = await self._ledger.write_at_last(entry, within=WAITED_FOR)
        if not following:
            return None
        self._handover.go_on_with(row.lane)
        return following[0]

    async def _answer_later(self, row: Claimed, sent: Sent) -> None:
        error = sent.error
        assert error is not None
        log.warning("answers to update %s wait: %s", row.update_id, error)
        by = timedelta(seconds=error.retry_after_s) if error.retry_after_s else None
        await self._later(row, str(error), sent.left, by)

    async def _later(
        self, row: Claimed, error: str, answers: Answers | None, by: timedelta | None = None
    ) -> None:
        wait = by or backoff(row.attempts)
        entry = Entry(also=lambda work: inbox.postpone(work, row, wait, error, answers))
        await self._ledger.write_at_last(entry, within=WAITED_FOR)


async def _remember(work: Work, chat_id: int, sent: Sent) -> None:
    """What sending has taught us of a chat."""
    for (slot_of, name), message_id in sent.slots.items():
        await fill_slot(work, slot_of, name, message_id)
    if sent.error and is_gone(sent.error):
        await mark_unreachable(work, chat_id, str(sent.error))
