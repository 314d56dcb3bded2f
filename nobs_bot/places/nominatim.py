"""A Nominatim server, asked through geopy."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from geopy.exc import GeocoderServiceError, GeopyError
from geopy.geocoders import Nominatim

from nobs_bot.errors import ExternalError


class NominatimGeocoder:
    """
    A Nominatim server through geopy, at most one request a second.

    Args:
        url: The server's address.
        user_agent: How we name ourselves, as its usage policy asks.
        bounds: (west, south, east, north) to prefer, degrees.
    """

    def __init__(
        self, url: str, user_agent: str, bounds: tuple[float, float, float, float]
    ) -> None:
        parts = urlsplit(url)
        self._nominatim = Nominatim(
            domain=parts.netloc + parts.path, scheme=parts.scheme, user_agent=user_agent, timeout=10
        )
        west, south, east, north = bounds
        self._viewbox = [(south, west), (north, east)]
        self._pace = asyncio.Lock()

    async def find(self, query: str) -> list[tuple[str, float, float]]:
        async with self._pace:
            found = await asyncio.to_thread(self._ask, query)
            await asyncio.sleep(1)
        return [(str(each.address), each.latitude, each.longitude) for each in found][:3]

    def _ask(self, query: str) -> list[Any]:
        try:
            return (
                self._nominatim.geocode(
                    query, exactly_one=False, limit=3, viewbox=self._viewbox, country_codes="id"
                )
                or []
            )
        except GeocoderServiceError as exc:
            raise ExternalError(type(exc).__name__) from exc
        except GeopyError as exc:
            raise ExternalError(type(exc).__name__, permanent=True) from exc
