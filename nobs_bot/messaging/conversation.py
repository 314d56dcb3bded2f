"""Where each person stands in the conversation; part of the transaction of their update."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, Table, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
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

    @property
    def stands(self) -> bool:
        """Whether a question is open or something is remembered."""
        return bool(self.state or self.data)


def _upsert(insert: Any) -> Any:
    row = insert(_ROWS).values(lane=bindparam("of_lane"), **_SAID)
    return row.on_conflict_do_update(index_elements=[_ROWS.c.lane], set_=_SAID)


# every update runs through these, so they are built once
_ROWS = cast(Table, Standing.__table__)
_LOAD = select(_ROWS.c.state, _ROWS.c.data).where(_ROWS.c.lane == bindparam("of_lane"))
_SAID: dict[str, Any] = {
    "state": bindparam("stands_at"),
    "data": bindparam("remembers"),
    "updated_at": bindparam("saved_at"),
}
_LEAVE = update(_ROWS).where(_ROWS.c.lane == bindparam("of_lane")).values(_SAID)
_SAVE_SQLITE = _upsert(insert_sqlite)
SAVE_POSTGRESQL = _upsert(insert_postgresql)


async def load(work: Work, lane: int) -> Dialogue:
    """Where the person stands; a new person stands nowhere."""
    row = (await work.session.execute(_LOAD, {"of_lane": lane})).first()
    return Dialogue() if row is None else read(work, lane, row.state, row.data)


def read(work: Work, lane: int, state: str | None, data: bytes | None) -> Dialogue:
    """Where a person stands, of the two columns of their row."""
    return Dialogue(state, work.vault.open_json(_DATA, lane, data) if data else {})


def as_saved(work: Work, lane: int, dialogue: Dialogue) -> dict[str, Any]:
    """What is kept of it, sealed, as parameters of `SAVE_POSTGRESQL`."""
    data = work.vault.seal_json(_DATA, lane, dialogue.data) if dialogue.data else None
    return {
        "of_lane": lane,
        "stands_at": dialogue.state,
        "remembers": data,
        "saved_at": work.now,
    }


async def save(work: Work, lane: int, dialogue: Dialogue) -> None:
    """Write it back; of somebody who stands nowhere and never did, nothing is written."""
    if not dialogue.stands:
        statement: Any = _LEAVE
    else:
        statement = _SAVE_SQLITE if work.is_sqlite else SAVE_POSTGRESQL
    await work.session.execute(statement, as_saved(work, lane, dialogue))
