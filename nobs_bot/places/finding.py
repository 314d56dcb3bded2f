"""Finding places by what people call them: areas, roads, coordinates, addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.places.areas import Areas
from nobs_bot.places.geocode import Geocoder, places_of
from nobs_bot.places.reading import read_location
from nobs_bot.storage.work import Office

MOST = 8
_POINT_M = 80.0
_PATIENCE_S = 8.0

# names of roads that hold some words, each with (lat, lon) of its middle
RoadsNamed = Callable[[str], list[tuple[str, float, float]]]


@dataclass(frozen=True)
class Place:
    """A place, and about how far it reaches from its middle, metres."""

    label: str
    lat: float
    lon: float
    radius_m: float


class Finder:
    """
    Finds places, the most certain first.

    Args:
        roads: The base map's.
        geocoder: Asked for addresses where nothing of ours fits; None where there is none.
    """

    def __init__(
        self, office: Office, areas: Areas, roads: RoadsNamed, geocoder: Geocoder | None = None
    ) -> None:
        self._office = office
        self._areas = areas
        self._roads = roads
        self._geocoder = geocoder

    async def find(self, query: str) -> list[Place]:
        """Up to eight places; none where nothing fits, or a link carries no place."""
        try:
            point = read_location(query, self._areas)
        except Refusal:
            return []
        if point is not None:
            return [Place(f"{point.lat:.5f}, {point.lon:.5f}", point.lat, point.lon, _POINT_M)]
        found = self._areas_named(query)
        roads = await asyncio.to_thread(self._roads, query)
        found += [
            Place(f"{name} · {self._areas.locate(lat, lon) or ''}".strip(" ·"), lat, lon, 200.0)
            for name, lat, lon in roads
        ]
        if not found and self._geocoder is not None:
            found = await self._addresses(self._geocoder, query)
        return found[:MOST]

    def _areas_named(self, query: str) -> list[Place]:
        wanted = query.casefold()
        found = [each for each in self._areas.all() if wanted in str(each).casefold()]
        # the name that begins so, and the larger area, come first
        found.sort(key=lambda each: (not each.name.casefold().startswith(wanted), len(each.code)))
        return [Place(str(each), *self._areas.circle(each.code)) for each in found]

    async def _addresses(self, geocoder: Geocoder, query: str) -> list[Place]:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found = await places_of(self._office, geocoder, query)
        except (ExternalError, TimeoutError):
            return []
        return [Place(label, lat, lon, _POINT_M) for label, lat, lon in found]
