"""What stands round every page of the command centre: navigation, language, and light or dark."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from nobs_bot.console.gate import (
    CSRF_FIELD,
    PATH,
    THEME_COOKIE,
    THEMES,
    Officer,
    signed_in,
    words_of,
)
from nobs_bot.console.rendering import safe, template
from nobs_bot.console.static import asset_name
from nobs_bot.people.roles import Role
from nobs_bot.settings import Settings
from nobs_bot.texts import LANGUAGES, Markup, Words, plain

EVERYBODY = frozenset(Role)


@dataclass(frozen=True)
class Entry:
    """A page in the navigation: its path below the centre, its name's key, and who has it."""

    path: str
    key: str
    roles: frozenset[Role]


# who may know where the cameras are
ON_THE_MAP = EVERYBODY - {Role.ADMINISTRATOR}
NAVIGATION: tuple[Entry, ...] = (
    Entry("", "console.home", EVERYBODY),
    Entry("peta", "console.map", ON_THE_MAP),
    Entry("antrean", "console.queue", frozenset({Role.REVIEWER})),
    Entry("permintaan", "console.requests", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR})),
    Entry("cakupan", "console.coverage", ON_THE_MAP),
    Entry("kesehatan", "console.health", ON_THE_MAP),
    Entry("kemajuan", "console.progress", EVERYBODY),
    Entry("langsung", "live.page.title", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR})),
    Entry("petugas", "console.people", frozenset({Role.ADMINISTRATOR})),
    Entry("sistem", "system.title", frozenset({Role.ADMINISTRATOR})),
    Entry("catatan", "console.audit", frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})),
)


class Shell:
    """
    Renders pages.

    Args:
        root: The path under which the centre is reached from outside.
    """

    def __init__(self, settings: Settings, root: str = PATH) -> None:
        self.root = root
        self._settings = settings

    def page(
        self, request: web.Request, name: str, *, status: int = 200, **values: object
    ) -> web.Response:
        """
        A page from its template below `templates/centre`.

        A template has `say(key, ...)` for words, `say_html(key, ...)` where the catalogue's tags
        are wanted, `me` (None on the way in), `root`, `asset(name)` and `csrf_field`.
        """
        words, me = words_of(request), signed_in(request)
        text = template(f"centre/{name}").render(
            say=_speaking(words),
            say_html=lambda key, **params: safe(Markup(words(key, **_shown(params)))),
            say_many=lambda key, count, **params: plain(words.plural(key, count, **_shown(params))),
            words=words,
            me=me,
            root=self.root,
            asset=lambda asset: f"{self.root}/aset/{asset_name(asset)}",
            csrf_name=CSRF_FIELD,
            language=words.language,
            languages=LANGUAGES,
            theme=theme_of(request),
            here=request.path,
            entries=_entries(me, self.root, request.path),
            district=self._settings.district_name,
            contact=self._settings.district_contact,
            **values,
        )
        return web.Response(text=text, status=status, content_type="text/html")

    def to(self, path: str) -> web.Response:
        """On to another page, as after a form."""
        return web.Response(status=303, headers={"Location": f"{self.root}/{path}"})


def _speaking(words: Words) -> Any:
    def say(key: str, **params: object) -> str:
        return plain(words(key, **_shown(params))) if params else words.bare(key)

    return say


def _shown(params: Mapping[str, object]) -> dict[str, object]:
    return dict(params)


def theme_of(request: web.Request) -> str:
    """`light` or `dark` where the reader has chosen, else empty: as the system has it."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def _entries(me: Officer | None, root: str, here: str) -> list[dict[str, object]]:
    if me is None:
        return []
    shown = [each for each in NAVIGATION if me.has(*each.roles)]
    return [
        {
            "address": f"{root}/{each.path}",
            "key": each.key,
            "is_here": _is_here(here.removeprefix(PATH).strip("/"), each.path),
        }
        for each in shown
    ]


def _is_here(here: str, path: str) -> bool:
    return here == path or (bool(path) and here.startswith(f"{path}/"))


def wants_json(request: web.Request) -> bool:
    """Whether a script asked, which has no use for a page."""
    return "application/json" in request.headers.get("Accept", "")


def unescaped(text: str) -> str:
    """A sentence for a script, which shows it as text."""
    return html.unescape(text)
