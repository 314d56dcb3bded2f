"""The web server of one process."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from aiohttp import web

from nobs_bot import tracing
from nobs_bot.console import safety
from nobs_bot.console.centre import Centre
from nobs_bot.console.compass_page import PATH as COMPASS_PATH
from nobs_bot.console.compass_page import CompassPage
from nobs_bot.console.figures_page import PATH as FIGURES_PATH
from nobs_bot.console.figures_page import FiguresPage
from nobs_bot.console.gate import PATH as CENTRE_PATH
from nobs_bot.console.readiness import Readiness
from nobs_bot.console.sticker_page import PATH as STICKER_PATH
from nobs_bot.console.sticker_page import StickerPage
from nobs_bot.console.tus import Tus
from nobs_bot.console.upload_page import PATH as UPLOAD_PATH
from nobs_bot.console.upload_page import UploadPage
from nobs_bot.errors import CannotStart
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.work import Office

log = logging.getLogger(__name__)

WEBHOOK_PATH = "/telegram/webhook"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
MOST_BYTES = 1024 * 1024
# so that a file goes on arriving while a chunk of it is sealed
READ_AHEAD_BYTES = 512 * 1024
_LET_IN_WITHIN_S = 0.05

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receive(Protocol):
    """Keeps updates; what it was given survives when it returns."""

    async def __call__(
        self, updates: list[dict[str, Any]], *, are_in_order: bool = True
    ) -> None: ...


class Site:
    """
    Takes Telegram's updates in, shows the upload page, and tells whether the process is well.

    Args:
        office: For the health of the database.
        receive: Keeps updates; what it was given survives when it returns.
        secret: What Telegram must send along.
        files: Where uploads go.
        pages: Further routes.
        bot_name: The bot's username, for links from our pages.
        centre: The command centre, where browsers can reach it.
        readiness: Whether this process may be given work, for /readyz.
    """

    def __init__(
        self,
        office: Office,
        receive: Receive,
        secret: str,
        files: FileStore,
        pages: Iterable[web.RouteDef] = (),
        *,
        bot_name: str = "",
        centre: Centre | None = None,
        readiness: Readiness | None = None,
    ) -> None:
        self._office = office
        self._files = files
        self._receive = receive
        self._secret = secret
        self._pages = list(pages)
        self._bot_name = bot_name
        self._centre = centre
        self._readiness = readiness
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """
        Listen; returns the port, which matters where 0 was asked for.

        Raises:
            CannotStart: the port is taken, or not ours to take.
        """
        app = web.Application(client_max_size=MOST_BYTES, middlewares=[_traced])
        app.add_routes([web.post(WEBHOOK_PATH, self._webhook), web.get("/healthz", self._health)])
        app.add_routes(self._pages)
        if self._readiness is not None:
            app.add_routes([web.get("/readyz", self._readiness.answer)])
        if pages := self._office.settings.pages:
            app.add_subapp(UPLOAD_PATH, self._uploads(pages))
            app.add_subapp(FIGURES_PATH, FiguresPage(self._office).site())
            app.add_subapp(COMPASS_PATH, CompassPage(self._office, self._receive).site())
            app.add_subapp(STICKER_PATH, StickerPage(self._office, self._bot_name).site())
        if self._centre is not None:
            app.add_subapp(CENTRE_PATH, self._centre.site())
        # no access log: the addresses of upload links are secrets
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=10, read_bufsize=READ_AHEAD_BYTES
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as exc:
            raise CannotStart(
                f"Cannot listen on {host}, port {port}: {exc.strerror}. "
                "Is the bot running already? If not, choose another LISTEN_PORT in .env."
            ) from None
        return int(self._runner.addresses[0][1])

    def _uploads(self, pages: str) -> web.Application:
        """The upload page and its protocol; bodies of files are streamed and have no limit here."""
        page = UploadPage(self._office, pages)
        tus = Tus(self._office, self._files, page.cookie_of)
        uploads = web.Application()
        uploads.add_routes([*page.routes(), *tus.routes()])
        uploads.on_response_prepare.append(safety.add_headers)
        uploads.on_shutdown.append(tus.wind_up)
        return uploads

    async def stop(self) -> None:
        """Finish what came in and close."""
        if self._runner:
            for site in list(self._runner.sites):
                await site.stop()
            # whoever was let in just now is known to the runner a little later, which otherwise
            # would leave that line open and unread
            await asyncio.sleep(_LET_IN_WITHIN_S)
            await self._runner.cleanup()

    async def _webhook(self, request: web.Request) -> web.Response:
        """Keep one update and only then acknowledge it; anything else and Telegram sends again."""
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(errors="surrogatepass"), self._secret.encode()):
            raise web.HTTPUnauthorized
        try:
            update = json.loads(await request.read())
        except ValueError:
            raise web.HTTPBadRequest from None
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            raise web.HTTPBadRequest
        # it calls several times at once, and again where it was not answered
        await self._receive([update], are_in_order=False)
        return web.Response()

    async def _health(self, request: web.Request) -> web.Response:
        try:
            seconds = await self._office.database.ping()
        except Exception as exc:
            log.warning("the database does not answer: %s", type(exc))
            return web.json_response({"database": "down"}, status=503)
        return web.json_response({"database": "up", "database_s": round(seconds, 4)})


@web.middleware
async def _traced(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A span by the route's pattern: the address itself may be a secret."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "none"
    with tracing.span(f"{request.method} {route}") as note:
        response = await handler(request)
        note("http.response.status_code", response.status)
        return response
