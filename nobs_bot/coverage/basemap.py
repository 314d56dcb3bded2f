"""The base map's roads, buildings and boundaries, read once and cut to what a picture shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely import Point, Polygon, STRtree, box, distance
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from nobs_bot.places.areas import Areas
from nobs_bot.places.layers import Layer, ground_file

DATA = Path(__file__).parent.parent / "places" / "data"

Line = NDArray[np.float64]


@dataclass(frozen=True)
class Road:
    """A road: OSM's class, its name (may be empty), and its points as (lon, lat) degrees."""

    kind: str
    name: str
    points: Line


class BaseMap:
    """
    What lies under the cameras.

    Args:
        areas: The district, for its boundaries.
        data_dir: Where imported roads and buildings may lie; else those that come along are taken.
    """

    def __init__(self, areas: Areas, data_dir: Path | None = None) -> None:
        self._boundaries = areas.boundaries
        self._data_dir = data_dir

    @cached_property
    def _roads(self) -> tuple[list[Road], STRtree]:
        return _roads_in(*self._file(Layer.ROADS))

    @cached_property
    def _buildings(self) -> tuple[list[Line], STRtree]:
        return _buildings_in(*self._file(Layer.BUILDINGS))

    def _file(self, layer: Layer) -> tuple[Path, int]:
        """The layer's file and when it was written, nanoseconds."""
        imported = ground_file(self._data_dir, layer) if self._data_dir else None
        path = imported or DATA / f"{layer}.geojson"
        return path, path.stat().st_mtime_ns

    @cached_property
    def boundary_rings(self) -> list[Line]:
        """Outlines of the kelurahan, (lon, lat) degrees."""
        return [
            np.asarray(polygon.exterior.coords)
            for boundary in self._boundaries
            for polygon in _polygons(boundary)
        ]

    def roads(self, west: float, south: float, east: float, north: float) -> list[Road]:
        """The roads that touch a box, degrees."""
        roads, tree = self._roads
        return [roads[int(at)] for at in tree.query(box(west, south, east, north))]

    def nearest_road(self, lat: float, lon: float, within_m: float = 60.0) -> str:
        """Name of the nearest road that has one; empty where none is so near."""
        roads, tree = self._roads
        here, reach = Point(lon, lat), within_m / 110_574
        near = [int(at) for at in tree.query(here.buffer(reach))]
        named = [at for at in near if roads[at].name]
        if not named:
            return ""
        nearest = min(named, key=lambda at: float(distance(tree.geometries[at], here)))
        return roads[nearest].name

    def roads_named(self, words: str) -> list[tuple[str, float, float]]:
        """(name, lat, lon) of roads whose name holds some words, at the middle of one piece."""
        wanted, found = words.casefold(), {}
        for road in self._roads[0]:
            if wanted in road.name.casefold() and road.name not in found:
                lon, lat = road.points[len(road.points) // 2]
                found[road.name] = road.name, float(lat), float(lon)
        return sorted(found.values(), key=lambda each: (len(each[0]), each[0]))

    def buildings(self, west: float, south: float, east: float, north: float) -> list[Line]:
        """Outlines of the buildings that touch a box, degrees."""
        rings, tree = self._buildings
        return [rings[int(at)] for at in tree.query(box(west, south, east, north))]


# reading takes a quarter of a second, and all maps of a process show the same
@lru_cache(maxsize=2)
def _roads_in(path: Path, written_ns: int) -> tuple[list[Road], STRtree]:
    roads, shapes = [], []
    for feature in _features(path):
        geometry = shape(feature["geometry"])
        about = feature["properties"]
        for line in getattr(geometry, "geoms", [geometry]):
            points = np.asarray(line.coords)
            roads.append(Road(about.get("highway", ""), about.get("name", ""), points))
            shapes.append(line)
    return roads, STRtree(shapes)


@lru_cache(maxsize=2)
def _buildings_in(path: Path, written_ns: int) -> tuple[list[Line], STRtree]:
    shapes = [
        polygon for feature in _features(path) for polygon in _polygons(shape(feature["geometry"]))
    ]
    return [np.asarray(each.exterior.coords) for each in shapes], STRtree(shapes)


def _features(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["features"]


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    return list(getattr(geometry, "geoms", [geometry]))
