"""
Cameras for other maps: GeoJSON with OpenStreetMap's keys, CSV, GeoPackage.

Where they hang and look, and nothing of whose they are. The width of the view has a key of our own:
OpenStreetMap's `camera:angle` is the down-tilt.

Source: https://wiki.openstreetmap.org/wiki/Tag:man_made%3Dsurveillance
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from sqlalchemy import select

from nobs_bot.cameras.record import Camera, State, Width
from nobs_bot.people.roles import covers
from nobs_bot.storage.audit import Act, record_seen
from nobs_bot.storage.work import Work

_POINTS = {
    name: 22.5 * at
    for at, name in enumerate(
        [
            "N",
            "NNE",
            "NE",
            "ENE",
            "E",
            "ESE",
            "SE",
            "SSE",
            "S",
            "SSW",
            "SW",
            "WSW",
            "W",
            "WNW",
            "NW",
            "NNW",
        ],
    )
}
_DEGREES = re.compile(r"\d{1,3}(?:\.\d+)?")
_AT_ONCE = 500

Direction = float | tuple[float, float]


class CannotExport(Exception):  # noqa: N818 - read by the operator as a sentence
    """The file cannot be written; the message says why and what to do."""


def read_direction(text: str) -> list[Direction]:
    """
    What `camera:direction` says, in all its forms.

    Returns:
        Degrees clockwise from north, or (from, to) of a clockwise range; several where parted
        by `;`.

    Raises:
        ValueError: it is none of these.
    """
    return [_read_one(part.strip()) for part in text.split(";")]


def _read_one(text: str) -> Direction:
    first, dash, last = text.partition("-")
    if dash:
        return _read_point(first), _read_point(last)
    return _read_point(text)


def _read_point(text: str) -> float:
    clean = text.strip().upper().removesuffix("°")
    if clean in _POINTS:
        return _POINTS[clean]
    if not _DEGREES.fullmatch(clean) or float(clean) > 360:
        raise ValueError(f"no direction: {text!r}")
    return float(clean) % 360


def write_direction(directions: Sequence[Direction]) -> str:
    """As `camera:direction` has it; `read_direction` reads the same back."""
    return ";".join(
        f"{each[0]:g}-{each[1]:g}" if isinstance(each, tuple) else f"{each:g}"
        for each in directions
    )


def tags(camera: Camera) -> dict[str, Any]:
    """A camera in OpenStreetMap's keys; what nobody knows is left out."""
    is_round = camera.width is Width.ALL_ROUND
    about: dict[str, Any] = {
        "man_made": "surveillance",
        "surveillance": "indoor" if camera.indoors else "outdoor",
        "surveillance:type": "camera",
        "camera:type": "panning" if camera.is_panning else "dome" if is_round else "fixed",
        "ref": camera.name,
        "nobs:area": camera.area_code,
    }
    if camera.width is not None:
        about["nobs:width"] = camera.width.degrees
    if camera.range_m is not None:
        about["nobs:range_m"] = camera.range_m
    if camera.heading_deg is not None and not is_round:
        about["camera:direction"] = write_direction(
            [camera.heading_deg, *(camera.other_headings or ())]
        )
    return about


async def cameras_in(work: Work, area_code: str | None) -> list[Camera]:
    """The cameras that take part, of an area or all, by their numbers."""
    query = select(Camera).where(Camera.state == State.APPROVED).order_by(Camera.number)
    found = (await work.session.execute(query)).scalars().all()
    return [each for each in found if area_code is None or covers(area_code, each.area_code or "")]


async def note_exported(
    work: Work, cameras: Sequence[Camera], actor_id: int | None, role: str | None
) -> None:
    """Let every owner read that the camera was in an export, and whose."""
    seen = [(camera.id, camera.owner_id) for camera in cameras if camera.owner_id != actor_id]
    await record_seen(work, Act.CAMERAS_EXPORTED, seen, actor_id=actor_id, actor_role=role)


def as_geojson(cameras: Sequence[Camera]) -> bytes:
    """A FeatureCollection of points in degrees, WGS 84."""
    features = [
        {
            "type": "Feature",
            "id": camera.name,
            "properties": tags(camera),
            "geometry": {"type": "Point", "coordinates": [camera.lon, camera.lat]},
        }
        for camera in cameras
    ]
    whole = {"type": "FeatureCollection", "features": features}
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def as_csv(cameras: Sequence[Camera]) -> bytes:
    """The same as a table, with `lat` and `lon` first."""
    rows = [{"lat": each.lat, "lon": each.lon, **tags(each)} for each in cameras]
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["lat", "lon"]
    out = StringIO()
    table = csv.DictWriter(out, names, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue().encode()


def write_file(path: Path, cameras: Sequence[Camera]) -> None:
    """
    Write by the file's suffix: .geojson, .csv, or .gpkg where `pyogrio` is installed.

    Raises:
        CannotExport: another suffix, or pyogrio is not there.
    """
    match path.suffix.lower():
        case ".geojson" | ".json":
            path.write_bytes(as_geojson(cameras))
        case ".csv":
            path.write_bytes(as_csv(cameras))
        case ".gpkg":
            _write_geopackage(path, cameras)
        case suffix:
            raise CannotExport(f"{suffix or 'No suffix'}: give .geojson, .csv or .gpkg.")


def _write_geopackage(path: Path, cameras: Sequence[Camera]) -> None:
    try:
        import numpy as np
        from pyogrio.raw import write  # not a dependency: an operator may install it
        from shapely import points, to_wkb
    except ImportError:
        raise CannotExport(
            "A GeoPackage needs pyogrio: `pip install pyogrio`, or write .geojson."
        ) from None
    rows = [tags(each) for each in cameras]
    names = list(dict.fromkeys(name for row in rows for name in row))
    places = points([(each.lon or 0.0, each.lat or 0.0) for each in cameras])
    values = [np.array([str(row.get(name, "")) for row in rows], object) for name in names]
    write(
        path, to_wkb(places), values, names, geometry_type="Point", crs="EPSG:4326", driver="GPKG"
    )
