"""The records of evidence on its way out: a link for a few minutes, an order to be made ready."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base, Identified, choice
from nobs_bot.storage.leases import Job


class ExportLink(Base, Identified):
    """A link to one request's export; of its token only a keyed digest is kept."""

    __tablename__ = "export_links"

    request_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("footage_requests.id"))
    officer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    token_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Ordered(StrEnum):
    """What an officer waits for."""

    COPY = "copy"
    EXPORT = "export"


class EvidenceOrder(Job):
    """A copy for viewing of one clip, or one request's export, that an officer waits for."""

    __tablename__ = "evidence_orders"

    what: Mapped[Ordered] = mapped_column(choice(Ordered))
    request_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("footage_requests.id"))
    clip_id: Mapped[int | None] = mapped_column(BigInteger)
    officer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    ordered_at: Mapped[datetime]
