"""The command centre: its pages behind one gate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from aiohttp import web

from nobs_bot.console import static
from nobs_bot.console.api.problems import API_PATH, problem
from nobs_bot.console.entry import Entrance
from nobs_bot.console.gate import PATH, Gate, add_headers, words_of
from nobs_bot.console.shell import Shell, wants_json
from nobs_bot.errors import Refusal
from nobs_bot.storage.work import Office
from nobs_bot.texts import plain

# what is said where there is no refusal to say it
_TOLD = {401: "console.signed_out", 404: "console.not_found", 500: "console.broken"}


class Pages(Protocol):
    """Some pages of the centre; every one of their handlers says who may (see `gate.allow`)."""

    def routes(self) -> list[web.RouteDef]:
        """Their routes, below `gate.PATH`."""
        ...


class Centre:
    """
    The centre as an application of its own, to be mounted under `gate.PATH`.

    Args:
        pages: Where browsers reach us (see `Settings.pages`).
    """

    def __init__(self, office: Office, pages: str) -> None:
        self.gate = Gate(office, pages, self._refused)
        self.shell = Shell(office.settings, self.gate.root)
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._parts: list[Pages] = [Entrance(office, self.gate, self.shell)]

    def add(self, pages: Pages, *, close: Callable[[], Awaitable[None]] | None = None) -> None:
        """
        Further pages, before the site is made.

        Args:
            close: Called when the server stops, to end answers that go on.
        """
        self._parts.append(pages)
        if close is not None:
            self._closing.append(close)

    def site(self) -> web.Application:
        """All of it."""
        site = web.Application(middlewares=[self.gate.middleware])
        site.add_routes(self._routes())
        site.on_response_prepare.append(add_headers)
        site.on_shutdown.append(self._close)
        return site

    async def _close(self, site: web.Application) -> None:
        for close in self._closing:
            await close()

    def _routes(self) -> Iterable[web.RouteDef]:
        yield from static.routes()
        for part in self._parts:
            yield from part.routes()

    def _refused(self, request: web.Request, status: int, refusal: Refusal | None) -> web.Response:
        """What is said in place of a page, to a person or to a script."""
        words = words_of(request)
        if refusal is not None:
            told = plain(words(refusal.text_key, **refusal.params))
        else:
            told = plain(words(_TOLD[status]))
        if request.path.startswith(f"{PATH}{API_PATH}/"):
            return problem(status, told)
        if wants_json(request):
            return web.json_response({"told": told}, status=status)
        if status == 401:
            return self.shell.page(request, "signin.html", status=status, has_left=False)
        return self.shell.page(request, "refused.html", status=status, told=told)
