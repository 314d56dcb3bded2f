"""Wiring: what one process runs, from settings to a clean end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import count
from typing import Any

from nobs_bot.cameras import progress
from nobs_bot.cameras.checks import Check, Keep
from nobs_bot.cameras.drift import drift_of, note_drift
from nobs_bot.cameras.growth import GROWTH
from nobs_bot.cameras.health import Health
from nobs_bot.cameras.photos import Photo, TelegramFiles, fetch_photos
from nobs_bot.cameras.record import Camera, cameras_in_all
from nobs_bot.cameras.rounds import HealthRounds
from nobs_bot.cameras.runner import CheckRunner
from nobs_bot.cameras.stickers import STOCK
from nobs_bot.cameras.ward import WARDS
from nobs_bot.clock import Clock, SystemClock
from nobs_bot.console.centre import Centre
from nobs_bot.console.evidence import EvidencePages
from nobs_bot.console.metrics import MetricsSite
from nobs_bot.console.opening import Means as CentreMeans
from nobs_bot.console.opening import command_centre
from nobs_bot.console.readiness import Readiness
from nobs_bot.console.site import WEBHOOK_PATH, Site
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.gallery import Gallery
from nobs_bot.coverage.history import keep_weekly
from nobs_bot.coverage.ordering import Means
from nobs_bot.coverage.ordering import carry_out as reckon
from nobs_bot.coverage.orders import CoverageOrder
from nobs_bot.coverage.surveyor import Surveyor
from nobs_bot.coverage.turn import Turn
from nobs_bot.coverage.turned import verify_turns
from nobs_bot.errors import CannotStart
from nobs_bot.footage.clips import fetch_clips, wanted_files
from nobs_bot.footage.handover import EvidenceOrder
from nobs_bot.footage.live.record import LiveView
from nobs_bot.footage.live.views import end_lost
from nobs_bot.footage.look import Looker
from nobs_bot.footage.news import tell_news
from nobs_bot.footage.orders import carry_out
from nobs_bot.footage.receiving import give_up
from nobs_bot.footage.reminders import remind_owners
from nobs_bot.footage.request import Ask, Clip, FootageRequest
from nobs_bot.footage.upload import Upload
from nobs_bot.footage.verifying import verify_clips
from nobs_bot.leaving import Departures
from nobs_bot.messaging import inbox, outbox
from nobs_bot.messaging.polling import Poller
from nobs_bot.messaging.pump import Conversation, Pump
from nobs_bot.messaging.sender import Sender
from nobs_bot.people.discharging import MenuFor
from nobs_bot.people.lookups import tell_of_lookups
from nobs_bot.places.areas import Areas, load_areas
from nobs_bot.places.geocode import AddressLookup, Geocoder, Tell, run_lookups
from nobs_bot.schema import has_tables
from nobs_bot.settings import Settings
from nobs_bot.storage.chain import seal_lines
from nobs_bot.storage.crypto import MasterKey, Vault, load_keys
from nobs_bot.storage.doomed import DoomedFile, remove_doomed
from nobs_bot.storage.elections import Election
from nobs_bot.storage.engine import AWAY, Database
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.leases import Job, backoff, release_all
from nobs_bot.storage.loops import is_due, keep_at
from nobs_bot.storage.tallies import Tallier
from nobs_bot.storage.work import Office, Work
from nobs_bot.streams.check import StreamChecker
from nobs_bot.streams.codes import read_codes_in_child
from nobs_bot.streams.comparison import Comparison, compare_in_child
from nobs_bot.streams.live import LiveStreams
from nobs_bot.streams.mediaserver import Make, MediaServer
from nobs_bot.streams.pulse import take_pulse
from nobs_bot.streams.report import CheckReport
from nobs_bot.texts import Texts
from nobs_bot.upkeep import keep_up

log = logging.getLogger(__name__)

COUNTINGS = (progress.COUNTING, GROWTH, STOCK, WARDS)
LEASED = (
    inbox.Received,
    outbox.Outgoing,
    Check,
    Photo,
    FootageRequest,
    Ask,
    Clip,
    Upload,
    EvidenceOrder,
    DoomedFile,
    AddressLookup,
    CoverageOrder,
    Turn,
    Health,
    LiveView,
)
KEYS_LOOKED_AT_EVERY_S = 5.0
# whoever waited for a start is answered first; then what is small has its turn, and what is not
_OTHERS_FIRST_S, _CALM_AFTER_S = 1.0, 60.0


class Part(StrEnum):
    """What a process may do; one process does all of it unless told otherwise."""

    BOT = "bot"
    WORKER = "worker"
    CONSOLE = "console"


ALL_PARTS = frozenset(Part)


@dataclass
class Foundation:
    """What everything else stands on, made from the settings alone."""

    settings: Settings
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        settings = self.settings
        # before they are read, or a change in between would never be noticed; none on first start
        mark = self._keys_mark()
        self.vault = Vault(self.keys)
        self._keys_seen = mark or self._keys_mark()
        self.texts = Texts(settings.zone, settings.default_language)
        self.database = Database(settings.database)
        self.files = FileStore(settings.files, self.vault)
        self.areas: Areas = load_areas(settings.district_name, settings.data_dir)
        self.base = BaseMap(self.areas, settings.data_dir)
        self.gallery = Gallery(self.base, self.files)
        self.office = Office(self.database, self.vault, self.clock, self.texts, settings)

    @property
    def keys(self) -> list[MasterKey]:
        """The installation's keys as they stand there now."""
        secret = self.settings.secret_keys
        path = self.settings.data_dir / "keys"
        return load_keys(path, secret.get_secret_value() if secret else None)

    def _keys_mark(self) -> tuple[int, int] | None:
        try:
            found = (self.settings.data_dir / "keys").stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    async def keep_keys(self) -> int:
        """Take the keys up where their file has changed, as in a rotation."""
        mark = self._keys_mark()
        if mark is None or mark == self._keys_seen or self.settings.secret_keys:
            return 0
        self.vault.take(self.keys)
        self._keys_seen = mark
        log.info("the keys changed: key %s seals", self.vault.newest)
        return 1

    @property
    def token(self) -> str:
        """The bot's token; the caller has seen to it that there is one."""
        assert self.settings.bot_token is not None
        return self.settings.bot_token.get_secret_value()

    @property
    def webhook_secret(self) -> str:
        """What Telegram must send along with a webhook call."""
        return self.vault.derive("nobs/webhook/1").hex()


@dataclass(frozen=True)
class Outside:
    """
    What the handlers bring, made elsewhere so that nothing here knows them.

    Args:
        conversation: Handles updates.
        downloads: Hands over what people sent.
        tell_places: Tells people what became of an address.
        announce_webhook: Tells Telegram where to call; takes the address and the secret.
        set_menus: Sets the menus of people without a role.
        bot_name: The bot's username, for links into the chat.
        menu_for: The commands that somebody with some roles is shown, in their language.
    """

    conversation: Conversation
    downloads: TelegramFiles
    tell_places: Tell
    announce_webhook: Callable[[str, str], Awaitable[None]]
    set_menus: Callable[[], Awaitable[None]]
    bot_name: str
    menu_for: MenuFor


class App:
    """
    One process.

    Args:
        foundation: Database, files, texts and the like.
        outside: The handlers' side.
        parts: What this process does.
        geocoder: In place of the one that the settings name.
    """

    def __init__(
        self,
        foundation: Foundation,
        outside: Outside,
        *,
        parts: frozenset[Part] = ALL_PARTS,
        geocoder: Geocoder | None = None,
    ) -> None:
        settings = foundation.settings
        self.foundation = foundation
        self.parts = parts
        self._outside = outside
        self._geocoder = geocoder or _geocoder(foundation)
        self.pump = Pump(foundation.office, outside.conversation)
        self._polling = Election(foundation.office, "polling")
        self._sending = Election(foundation.office, "sending")
        self.sender = Sender(
            foundation.office,
            foundation.token,
            settings.bot_api_url,
            foundation.gallery,
            per_second=settings.sends_per_second,
            election=self._sending,
        )
        self.checker = StreamChecker(
            allowed_networks=settings.allowed_networks, at_once=settings.checks_at_once
        )
        self.checks = CheckRunner(
            foundation.office,
            foundation.files,
            self.checker,
            at_once=settings.checks_at_once,
            then=self._look_for_drift,
        )
        self.health = HealthRounds(
            foundation.office, partial(take_pulse, allowed_networks=settings.allowed_networks)
        )
        self.surveyor = Surveyor(
            self.checker.children,
            settings.district_name,
            settings.data_dir,
            heading_error_deg=settings.heading_error_deg,
            position_error_m=settings.position_error_m,
        )
        self.live = LiveStreams(self.checker, server=_media_server(settings))
        self.tallier = Tallier(foundation.office, cameras_in_all, COUNTINGS)
        self.departures = Departures(foundation.office)
        self.looker = Looker(self.checker.children, foundation.files)
        self.readiness = Readiness(foundation.database, has_tables)
        self.metrics = MetricsSite(foundation.office, self.readiness, "+".join(sorted(parts)))
        self.site = Site(
            foundation.office,
            self.pump.receive,
            foundation.webhook_secret,
            foundation.files,
            EvidencePages(foundation.office, foundation.files).routes(),
            bot_name=outside.bot_name,
            centre=self._centre(),
            readiness=self.readiness,
        )
        self.port: int | None = None
        self.metrics_port: int | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def _centre(self) -> Centre | None:
        found = self.foundation
        pages = found.settings.pages
        if pages is None:
            return None
        means = CentreMeans(
            found.office,
            found.files,
            found.areas,
            found.base,
            found.gallery,
            self.surveyor,
            self.live,
            self._geocoder,
            self._outside.bot_name,
            self._outside.menu_for,
        )
        return command_centre(means, pages)

    async def start(self) -> None:
        """Start every part; returns when they run."""
        if self.foundation.database.is_sqlite:
            # the one process there is has just begun: whoever held a lease is dead
            async with self.foundation.office.work() as work:
                await release_all(work, LEASED)
        await self._erase_who_left()
        self._loop("keys", self.foundation.keep_keys, idle_s=KEYS_LOOKED_AT_EVERY_S)
        settings = self.foundation.settings
        if settings.metrics_port is not None:
            self.metrics_port = await self.metrics.start(
                settings.metrics_host, settings.metrics_port
            )
        if Part.CONSOLE in self.parts:
            self.port = await self.site.start(settings.listen_host, settings.listen_port)
            self._spawn("console", _stay())
        if Part.BOT in self.parts:
            await self._start_bot()
        if Part.WORKER in self.parts:
            await self._start_worker()

    async def _start_bot(self) -> None:
        settings = self.foundation.settings
        self._spawn("inbox", self.pump.run())
        if settings.webhook_url:
            announce = partial(
                self._outside.announce_webhook,
                settings.webhook_url + WEBHOOK_PATH,
                self.foundation.webhook_secret,
            )
            self._spawn("webhook", _tell_telegram("webhook", announce))
        else:
            poller = Poller(self.pump, self.foundation.token, settings.bot_api_url, self._polling)
            self._spawn("election of the poller", self._polling.stand())
            self._spawn("polling", poller.run())
        menus = _tell_telegram("menus", self._outside.set_menus, first_s=_OTHERS_FIRST_S)
        self._spawn("menus", menus)

    async def _start_worker(self) -> None:
        await self.checker.start()
        self._spawn("election of the sender", self._sending.stand())
        self._spawn("outbox", self.sender.run())
        self._loop("checks", self.checks.start_due, idle_s=0.2)
        self._loop("health", self.health.start_due, idle_s=0.5)
        self._loop("photos", self._when_due(Photo, self._fetch_photos), idle_s=0.5)
        self._loop("clips", self._when_due(Clip, self._fetch_clips), idle_s=0.5)
        self._loop("news", self._when_due(FootageRequest, self._tell_news), idle_s=0.5)
        self._loop("reminders", self._when_due(Ask, self._remind), idle_s=5)
        self._loop("clips read anew", self._when_due(Clip, self._verify_clips), idle_s=30)
        self._loop("evidence", self._when_due(EvidenceOrder, self._carry_out), idle_s=0.5)
        self._loop("uploads", self._when_due(Upload, self._give_up), idle_s=30)
        self._loop("coverage", self._when_due(CoverageOrder, self._survey), idle_s=0.5)
        self._loop("coverage figures", self._keep_figures, idle_s=600, first_s=_CALM_AFTER_S)
        self._loop("turns", self._when_due(Turn, self._verify_turns), idle_s=0.5)
        self._loop("live views", self._when_due(LiveView, self._end_lost), idle_s=1)
        self._loop("doomed files", self._when_due(DoomedFile, self._remove_files), idle_s=2)
        self._loop("upkeep", self._keep_up, idle_s=60)
        self._loop("departures", self.departures.keep, idle_s=10)
        self._loop("tallies", self.tallier.count_due, idle_s=30)
        self._loop("look-ups", self._tell_of_lookups, idle_s=300)
        self._loop("audit seals", self._seal, idle_s=1)
        if self._geocoder:
            self._loop("addresses", self._when_due(AddressLookup, self._look_up), idle_s=0.5)

    async def _erase_who_left(self) -> None:
        """
        Before anybody is answered whom a restore has brought back; waits for the database.

        Raises:
            CannotStart: the list of who left cannot be read.
        """
        for attempt in count(1):
            try:
                await self.departures.erase_again()
            except AWAY as exc:
                log.warning("who left is looked for once the database answers: %s", type(exc))
                await asyncio.sleep(backoff(attempt, first_s=1, most_s=30).total_seconds())
            except OSError as exc:
                raise CannotStart(
                    f"The list of who left, {self.departures.list.path}, cannot be read "
                    f"({exc.strerror}). Give it to the user that runs this, as mode 600."
                ) from None
            else:
                return

    async def run(self) -> None:
        """
        Start, and go on until cancelled or until a part breaks off.

        Raises:
            CannotStart: a part cannot do its work with these settings.
        """
        try:
            await self.start()
            # a console alone has no tasks, and serves until it is told to stop
            await asyncio.gather(asyncio.Event().wait(), *self._tasks)
        finally:
            await self.stop()

    async def drain(self) -> None:
        """Be no longer ready, and serve on for as long as others need to notice."""
        self.readiness.is_draining = True
        await asyncio.sleep(self.foundation.settings.drain_seconds)

    async def stop(self) -> None:
        """End every part; what is under way is finished or left to be taken up again."""
        if Part.CONSOLE in self.parts:
            await self.site.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if Part.WORKER in self.parts:
            await self.checks.stop()
            await self.health.stop()
        await self.metrics.stop()
        # the console asks the survey and shows live pictures, and so may have children of its own
        await self.surveyor.close()
        await self.checker.close()
        await self.foundation.database.close()

    def _spawn(self, name: str, running: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(running, name=name))

    def _loop(
        self,
        name: str,
        work_off: Callable[[], Awaitable[int]],
        *,
        idle_s: float,
        first_s: float = _OTHERS_FIRST_S,
    ) -> None:
        meter = self.foundation.office.meter
        self._spawn(name, keep_at(name, work_off, idle_s=idle_s, first_s=first_s, meter=meter))

    def _when_due(
        self, kind: type[Job], work_off: Callable[[], Awaitable[int]]
    ) -> Callable[[], Awaitable[int]]:
        async def looked_first() -> int:
            return await work_off() if await is_due(self.foundation.office, kind) else 0

        return looked_first

    async def _fetch_photos(self) -> int:
        found = self.foundation
        downloads = self._outside.downloads
        return await fetch_photos(found.office, found.files, downloads, self._read_codes)

    async def _read_codes(self, picture: bytes) -> list[str] | None:
        return await read_codes_in_child(self.checker.children, picture)

    async def _fetch_clips(self) -> int:
        found = self.foundation
        return await fetch_clips(found.office, found.files, self._outside.downloads, self.looker)

    async def _verify_clips(self) -> int:
        return await verify_clips(self.foundation.office, self.foundation.files)

    async def _carry_out(self) -> int:
        return await carry_out(self.foundation.office, self.foundation.files, self.looker)

    async def _survey(self) -> int:
        found = self.foundation
        downloads = self._outside.downloads
        means = Means(found.office, found.files, self.surveyor, found.areas, downloads)
        return await reckon(means)

    async def _keep_figures(self) -> int:
        found = self.foundation
        return await keep_weekly(found.office, self.surveyor, found.areas.district.code)

    async def _verify_turns(self) -> int:
        found = self.foundation
        return await verify_turns(found.office, found.files, self.checker.children, self.surveyor)

    async def _look_for_drift(self, check: Check, report: CheckReport) -> Keep:
        found = self.foundation
        drift = await drift_of(found.office, found.files, self._compare, check, report)

        async def keep(work: Work, camera: Camera, current: Check) -> None:
            await note_drift(work, camera, current, drift)

        return keep

    async def _compare(self, before: bytes, after: bytes, width_deg: float) -> Comparison:
        return await compare_in_child(self.checker.children, before, after, width_deg)

    async def _end_lost(self) -> int:
        async with self.foundation.office.work() as work:
            return await end_lost(work)

    async def _tell_news(self) -> int:
        return await tell_news(self.foundation.office)

    async def _remind(self) -> int:
        return await remind_owners(self.foundation.office)

    async def _give_up(self) -> int:
        return await give_up(self.foundation.office)

    async def _remove_files(self) -> int:
        return await remove_doomed(self.foundation.office, self.foundation.files, wanted_files)

    async def _look_up(self) -> int:
        assert self._geocoder is not None
        return await run_lookups(self.foundation.office, self._geocoder, self._outside.tell_places)

    async def _seal(self) -> int:
        return await seal_lines(self.foundation.office)

    async def _tell_of_lookups(self) -> int:
        return await tell_of_lookups(self.foundation.office)

    async def _keep_up(self) -> int:
        async with self.foundation.office.work() as work:
            return await keep_up(work)


async def _stay() -> None:
    """A server works by being called; without a task of its own the console alone would end."""
    await asyncio.Event().wait()


async def _tell_telegram(
    what: str, tell: Callable[[], Awaitable[None]], *, first_s: float = 0.0
) -> None:
    """As often as it takes; then this part has done its work."""
    await asyncio.sleep(first_s)
    for attempt in count(1):
        try:
            await tell()
        except Exception:
            log.exception("Telegram could not be told of the %s", what)
            await asyncio.sleep(backoff(attempt, first_s=1, most_s=30).total_seconds())
        else:
            return


def _media_server(settings: Settings) -> MediaServer | None:
    if not settings.media_server:
        return None
    make = Make(settings.media_server)
    try:
        return MediaServer(make, settings.media_server_api, settings.media_server_rtsp)
    except ValueError as exc:
        raise CannotStart(f"MEDIA_SERVER_API, MEDIA_SERVER_RTSP: {exc}.") from None


def _geocoder(foundation: Foundation) -> Geocoder | None:
    settings = foundation.settings
    if settings.geocoder_url is None:
        return None
    # geopy brings 7 MB along, which an installation without a geocoder need not carry
    from nobs_bot.places.nominatim import NominatimGeocoder

    return NominatimGeocoder(
        settings.geocoder_url, settings.geocoder_user_agent, foundation.areas.bounds
    )
