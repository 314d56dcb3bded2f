"""The records of live view: an owner's terms, and every look that was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.footage.request import Purpose
from nobs_bot.storage.base import Base, choice, sealed
from nobs_bot.storage.leases import Job
from nobs_bot.storage.work import Work

_WORDS = "live_views.words"


class Ending(StrEnum):
    """What ended a look."""

    OWNER = "owner"
    VIEWER = "viewer"
    TIME = "time"
    LOST = "lost"
    CAMERA = "camera"
    RIGHT = "right"


class LiveTerms(Base):
    """
    Under which conditions an owner lets a camera be watched; none where there is no row.

    `from_min` and `until_min` are minutes after midnight in the district's zone; over midnight
    where the second is the smaller; both None for any hour. `rests_until` is set when the owner
    has stopped a look: until then nobody may begin another.
    """

    __tablename__ = "live_terms"
    __table_args__ = (
        CheckConstraint(
            "(from_min IS NULL) = (until_min IS NULL) AND from_min BETWEEN 0 AND 1439"
            " AND until_min BETWEEN 0 AND 1439 AND from_min <> until_min",
            name="hours",
        ),
    )

    camera_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("cameras.id"), primary_key=True, autoincrement=False
    )
    from_min: Mapped[int | None]
    until_min: Mapped[int | None]
    emergencies_only: Mapped[bool] = mapped_column(default=False)
    rests_until: Mapped[datetime | None]


class LiveView(Job):
    """
    One officer's look at one camera, for a stated case. The case is sealed in `words`.

    While it runs, `due_at` is when it counts as lost unless the page that shows it reports again.
    `shown_at` is when the first picture came.
    """

    __tablename__ = "live_views"
    __table_args__ = (
        Index(None, "camera_id", "started_at"),
        Index(None, "owner_id"),
        Index(None, "viewer_id", "started_at"),
        CheckConstraint("ends_at > started_at", name="window"),
        CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ended_somehow"),
    )

    camera_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cameras.id"))
    owner_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    viewer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    viewer_role: Mapped[str]
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose))
    is_emergency: Mapped[bool] = mapped_column(default=False)
    words: Mapped[bytes] = sealed()
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    shown_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ending: Mapped[Ending | None] = mapped_column(choice(Ending))


@dataclass(frozen=True)
class ViewWords:
    """The sealed words of a look."""

    case_number: str
    emergency_reason: str = ""


def words_of(work: Work, view: LiveView) -> ViewWords:
    """The look's case and reason."""
    return ViewWords(**work.vault.open_json(_WORDS, view.id, view.words))


def set_words(work: Work, view: LiveView, said: ViewWords) -> None:
    """Keep them, sealed."""
    view.words = work.vault.seal_json(_WORDS, view.id, asdict(said))


async def views_now(work: Work, camera_id: int) -> Sequence[LiveView]:
    """The looks at a camera that are going on, locked, the oldest first."""
    query = (
        select(LiveView)
        .where(LiveView.camera_id == camera_id, LiveView.ended_at.is_(None))
        .order_by(LiveView.id)
        .with_for_update()
    )
    return (await work.session.execute(query)).scalars().all()
