"""The district's areas."""

from __future__ import annotations

import pytest

from nobs_bot.places.areas import Area, Areas, load_areas
from tests.cast import KECAMATAN, KELURAHAN, SHOP


def test_the_shop_is_in_its_kelurahan(areas: Areas) -> None:
    found = areas.locate(*SHOP)
    assert found == Area(KELURAHAN, "Jembatan Besi", "Tambora")
    assert str(found) == "Jembatan Besi, Tambora"


@pytest.mark.parametrize(
    "place",
    [(-6.2, 106.9), (0.0, 0.0), (-6.0, 106.75), (6.1534, 106.7981), (106.7981, -6.1534), (90, 180)],
)
def test_what_is_outside_is_nowhere(areas: Areas, place: tuple[float, float]) -> None:
    assert areas.locate(*place) is None


def test_every_kelurahan_holds_a_point_of_itself(areas: Areas) -> None:
    assert len(areas.boundaries) == 56
    for boundary in areas.boundaries:
        inside = boundary.representative_point()
        found = areas.locate(inside.y, inside.x)
        assert found is not None
        assert found.code.startswith("31.73.")
        assert found.code.count(".") == 3


def test_the_district_has_eight_kecamatan_and_each_code_once(areas: Areas) -> None:
    codes = {
        area.code: area
        for area in (areas.locate(*_inside(each)) for each in areas.boundaries)
        if area
    }
    assert len(codes) == 56
    assert len({code.rsplit(".", 1)[0] for code in codes}) == 8
    for code, area in codes.items():
        assert areas.get(code) == area
        kecamatan = areas.get(code.rsplit(".", 1)[0])
        assert kecamatan is not None
        assert kecamatan.name == area.parent


def _inside(boundary: object) -> tuple[float, float]:
    point = boundary.representative_point()  # type: ignore[attr-defined]
    return point.y, point.x


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Tambora", KECAMATAN),
        (" tambora ", KECAMATAN),
        ("31.73.04", KECAMATAN),
        ("Jembatan Besi", KELURAHAN),
        ("JEMBATAN BESI, TAMBORA", KELURAHAN),
        (KELURAHAN, KELURAHAN),
        ("Polres Metro Jakarta Barat", "31.73"),
        ("Tambora, Tambora", "31.73.04.1001"),
        ("Bandung", None),
        ("", None),
        ("31.7", None),
    ],
)
def test_an_area_is_found_by_name_or_code(areas: Areas, words: str, code: str | None) -> None:
    found = areas.find(words)
    assert (found.code if found else None) == code


def test_the_district_is_called_as_the_settings_say() -> None:
    named = load_areas("Polres Percobaan")
    assert named.district == Area("31.73", "Polres Percobaan")
    assert named.name("31.73") == "Polres Percobaan"
    assert named.name("99") == "99"
    assert named.name(None) == ""


def test_the_middle_and_the_bounds_are_of_west_jakarta(areas: Areas) -> None:
    west, south, east, north = areas.bounds
    lat, lon = areas.center
    assert south < lat < north
    assert west < lon < east
    assert (round(lat, 1), round(lon, 1)) == (-6.2, 106.8)
