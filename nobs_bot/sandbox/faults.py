"""Calls that fail on purpose."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from nobs_bot.sandbox.wire import BotApiError, Json, too_many

KINDS = ("429", "403", "5xx", "cut", "hang")
WORDS = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


@dataclass
class Fault:
    """
    What is to go wrong.

    Attributes:
        method: As the bot writes it, any case; ``*`` for every method.
        chat_id: Only calls for this chat.
        times: How many calls still fail.
        kind: 429, 403, 5xx, cut (connection closed without an answer), hang.
        when: ``before`` the method is carried out, or ``after`` (its answer is lost).
        hang_s: How long a hanging call keeps its caller waiting.
    """

    method: str
    kind: str
    times: int = 1
    chat_id: int | None = None
    retry_after: int = 1
    status: int = 502
    when: str = "before"
    hang_s: float = 60.0

    def fits(self, method: str, chat_id: int | None) -> bool:
        named = self.method == "*" or self.method.lower() == method.lower()
        return named and self.times > 0 and self.chat_id in (None, chat_id)

    def error(self) -> BotApiError:
        if self.kind == "429":
            return too_many(self.retry_after)
        if self.kind == "403":
            return BotApiError(403, "Forbidden: bot was blocked by the user")
        return BotApiError(self.status, WORDS.get(self.status, "Bad Gateway"))


class Faults:
    """The faults that are armed."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def arm(self, fault: Fault) -> None:
        if fault.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        self._armed.append(fault)

    def strike(self, method: str, chat_id: int | None) -> Fault | None:
        """The fault that hits this call, used up by one."""
        for fault in self._armed:
            if fault.fits(method, chat_id):
                fault.times -= 1
                return fault
        return None

    def clear(self) -> None:
        self._armed.clear()

    def listed(self) -> list[Json]:
        return [asdict(fault) for fault in self._armed if fault.times > 0]
