"""Keys of other systems: which areas they may read, how far, until when."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, tell, words_for
from nobs_bot.people.roles import Role, areas_of, covers, holders, require, require_at
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import Base, Identified, new_id
from nobs_bot.storage.work import Work

MOST_DAYS = 365
MOST_NAME_CHARACTERS = 60
PREFIX = "nobs_"
USED_STEP = timedelta(hours=1)
_TOKEN_BYTES = 32


class Scope(StrEnum):
    """What a system may read."""

    CAMERAS = "cameras:read"
    COVERAGE = "coverage:read"
    REQUESTS = "requests:read"
    PROGRESS = "progress:read"


# what looks at a place is told with its own place and direction
_READ_PLACES = {Scope.CAMERAS, Scope.COVERAGE}


class ApiToken(Base, Identified):
    """
    One system's key; of the token itself only a keyed digest is kept.

    `used_at` is exact to `USED_STEP`.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (
        Index(None, "area_code"),
        CheckConstraint("expires_at > made_at", name="good_for_a_while"),
    )

    token_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    name: Mapped[str]
    area_code: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(JSON().with_variant(JSONB, "postgresql"))
    made_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    def is_good(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.ended_at is None and self.expires_at > now


def _index(work: Work, token: str) -> bytes:
    return work.vault.blind_index("api_tokens.token", token)


async def make_token(
    work: Work,
    administrator: Person,
    *,
    name: str,
    area_code: str,
    scopes: Collection[Scope],
    days: int,
) -> tuple[ApiToken, str]:
    """
    A new key for a system, and its token, which nobody can read again.

    Raises:
        Refusal: not the administrator's area, no name, no scope, or too long.
    """
    await require_at(work, administrator.id, Role.ADMINISTRATOR, area_code)
    clean = " ".join(name.split())
    if not 2 <= len(clean) <= MOST_NAME_CHARACTERS or not clean.isprintable():
        raise Refusal("system.name_length", most=MOST_NAME_CHARACTERS)
    if not scopes:
        raise Refusal("system.no_scope")
    if not 1 <= days <= MOST_DAYS:
        raise Refusal("system.days", most=MOST_DAYS)
    token = PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    made = ApiToken(
        id=new_id(),
        token_index=_index(work, token),
        name=clean,
        area_code=area_code,
        scopes=sorted(each.value for each in scopes),
        made_by=administrator.id,
        made_at=work.now,
        expires_at=work.now + timedelta(days=days),
    )
    work.session.add(made)
    _note(work, Act.KEY_MADE, made, administrator)
    return made, token


async def token_of(work: Work, token: str) -> ApiToken | None:
    """The key that opens now by this token; None where it is unknown, ended or over."""
    if not token.startswith(PREFIX) or len(token) > 100:
        return None
    query = select(ApiToken).where(ApiToken.token_index == _index(work, token))
    found = (await work.session.execute(query)).scalar_one_or_none()
    return found if found is not None and found.is_good(work.now) else None


def is_used_lately(work: Work, token: ApiToken) -> bool:
    """Whether its use needs no further note."""
    return token.used_at is not None and work.now - token.used_at < USED_STEP


async def note_used(work: Work, token_id: int) -> None:
    """Remember that it was used."""
    token = await work.session.get(ApiToken, token_id)
    if token is not None:
        token.used_at = work.now


async def tokens_under(work: Work, administrator: Person) -> Sequence[ApiToken]:
    """
    The keys in an administrator's areas, the newest first, ended ones too.

    Raises:
        Refusal: the person administers no area.
    """
    areas = await require(work, administrator.id, Role.ADMINISTRATOR)
    found = (await work.session.execute(select(ApiToken).order_by(ApiToken.id.desc()))).scalars()
    return [each for each in found if any(covers(area, each.area_code) for area in areas)]


async def end_token(work: Work, token_id: int, administrator: Person) -> ApiToken:
    """
    End a key; it opens nothing from the next call on.

    Raises:
        Refusal: there is none such in the administrator's areas.
    """
    query = select(ApiToken).where(ApiToken.id == token_id).with_for_update()
    token = (await work.session.execute(query)).scalar_one_or_none()
    areas = await areas_of(work, administrator.id, Role.ADMINISTRATOR)
    if token is None or not any(covers(area, token.area_code) for area in areas):
        raise Refusal("system.unknown")
    if token.ended_at is None:
        token.ended_at = work.now
        _note(work, Act.KEY_ENDED, token, administrator)
    return token


async def end_token_again(work: Work, token_id: int) -> bool:
    """
    End a key that had been ended before a backup brought it back.

    Returns:
        Whether it was there.
    """
    token = await work.session.get(ApiToken, token_id, with_for_update=True)
    if token is None or token.ended_at is not None:
        return False
    token.ended_at = work.now
    _note(work, Act.KEY_ENDED, token, None)
    return True


async def end_orphaned(work: Work, maker: Person, ended_by: Person | None) -> None:
    """
    End the keys in areas where whoever made them is administrator no more: they may have kept them.

    The administrators who are left are told, since a system reads nothing from now on.
    """
    areas = await areas_of(work, maker.id, Role.ADMINISTRATOR)
    query = select(ApiToken).where(ApiToken.made_by == maker.id, ApiToken.ended_at.is_(None))
    for token in (await work.session.execute(query.with_for_update())).scalars().all():
        if token.expires_at <= work.now or any(covers(area, token.area_code) for area in areas):
            continue
        token.ended_at = work.now
        _note(work, Act.KEY_ENDED, token, ended_by)
        for administrator in await holders(work, Role.ADMINISTRATOR, token.area_code):
            text = words_for(work, administrator)("system.orphaned", name=token.name)
            occasion = f"key-ended:{token.id}:{administrator.id}"
            await tell(work, administrator, Message(text=text), occasion)


async def systems_reading(work: Work, area_codes: Collection[str]) -> list[ApiToken]:
    """The systems that may read the register of cameras at these places now, by name."""
    query = select(ApiToken).where(ApiToken.ended_at.is_(None), ApiToken.expires_at > work.now)
    found = (await work.session.execute(query.order_by(ApiToken.name))).scalars()
    return [
        each
        for each in found
        if _READ_PLACES & set(each.scopes) and any(covers(each.area_code, c) for c in area_codes)
    ]


def _note(work: Work, act: Act, token: ApiToken, administrator: Person | None) -> None:
    record(
        work,
        act,
        actor_id=administrator.id if administrator else None,
        actor_role=Role.ADMINISTRATOR if administrator else None,
        system=token.name,
        area=token.area_code,
        scopes=token.scopes,
    )
