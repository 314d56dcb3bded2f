"""Updates on their way to the bot: queued, handed out by polling, confirmed by offset."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

from nobs_bot.sandbox.store import Store
from nobs_bot.sandbox.wire import BotApiError, Json

OPT_IN = {"chat_member", "message_reaction", "message_reaction_count"}
MAX_BATCH = 100
FIRST_UPDATE_ID = 100_000_001
SUPERSEDED = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)


@dataclass
class Entry:
    """
    An update that the bot has not confirmed.

    Attributes:
        queue: Updates of one chat stay in order.
        forced: Delivered once more on purpose, whatever the offset says.
        attempts: Deliveries to the webhook that failed.
        due_at: Event loop's time before which it is not tried again.
    """

    update: Json
    queue: int
    message_id: int = 0
    forced: bool = False
    attempts: int = 0
    due_at: float = 0.0

    @property
    def update_id(self) -> int:
        return int(self.update["update_id"])


class Inbox:
    """
    The bot's queue of updates.

    Args:
        store: Pending updates survive in it.
        taken: Called with chat and message id once the bot has confirmed an update.
    """

    def __init__(self, store: Store, taken: Callable[[int, int], None]) -> None:
        self._store = store
        self._taken = taken
        self.pending: list[Entry] = [Entry(**body) for body in store.all("update")]
        for entry in self.pending:
            entry.due_at = 0.0
        self._recent: deque[Entry] = deque(maxlen=1000)
        self._held: list[Entry] | None = None
        saved = store.one("counter", "update") or {"value": FIRST_UPDATE_ID, "allowed": []}
        self._next_id: int = saved["value"]
        self.allowed: list[str] = saved["allowed"]
        self._poll = 0
        self._changed = asyncio.Event()

    def add(self, kind: str, body: Json, chat_id: int, message_id: int = 0) -> Json | None:
        """Queue an update; None when the bot did not ask for its kind."""
        if not self._wanted(kind):
            return None
        update: Json = {"update_id": self._next_id, kind: body}
        self._next_id += 1
        self._save_counter()
        entry = Entry(update, chat_id, message_id)
        self._recent.append(entry)
        if self._held is not None:
            self._held.append(entry)
        else:
            self._queue(entry)
        return update

    def _wanted(self, kind: str) -> bool:
        return kind in self.allowed if self.allowed else kind not in OPT_IN

    def allow(self, kinds: list[str]) -> None:
        """Which kinds of update to queue from now on; none given means the default."""
        self.allowed = kinds
        self._save_counter()

    def _queue(self, entry: Entry) -> None:
        self.pending.append(entry)
        self._store.put("update", entry.update_id, asdict(entry))
        self.notify()

    def notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self, timeout_s: float) -> None:
        changed = self._changed
        try:
            async with asyncio.timeout(timeout_s):
                await changed.wait()
        except TimeoutError:
            return

    def confirm(self, entry: Entry) -> None:
        """The bot has it for good."""
        self.pending = [each for each in self.pending if each is not entry]
        if not any(each.update_id == entry.update_id for each in self.pending):
            self._store.drop("update", entry.update_id)
        self._taken(entry.queue, entry.message_id)

    def clear(self) -> None:
        for entry in list(self.pending):
            self.confirm(entry)

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Json]:
        """
        ``getUpdates``: confirm what is before *offset*, wait for what comes after.

        Raises:
            BotApiError: Another poll began meanwhile (409).
        """
        self._poll += 1
        own, self_loop = self._poll, asyncio.get_running_loop()
        self.notify()
        self._confirm_before(offset)
        deadline = self_loop.time() + timeout_s
        while not (batch := self._batch(limit)):
            left_s = deadline - self_loop.time()
            if left_s <= 0:
                return []
            await self.change(left_s)
            if own != self._poll:
                raise BotApiError(409, SUPERSEDED)
        for entry in [each for each in batch if each.forced]:
            self.confirm(entry)
        return [entry.update for entry in batch]

    def _batch(self, limit: int) -> list[Entry]:
        return self.pending[: max(1, min(limit, MAX_BATCH))]

    def _confirm_before(self, offset: int) -> None:
        if offset < 0:
            ready = [each for each in self.pending if not each.forced][:offset]
        else:
            ready = [e for e in self.pending if not e.forced and e.update_id < offset]
        for entry in ready:
            self.confirm(entry)

    @property
    def next_id(self) -> int:
        """What the next update will have."""
        return self._next_id

    # on purpose

    def repeat(self, count: int) -> list[int]:
        """Deliver the newest *count* updates once more, confirmed or not."""
        entries = list(self._recent)[-count:]
        for entry in entries:
            self._queue(Entry(entry.update, entry.queue, entry.message_id, forced=True))
        return [entry.update_id for entry in entries]

    def hold(self) -> None:
        """Keep updates back until `release`."""
        self._held = self._held or []

    def release(self, order: str = "kept") -> list[int]:
        """Let go what was held, in order or ``reversed``."""
        held, self._held = self._held or [], None
        if order == "reversed":
            # not forced, which is handed out once only: the bot may die with it in its hands
            held = list(reversed(held))
        for entry in held:
            self._queue(entry)
        return [entry.update_id for entry in held]

    def _save_counter(self) -> None:
        body = {"value": self._next_id, "allowed": self.allowed}
        self._store.put("counter", "update", body)
