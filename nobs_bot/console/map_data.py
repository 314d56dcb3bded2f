"""What the map is drawn from, packed once for all officers who see the same."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from nobs_bot.cameras.atlas import Shown, Sight, columns, edition, shown
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.shown import ONCE_ON_MAPS_IN, let_owners_read
from nobs_bot.places.areas import Areas
from nobs_bot.storage.work import Office, Work

# as many different areas as officers look at side by side
_MOST_KEPT = 16
_PER_DEGREE = 100_000
# three metres, which no screen shows where whole borders are on it
_TOLERANCE_DEG = 0.00003
_TOLD_FOR = ONCE_ON_MAPS_IN - timedelta(days=1)


@dataclass(frozen=True)
class Packed:
    """An answer as it goes over the line: JSON in gzip, and the word by which it is known."""

    edition: str
    body: bytes


@dataclass(frozen=True)
class _Sheet:
    packed: Packed
    cameras: tuple[tuple[int, int], ...]


def pack(value: object) -> bytes:
    """JSON in gzip."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode(), 6)


class CameraSheets:
    """
    The cameras of each sight, packed anew when one of them has changed.

    Before an officer is given a sheet, the owners of the cameras on it can read that.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._sheets: OrderedDict[Sight, _Sheet] = OrderedDict()
        self._packing = asyncio.Lock()
        self._told: dict[int, tuple[datetime, set[int]]] = {}

    async def sheet(self, sight: Sight, officer_id: int, role: str | None) -> Packed:
        """The cameras that an officer may see."""
        async with self._office.look() as work:
            newest = await edition(work)
        found = self._sheets.get(sight)
        if found is None or found.packed.edition != newest:
            found = await self._pack(sight)
        self._sheets.move_to_end(sight)
        await self._tell(officer_id, role, found.cameras)
        return found.packed

    async def _pack(self, sight: Sight) -> _Sheet:
        async with self._packing:
            async with self._office.look() as work:
                newest = await edition(work)
                found = self._sheets.get(sight)
                if found is not None and found.packed.edition == newest:
                    return found
                cameras = await shown(work, sight)
            body = await asyncio.to_thread(_as_columns, newest, cameras)
            whose = tuple((each.camera_id, each.owner_id) for each in cameras)
            made = self._sheets[sight] = _Sheet(Packed(newest, body), whose)
            while len(self._sheets) > _MOST_KEPT:
                self._sheets.popitem(last=False)
            return made

    async def _tell(
        self, officer_id: int, role: str | None, cameras: tuple[tuple[int, int], ...]
    ) -> None:
        now = self._office.clock.now()
        since, known = self._told.get(officer_id, (now, set()))
        if now - since > _TOLD_FOR:
            since, known = now, set()
        fresh = [each for each in cameras if each[0] not in known]
        if fresh:
            async with self._office.work() as work:
                await let_owners_read(work, officer_id, role, fresh)
        self._told[officer_id] = since, known | {camera_id for camera_id, _ in fresh}

    async def tell_of(
        self, work: Work, officer_id: int, role: str | None, some: list[Shown]
    ) -> None:
        """The same for cameras that appear on a map that is open."""
        whose = [(each.camera_id, each.owner_id) for each in some]
        await let_owners_read(work, officer_id, role, whose)


def _as_columns(newest: str, cameras: list[Shown]) -> bytes:
    return pack({"edition": newest, "columns": columns(each.row for each in cameras)})


class Ground:
    """The base map's own layers, read once and kept packed."""

    def __init__(self, areas: Areas, base: BaseMap) -> None:
        self._areas = areas
        self._base = base
        self._packed: dict[str, Packed] = {}
        self._packing = asyncio.Lock()

    async def areas(self) -> Packed:
        """The kelurahan: code, name, kecamatan, a place for the name, outlines in steps."""
        return await self._once("areas", self._read_areas)

    async def roads(self) -> Packed:
        """The roads: class, name, points in steps."""
        return await self._once("roads", self._read_roads)

    async def _once(self, name: str, read: Callable[[], object]) -> Packed:
        async with self._packing:
            if name not in self._packed:
                body = await asyncio.to_thread(lambda: pack(read()))
                self._packed[name] = Packed(sha256(body).hexdigest()[:16], body)
            return self._packed[name]

    def _read_areas(self) -> object:
        areas = []
        codes = self._areas.kelurahan_codes
        for code, boundary in zip(codes, self._areas.boundaries, strict=True):
            area = self._areas.get(code)
            assert area is not None
            parts = getattr(boundary, "geoms", [boundary])
            rings = [_steps(part.simplify(_TOLERANCE_DEG).exterior.coords) for part in parts]
            middle = boundary.representative_point()
            label = [round(middle.x, 5), round(middle.y, 5)]
            areas.append(
                {"code": code, "name": area.name, "in": area.parent, "at": label, "rings": rings}
            )
        return {"areas": areas}

    def _read_roads(self) -> object:
        return [
            [each.kind, each.name, _steps(each.points)]
            for each in self._base.roads(*self._areas.bounds)
        ]


def _steps(points: Any) -> list[int]:
    """Longitude and latitude of the first point, then the step to each further one."""
    steps: list[int] = []
    x = y = 0
    for lon, lat, *_ in points:
        east, north = round(lon * _PER_DEGREE), round(lat * _PER_DEGREE)
        steps += (east - x, north - y)
        x, y = east, north
    return steps
