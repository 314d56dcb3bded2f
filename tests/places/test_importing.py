"""Importing areas, roads and buildings: whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import Point, box, mapping
from typer.testing import CliRunner

import bot
from nobs_bot.cameras.relocating import relocate
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.places.areas import Areas, load_areas
from nobs_bot.places.importing import CannotImport, import_layer
from nobs_bot.places.layers import Layer, ground_file
from tests.cast import SHOP, House

WEST, EAST = box(106.70, -6.20, 106.80, -6.10), box(106.80, -6.20, 106.90, -6.10)


def area(code: str, name: str, geometry: Any = WEST, **more: Any) -> dict[str, Any]:
    about = {"code": code, "name": name, "level": "kelurahan", "parent": "Kecamatan Uji", **more}
    return {"type": "Feature", "properties": about, "geometry": mapping(geometry)}


def file_of(folder: Path, *features: dict[str, Any], name: str = "areas.geojson") -> Path:
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


TWO = (area("11.22.33.1001", "Barat"), area("11.22.33.1002", "Timur", EAST))


def test_areas_are_taken_over_and_used_from_then_on(tmp_path: Path) -> None:
    imported = import_layer(file_of(tmp_path, *TWO), Layer.AREAS, tmp_path)
    assert (imported.count, imported.mended) == (2, [])
    areas = load_areas("Polres Uji", tmp_path)
    found = areas.locate(-6.15, 106.75)
    assert found is not None
    assert str(found) == "Barat, Kecamatan Uji"
    assert areas.district.code == "11.22"
    assert [each.name for each in areas.below("11.22.33")] == ["Barat", "Timur"]


def test_without_an_import_west_jakarta_is_there(tmp_path: Path) -> None:
    assert ground_file(tmp_path, Layer.AREAS) is None
    assert len(load_areas("Polres Metro Jakarta Barat", tmp_path).boundaries) == 56


def test_the_name_of_a_kecamatan_may_stand_in_its_own_feature(tmp_path: Path) -> None:
    whole = area("11.22.33", "Tengah", WEST.union(EAST), level="kecamatan")
    bare = [area(f"11.22.33.100{n}", n, g, parent="") for n, g in (("1", WEST), ("2", EAST))]
    import_layer(file_of(tmp_path, whole, *bare), Layer.AREAS, tmp_path)
    assert str(load_areas("Polres Uji", tmp_path).get("11.22.33")) == "Tengah"


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ([area("11.22", "Barat")], "needs a code such as"),
        ([area("11.22.33.1001", "")], "needs a code such as"),
        ([*TWO, area("11.22.33.1001", "Lagi", EAST)], "has the code 11.22.33.1001 of feature 1"),
        ([TWO[0], area("11.22.33.1003", "Sama", WEST)], "Barat and Sama overlap by 100 %"),
        ([TWO[0], area("99.22.33.1002", "Lain", EAST)], "several districts: 11.22, 99.22"),
        ([area("11.22.33.1001", "Titik", Point(106.7, -6.1))], "Point where Polygon is needed"),
        ([area("11.22.33.1001", "Meter", box(0, 0, 700_000, 9))], "not in degrees"),
        ([], "holds no features"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_taken(
    tmp_path: Path, features: list[dict[str, Any]], said: str
) -> None:
    import_layer(file_of(tmp_path, *TWO), Layer.AREAS, tmp_path)
    before = ground_file(tmp_path, Layer.AREAS)
    assert before is not None
    kept = before.read_bytes()
    with pytest.raises(CannotImport, match=said):
        import_layer(file_of(tmp_path, *features, name="b.geojson"), Layer.AREAS, tmp_path)
    assert before.read_bytes() == kept
    assert list(before.parent.iterdir()) == [before]


def spike(width: float) -> dict[str, Any]:
    """A square with a bow tie of this width hanging on its corner, which crosses itself."""
    ring = [
        (106.7, -6.2),
        (106.8, -6.2),
        (106.8, -6.1),
        (106.8 + width, -6.1 + width),
        (106.8 + width, -6.1),
        (106.8, -6.1 + width),
        (106.8, -6.1),
        (106.7, -6.1),
        (106.7, -6.2),
    ]
    return {"type": "Polygon", "coordinates": [ring]}


def test_a_small_fault_is_mended_and_said_and_a_large_one_refused(tmp_path: Path) -> None:
    small = {**area("11.22.33.1001", "Barat"), "geometry": spike(0.001)}
    imported = import_layer(file_of(tmp_path, small), Layer.AREAS, tmp_path)
    assert imported.mended == ["feature 1 (Barat)"]
    assert all(each.is_valid for each in load_areas("Uji", tmp_path).boundaries)
    bow = {"type": "Polygon", "coordinates": [[(0, 0), (1, 1), (1, 0), (0, 1), (0, 0)]]}
    large = {**area("11.22.33.1001", "Dasi"), "geometry": bow}
    with pytest.raises(CannotImport, match=r"feature 1 \(Dasi\): Self-intersection"):
        import_layer(file_of(tmp_path, large), Layer.AREAS, tmp_path)


def test_roads_and_buildings_are_drawn_from_the_import(tmp_path: Path, areas: Areas) -> None:
    line = {"type": "LineString", "coordinates": [(106.79, -6.15), (106.80, -6.15)]}
    road = {"type": "Feature", "properties": {"name": "Jalan Uji"}, "geometry": line}
    import_layer(file_of(tmp_path, road, name="r.geojson"), Layer.ROADS, tmp_path)
    house = {
        "type": "Feature",
        "properties": {},
        "geometry": mapping(box(106.79, -6.16, 106.8, -6.155)),
    }
    import_layer(file_of(tmp_path, house, name="h.geojson"), Layer.BUILDINGS, tmp_path)
    base = BaseMap(areas, tmp_path)
    everywhere = (106.0, -7.0, 107.0, -6.0)
    assert [each.name for each in base.roads(*everywhere)] == ["Jalan Uji"]
    assert len(base.buildings(*everywhere)) == 1
    assert base.nearest_road(-6.15, 106.795) == "Jalan Uji"


@pytest.mark.parametrize(
    "content", ["", "[]", '{"features": 1}', '{"features": [{}]}', "\ufeffnope"]
)
def test_what_is_no_geojson_is_told_plainly(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(content)
    with pytest.raises(CannotImport):
        import_layer(path, Layer.AREAS, tmp_path)


def test_another_reference_system_is_refused(tmp_path: Path) -> None:
    path = file_of(tmp_path, *TWO)
    whole = json.loads(path.read_text())
    whole["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32748"}}
    path.write_text(json.dumps(whole))
    with pytest.raises(CannotImport, match="Save it in WGS 84"):
        import_layer(path, Layer.AREAS, tmp_path)


def test_other_formats_need_a_library_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "areas.gpkg"
    path.write_bytes(b"SQLite format 3\0")
    with pytest.raises(CannotImport, match=r"pyogrio|cannot be read"):
        import_layer(path, Layer.AREAS, tmp_path)


async def test_cameras_follow_the_new_areas(house: House, tmp_path: Path) -> None:
    camera_id = await house.approved("Sari")
    import_layer(file_of(tmp_path, *TWO), Layer.AREAS, tmp_path)
    areas = load_areas("Polres Uji", tmp_path)
    here = areas.locate(*SHOP)
    assert here is not None
    async with house.office.work() as work:
        assert await relocate(work, areas) == (1, [])
        assert (await house.camera(work, camera_id)).area_code == here.code
        assert await relocate(work, areas) == (0, [])
    import_layer(file_of(tmp_path, TWO[1]), Layer.AREAS, tmp_path)
    async with house.office.work() as work:
        assert await relocate(work, load_areas("Uji", tmp_path)) == (0, ["K-1001"])


def test_the_command_says_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    good = CliRunner().invoke(bot.cli, ["import-areas", str(file_of(tmp_path, *TWO))])
    assert good.exit_code == 0, good.output
    assert "2 areas imported" in good.output
    assert "Restart the bot" in good.output
    bad = file_of(tmp_path, area("1", "Barat"), name="bad.geojson")
    refused = CliRunner().invoke(bot.cli, ["import-areas", str(bad)])
    assert refused.exit_code == 2
    assert "Nothing was imported" in refused.output
    assert CliRunner().invoke(bot.cli, ["import-areas", str(bad), "--kind", "x"]).exit_code == 2
