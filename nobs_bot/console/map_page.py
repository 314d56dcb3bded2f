"""The map: cameras with their cones, blind spots, hotspots, and who sees a place; kept up live."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from nobs_bot.cameras.atlas import KINDS, STATES, Shown, Sight, camera_numbered
from nobs_bot.cameras.atlas import edition as edition_of
from nobs_bot.console.feed import Feed, rows_for, send
from nobs_bot.console.gate import Gate, Officer, allow, officer
from nobs_bot.console.map_data import CameraSheets, Ground, Packed, pack
from nobs_bot.console.shell import Shell
from nobs_bot.console.static import asset_name
from nobs_bot.coverage import hotspots
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.shown import let_owners_read
from nobs_bot.coverage.stretches import KINDS as BLIND_KINDS
from nobs_bot.coverage.surveyor import PATIENCE_S, Surveyor, standing
from nobs_bot.coverage.watching import seeing
from nobs_bot.errors import ExternalError, Refusal
from nobs_bot.people.roles import Role, covers
from nobs_bot.places.areas import Areas
from nobs_bot.places.finding import Finder
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Office
from nobs_bot.texts import plain

log = logging.getLogger(__name__)

# who may know what is watched and what is not
OFFICERS = (Role.SUPERVISOR, Role.INVESTIGATOR, Role.REVIEWER, Role.FIELD_OFFICER)
# who sees cameras that wait for a decision
_BEFORE = (Role.SUPERVISOR, Role.REVIEWER)
_ASSURE_EVERY_S = 15.0
_BLIND_FOR = timedelta(minutes=5)
_NUMBER = re.compile(r"^[Kk]?[-\s]?(\d{1,9})$")
_MOST_QUERY_CHARACTERS = 120


def sight_of(me: Officer) -> Sight:
    """What an officer's map shows."""
    return Sight(tuple(me.areas(*OFFICERS)), tuple(me.areas(*_BEFORE)))


def role_on_maps(me: Officer) -> str | None:
    """In which role an officer looks at the map, for the log."""
    return next((role.value for role in OFFICERS if me.has(role)), None)


class MapPage:
    """
    Serves the map and all that is drawn on it.

    Args:
        surveyor: Reckons blind spots.
        finder: Finds places by their names.
        tiles: What the script has to know of a base map (see `tiles_page.about`).
    """

    def __init__(
        self,
        office: Office,
        gate: Gate,
        shell: Shell,
        areas: Areas,
        base: BaseMap,
        *,
        surveyor: Surveyor,
        finder: Finder,
        tiles: str = "",
    ) -> None:
        self._office = office
        self._gate = gate
        self._shell = shell
        self._areas = areas
        self._base = base
        self._surveyor = surveyor
        self._finder = finder
        self._tiles = tiles
        self._sheets = CameraSheets(office)
        self._ground = Ground(areas, base)
        self._feed = Feed(office)
        self._blind: dict[tuple[str, ...], tuple[datetime, Packed]] = {}

    def routes(self) -> list[web.RouteDef]:
        """The page, and what its script asks for."""
        return [
            web.get("/peta", self._page),
            web.get("/peta/dasar", self._base_layers),
            web.get("/peta/jalan", self._roads),
            web.get("/peta/kamera", self._cameras),
            web.get("/peta/rawan", self._hotspots),
            web.get("/peta/butaan", self._blind_spots),
            web.get("/peta/cari", self._search),
            web.get("/peta/siaran", self._live),
            web.post("/peta/tanah", self._who_sees),
        ]

    @allow(*OFFICERS)
    async def _page(self, request: web.Request) -> web.Response:
        me = officer(request)
        west, south, east, north = self._bounds(me)
        return self._shell.page(
            request,
            "map.html",
            library=f"{self._shell.root}/aset/{asset_name('vendor/maplibre/maplibre-gl.mjs')}",
            worker=f"{self._shell.root}/aset/{asset_name('vendor/maplibre/maplibre-gl-worker.mjs')}",
            bounds=json.dumps([west, south, east, north]),
            tiles=self._tiles,
            states=[each for each in STATES if each != "gone"],
            sees_before=me.has(*_BEFORE),
            kinds=[each.value for each in KINDS],
            script_words=_script_words(me),
        )

    def _bounds(self, me: Officer) -> tuple[float, float, float, float]:
        """(west, south, east, north) of the officer's areas, degrees."""
        areas = me.areas(*OFFICERS)
        boxes = [
            boundary.bounds
            for code, boundary in zip(
                self._areas.kelurahan_codes, self._areas.boundaries, strict=True
            )
            if any(covers(area, code) for area in areas)
        ] or [self._areas.bounds]
        west, south = min(box[0] for box in boxes), min(box[1] for box in boxes)
        return west, south, max(box[2] for box in boxes), max(box[3] for box in boxes)

    @allow(*OFFICERS)
    async def _base_layers(self, request: web.Request) -> web.Response:
        return _answer(request, await self._ground.areas())

    @allow(*OFFICERS)
    async def _roads(self, request: web.Request) -> web.Response:
        return _answer(request, await self._ground.roads())

    @allow(*OFFICERS, is_activity=False)
    async def _cameras(self, request: web.Request) -> web.Response:
        me = officer(request)
        sheet = await self._sheets.sheet(sight_of(me), me.person_id, role_on_maps(me))
        return _unkept(sheet)

    @allow(*OFFICERS)
    async def _hotspots(self, request: web.Request) -> web.Response:
        me = officer(request)
        known = me.areas(*OFFICERS)
        async with self._office.look() as work:
            found = [
                {
                    "name": each.name,
                    "kind": me.words(f"hotspot.kind.{each.kind}"),
                    "at": [each.lon, each.lat],
                    "radius": each.radius_m,
                    "weight": each.weight,
                    "hours": str(each.hours),
                }
                for each in await hotspots.current(work, known)
            ]
        return web.json_response(found)

    @allow(*OFFICERS)
    async def _blind_spots(self, request: web.Request) -> web.Response:
        """What the survey says is missed, reckoned anew every five minutes at the most."""
        me = officer(request)
        known, now = tuple(me.areas(*OFFICERS)), self._office.clock.now()
        kept = self._blind.get(known)
        if kept is None or now - kept[0] > _BLIND_FOR:
            async with self._office.look() as work:
                stand = await standing(work)
            try:
                said = await self._surveyor.ask(
                    "blind", stand, patience_s=PATIENCE_S, areas=list(known)
                )
            except ExternalError:
                raise Refusal("coverage.not_now") from None
            body = await asyncio.to_thread(pack, said | {"kinds": BLIND_KINDS})
            kept = self._blind[known] = now, Packed(f"{now:%H%M%S}-{len(body)}", body)
        return _unkept(kept[1])

    @allow(*OFFICERS)
    async def _search(self, request: web.Request) -> web.Response:
        """Places by a camera's number, an area's name, a road's, coordinates, or an address."""
        me = officer(request)
        query = request.query.get("q", "").strip()[:_MOST_QUERY_CHARACTERS]
        found: list[dict[str, Any]] = []
        number = _NUMBER.match(query)
        if number:
            found = await self._camera_at(me, int(number.group(1)))
        if not found and len(query) >= 2:
            places = await self._finder.find(query)
            found = [
                {"label": each.label, "at": [each.lon, each.lat], "radius": each.radius_m}
                for each in places
            ]
        return web.json_response(found)

    async def _camera_at(self, me: Officer, number: int) -> list[dict[str, Any]]:
        async with self._office.work() as work:
            camera = await camera_numbered(work, number, sight_of(me))
            if camera is None:
                return []
            found = [(camera.id, camera.owner_id)]
            await let_owners_read(work, me.person_id, role_on_maps(me), found)
        label = f"{camera.name} · {self._areas.name(camera.area_code)}"
        return [
            {"label": label, "at": [camera.lon, camera.lat], "radius": 60, "camera": camera.number}
        ]

    @allow(*OFFICERS)
    async def _who_sees(self, request: web.Request) -> web.Response:
        """Which cameras of the officer's areas look at a place; their owners can read that."""
        me = officer(request)
        lat, lon = _place(await request.post())
        area = self._areas.locate(lat, lon)
        if area is None:
            raise Refusal("hotspot.outside")
        if not me.may_at(area.code, *OFFICERS):
            raise Refusal("roles.not_here")
        async with self._office.work() as work:
            cameras = [
                each
                for each in await seeing(work, lat, lon)
                if me.may_at(each.area_code, *OFFICERS)
            ]
            role = role_on_maps(me)
            record(
                work,
                Act.GROUND_ASKED,
                actor_id=me.person_id,
                actor_role=role,
                lat=lat,
                lon=lon,
                cameras=len(cameras),
            )
            for each in cameras:
                if each.owner_id != me.person_id:
                    record(
                        work,
                        Act.GROUND_ASKED,
                        actor_id=me.person_id,
                        actor_role=role,
                        owner_id=each.owner_id,
                        camera_id=each.id,
                    )
            numbers = [each.number for each in cameras]
        road = await asyncio.to_thread(self._base.nearest_road, lat, lon)
        where = f"{road}, {area}" if road else str(area)
        head = me.words.plural("console.seen_by", len(numbers))
        return web.json_response({"cameras": numbers, "told": plain(head), "where": where})

    @allow(*OFFICERS, is_activity=False)
    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Changes as they come, until the page goes or the officer may see it no more."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        async with self._feed.listen() as queue:
            await response.prepare(request)
            try:
                await self._tell_changes(request, response, queue)
            except ConnectionError:
                log.debug("a map was closed")
            except Exception:
                # the answer has begun, so no page can be shown in its place; the map asks again
                log.exception("a map's changes broke off")
        return response

    async def _tell_changes(
        self, request: web.Request, response: web.StreamResponse, queue: asyncio.Queue[Any]
    ) -> None:
        async with self._office.look() as work:
            await send(response, "edition", await edition_of(work))
        loop = asyncio.get_running_loop()
        assured_at = loop.time()
        while not self._feed.is_over:
            if loop.time() - assured_at >= _ASSURE_EVERY_S:
                if not await self._gate.is_same(request):
                    await send(response, "over", None)
                    return
                # a line that broke is found out by writing
                await response.write(b": still here\n\n")
                assured_at = loop.time()
            try:
                async with asyncio.timeout_at(assured_at + _ASSURE_EVERY_S):
                    changes = await queue.get()
            except TimeoutError:
                continue
            if changes is None:
                await send(response, "anew", None)
            else:
                await self._tell(officer(request), response, changes)

    async def _tell(self, me: Officer, response: web.StreamResponse, changes: list[Shown]) -> None:
        sight = sight_of(me)
        told = rows_for(sight, changes)
        on_map = [each for each in told if sight.holds(each.area_code, each.state)]
        if on_map:
            async with self._office.work() as work:
                await self._sheets.tell_of(work, me.person_id, role_on_maps(me), on_map)
        if told:
            await send(response, "cameras", [each.row for each in told])

    async def close(self) -> None:
        """Let everybody go who listens."""
        await self._feed.end()


def _place(form: Any) -> tuple[float, float]:
    try:
        lat, lon = float(form["lat"]), float(form["lon"])
    except (KeyError, ValueError):
        raise Refusal("coverage.point_unclear") from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise Refusal("coverage.point_unclear")
    return lat, lon


def _unkept(packed: Packed) -> web.Response:
    """What another officer at this browser, or this one without the role, must not find there."""
    headers = {"Cache-Control": "no-store", "Content-Encoding": "gzip"}
    return web.Response(body=packed.body, content_type="application/json", headers=headers)


def _answer(request: web.Request, packed: Packed) -> web.Response:
    etag = f'"{packed.edition}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=packed.body,
        content_type="application/json",
        headers=headers | {"Content-Encoding": "gzip"},
    )


def _script_words(me: Officer) -> str:
    words = me.words
    said = {
        "title": words("console.map.title"),
        "zoom_in": words("console.map.zoom_in"),
        "zoom_out": words("console.map.zoom_out"),
        "sources": words("console.map.sources"),
        "live": words("console.map.live"),
        "cut": words("console.map.cut"),
        "of": words("console.map.of", count="{count}", all="{all}"),
        "nothing_found": words("console.map.nothing_found"),
        "nothing_here": words("console.map.nothing_here"),
        "closer": words("console.map.closer"),
        "no_map": words("console.map.no_map"),
        "reckoning": words("console.map.reckoning"),
        "upper_bound": words("console.map.upper_bound"),
        "missed": words("coverage.legend.missed"),
        "partly": words("coverage.legend.partly"),
        "urgent": words("coverage.legend.urgent"),
        "language": words.language,
    }
    return json.dumps({key: plain(each) for key, each in said.items()})
