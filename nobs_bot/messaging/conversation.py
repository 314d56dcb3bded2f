"""Where each person stands in the conversation; part of the transaction of their update."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, Table, bindparam, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base, sealed
from nobs_bot.storage.work import Work

_DATA = "conversations.data"


class Standing(Base):
    """The row behind a `Dialogue`; its data is sealed."""

    __tablename__ = "conversations"

    lane: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[str | None]
    data: Mapped[bytes | None] = sealed(by="lane")
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


# every update runs through these, so they are built once
_ROWS = cast(Table, Standing.__table__)
_LOAD = select(_ROWS.c.state, _ROWS.c.data).where(_ROWS.c.lane == bindparam("of_lane"))
_SAVE = (
    update(_ROWS)
    .where(_ROWS.c.lane == bindparam("of_lane"))
    .values(state=bindparam("state"), data=bindparam("data"), updated_at=bindparam("updated_at"))
)


async def load(work: Work, lane: int) -> Dialogue:
    """Where the person stands; a new person stands nowhere."""
    row = (await work.session.execute(_LOAD, {"of_lane": lane})).first()
    return Dialogue() if row is None else read(work, lane, row.state, row.data)


def read(work: Work, lane: int, state: str | None, data: bytes | None) -> Dialogue:
    """Where a person stands, of the two columns of their row."""
    return Dialogue(state, work.vault.open_json(_DATA, lane, data) if data else {})


async def save(work: Work, lane: int, dialogue: Dialogue) -> None:
    """Write it back; of somebody who stands nowhere and never did, nothing is written."""
    data = work.vault.seal_json(_DATA, lane, dialogue.data) if dialogue.data else None
    values = {"state": dialogue.state, "data": data, "updated_at": work.now}
    saved = await work.session.execute(_SAVE, {"of_lane": lane, **values})
    if not saved.rowcount and (dialogue.state or data):  # type: ignore[attr-defined]
        await work.session.execute(insert(_ROWS).values(lane=lane, **values))
