"""The record of one camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from nobs_bot.errors import Refusal
from nobs_bot.storage.base import Base, Identified, choice, new_id, sealed
from nobs_bot.storage.work import Work, find

_CONTACT = "cameras.contact"
_REASON = "cameras.reason"


class State(StrEnum):
    """
    Where the record stands.

    RECORDED is what an officer wrote down, or a list brought, before the owner consented: it is not
    asked, not checked and not shared (see `cameras.recording`).
    """

    RECORDED = "recorded"
    DRAFT = "draft"
    WAITING = "waiting"
    CHANGE_ASKED = "change_asked"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class PlaceKind(StrEnum):
    """What kind of place the camera hangs at."""

    HOME = "home"
    SHOP = "shop"
    BUSINESS = "business"
    NEIGHBOURHOOD = "neighbourhood"
    OTHER = "other"


class Width(StrEnum):
    """How wide the camera sees."""

    NARROW = "narrow"
    NORMAL = "normal"
    WIDE = "wide"
    ALL_ROUND = "all_round"

    @property
    def degrees(self) -> float:
        """The horizontal angle of view that we reckon with."""
        return {"narrow": 45.0, "normal": 80.0, "wide": 110.0, "all_round": 360.0}[self.value]


class Turning(StrEnum):
    """Whether the camera can be turned, as far as we were told."""

    UNKNOWN = "unknown"
    WILLING = "willing"
    UNWILLING = "unwilling"
    FIXED = "fixed"


class Drift(StrEnum):
    """How the picture differs from the one with which the camera was enrolled."""

    MOVED = "moved"
    COVERED = "covered"
    DEAD = "dead"


def _some(name: str, column: str, condition: str) -> Index:
    """An index of those cameras that meet a condition, in the words of both databases."""
    return Index(
        f"ix_cameras_{name}",
        # as others begin with it too, or SQLite takes those for the better ones
        "state",
        column,
        postgresql_where=text(condition),
        sqlite_where=text(condition.replace("= true", "= 1")),
    )


class Camera(Base, Identified):
    """
    A volunteered camera; a draft of one is the same row, with gaps.

    Contact, stream address and reasons are sealed. Position, direction and what is shared are in
    clear, since cameras are searched by them.

    A camera that pans by itself looks to `heading_deg` and to each of `other_headings` in turn.

    `recorded_by` is the officer who wrote it down on foot, at `recorded_at`, with a place good to
    `accuracy_m`; a list that was imported names nobody, and `source_index` is its row's keyed
    digest. `handed_over_at` is when the owner could first be asked to take it over.

    `reference_check_id` is the check whose still shows what the camera sees when it looks where its
    heading says; later stills are held against it. `drift` says how the last one differed, since
    when, and when officers were told of it.
    """

    __tablename__ = "cameras"
    __table_args__ = (
        Index(None, "lat", "lon"),
        Index(None, "owner_id"),
        Index(None, "state", "submitted_at"),
        Index(None, "stream_index"),
        Index(None, "recorded_by", "recorded_at"),
        # few of a register's cameras, which sweeps and lists look for among all of them
        _some("connected", "checked_at", "stream IS NOT NULL"),
        _some("live", "number", "share_live = true AND stream IS NOT NULL"),
        _some("drifted", "drift_since", "drift IS NOT NULL"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="on_earth"),
        CheckConstraint("heading_deg >= 0 AND heading_deg < 360", name="heading"),
        CheckConstraint("range_m BETWEEN 1 AND 1000", name="range"),
        CheckConstraint("retention_days BETWEEN 0 AND 3650", name="retention"),
        CheckConstraint(
            "state IN ('recorded', 'draft', 'withdrawn') OR (number IS NOT NULL AND lat IS NOT NULL"
            " AND lon IS NOT NULL AND area_code IS NOT NULL)",
            name="submitted_is_whole",
        ),
    )

    number: Mapped[int | None] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    state: Mapped[State] = mapped_column(choice(State))
    place_kind: Mapped[PlaceKind | None] = mapped_column(choice(PlaceKind))
    contact: Mapped[bytes | None] = sealed()
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    area_code: Mapped[str | None]
    heading_deg: Mapped[float | None]
    heading_unknown: Mapped[bool] = mapped_column(default=False)
    other_headings: Mapped[list[float] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )
    width: Mapped[Width | None] = mapped_column(choice(Width))
    range_m: Mapped[float | None]
    indoors: Mapped[bool | None]
    retention_days: Mapped[int | None]
    clock_error_s: Mapped[int | None]
    clock_read_at: Mapped[datetime | None]
    share_footage: Mapped[bool] = mapped_column(default=True)
    share_stills: Mapped[bool] = mapped_column(default=False)
    share_live: Mapped[bool] = mapped_column(default=False)
    sharing_chosen: Mapped[bool] = mapped_column(default=False)
    stream: Mapped[bytes | None] = sealed()
    stream_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    stream_declined: Mapped[bool] = mapped_column(default=False)
    last_check_id: Mapped[int | None] = mapped_column(BigInteger)
    checked_at: Mapped[datetime | None]
    sees_at_night: Mapped[bool | None]
    turning: Mapped[Turning] = mapped_column(choice(Turning), default=Turning.UNKNOWN)
    reference_check_id: Mapped[int | None] = mapped_column(BigInteger)
    drift: Mapped[Drift | None] = mapped_column(choice(Drift))
    drift_since: Mapped[datetime | None]
    drift_told_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[bytes | None] = sealed()
    change_field: Mapped[str | None]
    review_by: Mapped[int | None] = mapped_column(BigInteger)
    review_until: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    recorded_by: Mapped[int | None] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime | None]
    accuracy_m: Mapped[float | None]
    source_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    handed_over_at: Mapped[datetime | None]
    change_id: Mapped[int] = mapped_column(
        BigInteger, index=True, default=new_id, onupdate=new_id, server_default="0"
    )

    @property
    def name(self) -> str:
        """What people call it: K-1001."""
        return f"K-{self.number}" if self.number else "K-…"

    @property
    def is_active(self) -> bool:
        """Whether it takes part: approved and not paused."""
        return self.state is State.APPROVED and self.paused_at is None

    @property
    def gives_footage(self) -> bool:
        """Whether its owner may be asked for recordings."""
        return self.is_active and self.share_footage

    @property
    def is_panning(self) -> bool:
        """Whether it turns by itself, from one direction to another."""
        return bool(self.other_headings)

    @property
    def needs_stream(self) -> bool:
        """Whether something is shared for which we must see the stream."""
        return self.share_stills or self.share_live


@dataclass(frozen=True)
class Contact:
    """Whom to ask for at the place, the number to call (E.164), and where to send a letter."""

    name: str = ""
    phone: str = ""
    phone_verified: bool = False
    address: str = ""


def contact_of(work: Work, camera: Camera) -> Contact:
    """The camera's contact; empty fields where none was given."""
    if camera.contact is None:
        return Contact()
    return Contact(**work.vault.open_json(_CONTACT, camera.id, camera.contact))


def set_contact(work: Work, camera: Camera, contact: Contact) -> None:
    """Keep the camera's contact, sealed."""
    camera.contact = sealed_contact(work, camera.id, contact)


def sealed_contact(work: Work, camera_id: int, contact: Contact) -> bytes:
    """A contact as it is kept in the camera's row."""
    return work.vault.seal_json(_CONTACT, camera_id, vars(contact))


def reason_of(work: Work, camera: Camera) -> str:
    """The reviewer's words; empty where there are none."""
    return work.vault.open(_REASON, camera.id, camera.reason).decode() if camera.reason else ""


def set_reason(work: Work, camera: Camera, reason: str) -> None:
    """Keep the reviewer's words, sealed."""
    camera.reason = work.vault.seal(_REASON, camera.id, reason.encode()) if reason else None


async def camera_of(work: Work, camera_id: int, owner_id: int) -> Camera:
    """
    An owner's own camera, withdrawn ones excepted.

    Raises:
        Refusal: there is no such camera of this owner; whether it is another's is not told.
    """
    camera = await find(work, Camera, camera_id)
    if camera is None or camera.owner_id != owner_id or camera.state is State.WITHDRAWN:
        raise Refusal("cameras.not_yours")
    return camera


async def cameras_owned(work: Work, owner_id: int) -> Sequence[Camera]:
    """An owner's cameras that are submitted and not withdrawn, the oldest first."""
    query = (
        select(Camera)
        .where(
            Camera.owner_id == owner_id,
            Camera.state.not_in((State.RECORDED, State.DRAFT, State.WITHDRAWN)),
        )
        .order_by(Camera.number)
    )
    return (await work.session.execute(query)).scalars().all()


def mounting(camera: Camera) -> dict[str, Any]:
    """Where the camera is and looks, as JSON: degrees and metres; heading None where unknown."""
    return {
        "lat": camera.lat,
        "lon": camera.lon,
        "heading_deg": camera.heading_deg,
        "width_deg": camera.width.degrees if camera.width else None,
        "range_m": camera.range_m,
    }


async def cameras_in_all(work: Work) -> int:
    """How many rows there are, of any state."""
    return int((await work.session.execute(select(func.count()).select_from(Camera))).scalar_one())
