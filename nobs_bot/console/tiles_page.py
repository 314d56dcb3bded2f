"""The tiles of a district's own base map, for the map of the command centre."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from nobs_bot.console.gate import allow
from nobs_bot.console.map_page import OFFICERS
from nobs_bot.places.tiles import Tiles

_PATH = r"/peta/ubin/{z:\d{1,2}}/{x:\d{1,8}}/{y:\d{1,8}}"


class TilesPage:
    """Hands tiles out, where there is an archive."""

    def __init__(self, tiles: Tiles | None) -> None:
        self._tiles = tiles

    def routes(self) -> list[web.RouteDef]:
        """One, for all tiles."""
        return [web.get(_PATH, self._tile)]

    @allow(*OFFICERS, is_activity=False)
    async def _tile(self, request: web.Request) -> web.Response:
        z, x, y = (int(request.match_info[name]) for name in "zxy")
        tile = await asyncio.to_thread(self._tiles.tile, z, x, y) if self._tiles else None
        if tile is None:
            return web.Response(status=204)
        headers = {"Cache-Control": "private, max-age=86400"}
        if tile.is_packed:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=tile.body, content_type=tile.media_type, headers=headers)


def about(tiles: Tiles | None) -> str:
    """What the map's script has to know, as JSON; empty where there is no archive."""
    if tiles is None:
        return ""
    return json.dumps(
        {
            "vector": tiles.is_vector,
            "min": tiles.min_zoom,
            "max": tiles.max_zoom,
            "layers": tiles.layers,
            "attribution": tiles.attribution,
        }
    )
