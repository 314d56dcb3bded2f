"""
The audit log: who looked at what or changed it, when and why.

Lines are written in the transaction of the act itself; an owner reads those about them in `/log`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base, Identified, choice, new_id
from nobs_bot.storage.work import Work


class Act(StrEnum):
    """What was done."""

    RECORDED = "recorded"
    CLAIMED = "claimed"
    RECORDING_ERASED = "recording_erased"
    AIM_SET = "aim_set"
    CONSENTED = "consented"
    SUBMITTED = "submitted"
    CHECKED = "checked"
    REVIEW_OPENED = "review_opened"
    APPROVED = "approved"
    CHANGE_ASKED = "change_asked"
    REJECTED = "rejected"
    EDITED = "edited"
    PAUSED = "paused"
    RESUMED = "resumed"
    WITHDRAWN = "withdrawn"
    FOUND_BY_REQUEST = "found_by_request"
    SEEN_NEARBY = "seen_nearby"
    ASKED = "asked"
    ANSWERED = "answered"
    CLIP_RECEIVED = "clip_received"
    CLIP_OPENED = "clip_opened"
    REQUEST_CLOSED = "request_closed"
    REQUEST_AGREED = "request_agreed"
    REQUEST_DECLINED = "request_declined"
    EMERGENCY_REVIEWED = "emergency_reviewed"
    REMINDED = "reminded"
    CLOCK_READ = "clock_read"
    UPLOAD_OPENED = "upload_opened"
    CLIP_REFUSED = "clip_refused"
    CLIP_VERIFIED = "clip_verified"
    CLIP_DAMAGED = "clip_damaged"
    CLIP_ERASED = "clip_erased"
    EVIDENCE_EXPORTED = "evidence_exported"
    EVIDENCE_HELD = "evidence_held"
    HOLD_ENDED = "hold_ended"
    CASE_OVER = "case_over"
    COVERAGE_SEEN = "coverage_seen"
    CAMERAS_EXPORTED = "cameras_exported"
    TURN_ASKED = "turn_asked"
    TURN_ANSWERED = "turn_answered"
    TURNED = "turned"
    DRIFTED = "drifted"
    HOTSPOT_ENTERED = "hotspot_entered"
    HOTSPOT_ENDED = "hotspot_ended"
    LIVE_OPENED = "live_opened"
    LIVE_ENDED = "live_ended"
    KEY_MADE = "key_made"
    KEY_ENDED = "key_ended"
    API_READ = "api_read"
    CONTACT_SHOWN = "contact_shown"
    DATA_EXPORTED = "data_exported"
    ERASED = "erased"
    ROLE_GRANTED = "role_granted"
    ROLE_ENDED = "role_ended"
    INVITED = "invited"
    STICKER_PRINTED = "sticker_printed"
    STICKERS_RECEIVED = "stickers_received"
    STICKER_HANDED = "sticker_handed"
    STICKER_TAKEN_BACK = "sticker_taken_back"
    STICKER_PLACED = "sticker_placed"
    RECORD_OPENED = "record_opened"
    FELL_SILENT = "fell_silent"
    HEARD_AGAIN = "heard_again"
    HEALTH_SEEN = "health_seen"
    POINT_NAMED = "point_named"
    POINT_CHANGED = "point_changed"
    POINT_REMOVED = "point_removed"
    CONSOLE_ENTERED = "console_entered"
    CONSOLE_LEFT = "console_left"
    CAMERA_OPENED = "camera_opened"
    OWNER_SHOWN = "owner_shown"
    GROUND_ASKED = "ground_asked"
    AUDIT_READ = "audit_read"
    AUDIT_EXPORTED = "audit_exported"


class AuditLine(Base, Identified):
    """One act. `details` is sealed; the rest are ids and codes."""

    __tablename__ = "audit_lines"
    __table_args__ = (Index(None, "owner_id", "id"), Index(None, "actor_id", "id"))

    at: Mapped[datetime]
    act: Mapped[Act] = mapped_column(choice(Act))
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_role: Mapped[str | None]
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    camera_id: Mapped[int | None] = mapped_column(BigInteger)
    request_id: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[bytes | None] = mapped_column(LargeBinary)

    def read_details(self, work: Work) -> dict[str, Any]:
        """The sealed details, empty where there are none."""
        if self.details is None:
            return {}
        details: dict[str, Any] = work.vault.open_json("audit_lines.details", self.id, self.details)
        return details


def record(
    work: Work,
    act: Act,
    *,
    actor_id: int | None,
    actor_role: str | None = None,
    owner_id: int | None = None,
    camera_id: int | None = None,
    request_id: int | None = None,
    **details: object,
) -> AuditLine:
    """Add a line to the transaction at hand; *details* are sealed JSON."""
    line = AuditLine(
        id=new_id(),
        at=work.now,
        act=act,
        actor_id=actor_id,
        actor_role=actor_role,
        owner_id=owner_id,
        camera_id=camera_id,
        request_id=request_id,
    )
    if details:
        line.details = work.vault.seal_json("audit_lines.details", line.id, details)
    work.session.add(line)
    return line


async def lines_about(work: Work, owner_id: int, *, limit: int = 20) -> Sequence[AuditLine]:
    """The newest lines about what belongs to one owner, newest first."""
    query = (
        select(AuditLine)
        .where(AuditLine.owner_id == owner_id)
        .order_by(AuditLine.id.desc())
        .limit(limit)
    )
    return (await work.session.execute(query)).scalars().all()


async def forget_owner(work: Work, owner_id: int) -> None:
    """Remove the lines about an owner who was erased."""
    await work.session.execute(delete(AuditLine).where(AuditLine.owner_id == owner_id))
