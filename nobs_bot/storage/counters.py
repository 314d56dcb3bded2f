"""Numbers that people read to one another: K-1001, R-1042. Without gaps where nothing fails."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base
from nobs_bot.storage.work import Work

FIRST = 1001


class Counter(Base):
    """The last number given out of each kind."""

    __tablename__ = "counters"

    kind: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


async def next_number(work: Work, kind: str) -> int:
    """The next number of a kind; two transactions never get the same one."""
    raised = (
        update(Counter)
        .where(Counter.kind == kind)
        .values(last=Counter.last + 1)
        .returning(Counter.last)
        .execution_options(synchronize_session=False)
    )
    number = (await work.session.execute(raised)).scalar_one_or_none()
    if number is None:
        work.session.add(Counter(kind=kind, last=FIRST))
        await work.session.flush()
        return FIRST
    return number
