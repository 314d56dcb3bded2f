"""
The audit log: who looked at what or changed it, when and why.

Lines are written in the transaction of the act itself; an owner reads those about them in `/log`.
Each has a mark that nobody can make without the keys, and is sealed into a chain (see `chain`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, delete, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base, Identified, choice, new_id, sealed
from nobs_bot.storage.crypto import KeyProblem, Vault
from nobs_bot.storage.work import Work

_DETAILS, _MARK = "audit_lines.details", "audit_lines"
_AT_ONCE = 500


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
    OFFICER_NAMED = "officer_named"
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
    KEYS_ROTATED = "keys_rotated"
    BREACH_REPORTED = "breach_reported"
    TERMS_KEPT = "terms_kept"


class AuditLine(Base, Identified):
    """
    One act. `details` is sealed; the rest are ids and codes.

    Args:
        mark: Over all of it but the seal (see `mark`); None in lines from before there were any.
        sealed_in: Number of the seal that holds it; None until the next second.
    """

    __tablename__ = "audit_lines"
    __table_args__ = (
        Index(None, "owner_id", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "act", "at"),
        Index(
            "ix_audit_lines_unsealed",
            "id",
            sqlite_where=text("sealed_in IS NULL"),
            postgresql_where=text("sealed_in IS NULL"),
        ),
    )

    at: Mapped[datetime]
    act: Mapped[Act] = mapped_column(choice(Act))
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_role: Mapped[str | None]
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    camera_id: Mapped[int | None] = mapped_column(BigInteger)
    request_id: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[bytes | None] = sealed()
    mark: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_in: Mapped[int | None] = mapped_column(BigInteger)

    def read_details(self, work: Work) -> dict[str, Any]:
        """The sealed details, empty where there are none."""
        if self.details is None:
            return {}
        details: dict[str, Any] = work.vault.open_json(_DETAILS, self.id, self.details)
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
    at: datetime | None = None,
    **details: object,
) -> None:
    """
    Add a line to the transaction at hand.

    Args:
        at: When it was done, where that is not now.
        details: Sealed, as JSON.
    """
    line = AuditLine(
        id=new_id(),
        at=at or work.now,
        act=act,
        actor_id=actor_id,
        actor_role=actor_role,
        owner_id=owner_id,
        camera_id=camera_id,
        request_id=request_id,
    )
    if details:
        line.details = work.vault.seal_json(_DETAILS, line.id, details)
    line.mark = work.vault.mac(_MARK, _whole(line, details))
    work.session.add(line)


async def record_seen(
    work: Work,
    act: Act,
    cameras: Sequence[tuple[int, int]],
    *,
    actor_id: int | None,
    actor_role: str | None,
) -> None:
    """
    One line for each of many cameras, in few trips.

    Args:
        cameras: (id, its owner's id).
    """
    lines = []
    for camera_id, owner_id in cameras:
        values: dict[str, Any] = {
            "id": new_id(),
            "at": work.now,
            "act": act,
            "actor_id": actor_id,
            "actor_role": actor_role,
            "owner_id": owner_id,
            "camera_id": camera_id,
        }
        whole = _whole(AuditLine(**values), {})
        lines.append(values | {"mark": work.vault.mac(_MARK, whole)})
    for first in range(0, len(lines), _AT_ONCE):
        await work.session.execute(insert(AuditLine), lines[first : first + _AT_ONCE])


def is_unchanged(vault: Vault, line: AuditLine) -> bool:
    """Whether a line is as it was written."""
    try:
        details = vault.open_json(_DETAILS, line.id, line.details) if line.details else {}
    except (KeyProblem, ValueError):
        return False
    return vault.is_mac(_MARK, _whole(line, details), line.mark)


def mark(vault: Vault, line: AuditLine) -> bytes:
    """The mark of a line as it is now, for one from before there were any."""
    details = vault.open_json(_DETAILS, line.id, line.details) if line.details else {}
    return vault.mac(_MARK, _whole(line, details))


def _whole(line: AuditLine, details: dict[str, Any]) -> bytes:
    # in the clear, so that sealing anew with another key changes nothing
    values = (
        *(line.id, line.at.astimezone(UTC).isoformat(timespec="microseconds"), line.act),
        *(line.actor_id, line.actor_role, line.owner_id, line.camera_id, line.request_id),
        details,
    )
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


async def lines_about(
    work: Work, owner_id: int, *, limit: int = 20, before: int | None = None
) -> Sequence[AuditLine]:
    """
    Lines about what belongs to one owner, newest first.

    Args:
        before: Only lines older than the one of this id.
    """
    query = select(AuditLine).where(AuditLine.owner_id == owner_id)
    if before is not None:
        query = query.where(AuditLine.id < before)
    query = query.order_by(AuditLine.id.desc()).limit(limit)
    return (await work.session.execute(query)).scalars().all()


async def forget_owner(work: Work, owner_id: int) -> list[int]:
    """Remove the lines about an owner who was erased; returns their ids, for the chain."""
    gone = delete(AuditLine).where(AuditLine.owner_id == owner_id).returning(AuditLine.id)
    return sorted((await work.session.execute(gone)).scalars())
