"""The command centre with all of its pages."""

from __future__ import annotations

from dataclasses import dataclass

from nobs_bot.console.api.pages import ApiPages
from nobs_bot.console.audit_page import AuditPage
from nobs_bot.console.camera_page import CameraPage
from nobs_bot.console.centre import Centre
from nobs_bot.console.clip_page import ClipPage
from nobs_bot.console.coverage_page import CoveragePage
from nobs_bot.console.health_page import HealthPage
from nobs_bot.console.live.pages import LivePages
from nobs_bot.console.map_page import MapPage
from nobs_bot.console.people_page import PeoplePage
from nobs_bot.console.progress_page import ProgressPage
from nobs_bot.console.queue_page import QueuePage
from nobs_bot.console.requests_page import RequestsPage
from nobs_bot.console.systems_page import SystemsPage
from nobs_bot.console.tiles_page import TilesPage
from nobs_bot.console.tiles_page import about as about_tiles
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.gallery import Gallery
from nobs_bot.coverage.surveyor import Surveyor
from nobs_bot.people.discharging import MenuFor
from nobs_bot.places.areas import Areas
from nobs_bot.places.finding import Finder
from nobs_bot.places.geocode import Geocoder
from nobs_bot.places.tiles import open_tiles
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.work import Office
from nobs_bot.streams.live import LiveStreams


@dataclass(frozen=True)
class Means:
    """
    What the pages are made with.

    Args:
        surveyor: Reckons what the cameras see and miss.
        live: Pictures of the cameras that are being watched.
        geocoder: Finds addresses; None where there is none.
        bot_name: The bot's username, for links into the chat.
        menu_for: What somebody with some roles is shown in the chat.
    """

    office: Office
    files: FileStore
    areas: Areas
    base: BaseMap
    gallery: Gallery
    surveyor: Surveyor
    live: LiveStreams
    geocoder: Geocoder | None
    bot_name: str
    menu_for: MenuFor


def command_centre(means: Means, pages: str) -> Centre:
    """
    The centre, open at an address.

    Args:
        pages: Where browsers reach us (see `Settings.pages`).
    """
    office, areas, base = means.office, means.areas, means.base
    centre = Centre(office, pages)
    gate, shell = centre.gate, centre.shell
    finder = Finder(office, areas, base.roads_named, means.geocoder)
    tiles = open_tiles(office.settings.data_dir)
    the_map = MapPage(
        office,
        gate,
        shell,
        areas,
        base,
        surveyor=means.surveyor,
        finder=finder,
        tiles=about_tiles(tiles),
    )
    centre.add(TilesPage(tiles))
    centre.add(the_map, close=the_map.close)
    centre.add(CameraPage(office, shell, areas))
    centre.add(QueuePage(office, shell, areas, means.gallery))
    centre.add(ApiPages(office, areas, gate.root))
    centre.add(SystemsPage(office, shell, areas))
    centre.add(LivePages(office, areas, means.live, gate, shell), close=means.live.close)
    centre.add(RequestsPage(office, shell, areas, base))
    centre.add(ClipPage(office, gate, shell, means.files))
    centre.add(CoveragePage(office, shell, areas, means.surveyor))
    centre.add(HealthPage(office, shell, areas))
    centre.add(ProgressPage(office, shell, areas))
    people = PeoplePage(office, shell, areas, bot_name=means.bot_name, menu_for=means.menu_for)
    centre.add(people)
    centre.add(AuditPage(office, shell, areas))
    return centre
