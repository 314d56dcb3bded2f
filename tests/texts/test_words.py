"""Filling sentences in, and telling numbers, distances and times."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from nobs_bot.texts import LANGUAGES, Markup, Texts, Words
from nobs_bot.texts.catalogue import CATALOGUES

WIB = Texts(ZoneInfo("Asia/Jakarta"))
INDONESIAN, ENGLISH = WIB.of("id"), WIB.of("en")
# Monday, 14 November 2022, 21.30 WIB
EVENING = datetime(2022, 11, 14, 14, 30, tzinfo=UTC)


def test_values_are_escaped_where_they_enter_markup() -> None:
    said = INDONESIAN("enrol.name.keep_button", name="<b>Sari</b> & Co")
    assert "&lt;b&gt;Sari&lt;/b&gt; &amp; Co" in said
    assert "<b>" not in said


def test_markup_goes_in_as_it_is() -> None:
    said = INDONESIAN("enrol.name.keep_button", name=Markup("<b>Sari</b>"))
    assert "<b>Sari</b>" in said


def test_a_value_with_braces_or_percent_is_only_a_value() -> None:
    said = ENGLISH("enrol.name.keep_button", name="{district} %(x)s {0}")
    assert "{district} %(x)s {0}" in said


def test_numbers_among_the_values_are_written_as_the_language_does() -> None:
    assert "2.496" in INDONESIAN("enrol.left_off", days=2496)
    assert "2,496" in ENGLISH("enrol.left_off", days=2496)


@pytest.mark.parametrize("words", list(WIB))
def test_what_is_missing_is_a_bug_and_not_shown(words: Words) -> None:
    with pytest.raises(KeyError):
        words("no.such.sentence")
    with pytest.raises(KeyError):
        words("enrol.left_off")
    with pytest.raises(KeyError):
        words.plural("no.such.plural", 2)
    assert words.has("enrol.left_off")
    assert not words.has("no.such.sentence")


@pytest.mark.parametrize(
    ("value", "indonesian", "english"),
    [
        (2_496_002, "2.496.002", "2,496,002"),
        (1.5, "1,5", "1.5"),
        (0, "0", "0"),
        (-12.25, "-12,25", "-12.25"),
    ],
)
def test_numbers(value: float, indonesian: str, english: str) -> None:
    assert (INDONESIAN.number(value), ENGLISH.number(value)) == (indonesian, english)


@pytest.mark.parametrize(
    ("metres", "indonesian", "english"),
    [
        (0.4, "0 m", "0 m"),
        (12.6, "13 m", "13 m"),
        (999, "999 m", "999 m"),
        (999.7, "1 km", "1 km"),
        (1000, "1 km", "1 km"),
        (1540, "1,5 km", "1.5 km"),
        (12_345, "12,3 km", "12.3 km"),
    ],
)
def test_distances(metres: float, indonesian: str, english: str) -> None:
    assert (INDONESIAN.distance(metres), ENGLISH.distance(metres)) == (indonesian, english)


@pytest.mark.parametrize(
    ("count", "indonesian", "english"),
    [
        (0, "0 hari", "0 days"),
        (1, "1 hari", "1 day"),
        (2, "2 hari", "2 days"),
        (1000, "1.000 hari", "1,000 days"),
    ],
)
def test_plurals(count: int, indonesian: str, english: str) -> None:
    assert INDONESIAN.plural("days", count) == indonesian
    assert ENGLISH.plural("days", count) == english


def test_days_and_times_are_told_in_the_districts_zone() -> None:
    assert INDONESIAN.date(EVENING) == "Senin, 14 November"
    assert ENGLISH.date(EVENING) == "Monday, 14 November"
    assert INDONESIAN.time(EVENING) == "21.30"
    assert ENGLISH.time(EVENING) == "21:30"
    assert INDONESIAN.moment(EVENING) == "Senin, 14 November, 21.30 WIB"
    # 00.30 of the 15th in Jakarta is still the 14th in UTC
    assert INDONESIAN.date(datetime(2022, 11, 14, 17, 30, tzinfo=UTC)) == "Selasa, 15 November"
    assert INDONESIAN.date(date(2022, 11, 14)) == "Senin, 14 November"


def test_other_zones_have_their_own_name() -> None:
    words = Texts(ZoneInfo("Asia/Jayapura")).of("id")
    assert words.moment(EVENING) == "Senin, 14 November, 23.30 WIT"


def test_a_stretch_within_a_day_names_the_day_once() -> None:
    end = datetime(2022, 11, 14, 15, 15, tzinfo=UTC)
    assert INDONESIAN.window(EVENING, end) == "Senin, 14 November, 21.30–22.15 WIB"
    assert ENGLISH.window(EVENING, end) == "Monday, 14 November, 21:30–22:15 WIB"


def test_a_stretch_over_midnight_names_both_days() -> None:
    end = datetime(2022, 11, 14, 18, tzinfo=UTC)
    assert INDONESIAN.window(EVENING, end) == (
        "Senin, 14 November, 21.30 – Selasa, 15 November, 01.00 WIB"
    )


def test_midnight_of_utc_is_no_midnight_here() -> None:
    start = datetime(2022, 11, 14, 23, 30, tzinfo=UTC)
    end = datetime(2022, 11, 15, 0, 30, tzinfo=UTC)
    assert INDONESIAN.window(start, end) == "Selasa, 15 November, 06.30–07.30 WIB"


@pytest.mark.parametrize(
    ("asked", "given"), [("id", "id"), ("en", "en"), (None, "id"), ("de", "id"), ("", "id")]
)
def test_an_unknown_language_gets_the_districts(asked: str | None, given: str) -> None:
    assert WIB.of(asked).language == given
    english_first = Texts(ZoneInfo("Asia/Jakarta"), "en")
    assert english_first.of(None).language == "en"


def test_a_message_in_two_catalogues_is_noticed(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil
    from pathlib import Path

    from nobs_bot.texts import catalogue

    copy = Path(str(tmp_path)) / "locale"
    shutil.copytree(CATALOGUES, copy)
    first = sorted((copy / "id").glob("*.po"))[0]
    shutil.copyfile(first, copy / "id" / "zzz.po")
    monkeypatch.setattr(catalogue, "CATALOGUES", copy)
    with pytest.raises(ValueError, match="stands in two catalogues"):
        catalogue.read_catalogue("id")
    assert len(catalogue.read_catalogue("en")) > 100
    assert LANGUAGES == ("id", "en")
