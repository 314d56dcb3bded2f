"""The records of uploads: links to the page, the browsers they are open in, files and parts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base, Identified, choice, sealed
from nobs_bot.storage.leases import Job


class UploadLink(Base, Identified):
    """
    A link of one owner's own to the upload page, for one request to one camera.

    Of the token only a keyed digest is kept. The first browser that opens the link is let in; any
    other needs `code` (sealed), which is sent to the owner's chat.
    """

    __tablename__ = "upload_links"
    __table_args__ = (Index(None, "ask_id"),)

    ask_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("footage_asks.id"))
    owner_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    token_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    code: Mapped[bytes | None] = sealed()
    code_sent_at: Mapped[datetime | None]
    code_tries: Mapped[int] = mapped_column(default=0)


class UploadBrowser(Base, Identified):
    """A browser that a link is open in; of its cookie only a keyed digest is kept."""

    __tablename__ = "upload_browsers"
    __table_args__ = (Index(None, "link_id"),)

    link_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("upload_links.id"))
    cookie_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]


class UploadState(StrEnum):
    """How far an upload has come."""

    OPEN = "open"
    WHOLE = "whole"
    ENDED = "ended"


class Upload(Job):
    """
    One file on its way, as tus sees it. Name and the browser's own metadata are sealed in `about`.

    `due_at` is when an upload that nobody continues is given up.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        Index(None, "link_id"),
        CheckConstraint("received_bytes BETWEEN 0 AND size_bytes", name="received"),
    )

    link_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("upload_links.id"))
    about: Mapped[bytes] = sealed()
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[UploadState] = mapped_column(choice(UploadState))
    created_at: Mapped[datetime]


class UploadPart(Base, Identified):
    """A stretch of an upload that is in the file store, with its SHA-256 from when it arrived."""

    __tablename__ = "upload_parts"
    __table_args__ = (UniqueConstraint("upload_id", "start_byte"),)

    upload_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("uploads.id"))
    start_byte: Mapped[int] = mapped_column(BigInteger)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    file_name: Mapped[str]
