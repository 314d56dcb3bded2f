"""The records of a footage request: the request itself, what was asked of each owner, the clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from nobs_bot.errors import Refusal
from nobs_bot.footage.times import Window
from nobs_bot.people.persons import Person
from nobs_bot.people.roles import Role, holds
from nobs_bot.storage.base import Base, Identified, choice, sealed
from nobs_bot.storage.leases import Job
from nobs_bot.storage.work import Work

_WORDS = "footage_requests.words"
_NOTE = "footage_asks.note"


class RequestState(StrEnum):
    """Where a request stands."""

    AWAITING_AGREEMENT = "awaiting_agreement"
    DECLINED = "declined"
    SENT = "sent"
    CLOSED = "closed"
    EXPIRED = "expired"


class Kind(StrEnum):
    """What owners are asked: to send their footage, or for now only to save it."""

    FOOTAGE = "footage"
    PRESERVE = "preserve"


class Purpose(StrEnum):
    """What footage may be asked for; nothing else may."""

    THEFT = "theft"
    ROBBERY = "robbery"
    BRAWL = "brawl"
    DRUGS = "drugs"
    VIOLENCE = "violence"
    ACCIDENT = "accident"
    MISSING_PERSON = "missing_person"
    OTHER_CRIME = "other_crime"


class Outcome(StrEnum):
    """What came of a request, as the owners are told."""

    HELPED = "helped"
    NOT_FOUND = "not_found"
    NOT_NEEDED = "not_needed"
    PASSED_ON = "passed_on"


class Reply(StrEnum):
    """How an owner answered."""

    NONE_YET = "none_yet"
    HAS = "has"
    NOTHING = "nothing"
    REFUSED = "refused"
    HELP = "help"
    SAVED = "saved"
    NOT_MINE = "not_mine"
    GONE = "gone"


class FootageRequest(Job):
    """
    One request. Place name, case number, note and reasons are sealed in `words`.

    `starts_at` and `ends_at` are the first and the last moment of `windows`. While an officer is
    to be told what changed, `due_at` is set. `erase_at` is when the clips are erased unless the
    request is held.
    """

    __tablename__ = "footage_requests"
    __table_args__ = (
        Index(None, "requester_id"),
        Index(None, "state", "expires_at"),
        CheckConstraint("ends_at > starts_at", name="window"),
        CheckConstraint("radius_m > 0", name="radius"),
    )

    number: Mapped[int] = mapped_column(unique=True)
    requester_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    state: Mapped[RequestState] = mapped_column(choice(RequestState))
    area_code: Mapped[str]
    lat: Mapped[float]
    lon: Mapped[float]
    radius_m: Mapped[float]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose))
    words: Mapped[bytes] = sealed()
    kind: Mapped[Kind] = mapped_column(choice(Kind), default=Kind.FOOTAGE)
    whole_area: Mapped[bool] = mapped_column(default=False)
    windows: Mapped[list[list[str]] | None] = mapped_column(
        JSON().with_variant(JSONB, "postgresql")
    )
    ring: Mapped[int] = mapped_column(default=0)
    is_emergency: Mapped[bool] = mapped_column(default=False)
    review_due_at: Mapped[datetime | None]
    reviewed_by: Mapped[int | None] = mapped_column(BigInteger)
    reviewed_at: Mapped[datetime | None]
    was_justified: Mapped[bool | None]
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome))
    case_over_at: Mapped[datetime | None]
    held_by: Mapped[int | None] = mapped_column(BigInteger)
    held_at: Mapped[datetime | None]
    erase_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    agreed_by: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def name(self) -> str:
        """What people call it: R-1042."""
        return f"R-{self.number}"

    @property
    def is_beyond_limits(self) -> bool:
        """Whether it went beyond them: by a supervisor's word, or as an emergency."""
        return self.agreed_by is not None or self.is_emergency

    @property
    def asked_windows(self) -> tuple[Window, ...]:
        """The stretches of time that are asked for, the earliest first."""
        if not self.windows:
            return (Window(self.starts_at, self.ends_at),)
        return tuple(
            Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
            for start, end in self.windows
        )


@dataclass
class RequestWords:
    """The sealed words of a request."""

    place: str
    case_number: str
    note: str = ""
    supervisors_reason: str = ""
    emergency_reason: str = ""
    review_reason: str = ""
    hold_reason: str = ""
    pictures: list[str] = field(default_factory=list)


class Ask(Job):
    """
    What one owner was asked of one camera, and the answer.

    While the owner is still to be reminded, `due_at` is set. The owner's note is sealed. `is_news`
    until the investigator was told.
    `clock_error_s` is how many seconds the recorder's clock was ahead when the owner read it.
    """

    __tablename__ = "footage_asks"
    __table_args__ = (
        UniqueConstraint("request_id", "camera_id"),
        Index(None, "owner_id"),
    )

    request_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("footage_requests.id"))
    camera_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cameras.id"))
    owner_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    reply: Mapped[Reply] = mapped_column(choice(Reply))
    overwritten_at: Mapped[datetime | None]
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    is_news: Mapped[bool] = mapped_column(default=False)
    ring: Mapped[int] = mapped_column(default=0)
    reminders: Mapped[int] = mapped_column(default=0)
    note: Mapped[bytes | None] = sealed()
    clock_error_s: Mapped[int | None]
    clock_read_at: Mapped[datetime | None]


class ClipState(StrEnum):
    """Whether a clip's bytes are with us."""

    WAITING = "waiting"
    STORED = "stored"
    FAILED = "failed"
    REFUSED = "refused"
    ERASED = "erased"


class ClipKind(StrEnum):
    """What a clip was found to be when it was looked at."""

    VIDEO = "video"
    PICTURE = "picture"
    PROPRIETARY = "proprietary"
    UNKNOWN = "unknown"


class Clip(Job):
    """
    A file that an owner sent. Its bytes are kept as they came; where it comes from and its name are
    sealed in `source`.

    While its bytes are to be taken over or to be read again, `due_at` is set. `blocks` holds
    SHA-256 and CRC-32 (36 bytes) of each MiB; `looked` is what the look into the file found;
    `viewing_name` is the copy for viewing, a derivative.
    """

    __tablename__ = "footage_clips"
    __table_args__ = (
        UniqueConstraint("ask_id", "unique_id"),
        Index(None, "request_id"),
        Index(None, "file_name"),
    )

    ask_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("footage_asks.id"))
    request_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("footage_requests.id"))
    camera_id: Mapped[int] = mapped_column(BigInteger)
    owner_id: Mapped[int] = mapped_column(BigInteger)
    unique_id: Mapped[str]
    source: Mapped[bytes] = sealed()
    recompressed: Mapped[bool]
    state: Mapped[ClipState] = mapped_column(choice(ClipState))
    is_news: Mapped[bool] = mapped_column(default=False)
    file_name: Mapped[str | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    crc32: Mapped[int | None] = mapped_column(BigInteger)
    blocks: Mapped[bytes | None] = mapped_column(LargeBinary)
    kind: Mapped[ClipKind | None] = mapped_column(choice(ClipKind))
    media_type: Mapped[str | None]
    looked: Mapped[dict[str, Any] | None] = mapped_column(JSON().with_variant(JSONB, "postgresql"))
    clock_error_s: Mapped[int | None]
    viewing_name: Mapped[str | None]
    viewing_sha256: Mapped[str | None]
    verified_at: Mapped[datetime | None]
    damaged_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    sent_at: Mapped[datetime]
    stored_at: Mapped[datetime | None]


def words_of(work: Work, request: FootageRequest) -> RequestWords:
    """The request's sealed words."""
    return RequestWords(**work.vault.open_json(_WORDS, request.id, request.words))


def set_words(work: Work, request: FootageRequest, words: RequestWords) -> None:
    """Seal the request's words."""
    request.words = work.vault.seal_json(_WORDS, request.id, asdict(words))


async def request_for(work: Work, request_id: int, officer: Person) -> FootageRequest:
    """
    A request that this officer may see: the investigator's own, in an area that is still theirs,
    or one in a supervisor's area.

    Raises:
        Refusal: there is none such; whether it is another's is not told.
    """
    request = await work.session.get(FootageRequest, request_id)
    if request is None:
        raise Refusal("request.not_yours")
    is_own = request.requester_id == officer.id
    role = Role.INVESTIGATOR if is_own else Role.SUPERVISOR
    if not await holds(work, officer.id, role, request.area_code):
        raise Refusal("request.not_yours")
    return request


async def asks_of(work: Work, request_id: int) -> Sequence[Ask]:
    """All that was asked of owners for one request."""
    query = select(Ask).where(Ask.request_id == request_id).order_by(Ask.id)
    return (await work.session.execute(query)).scalars().all()


async def clips_of(work: Work, request_id: int) -> Sequence[Clip]:
    """The clips of one request in the order in which they came."""
    query = select(Clip).where(Clip.request_id == request_id).order_by(Clip.id)
    return (await work.session.execute(query)).scalars().all()


async def has_clip(work: Work, ask_id: int) -> bool:
    """Whether the owner has sent a file for this ask that is with us or on its way."""
    query = select(Clip.id).where(
        Clip.ask_id == ask_id, Clip.state.in_((ClipState.WAITING, ClipState.STORED))
    )
    return (await work.session.execute(query.limit(1))).first() is not None


def note_of(work: Work, ask: Ask) -> str:
    """What the owner wrote along with the answer; empty where nothing."""
    return work.vault.open(_NOTE, ask.id, ask.note).decode() if ask.note else ""


def set_note(work: Work, ask: Ask, note: str) -> None:
    """Keep the owner's words, sealed."""
    ask.note = work.vault.seal(_NOTE, ask.id, note.encode()) if note else None


async def requests_of(work: Work, officer_id: int, limit: int = 10) -> Sequence[FootageRequest]:
    """An investigator's newest requests."""
    query = (
        select(FootageRequest)
        .where(FootageRequest.requester_id == officer_id)
        .order_by(FootageRequest.id.desc())
        .limit(limit)
    )
    return (await work.session.execute(query)).scalars().all()


class Erasure(Base, Identified):
    """That a clip was erased, when and why: all that stays of it."""

    __tablename__ = "erasures"
    __table_args__ = (Index(None, "at"),)

    at: Mapped[datetime]
    request_id: Mapped[int] = mapped_column(BigInteger)
    clip_id: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str]


async def requests_in(
    work: Work, areas: Sequence[str], limit: int = 20
) -> Sequence[FootageRequest]:
    """The newest requests in a supervisor's areas."""
    if not areas:
        return []
    inside = [
        or_(
            FootageRequest.area_code == area,
            FootageRequest.area_code.startswith(f"{area}.", autoescape=True),
        )
        for area in areas
    ]
    query = (
        select(FootageRequest).where(or_(*inside)).order_by(FootageRequest.id.desc()).limit(limit)
    )
    return (await work.session.execute(query)).scalars().all()


async def answered_of(work: Work, request_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """How many asks of each request were answered, and how many there are."""
    if not request_ids:
        return {}
    query = (
        select(
            Ask.request_id,
            func.count().filter(Ask.reply != Reply.NONE_YET),
            func.count(),
        )
        .where(Ask.request_id.in_(request_ids))
        .group_by(Ask.request_id)
    )
    rows = (await work.session.execute(query)).all()
    return {request_id: (answered, asked) for request_id, answered, asked in rows}
