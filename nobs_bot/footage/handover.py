"""The record of an export's way out: a link that one officer may use for a few minutes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base, Identified


class ExportLink(Base, Identified):
    """A link to one request's export; of its token only a keyed digest is kept."""

    __tablename__ = "export_links"

    request_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("footage_requests.id"))
    officer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    token_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
