"""Taking over a district's own areas, roads and buildings: all of a file, or nothing of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shapely import STRtree, from_wkb, make_valid
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Polygon, mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from nobs_bot.places.layers import GROUND, Layer

# mending that changes more of an area than this is guessing
MOST_MENDED_SHARE = 0.01
MOST_OVERLAP_SHARE = 0.01
_CODE_PARTS = 4

_NAMES = {
    "code": ("code", "kode", "kode_kemendagri", "kemendagri", "KODE_KEL"),
    "name": ("name", "nama", "village", "kelurahan", "NAMA_KEL"),
    "parent": ("parent", "district", "kecamatan", "NAMA_KEC"),
    "level": ("level", "tingkat"),
}
_VILLAGE = {"", "kelurahan", "desa", "village", "4"}
_SUBDISTRICT = {"kecamatan", "subdistrict", "sub-district", "3"}

Progress = Callable[[int, int], None]


class CannotImport(Exception):  # noqa: N818 - read by the operator as a sentence
    """The file is refused; the message names what is wrong, one a line, and how to mend it."""


@dataclass
class Imported:
    """
    What was taken over.

    Args:
        mended: Features whose geometry was mended, by name.
        path: Where it lies now.
    """

    layer: Layer
    count: int
    mended: list[str] = field(default_factory=list)
    path: Path = Path()


@dataclass(frozen=True)
class _Feature:
    at: int
    about: dict[str, Any]
    geometry: BaseGeometry

    @property
    def label(self) -> str:
        """How the operator finds it again."""
        name = _of(self.about, "name") or _of(self.about, "code")
        return f"feature {self.at}" + (f" ({name})" if name else "")


def import_layer(
    path: Path, layer: Layer, data_dir: Path, progress: Progress = lambda done, of: None
) -> Imported:
    """
    Read, check and mend a file, and put it in the place of the layer that was there.

    GeoJSON in degrees (WGS 84); anything else where `pyogrio` is installed. Areas need a code
    (31.73.04.1006) and a name, and may have a level and the name of their kecamatan; roads
    `highway` and `name` as OpenStreetMap has them; of buildings only the outline counts.

    Args:
        progress: Called with how many features are done, and of how many.

    Raises:
        CannotImport: something is wrong; nothing was changed.
    """
    features = _read(path)
    if not features:
        raise CannotImport(f"{path.name} holds no features.")
    imported = Imported(layer, 0)
    problems: list[str] = []
    sound: list[_Feature] = []
    for feature in features:
        progress(feature.at, len(features))
        try:
            sound.append(_sound(feature, layer, imported))
        except CannotImport as exc:
            problems.append(str(exc))
    if not problems:
        rows, problems = _ROWS[layer](sound)
    if problems:
        raise CannotImport("\n".join(problems[:20]) + _more(problems))
    imported.count = len(rows)
    imported.path = _put(data_dir / GROUND / f"{layer}.geojson", rows)
    return imported


def _more(problems: list[str]) -> str:
    return f"\n... and {len(problems) - 20} more." if len(problems) > 20 else ""


def _read(path: Path) -> list[_Feature]:
    try:
        if path.suffix.lower() in (".geojson", ".json"):
            return _read_geojson(path)
        return _read_other(path)
    except FileNotFoundError:
        raise CannotImport(f"{path} is not there.") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise CannotImport(f"{path.name} cannot be read: {exc}") from None


def _read_geojson(path: Path) -> list[_Feature]:
    try:
        whole = json.loads(path.read_text(encoding="utf-8-sig"))
        found = list(whole["features"])
        crs = str((whole.get("crs") or {}).get("properties", {}).get("name", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CannotImport(
            f"{path.name} is no GeoJSON FeatureCollection. Save it as GeoJSON, WGS 84."
        ) from None
    if crs and not crs.endswith(("CRS84", "4326")):
        raise CannotImport(f"{path.name} is in {crs}. Save it in WGS 84 (EPSG:4326).")
    features = []
    for at, each in enumerate(found, start=1):
        try:
            features.append(_Feature(at, dict(each["properties"] or {}), shape(each["geometry"])))
        except (KeyError, TypeError, ValueError, AttributeError, ShapelyError) as exc:
            raise CannotImport(f"feature {at} has no geometry that can be read: {exc}") from None
    return features


def _read_other(path: Path) -> list[_Feature]:
    try:
        from pyogrio.raw import read  # not a dependency: an operator may install it
    except ImportError:
        raise CannotImport(
            f"{path.name} is not GeoJSON. Save it as GeoJSON, or `pip install pyogrio`."
        ) from None
    try:
        meta, _, geometries, values = read(path)
    except Exception as exc:
        raise CannotImport(f"{path.name} cannot be read: {exc}") from None
    if meta["crs"] not in (None, "EPSG:4326", "OGC:CRS84"):
        raise CannotImport(f"{path.name} is in {meta['crs']}. Save it in WGS 84 (EPSG:4326).")
    names = list(meta["fields"])
    return [
        _Feature(at, dict(zip(names, row, strict=True)), from_wkb(geometry))
        for at, (geometry, *row) in enumerate(zip(geometries, *values, strict=True), start=1)
    ]


def _sound(feature: _Feature, layer: Layer, imported: Imported) -> _Feature:
    """The feature with a geometry that can be reckoned with; raises `CannotImport`."""
    geometry = feature.geometry
    kinds = ("LineString", "MultiLineString") if layer is Layer.ROADS else _POLYGONS
    if geometry.is_empty or geometry.geom_type not in kinds:
        raise CannotImport(f"{feature.label}: {geometry.geom_type} where {kinds[0]} is needed.")
    west, south, east, north = geometry.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise CannotImport(f"{feature.label}: not in degrees. Save the file in WGS 84.")
    if geometry.is_valid:
        return feature
    mended = _mended(geometry) if layer is not Layer.ROADS else None
    if mended is None:
        why = explain_validity(geometry)
        raise CannotImport(f"{feature.label}: {why}. Mend it in the program it comes from.")
    imported.mended.append(feature.label)
    return _Feature(feature.at, feature.about, mended)


_POLYGONS = ("Polygon", "MultiPolygon")


def _mended(geometry: BaseGeometry) -> BaseGeometry | None:
    """The polygons of it, where mending hardly changes what it covers."""
    parts = [each for each in _parts(make_valid(geometry)) if isinstance(each, Polygon)]
    whole = MultiPolygon(parts)
    outline = sum(abs(each.area) for each in _parts(geometry))
    if not parts or not outline or abs(whole.area - outline) > MOST_MENDED_SHARE * outline:
        return None
    return parts[0] if len(parts) == 1 else whole


def _parts(geometry: BaseGeometry) -> list[BaseGeometry]:
    return [
        inner
        for each in getattr(geometry, "geoms", [geometry])
        for inner in getattr(each, "geoms", [each])
    ]


def _of(about: dict[str, Any], what: str) -> str:
    """A property by any of its usual names, as text."""
    for name in _NAMES[what]:
        if (value := about.get(name)) not in (None, ""):
            return str(value).strip()
    return ""


Rows = list[tuple[dict[str, Any], BaseGeometry]]


def _area_rows(features: Iterable[_Feature]) -> tuple[Rows, list[str]]:
    problems: list[str] = []
    kecamatan: dict[str, str] = {}
    villages: list[_Feature] = []
    for feature in features:
        level = _of(feature.about, "level").casefold()
        if level in _SUBDISTRICT:
            kecamatan[_of(feature.about, "code")] = _of(feature.about, "name")
        elif level in _VILLAGE:
            villages.append(feature)
        # the district as a whole is the sum of its kelurahan
    rows: Rows = []
    seen: dict[str, str] = {}
    for feature in villages:
        code, name = _of(feature.about, "code"), _of(feature.about, "name")
        parts = code.split(".")
        if len(parts) != _CODE_PARTS or not all(each.isdigit() for each in parts) or not name:
            problems.append(
                f"{feature.label}: needs a code such as 31.73.04.1006 and a name, has {code!r}"
                f" and {name!r}."
            )
            continue
        if code in seen:
            problems.append(f"{feature.label}: has the code {code} of {seen[code]}.")
            continue
        seen[code] = feature.label
        parent = _of(feature.about, "parent") or kecamatan.get(".".join(parts[:3]), "")
        rows.append(
            ({"kode_kemendagri": code, "village": name, "district": parent}, feature.geometry)
        )
    if not rows and not problems:
        problems.append("There is no kelurahan in it (level: kelurahan).")
    districts = {".".join(code.split(".")[:2]) for code in seen}
    if len(districts) > 1:
        problems.append(f"The codes are of several districts: {', '.join(sorted(districts))}.")
    return rows, problems or _overlaps(rows)


def _overlaps(rows: Rows) -> list[str]:
    shapes = [geometry for _, geometry in rows]
    tree = STRtree(shapes)
    problems = []
    for one, other in zip(*tree.query(shapes, predicate="intersects"), strict=True):
        if one < other:
            shared = shapes[one].intersection(shapes[other]).area
            smaller = min(shapes[one].area, shapes[other].area)
            if shared > MOST_OVERLAP_SHARE * smaller:
                names = rows[one][0]["village"], rows[other][0]["village"]
                share = round(100 * shared / smaller)
                problems.append(f"{names[0]} and {names[1]} overlap by {share} %.")
    return problems


def _road_rows(features: Iterable[_Feature]) -> tuple[Rows, list[str]]:
    return [
        (
            {
                "highway": str(each.about.get("highway") or "residential"),
                "name": str(each.about.get("name") or ""),
            },
            each.geometry,
        )
        for each in features
    ], []


def _building_rows(features: Iterable[_Feature]) -> tuple[Rows, list[str]]:
    return [({}, each.geometry) for each in features], []


_ROWS = {
    Layer.AREAS: _area_rows,
    Layer.ROADS: _road_rows,
    Layer.BUILDINGS: _building_rows,
}


def _put(path: Path, rows: Rows) -> Path:
    """Write the layer whole, or leave what was there."""
    whole = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": about, "geometry": mapping(geometry)}
            for about, geometry in rows
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(whole, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path
