"""
The gate of the command centre: every route goes through it, and the answer is no by default.

A route says who may with `allow`; one that says nothing is shut. Inside a handler, `officer` is who
is there, with the roles as they are at this moment:

    @allow(Role.REVIEWER)
    async def queue(self, request: web.Request) -> web.Response:
        me = officer(request)
        areas = me.areas(Role.REVIEWER)

Whether the officer may see this camera or that request is for the handler, or better its use case,
to ask. A `Refusal` that is raised becomes a page, or JSON where the script asked.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from nobs_bot.console.addresses import caller_of
from nobs_bot.console.safety import Pace
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person
from nobs_bot.people.roles import Role, covers
from nobs_bot.people.sessions import (
    Standing,
    is_seen_lately,
    note_seen,
    standing,
)
from nobs_bot.storage.work import Office, Work
from nobs_bot.texts import LANGUAGES, Words

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; worker-src 'self'; media-src 'self' blob:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    # towards ourselves only, where a browser needs it to say where a form comes from
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=()",
}
PATH = "/konsol"
CSRF_FIELD, CSRF_HEADER = "csrf", "X-CSRF-Token"
LANGUAGE_COOKIE, THEME_COOKIE = "konsol-bahasa", "konsol-tema"
THEMES = ("light", "dark")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_ALLOWED = "_allowed_in_console"

Handler = Callable[..., Awaitable[web.StreamResponse]]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True)
class Allowed:
    """
    Who may use a route.

    Args:
        roles: One of them is enough; None for anybody, also without a session.
        is_activity: Whether a call shows that the officer is there. What a page asks for by itself
            does not, or an open page would never be idle.
    """

    roles: frozenset[Role] | None
    is_activity: bool = True


def allow(*roles: Role, is_activity: bool = True) -> Callable[[H], H]:
    """Open a route to these roles; `allow(*Role)` is anybody who has one."""
    if not roles:
        raise ValueError("name the roles; for everybody there is `allow_anybody`")
    return _mark(Allowed(frozenset(roles), is_activity))


def allow_anybody(handle: H) -> H:
    """Open a route to the world: the way in, and what its pages are made of."""
    return _mark(Allowed(None))(handle)


def _mark(allowed: Allowed) -> Callable[[H], H]:
    def marked(handle: H) -> H:
        setattr(handle, _ALLOWED, allowed)
        return handle

    return marked


def allowed_at(handler: object) -> Allowed | None:
    """Who may use a handler; None where it does not say, so nobody."""
    found = getattr(handler, _ALLOWED, None)
    return found if isinstance(found, Allowed) else None


@dataclass(frozen=True)
class Officer:
    """
    Who is in front of a page.

    Args:
        grants: The areas of each role that they have now.
        csrf: What an unsafe call must bring along (`CSRF_FIELD` or `CSRF_HEADER`).
    """

    session_id: int
    person_id: int
    name: str
    grants: Mapping[Role, tuple[str, ...]]
    words: Words
    csrf: str

    def has(self, *roles: Role) -> bool:
        """Whether they have one of these roles anywhere."""
        return any(role in self.grants for role in roles)

    def areas(self, *roles: Role) -> list[str]:
        """Codes of the areas in which they have one of these roles; of all where none is named."""
        chosen = roles or tuple(self.grants)
        return sorted({code for role in chosen for code in self.grants.get(role, ())})

    def widest(self, *roles: Role) -> list[str]:
        """As `areas`, without those that lie inside another one of them."""
        codes = self.areas(*roles)
        return [
            code for code in codes if not any(each != code and covers(each, code) for each in codes)
        ]

    def may_at(self, area_code: str | None, *roles: Role) -> bool:
        """Whether they have one of these roles (any, where none is named) for a place."""
        return bool(area_code) and any(covers(area, area_code or "") for area in self.areas(*roles))

    async def person(self, work: Work) -> Person:
        """Their row in this transaction, for use cases."""
        found = await work.session.get(Person, self.person_id)
        assert found is not None
        return found


_OFFICER = web.RequestKey("officer", Officer)
_WORDS = web.RequestKey("words", Words)
_HAS_BEGUN = web.RequestKey("has_begun", bool)


def officer(request: web.Request) -> Officer:
    """Who is there; only behind a route that wants a role."""
    return request[_OFFICER]


def signed_in(request: web.Request) -> Officer | None:
    """Who is there, where somebody is."""
    return request.get(_OFFICER)


def words_of(request: web.Request) -> Words:
    """The words of the page's language."""
    return request[_WORDS]


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal of aiohttp's, called for every response before it goes."""
    request[_HAS_BEGUN] = True
    response.headers.update(HEADERS)
    # what says nothing else is an officer's page, and not kept by anybody
    response.headers.setdefault("Cache-Control", "no-store")


def speak(request: web.Request, words: Words) -> None:
    """The page speaks this language, unless its reader has chosen one."""
    if request.cookies.get(LANGUAGE_COOKIE) not in LANGUAGES:
        request[_WORDS] = words


class Gate:
    """
    Lets officers through, and nobody else.

    Args:
        pages: Where browsers reach us; by plain http this machine alone is served.
        refuse: Makes the page of a refusal: request, status, and the refusal where there is one.
    """

    def __init__(
        self,
        office: Office,
        pages: str,
        refuse: Callable[[web.Request, int, Refusal | None], web.Response],
    ) -> None:
        parts = urlsplit(pages)
        self._office = office
        self._refuse = refuse
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self.root = parts.path.rstrip("/") + PATH
        self.is_secure = parts.scheme != "http" or parts.hostname not in LOOPBACK
        # a cookie of this name is taken from nobody but this very host, over https
        self.cookie_name = "__Host-konsol" if self.is_secure else "konsol"
        self._pace = Pace(burst=300, per_second=20)
        self._strangers = Pace(burst=120, per_second=10)
        self._addresses = Pace(burst=1200, per_second=100)

    @property
    def middleware(self) -> Any:
        """For `web.Application(middlewares=...)`."""

        @web.middleware
        async def through(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._through(request, handler)

        return through

    async def _through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        request[_WORDS] = self._office.texts.of(self._chosen_language(request))
        try:
            return await self._answer(request, handler)
        except Refusal as refusal:
            return self._refuse(request, status_of(refusal), refusal)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return self._refuse(request, 404, None)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:
            log.exception("a page of the command centre broke off")
            if request.get(_HAS_BEGUN):
                # cut short, so that nobody takes what was sent for the whole
                if request.transport is not None:
                    request.transport.abort()
                raise
            return self._refuse(request, 500, None)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        allowed = allowed_at(request.match_info.handler)
        me = await self._recognise(request, allowed)
        if me is not None:
            request[_OFFICER], request[_WORDS] = me, me.words
            self._pace.call(me.session_id)
        else:
            # first: whoever makes a key up for each call is one stranger all the same
            address = caller_of(request, self._office.settings.trusted_proxies)
            self._addresses.call(address)
            self._strangers.call(_brought(request) or address)
        if allowed is None or allowed.roles is not None:
            if me is None:
                return self._refuse(request, 401, None)
            if allowed is None:
                # also a path that leads nowhere: which there are, a stranger does not learn
                raise web.HTTPNotFound
            if not me.has(*allowed.roles or ()):
                raise Refusal("roles.needed")
        if request.method not in _SAFE_METHODS:
            self.check_origin(request)
            if me is not None and allowed.roles is not None:
                await self._check_csrf(request, me)
        return await handler(request)

    def _chosen_language(self, request: web.Request) -> str | None:
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        return chosen if chosen in LANGUAGES else None

    def cookie_of(self, request: web.Request) -> str:
        """What the browser brings; empty where it brings nothing."""
        return request.cookies.get(self.cookie_name, "")

    async def _recognise(self, request: web.Request, allowed: Allowed | None) -> Officer | None:
        cookie = self.cookie_of(request)
        if not cookie:
            return None
        async with self._office.look() as work:
            found = await standing(work, cookie, agent_of(request))
            me = self._officer(work, request, found, cookie) if found else None
            is_to_note = (
                found is not None
                and (allowed is None or allowed.is_activity)
                and not is_seen_lately(work, found)
            )
        if is_to_note and me is not None:
            async with self._office.work() as work:
                await note_seen(work, me.session_id)
        return me

    def _officer(self, work: Work, request: web.Request, found: Standing, cookie: str) -> Officer:
        language = self._chosen_language(request) or found.language
        return Officer(
            session_id=found.session_id,
            person_id=found.person_id,
            name=found.name,
            grants=found.roles,
            words=work.texts.of(language),
            csrf=work.vault.blind_index("console.csrf", cookie).hex(),
        )

    async def is_same(self, request: web.Request) -> bool:
        """
        Whether the officer of a request is still signed in, with the very roles that they had: to
        be asked again and again by an answer that does not end.
        """
        me = officer(request)
        async with self._office.look() as work:
            found = await standing(work, self.cookie_of(request), agent_of(request))
        if found is None or found.session_id != me.session_id:
            return False
        return found.roles == me.grants

    def check_origin(self, request: web.Request) -> None:
        """
        A form of another site does not get in, not even the way in itself.

        Sockets ask for it themselves: a browser opens one to anywhere, by a safe method.
        """
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        # whoever sends neither is no browser, so nobody's cookie comes with it unasked
        if origin not in (None, self._origin) or site not in (None, "same-origin"):
            raise Refusal("console.foreign")

    async def _check_csrf(self, request: web.Request, me: Officer) -> None:
        given = request.headers.get(CSRF_HEADER, "")
        if not given and request.content_type in _FORMS:
            given = str((await request.post()).get(CSRF_FIELD, ""))
        if not hmac.compare_digest(given.encode(errors="surrogatepass"), me.csrf.encode()):
            raise Refusal("console.foreign")

    def set_cookie(self, response: web.Response, cookie: str) -> None:
        """Give the browser its session; it ends with the browser, and by our own clock."""
        response.set_cookie(
            self.cookie_name,
            cookie,
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="Strict",
        )

    def drop_cookie(self, response: web.Response) -> None:
        """Take the session from the browser."""
        response.del_cookie(
            self.cookie_name, path="/", secure=self.is_secure, httponly=True, samesite="Strict"
        )


_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
_STATUS = {
    "roles.needed": 403,
    "roles.not_here": 403,
    "console.foreign": 403,
    "console.link_over": 410,
    "console.no_proof": 403,
    "upload.too_often": 429,
    "review.gone": 404,
    "request.not_yours": 404,
    "console.no_camera": 404,
}


def status_of(refusal: Refusal) -> int:
    """The HTTP status that says the same."""
    return _STATUS.get(refusal.text_key, 409)


def agent_of(request: web.Request) -> str:
    """What the browser says it is."""
    return request.headers.get("User-Agent", "")


def browser_of(request: web.Request) -> str:
    """The same in two words, for a person who looks through their sessions."""
    agent = agent_of(request)
    browser = next((name for mark, name in _BROWSERS if mark in agent), "Browser")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser}, {system}" if system else browser


# the more particular first: most of them name the others as well
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def _brought(request: web.Request) -> bytes | None:
    """
    The key or link that a stranger brings, as a digest.

    Many may come from one address: whoever brings one is not held up by what the others do.
    """
    brought = request.headers.get("Authorization") or request.match_info.get("token")
    return sha256(brought.encode(errors="surrogatepass")).digest() if brought else None
