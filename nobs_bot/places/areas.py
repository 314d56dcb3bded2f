"""The district and its areas: which kelurahan holds a point, without asking anybody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from shapely import STRtree
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from nobs_bot.places.geodesy import distance_m
from nobs_bot.places.layers import Layer, ground_file

KELURAHAN_FILE = Path(__file__).parent / "data" / "kelurahan.geojson"


@dataclass(frozen=True)
class Area:
    """
    A kelurahan, a kecamatan or the district.

    Args:
        code: Kemendagri's dotted code; a longer code lies inside the shorter one it begins with.
        name: As people say it.
        parent: Name of the kecamatan of a kelurahan; empty otherwise.
    """

    code: str
    name: str
    parent: str = ""

    def __str__(self) -> str:
        return f"{self.name}, {self.parent}" if self.parent else self.name


class Areas:
    """
    The areas of one district.

    Args:
        kelurahan: Each with its boundary in (lon, lat) degrees, WGS 84.
        district_name: Name of the whole.
    """

    def __init__(self, kelurahan: Sequence[tuple[Area, BaseGeometry]], district_name: str) -> None:
        self._kelurahan = [area for area, _ in kelurahan]
        self.boundaries = [boundary for _, boundary in kelurahan]
        self._tree = STRtree(self.boundaries)
        district = Area(_head(self._kelurahan[0].code, 2), district_name)
        kecamatan = {
            code: Area(code, area.parent)
            for area in self._kelurahan
            if (code := _head(area.code, 3))
        }
        self.district = district
        self._by_code = {
            area.code: area for area in (district, *kecamatan.values(), *self._kelurahan)
        }

    @property
    def kelurahan_codes(self) -> tuple[str, ...]:
        """The codes of the kelurahan, in the order of their boundaries."""
        return tuple(area.code for area in self._kelurahan)

    def locate(self, lat: float, lon: float) -> Area | None:
        """The kelurahan that holds a point; None outside the district."""
        found = self._tree.query(Point(lon, lat), predicate="intersects")
        return self._kelurahan[int(found[0])] if len(found) else None

    def circle(self, code: str) -> tuple[float, float, float]:
        """(lat, lon, radius in metres) of a circle that holds an area."""
        bounds = [
            boundary.bounds
            for area, boundary in zip(self._kelurahan, self.boundaries, strict=True)
            if area.code == code or area.code.startswith(f"{code}.")
        ]
        west, south = min(each[0] for each in bounds), min(each[1] for each in bounds)
        east, north = max(each[2] for each in bounds), max(each[3] for each in bounds)
        lat, lon = (south + north) / 2, (west + east) / 2
        return lat, lon, distance_m(lat, lon, north, east)

    def get(self, code: str) -> Area | None:
        """The area of this code."""
        return self._by_code.get(code)

    def all(self) -> list[Area]:
        """Every area, the larger ones first."""
        return list(self._by_code.values())

    def within(self, codes: Sequence[str]) -> tuple[Area, ...]:
        """The areas that lie inside one of these, themselves too, the larger ones first."""
        return self._within(tuple(codes))

    @lru_cache(maxsize=256)  # noqa: B019 - there is one register of areas as long as the process
    def _within(self, codes: tuple[str, ...]) -> tuple[Area, ...]:
        return tuple(
            area
            for area in self._by_code.values()
            if any(area.code == code or area.code.startswith(f"{code}.") for code in codes)
        )

    def below(self, code: str) -> list[Area]:
        """The areas right below one: the kecamatan of a district, the kelurahan of a kecamatan."""
        return list(self._below(code))

    @lru_cache(maxsize=256)  # noqa: B019 - as above
    def _below(self, code: str) -> list[Area]:
        parts = len(code.split(".")) + 1
        return sorted(
            (
                area
                for area in self._by_code.values()
                if area.code.startswith(f"{code}.") and len(area.code.split(".")) == parts
            ),
            key=lambda area: area.name,
        )

    def name(self, code: str | None) -> str:
        """What people call the area of this code."""
        area = self._by_code.get(code or "")
        return str(area) if area else (code or "")

    def find(self, words: str) -> Area | None:
        """The area of this name or code; where names repeat, the larger area."""
        wanted = words.strip().casefold()
        for area in self._by_code.values():
            if wanted in (area.code, area.name.casefold(), str(area).casefold()):
                return area
        return None

    @property
    def center(self) -> tuple[float, float]:
        """(lat, lon) of the district's middle, for what is said relative to it."""
        west, south, east, north = self.bounds
        return (south + north) / 2, (west + east) / 2

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees."""
        boxes = [boundary.bounds for boundary in self.boundaries]
        west, south = min(box[0] for box in boxes), min(box[1] for box in boxes)
        return west, south, max(box[2] for box in boxes), max(box[3] for box in boxes)


def load_areas(district_name: str, data_dir: Path | None = None) -> Areas:
    """
    The areas that were imported into *data_dir*, else West Jakarta's 56 kelurahan.

    Args:
        district_name: What the whole is called.
    """
    imported = ground_file(data_dir, Layer.AREAS) if data_dir else None
    path = imported or KELURAHAN_FILE
    collection = json.loads(path.read_text(encoding="utf-8"))
    kelurahan = [
        (
            Area(
                feature["properties"]["kode_kemendagri"],
                feature["properties"]["village"],
                feature["properties"]["district"],
            ),
            shape(feature["geometry"]),
        )
        for feature in collection["features"]
    ]
    return Areas(kelurahan, district_name)


def _head(code: str, parts: int) -> str:
    return ".".join(code.split(".")[:parts])
