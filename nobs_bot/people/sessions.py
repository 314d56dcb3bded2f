"""Officers' sessions in the command centre, and the links of one use that begin them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    bindparam,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person, opened_officer_name, person
from nobs_bot.people.roles import Grant, Role, grants_of
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import Base, Identified, new_id
from nobs_bot.storage.work import Work

LINK_GOOD_FOR = timedelta(minutes=2)
IDLE = timedelta(minutes=30)
AT_MOST = timedelta(hours=12)
# a write at every request would make readers wait for the disk
SEEN_STEP = timedelta(minutes=1)
# more browsers than anybody sits at; the oldest session ends where one more begins
MOST_SESSIONS = 5
_TOKEN_BYTES = 32
_MOST_BROWSER_CHARACTERS = 60


class ConsoleLink(Base, Identified):
    """A link of one use; of its token only a keyed digest is kept."""

    __tablename__ = "console_links"

    token_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ConsoleSession(Base, Identified):
    """
    One browser that an officer is signed in with.

    Of the cookie, and of what the browser says it is, only keyed digests are kept; `browser` is
    that in two words, for the officer's list. `seen_at` is exact to `SEEN_STEP`.
    """

    __tablename__ = "console_sessions"
    __table_args__ = (Index(None, "person_id"),)

    cookie_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    agent_index: Mapped[bytes] = mapped_column(LargeBinary)
    browser: Mapped[str]
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Standing:
    """A session that is good now, with whose it is and the roles as they are at this moment."""

    session_id: int
    seen_at: datetime
    person_id: int
    name: str
    language: str | None
    roles: dict[Role, tuple[str, ...]]


async def make_link(work: Work, who: Person) -> str:
    """
    The token of a new link; nobody can read it again.

    A double tap makes two links, and both shall work.

    Raises:
        Refusal: the person has no role.
    """
    await _require_any_role(work, who)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    work.session.add(
        ConsoleLink(
            id=new_id(),
            token_index=_token_index(work, token),
            person_id=who.id,
            created_at=work.now,
            expires_at=work.now + LINK_GOOD_FOR,
        )
    )
    return token


async def _require_any_role(work: Work, who: Person) -> Sequence[Grant]:
    grants = await grants_of(work, who.id)
    if not grants:
        raise Refusal("roles.needed")
    return grants


def _token_index(work: Work, token: str) -> bytes:
    return work.vault.blind_index("console_links.token", token)


def _cookie_index(work: Work, cookie: str) -> bytes:
    return work.vault.blind_index("console_sessions.cookie", cookie)


def _agent_index(work: Work, session_id: int, agent: str) -> bytes:
    return work.vault.blind_index("console_sessions.agent", f"{session_id}\0{agent}")


async def behind(work: Work, token: str) -> Person:
    """
    Whose link this is; looking does not use it up.

    Raises:
        Refusal: it is unknown, used or over.
    """
    query = select(ConsoleLink.person_id).where(
        ConsoleLink.token_index == _token_index(work, token),
        ConsoleLink.used_at.is_(None),
        ConsoleLink.expires_at > work.now,
    )
    found = (await work.session.execute(query)).scalar_one_or_none()
    if found is None:
        raise Refusal("console.link_over")
    return await person(work, found)


async def enter(work: Work, token: str, agent: str, browser: str) -> str:
    """
    Use a link up and begin a session; returns the cookie, which nobody can read again.

    Args:
        agent: What the browser says it is; the session is good in no other.
        browser: The same in two words.

    Raises:
        Refusal: the link is unknown, used or over, or its person has no role any more.
    """
    # one statement, so that of two who come at once one only gets through
    used = (
        update(ConsoleLink)
        .where(
            ConsoleLink.token_index == _token_index(work, token),
            ConsoleLink.used_at.is_(None),
            ConsoleLink.expires_at > work.now,
        )
        .values(used_at=work.now)
        .returning(ConsoleLink.person_id)
        .execution_options(synchronize_session=False)
    )
    found = (await work.session.execute(used)).scalar_one_or_none()
    if found is None:
        raise Refusal("console.link_over")
    return await begin(work, await person(work, found), agent, browser, way="link")


async def begin(work: Work, who: Person, agent: str, browser: str, *, way: str) -> str:
    """
    Begin a session of somebody whom the caller has recognised; returns its cookie.

    Raises:
        Refusal: the person has no role.
    """
    await _require_any_role(work, who)
    await _end_the_oldest(work, who)
    cookie = secrets.token_urlsafe(_TOKEN_BYTES)
    session_id = new_id()
    work.session.add(
        ConsoleSession(
            id=session_id,
            cookie_index=_cookie_index(work, cookie),
            agent_index=_agent_index(work, session_id, agent),
            browser=browser[:_MOST_BROWSER_CHARACTERS],
            person_id=who.id,
            opened_at=work.now,
            seen_at=work.now,
            expires_at=work.now + AT_MOST,
        )
    )
    record(work, Act.CONSOLE_ENTERED, actor_id=who.id, browser=browser, way=way)
    return cookie


async def use_up(work: Work, who: Person, proof: str) -> None:
    """
    Note that a proof of identity other than our own link was used, so that it opens once only.

    Raises:
        Refusal: it was used before.
    """
    index = _token_index(work, proof)
    query = select(ConsoleLink.id).where(ConsoleLink.token_index == index)
    if (await work.session.execute(query)).first() is not None:
        raise Refusal("console.link_over")
    # of two at once the later one breaks off at the unique digest
    work.session.add(
        ConsoleLink(
            id=new_id(),
            token_index=index,
            person_id=who.id,
            created_at=work.now,
            # remembered for longer than such a proof is taken
            expires_at=work.now + 2 * LINK_GOOD_FOR,
            used_at=work.now,
        )
    )
    await work.session.flush()


async def _end_the_oldest(work: Work, who: Person) -> None:
    for session in (await sessions_of(work, who.id))[MOST_SESSIONS - 1 :]:
        session.ended_at = work.now


async def sessions_of(work: Work, person_id: int) -> Sequence[ConsoleSession]:
    """The person's sessions that are good now, the newest first."""
    query = (
        select(ConsoleSession)
        .where(
            ConsoleSession.person_id == person_id,
            ConsoleSession.ended_at.is_(None),
            ConsoleSession.expires_at > work.now,
            ConsoleSession.seen_at > work.now - IDLE,
        )
        .order_by(ConsoleSession.id.desc())
    )
    return (await work.session.execute(query)).scalars().all()


# asked at every call, so it is one question and not three, put together once, and of columns:
# making an object of each role takes longer than the question
_sessions, _persons, _grants = (each.__table__.c for each in (ConsoleSession, Person, Grant))
_STANDING = (
    select(
        _sessions.id,
        _sessions.seen_at,
        _sessions.expires_at,
        _sessions.ended_at,
        _sessions.agent_index,
        _sessions.person_id,
        _persons.service_name,
        _persons.name,
        _persons.language,
        _grants.role,
        _grants.area_code,
    )
    .join_from(ConsoleSession.__table__, Person.__table__, _persons.id == _sessions.person_id)
    .join(Grant.__table__, (_grants.person_id == _persons.id) & _grants.ended_at.is_(None))
    .where(_sessions.cookie_index == bindparam("cookie"))
)


async def standing(work: Work, cookie: str, agent: str) -> Standing | None:
    """What a browser's cookie stands for; None where it is over, another's, or without a role."""
    found = await work.session.execute(_STANDING, {"cookie": _cookie_index(work, cookie)})
    rows = found.all()
    if not rows:
        return None
    session = rows[0]
    if session.ended_at is not None or session.expires_at <= work.now:
        return None
    if session.seen_at <= work.now - IDLE:
        return None
    if not secrets.compare_digest(session.agent_index, _agent_index(work, session.id, agent)):
        return None
    return Standing(
        session.id,
        session.seen_at,
        session.person_id,
        opened_officer_name(work, session.person_id, session.service_name, session.name),
        session.language,
        _areas_of((row.role, row.area_code) for row in rows),
    )


def is_seen_lately(work: Work, found: Standing) -> bool:
    """Whether noting that the officer is here would tell nothing new."""
    return work.now - found.seen_at < SEEN_STEP


async def note_seen(work: Work, session_id: int) -> None:
    """The officer is here; what is over stays over."""
    await work.session.execute(
        update(ConsoleSession)
        .where(
            ConsoleSession.id == session_id,
            ConsoleSession.ended_at.is_(None),
            ConsoleSession.seen_at > work.now - IDLE,
        )
        .values(seen_at=work.now)
        .execution_options(synchronize_session=False)
    )


async def end_session(work: Work, who: Person, session_id: int) -> ConsoleSession:
    """
    End one of the person's own sessions; one that is over stays as it is.

    Raises:
        Refusal: there is none such; whether it is another's is not told.
    """
    session = await work.session.get(ConsoleSession, session_id)
    if session is None or session.person_id != who.id:
        raise Refusal("console.no_session")
    _end(work, session)
    return session


async def end_all(work: Work, who: Person) -> int:
    """End every session of the person; returns how many there were."""
    sessions = await sessions_of(work, who.id)
    for session in sessions:
        _end(work, session)
    return len(sessions)


def _end(work: Work, session: ConsoleSession) -> None:
    if session.ended_at is None:
        session.ended_at = work.now
        record(work, Act.CONSOLE_LEFT, actor_id=session.person_id, browser=session.browser)


async def end_without_role(work: Work, person_id: int) -> None:
    """Sessions of somebody who lost every role are over for good, also where a role comes back."""
    if not await grants_of(work, person_id):
        await work.session.execute(
            update(ConsoleSession)
            .where(ConsoleSession.person_id == person_id, ConsoleSession.ended_at.is_(None))
            .values(ended_at=work.now)
            .execution_options(synchronize_session=False)
        )


async def forget_sessions(work: Work) -> None:
    """Remove what is over; who entered and when stands in the audit log."""
    await work.session.execute(delete(ConsoleLink).where(ConsoleLink.expires_at <= work.now))
    over = or_(
        ConsoleSession.ended_at.is_not(None),
        ConsoleSession.expires_at <= work.now,
        ConsoleSession.seen_at <= work.now - IDLE,
    )
    await work.session.execute(delete(ConsoleSession).where(over))


async def forget_person(work: Work, person_id: int) -> None:
    """Remove every link and session of somebody who is erased."""
    await work.session.execute(delete(ConsoleLink).where(ConsoleLink.person_id == person_id))
    await work.session.execute(delete(ConsoleSession).where(ConsoleSession.person_id == person_id))


def _areas_of(held: Iterable[tuple[Role, str]]) -> dict[Role, tuple[str, ...]]:
    areas: dict[Role, set[str]] = {}
    for role, area_code in held:
        areas.setdefault(role, set()).add(area_code)
    return {role: tuple(sorted(codes)) for role, codes in areas.items()}
