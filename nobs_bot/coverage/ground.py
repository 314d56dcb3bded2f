"""The ground that is to be seen: the roads of the district, in small pieces."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.plane import Floats, Ints, Plane
from nobs_bot.places.areas import Areas

Geometries = NDArray[np.object_]


@dataclass(frozen=True)
class Ground:
    """
    Pieces of road, each seen or missed as a whole.

    Args:
        points: Middles of the pieces, metres, shape (n, 2); those of a road follow one another.
        length_m: Their lengths, shape (n,).
        road: The index of their road's name, shape (n,).
        road_names: Empty for the roads that have none.
        area: The index of their kelurahan's code, shape (n,).
        area_codes: Codes of the kelurahan.
        plane: What the metres are relative to.
    """

    points: Floats
    length_m: Floats
    road: Ints
    road_names: tuple[str, ...]
    area: Ints
    area_codes: tuple[str, ...]
    plane: Plane


def road_ground(
    base: BaseMap,
    areas: Areas,
    step_m: float = 5.0,
    left_out: Collection[str] = (),
) -> Ground:
    """
    The roads of the district, cut at the borders of its kelurahan.

    Args:
        step_m: Most length of a piece.
        left_out: OSM's classes of roads that do not count.

    Returns:
        All of the roads' length within the district. A road exactly along the border of two
        kelurahan would be there for both; West Jakarta has none.

    Raises:
        ValueError: *step_m* is not positive.
    """
    if step_m <= 0:
        raise ValueError("step_m must be positive")
    plane = Plane(*areas.center)
    roads = [each for each in base.roads(*areas.bounds) if each.kind not in left_out]
    names, road = np.unique([each.name for each in roads], return_inverse=True)
    lines = np.array(
        [shapely.linestrings(plane.to_metres(each.points)) for each in roads], dtype=object
    )
    borders = shapely.transform(np.array(areas.boundaries), plane.to_metres)
    parts, road_of, area_of = _within(lines, borders)
    lengths = shapely.length(parts)
    pieces = np.ceil(lengths / step_m).astype(np.int64)
    of = np.repeat(np.arange(len(parts)), pieces)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    length_m = lengths[of] / pieces[of]
    middles = shapely.line_interpolate_point(parts[of], (nth + 0.5) * length_m)
    return Ground(
        points=shapely.get_coordinates(middles),
        length_m=length_m,
        road=road[road_of[of]].astype(np.int64),
        road_names=tuple(str(name) for name in names),
        area=area_of[of],
        area_codes=areas.kelurahan_codes,
        plane=plane,
    )


def _within(lines: Geometries, borders: Geometries) -> tuple[Geometries, Ints, Ints]:
    """The parts of the lines that lie within a border, of which line, and of which border."""
    line, border = STRtree(borders).query(lines, predicate="intersects")
    cut = shapely.intersection(lines[line], borders[border])
    parts, of = shapely.get_parts(cut, return_index=True)
    # a line that touches a border from outside leaves a point
    real = shapely.length(parts) > 0
    order = np.argsort(line[of[real]], kind="stable")
    kept = of[real][order]
    return parts[real][order], line[kept], border[kept]
