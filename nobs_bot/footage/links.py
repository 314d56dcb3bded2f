"""Links to the upload page: made in the chat, bound to the first browser, others need a code."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, select

from nobs_bot.errors import Refusal
from nobs_bot.footage.answers import ask_of
from nobs_bot.footage.request import Ask, FootageRequest
from nobs_bot.footage.upload import UploadBrowser, UploadLink
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import Work

TOKEN_BYTES = 32
# a double tap makes two links, and both shall work; more than these are not of use to anybody
MOST_LINKS = 3
CODE_DIGITS = 6
CODE_PAUSE = timedelta(minutes=1)
CODE_GOOD_FOR = timedelta(minutes=10)
MOST_TRIES = 5
# wrong codes after which the link itself ends: whoever guesses has one chance in 50,000
MOST_WRONG = 20
_CODE = "upload_links.code"


class Knock(StrEnum):
    """What became of a browser that wants in."""

    OPEN = "open"
    CODE_SENT = "code_sent"
    CODE_WAITING = "code_waiting"
    WRONG = "wrong"
    NO_CODE = "no_code"


@dataclass(frozen=True)
class Entry:
    """A link that is good now, with whose it is and what may be answered through it."""

    link: UploadLink
    ask: Ask
    request: FootageRequest
    owner: Person


async def make_link(work: Work, ask_id: int, owner: Person) -> tuple[UploadLink, str]:
    """
    A link and its token; nobody can read that again, since only its keyed digest is kept.

    Raises:
        Refusal: somebody else was asked, or there is nothing to answer any more.
    """
    ask, request = await ask_of(work, ask_id, owner)
    await _end_the_oldest(work, ask.id)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    days = timedelta(days=work.settings.request_days)
    link = UploadLink(
        id=new_id(),
        ask_id=ask.id,
        owner_id=owner.id,
        token_index=_token_index(work, token),
        created_at=work.now,
        expires_at=min(request.expires_at, work.now + days),
    )
    work.session.add(link)
    await work.session.flush()
    return link, token


async def _end_the_oldest(work: Work, ask_id: int) -> None:
    query = (
        select(UploadLink)
        .where(UploadLink.ask_id == ask_id, UploadLink.ended_at.is_(None))
        .order_by(UploadLink.id.desc())
        .offset(MOST_LINKS - 1)
    )
    for link in (await work.session.execute(query)).scalars():
        link.ended_at = work.now


def _token_index(work: Work, token: str) -> bytes:
    return work.vault.blind_index("upload_links.token", token)


def _cookie_index(work: Work, link_id: int, cookie: str) -> bytes:
    return work.vault.blind_index("upload_browsers.cookie", f"{link_id}\0{cookie}")


async def behind(work: Work, token: str) -> Entry:
    """
    What a token opens; that it is known does not let anybody in yet.

    Raises:
        Refusal: it is unknown, or the link is good no more.
    """
    query = (
        select(UploadLink)
        .where(UploadLink.token_index == _token_index(work, token))
        .with_for_update()
    )
    link = (await work.session.execute(query)).scalar_one_or_none()
    if link is None:
        raise Refusal("upload.unknown")
    return await _entry(work, link)


async def let_in(work: Work, link_id: int, cookie: str) -> Entry:
    """
    The link that this browser has been let into.

    Raises:
        Refusal: the cookie is not one of its browsers, or the link is good no more.
    """
    query = select(UploadBrowser.link_id).where(
        UploadBrowser.cookie_index == _cookie_index(work, link_id, cookie)
    )
    found = (await work.session.execute(query)).scalar_one_or_none()
    link = await work.session.get(UploadLink, link_id)
    if link is None or found != link.id:
        raise Refusal("upload.not_let_in")
    return await _entry(work, link)


async def _entry(work: Work, link: UploadLink) -> Entry:
    owner = await person(work, link.owner_id)
    ask, request = await ask_of(work, link.ask_id, owner)
    if link.ended_at is not None:
        raise Refusal("upload.ended")
    if link.expires_at <= work.now:
        raise Refusal("upload.expired")
    return Entry(link, ask, request, owner)


async def knock(work: Work, entry: Entry, cookie: str | None) -> tuple[Knock, str | None]:
    """
    A browser wants in. Not a mere look at the address, which previews of links do as well.

    Args:
        cookie: What the browser brings, where it was here before.

    Returns:
        What became of it, and the cookie to give it where it is let in newly.
    """
    link = entry.link
    if cookie and await _is_known(work, link.id, cookie):
        return Knock.OPEN, None
    browsers = select(func.count()).where(UploadBrowser.link_id == link.id)
    if not (await work.session.execute(browsers)).scalar_one():
        return Knock.OPEN, _welcome(work, entry, by_code=False)
    return await _send_code(work, entry), None


async def _is_known(work: Work, link_id: int, cookie: str) -> bool:
    index = _cookie_index(work, link_id, cookie)
    query = select(UploadBrowser.id).where(UploadBrowser.cookie_index == index)
    return (await work.session.execute(query)).first() is not None


def _welcome(work: Work, entry: Entry, *, by_code: bool) -> str:
    """Let a browser in, and let the owner read that one was."""
    cookie = secrets.token_urlsafe(TOKEN_BYTES)
    work.session.add(
        UploadBrowser(
            id=new_id(),
            link_id=entry.link.id,
            cookie_index=_cookie_index(work, entry.link.id, cookie),
            created_at=work.now,
        )
    )
    record(
        work,
        Act.UPLOAD_OPENED,
        actor_id=entry.owner.id,
        owner_id=entry.owner.id,
        camera_id=entry.ask.camera_id,
        request_id=entry.request.id,
        request=entry.request.name,
        by_code=by_code,
    )
    return cookie


async def _send_code(work: Work, entry: Entry) -> Knock:
    """A code into the owner's chat, which the one in front of the other browser must know."""
    link = entry.link
    if link.code_sent_at is not None and work.now - link.code_sent_at < CODE_PAUSE:
        return Knock.CODE_WAITING
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    link.code = work.vault.seal(_CODE, link.id, code.encode())
    link.code_sent_at = work.now
    words = words_for(work, entry.owner)
    text = words("upload.code.told", code=code, request=entry.request.name)
    stamp = int(work.now.timestamp() * 1000)
    await tell(work, entry.owner, Message(text=text, protected=True), f"code:{link.id}:{stamp}")
    return Knock.CODE_SENT


def try_code(work: Work, entry: Entry, given: str) -> tuple[Knock, str | None]:
    """
    A code from another browser; a wrong one counts, which the caller commits.

    Returns:
        As `knock`. After five wrong tries the code is worth nothing, after twenty the link.
    """
    link = entry.link
    if link.code is None or link.code_sent_at is None:
        return Knock.NO_CODE, None
    if work.now - link.code_sent_at > CODE_GOOD_FOR:
        link.code = None
        return Knock.NO_CODE, None
    right = work.vault.open(_CODE, link.id, link.code)
    if secrets.compare_digest(right, "".join(given.split()).encode()):
        link.code = None
        return Knock.OPEN, _welcome(work, entry, by_code=True)
    link.code_tries += 1
    if link.code_tries >= MOST_WRONG:
        link.code, link.ended_at = None, work.now
    elif link.code_tries % MOST_TRIES == 0:
        link.code = None
        return Knock.NO_CODE, None
    return Knock.WRONG, None
