"""The sandbox as one server: Bot API, control interface, chat page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from nobs_bot.clock import Clock, SystemClock
from nobs_bot.sandbox.acts import Acts
from nobs_bot.sandbox.api import Api, methods_of
from nobs_bot.sandbox.cast import CastMember
from nobs_bot.sandbox.control import Control, Turnable
from nobs_bot.sandbox.courier import Courier
from nobs_bot.sandbox.editing import Editing, Queries
from nobs_bot.sandbox.files import Files
from nobs_bot.sandbox.guard import guard
from nobs_bot.sandbox.inbox import Inbox
from nobs_bot.sandbox.limits import Limits
from nobs_bot.sandbox.media import Media
from nobs_bot.sandbox.phones import Phones
from nobs_bot.sandbox.profile import Profile
from nobs_bot.sandbox.receiving import Receiving
from nobs_bot.sandbox.sending import Sending
from nobs_bot.sandbox.store import Store
from nobs_bot.sandbox.wire import Json, Params
from nobs_bot.sandbox.world import World

PAGE = Path(__file__).parent / "page"
BOT_NAME = "No Blindspot"
BOT_USERNAME = "NoBlindspotBot"


class SandboxServer:
    """
    A Telegram of one's own.

    Args:
        token: The bot's token, ``NUMBER:SECRET``.
        port: 0 chooses a free one.
        state_dir: Where chats, files and pending updates survive a restart; without it
            everything is gone at `stop`.
        cast: Who has a phone from the start.
        streams: Addresses of test cameras by their scene, which the page offers to send.
        cameras: Those of them that can be turned.
        clock: Dates messages, fills the limits' buckets.
        enforce_limits: Answer 429 where Telegram would.
    """

    def __init__(
        self,
        token: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        state_dir: Path | None = None,
        cast: Sequence[CastMember] = (),
        streams: Mapping[str, str] | None = None,
        cameras: Turnable | None = None,
        clock: Clock | None = None,
        enforce_limits: bool = False,
    ) -> None:
        self._token = token
        self._host = host
        self._port = port
        self._state_dir = state_dir
        self._cast = tuple(cast)
        self._streams = dict(streams or {})
        self._cameras = cameras
        self._clock = clock or SystemClock()
        self._enforce_limits = enforce_limits
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Be ready for calls when this returns."""
        folder = self._folder()
        store = Store(folder / "sandbox.sqlite" if self._state_dir else None)
        self._stack.callback(store.close)
        self._build(store, Files(folder / "files", store))
        await self._serve()
        courier = asyncio.create_task(self.courier.run())
        self._stack.push_async_callback(_cancelled, courier)

    async def stop(self) -> None:
        """Cut what is under way and close; the state directory stays."""
        await self._stack.aclose()

    @property
    def api_url(self) -> str:
        """The base address for bots, as ``https://api.telegram.org`` is."""
        return f"http://{self._host}:{self._port}"

    @property
    def page_url(self) -> str:
        """Where the chats are shown."""
        return f"{self.api_url}/"

    def _folder(self) -> Path:
        if self._state_dir is not None:
            self._state_dir.mkdir(parents=True, exist_ok=True)
            return self._state_dir
        return Path(self._stack.enter_context(TemporaryDirectory(prefix="sandbox-")))

    def _build(self, store: Store, files: Files) -> None:
        self.world = World(self._bot(), store, self._clock)
        for member in self._cast:
            self.world.join(member)
        self.inbox = Inbox(store, self.world.mark_taken)
        self.limits = Limits(self._clock, enforced=self._enforce_limits)
        self.queries = queries = Queries()
        media, profile = Media(files), Profile(self.world)
        self.courier = Courier(self.inbox, store, self._clock, self._call)
        methods = methods_of(
            Sending(self.world, media),
            Editing(self.world, media, files, queries),
            Receiving(self.inbox, self.courier),
            profile,
        )
        self.api = Api(self._token, self.world, files, self.limits, methods)
        acts = Acts(self.world, self.inbox, files, queries)
        phones = Phones(self.world, acts, profile, files, self._cast, self._streams)
        control = Control(self.world, self.inbox, files, queries, self.api, self._cameras)
        self._routes = [*self.api.routes(), *phones.routes(), *control.routes(), *_page_routes()]

    async def _call(self, method: str, params: Params) -> object:
        return await self.api.call(method, params)

    def _bot(self) -> Json:
        bot_id = int(self._token.partition(":")[0])
        return {"id": bot_id, "is_bot": True, "first_name": BOT_NAME, "username": BOT_USERNAME}

    async def _serve(self) -> None:
        app = web.Application(middlewares=[guard], client_max_size=64 * 1024 * 1024)
        app.add_routes(self._routes)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, self._host, self._port)
        await site.start()
        self._port = runner.addresses[0][1]


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _page_routes() -> list[web.AbstractRouteDef]:
    async def index(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    return [web.get("/", index), web.static("/page", PAGE)]
