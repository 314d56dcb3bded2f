"""Cameras for other maps: OpenStreetMap's keys, written and read back, and nothing of the owner."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import bot
from nobs_bot.cameras import enrolment
from nobs_bot.cameras.record import Width
from nobs_bot.coverage.exporting import (
    CannotExport,
    as_csv,
    as_geojson,
    cameras_in,
    note_exported,
    read_direction,
    tags,
    write_direction,
    write_file,
)
from nobs_bot.storage.audit import Act, lines_about
from tests.cast import KECAMATAN, OTHER_KECAMATAN, SHOP, House


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90", [90.0]),
        ("N", [0.0]),
        ("nnw", [337.5]),
        ("360", [0.0]),
        ("12.5°", [12.5]),
        ("90-270", [(90.0, 270.0)]),
        ("NW-NE", [(315.0, 45.0)]),
        ("10;S; 200-220", [10.0, 180.0, (200.0, 220.0)]),
    ],
)
def test_directions_in_all_their_forms(text: str, meant: list[object]) -> None:
    assert read_direction(text) == meant
    assert read_direction(write_direction(read_direction(text))) == meant


@pytest.mark.parametrize("text", ["", "north", "400", "-90", "90-", "1;", "9x"])
def test_what_is_no_direction_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no direction"):
        read_direction(text)


ANGLES = st.integers(0, 3599).map(lambda tenth: tenth / 10)


@given(st.lists(ANGLES | st.tuples(ANGLES, ANGLES), min_size=1, max_size=5))
def test_what_was_written_is_read_back(directions: list[float | tuple[float, float]]) -> None:
    assert read_direction(write_direction(directions)) == directions


async def test_an_export_has_places_and_no_people(house: House) -> None:
    await house.approved("Sari", heading_deg=135.0)
    await house.approved("Budi", at=(-6.1544, 106.7981), heading_deg=None, width=Width.ALL_ROUND)
    await house.waiting("Citra")
    async with house.office.work() as work:
        cameras = await cameras_in(work, KECAMATAN)
        assert await cameras_in(work, OTHER_KECAMATAN) == []
        whole = as_geojson(cameras)
        table = as_csv(cameras).decode()
        await note_exported(work, cameras, house.ids["Kartika"], "supervisor")
    first, second = json.loads(whole)["features"]
    assert first["geometry"]["coordinates"] == [SHOP[1], SHOP[0]]
    assert first["properties"] == {
        "man_made": "surveillance",
        "surveillance": "outdoor",
        "surveillance:type": "camera",
        "camera:type": "fixed",
        "camera:direction": "135",
        "ref": "K-1001",
        "nobs:area": first["properties"]["nobs:area"],
        "nobs:width": 80.0,
        "nobs:range_m": 20.0,
    }
    assert "camera:direction" not in second["properties"]
    assert second["properties"]["camera:type"] == "dome"
    for secret in ("Sari", "Budi", "8125550"):
        assert secret not in whole.decode() + table
    assert [row["ref"] for row in csv.DictReader(StringIO(table))] == ["K-1001", "K-1002"]
    async with house.office.look() as work:
        acts = [line.act for line in await lines_about(work, house.ids["Sari"])]
    assert Act.CAMERAS_EXPORTED in acts


async def test_a_camera_that_pans_has_all_its_directions(house: House) -> None:
    camera_id = await house.approved("Sari")
    async with house.office.work() as work:
        enrolment.set_headings(work, camera := await house.camera(work, camera_id), (270.0, 45.0))
        assert tags(camera)["camera:direction"] == "45;270"
        assert tags(camera)["camera:type"] == "panning"


def test_the_suffix_decides_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    for name in ("x.geojson", "x.csv"):
        write_file(tmp_path / name, [])
        assert (tmp_path / name).exists()
    with pytest.raises(CannotExport, match=r"give \.geojson"):
        write_file(tmp_path / "x.shp", [])


def test_the_command_writes_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    done = CliRunner().invoke(bot.cli, ["export-cameras", "cameras.geojson"])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "cameras.geojson").read_text())["features"] == []
    assert CliRunner().invoke(bot.cli, ["export-cameras", "cameras.shp"]).exit_code == 2
