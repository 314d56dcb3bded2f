"""A place as people type or paste it."""

from __future__ import annotations

import pytest
from openlocationcode import openlocationcode

from nobs_bot.errors import Refusal
from nobs_bot.places.areas import Areas
from nobs_bot.places.geodesy import distance_m
from nobs_bot.places.reading import Point, read_location
from tests.cast import SHOP

MAPS = "https://www.google.com/maps"


@pytest.mark.parametrize(
    "text",
    [
        "-6.1534, 106.7981",
        "-6.1534,106.7981",
        "-6.1534 106.7981",
        " -6.1534 ; 106.7981 ",
        "-6.1534° 106.7981°",
        "-6.1534, +106.7981",
        "-6,1534 106,7981",
        "-6,1534; 106,7981",
        "-6,1534, 106,7981",
        # the other way round, which lies in the district only turned round
        "106.7981, -6.1534",
        "106,7981 -6,1534",
        # halves with their sides
        "6.1534 S, 106.7981 E",
        "6.1534S 106.7981E",
        "6.1534° LS, 106.7981° BT",
        "6,1534 LS 106,7981 BT",
        "106.7981 BT 6.1534 LS",
        "6°09.204'S 106°47.886'E",
        "6°09'12.24\"S 106°47'53.16\"E",
        "6° 9′ 12.24″ LS, 106° 47′ 53.16″ BT",
        "6°09'12.24''S, 106°47'53.16''T",
        # links
        f"{MAPS}/@-6.1534,106.7981,17z",
        f"{MAPS}/place/Toko/@-6.2,106.8,17z/data=!3m1!4b1!4m6!3m5!8m2!3d-6.1534!4d106.7981",
        f"{MAPS}?q=-6.1534,106.7981",
        "https://maps.google.com/?q=-6.1534,106.7981",
        "https://maps.google.com/maps?q=loc:-6.1534,106.7981",
        f"{MAPS}/search/?api=1&query=-6.1534%2C106.7981",
        f"{MAPS}/dir/?api=1&destination=-6.1534,106.7981",
        f"{MAPS}/search/-6.1534,+106.7981",
        "https://maps.apple.com/?ll=-6.1534,106.7981&q=Toko",
        "https://www.openstreetmap.org/?mlat=-6.1534&mlon=106.7981#map=18/-6.2/106.8",
        "https://www.openstreetmap.org/#map=18/-6.1534/106.7981",
        f"Toko Sari {MAPS}/@-6.1534,106.7981,17z terima kasih",
    ],
)
def test_the_shop_in_many_ways(text: str, areas: Areas) -> None:
    point = read_location(text, areas)
    assert point is not None
    assert distance_m(point.lat, point.lon, *SHOP) < 1


def test_plus_codes_full_and_short(areas: Areas) -> None:
    full = openlocationcode.encode(*SHOP)
    short = openlocationcode.shorten(full, *areas.center)
    assert len(short) < len(full)
    for text in (full, full.lower(), short, f"{short}, Tambora, Jakarta Barat", f"di {full}"):
        point = read_location(text, areas)
        assert point is not None, text
        assert distance_m(point.lat, point.lon, *SHOP) < 15, text


@pytest.mark.parametrize(
    "text",
    [
        "https://maps.app.goo.gl/AbCdEfGh12345",
        "https://goo.gl/maps/AbCdEf",
        f"{MAPS}/place/Toko+Sari",
        "https://example.org/",
        f"{MAPS}?q=Toko+Sari+Tambora",
    ],
)
def test_a_link_without_coordinates_says_what_to_do(text: str, areas: Areas) -> None:
    with pytest.raises(Refusal, match=r"location\.link_without_coordinates"):
        read_location(text, areas)


@pytest.mark.parametrize("text", ["-96.5, 106.79", "-6.15, 206.79", "99.5 N, 190.2 E"])
def test_numbers_that_are_no_place_are_refused(text: str, areas: Areas) -> None:
    with pytest.raises(Refusal, match=r"location\.not_on_earth"):
        read_location(text, areas)


@pytest.mark.parametrize(
    "text",
    [
        "Jl. Duri Selatan 12, Tambora",
        "halo",
        "",
        "12",
        "0812 3456 7890",
        "08123456789",
        "LP/B/1042/XI/2026",
        "RT 5 RW 3",
        "Gang 5 No 6",
        "6 S",
        "-6.1534",
        "1+1",
        "dekat Indomaret 24 jam",
    ],
)
def test_words_are_left_to_the_geocoder(text: str, areas: Areas) -> None:
    assert read_location(text, areas) is None


def test_a_place_outside_is_read_as_it_is_written(areas: Areas) -> None:
    assert read_location("-6.9175, 107.6191", areas) == Point(-6.9175, 107.6191)
    assert read_location("52.52, 13.405", areas) == Point(52.52, 13.405)


def test_the_west_is_negative_in_both_languages(areas: Areas) -> None:
    for text in ("10.5 N, 20.5 W", "10.5 LU, 20.5 BB", "10.5 U, 20.5 B"):
        assert read_location(text, areas) == Point(10.5, -20.5)


def test_no_text_breaks_the_reader(areas: Areas) -> None:
    from hypothesis import given, settings
    from hypothesis import strategies as st

    pieces = ["-6.15", "106,79", "https://maps.google.com/?q=", "@", "!3d1!4d2", "6P58", "+", "°"]
    pieces += ["LS", "BT", "'", "https://[", "%%%", "#map=1/2/3", "&mlat=x&mlon=y", "\x00"]

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.sampled_from(pieces) | st.text(max_size=5), max_size=6))
    def tries(parts: list[str]) -> None:
        try:
            point = read_location("".join(parts), areas)
        except Refusal:
            return
        assert point is None or (-90 <= point.lat <= 90 and -180 <= point.lon <= 180)

    tries()
