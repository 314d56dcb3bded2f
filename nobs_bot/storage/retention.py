"""What was erased because it had been kept long enough: counted by kind and day, until told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base, choice
from nobs_bot.storage.work import Work


class Kind(StrEnum):
    """What has a term (see docs/privacy.md)."""

    DRAFTS = "drafts"
    RECORDINGS = "recordings"
    FOOTAGE = "footage"
    LIVE_VIEWS = "live_views"
    UPTIME = "uptime"
    UPDATES = "updates"
    MESSAGES = "messages"


class Lapse(Base):
    """How much of one kind was erased on one day, in the district's time; told the day after."""

    __tablename__ = "lapses"
    __table_args__ = (CheckConstraint("count > 0", name="some"),)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[Kind] = mapped_column(choice(Kind), primary_key=True)
    count: Mapped[int]


async def note_lapsed(work: Work, erased: Mapping[Kind, int]) -> None:
    """Count what this transaction has erased."""
    day = work.now.astimezone(work.settings.zone).date()
    for kind, count in erased.items():
        if not count:
            continue
        raised = (
            update(Lapse)
            .where(Lapse.day == day, Lapse.kind == kind)
            .values(count=Lapse.count + count)
            .returning(Lapse.count)
            .execution_options(synchronize_session=False)
        )
        if (await work.session.execute(raised)).first() is None:
            work.session.add(Lapse(day=day, kind=kind, count=count))
            await work.session.flush()


async def lapsed(work: Work) -> Counter[Kind]:
    """What was erased until yesterday and has not been told yet."""
    query = select(Lapse.kind, Lapse.count).where(Lapse.day < _today(work))
    counted: Counter[Kind] = Counter()
    for kind, count in (await work.session.execute(query)).all():
        counted[kind] += count
    return counted


async def forget_told(work: Work) -> None:
    """What `lapsed` gives stands in the audit log now."""
    await work.session.execute(delete(Lapse).where(Lapse.day < _today(work)))


def _today(work: Work) -> date:
    return work.now.astimezone(work.settings.zone).date()
