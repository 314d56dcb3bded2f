"""Updates as Telegram sends them, and a scripted conversation, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy import text as statement

from nobs_bot.errors import Refusal
from nobs_bot.messaging import inbox, pump
from nobs_bot.messaging.inbox import LOOKED_BACK, Received
from nobs_bot.messaging.pump import Answers, Applied, Sent
from nobs_bot.people.persons import meet
from nobs_bot.storage.work import Office, Work
from tests.cast import House

SARI, BUDI, WAYAN = 710_000_001, 710_000_002, 710_000_003
Handler = Callable[[Work, dict[str, Any]], Awaitable[Answers]]


def update(update_id: int, person_id: int = SARI, text: str = "halo") -> dict[str, Any]:
    """A text message of somebody's."""
    message = {
        "message_id": update_id,
        "date": 1,
        "from": {"id": person_id, "is_bot": False, "first_name": "Sari"},
        "chat": {"id": person_id, "type": "private"},
        "text": text,
    }
    return {"update_id": update_id, "message": message}


async def row(house: House, update_id: int) -> Received:
    """An update as it is in the inbox now."""
    async with house.office.look() as work:
        query = select(Received).where(Received.update_id == update_id)
        return (await work.session.execute(query)).scalar_one()


@dataclass
class Script:
    """
    A conversation that does what the test says (see `messaging.pump.Conversation`).

    Args:
        handler: Takes the place of the handlers; by default each update makes the acquaintance of
            a person whose account is 1,000 + its update id, and is answered by its text.
        sending: What comes of sending, one for each call; then everything is sent.
    """

    handler: Handler | None = None
    sending: list[Sent | BaseException] = field(default_factory=list)
    applied: list[int] = field(default_factory=list)
    answered: list[tuple[int, Answers]] = field(default_factory=list)
    at_work: dict[int, int] = field(default_factory=dict)
    most_at_work: int = 0

    async def apply(self, work: Work, raw: dict[str, Any]) -> Applied:
        self.applied.append(raw["update_id"])
        if self.handler:
            return Applied(await self.handler(work, raw))
        meet(work, 1_000 + raw["update_id"], None)
        return Applied([{"do": "say", "text": raw["message"]["text"]}])

    async def explain(self, work: Work, raw: dict[str, Any], refusal: Refusal) -> Answers:
        return [{"do": "say", "text": f"refused: {refusal.text_key}"}]

    async def apologise(self, work: Work, raw: dict[str, Any], reference: str) -> Answers:
        return [{"do": "say", "text": f"sorry: {reference}"}]

    async def answer(self, office: Office, raw: dict[str, Any], answers: Answers) -> Sent:
        person_id = raw["message"]["from"]["id"]
        self.at_work[person_id] = self.at_work.get(person_id, 0) + 1
        self.most_at_work = max(self.most_at_work, self.at_work[person_id])
        await asyncio.sleep(0)
        self.at_work[person_id] -= 1
        outcome = self.sending.pop(0) if self.sending else Sent()
        if isinstance(outcome, BaseException):
            raise outcome
        self.answered.append((raw["update_id"], answers))
        return outcome


async def begun(house: House) -> int:
    """A bot that is no new one; the id that Telegram gives next."""
    async with house.office.work() as work:
        await inbox.store(work, [update(number, BUDI) for number in range(1, LOOKED_BACK + 1)])
        await work.session.execute(statement("UPDATE inbox SET state = 'done', attempts = 1"))
    return LOOKED_BACK + 1


def settle_in(monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> None:
    """However slow this machine is: longer than it takes to hand in the next."""
    for module in (inbox, pump):
        monkeypatch.setattr(module, "SETTLES_IN", timedelta(seconds=seconds))
