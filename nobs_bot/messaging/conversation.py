"""Where each person stands in the conversation; part of the transaction of their update."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base
from nobs_bot.storage.work import Work

_DATA = "conversations.data"


class Standing(Base):
    """The row behind a `Dialogue`; its data is sealed."""

    __tablename__ = "conversations"

    lane: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[str | None]
    data: Mapped[bytes | None] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime]


@dataclass
class Dialogue:
    """
    Where one person stands.

    Args:
        state: The question that is open; None where none is.
        data: What the dialogue remembers from step to step (JSON).
    """

    state: str | None = None
    data: dict[str, Any] = field(default_factory=dict)

    def go(self, state: str | None, **remember: object) -> None:
        """Move to another question and remember more."""
        self.state = state
        self.data.update(remember)

    def end(self) -> None:
        """No question is open any more, nothing is remembered."""
        self.state = None
        self.data.clear()


async def load(work: Work, lane: int) -> Dialogue:
    """Where the person stands; a new person stands nowhere."""
    row = await work.session.get(Standing, lane)
    if row is None:
        return Dialogue()
    data = work.vault.open_json(_DATA, lane, row.data) if row.data else {}
    return Dialogue(row.state, data)


async def save(work: Work, lane: int, dialogue: Dialogue) -> None:
    """Write it back."""
    row = await work.session.get(Standing, lane)
    if row is None:
        if dialogue.state is None and not dialogue.data:
            return
        row = Standing(lane=lane)
        work.session.add(row)
    row.state = dialogue.state
    row.data = work.vault.seal_json(_DATA, lane, dialogue.data) if dialogue.data else None
    row.updated_at = work.now
