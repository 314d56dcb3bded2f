"""A stretch of time as people type it, in both languages, traps included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nobs_bot.errors import Refusal
from nobs_bot.footage.times import Window, read_window

WIB = ZoneInfo("Asia/Jakarta")
# Monday, 16 November 2026, 10.00 WIB
NOW = datetime(2026, 11, 16, 3, tzinfo=UTC)


def at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-{day}T{clock}").replace(tzinfo=WIB)


def read(text: str) -> Window:
    return read_window(text, NOW, WIB)


YESTERDAY_EVENING = ("11-15", "21:30", "11-15", "22:15")


@pytest.mark.parametrize(
    "text",
    [
        "kemarin 21.30–22.15",
        "kemarin 21:30-22:15",
        "Kemarin, pukul 21.30 - 22.15 WIB",
        "kemarin jam 21.30 sampai 22.15",
        "kemarin dari jam 21.30 hingga jam 22.15",
        "kemarin 21.30 s.d. 22.15",
        "kemarin 21.30 s/d 22.15",
        "kemarin 21.30 sd 22.15",
        "kemaren 21.30 - 22.15",
        "KEMARIN  21.30\n22.15",
        "kemarin malam 21.30-22.15",
        "kemarin malam jam 9.30 - 10.15",
        "tadi malam 21.30-22.15",
        "tadi malam 9.30-10.15",
        "semalam 21.30-22.15",
        "kemarin 9.30 malam - 10.15 malam",
        "kemarin 9.30-10.15 malam",
        "15/11 21.30-22.15",
        "15/11/2026 21.30-22.15",
        "15/11/26 21.30-22.15",
        "21.30-22.15 15/11",
        "2026-11-15 21:30-22:15",
        "15 November 21.30-22.15",
        "15 nov 2026 21.30-22.15",
        "tanggal 15 november pukul 21.30-22.15",
        "Minggu, 15 November, 21.30–22.15 WIB",
        "minggu 21.30-22.15",
        "hari minggu 21.30-22.15",
        "ahad 21.30–22.15",
        "21.30-22.15",
        "yesterday 21:30-22:15",
        "yesterday from 21:30 to 22:15",
        "yesterday 9:30 pm - 10:15 pm",
        "yesterday 9:30-10:15 pm",
        "yesterday evening 9:30-10:15",
        "last night 9:30-10:15",
        "last night 21:30 to 22:15",
        "Sunday 21:30-22:15",
        "Sunday, 15 November, 21:30–22:15",
        "15 November 2026 at 21:30 until 22:15",
        "between 21:30 - 22:15 on 15/11",
    ],
)
def test_yesterday_evening_in_many_ways(text: str) -> None:
    first, start, last, end = YESTERDAY_EVENING
    assert read(text) == Window(at(first, start), at(last, end))


@pytest.mark.parametrize(
    ("text", "first", "start", "last", "end"),
    [
        # over midnight
        ("kemarin 23.00–01.00", "11-15", "23:00", "11-16", "01:00"),
        ("14/11 23.30-00.30", "11-14", "23:30", "11-15", "00:30"),
        ("15/11 22.00 - 24.00", "11-15", "22:00", "11-16", "00:00"),
        ("14 november 23.00 - 15 november 01.00", "11-14", "23:00", "11-15", "01:00"),
        ("2026-11-14 23:00 to 2026-11-15 01:00", "11-14", "23:00", "11-15", "01:00"),
        ("14/11 20.00 - 16/11 06.00", "11-14", "20:00", "11-16", "06:00"),
        # the small hours of last night are today's
        ("tadi malam 01.00-02.00", "11-16", "01:00", "11-16", "02:00"),
        ("semalam jam 1 - jam 2", "11-16", "01:00", "11-16", "02:00"),
        ("tadi malam 23.00-01.00", "11-15", "23:00", "11-16", "01:00"),
        ("semalam 11-12 malam", "11-15", "23:00", "11-16", "00:00"),
        ("last night 1 am - 2 am", "11-16", "01:00", "11-16", "02:00"),
        ("kemarin malam 12 - 1", "11-16", "00:00", "11-16", "01:00"),
        # parts of the day
        ("hari ini 08.00-09.00", "11-16", "08:00", "11-16", "09:00"),
        ("today 8-9", "11-16", "08:00", "11-16", "09:00"),
        ("tadi 08.00-09.00", "11-16", "08:00", "11-16", "09:00"),
        ("tadi pagi 7 - 8", "11-16", "07:00", "11-16", "08:00"),
        ("this morning 7 - 8", "11-16", "07:00", "11-16", "08:00"),
        ("kemarin 7 pagi - 8 pagi", "11-15", "07:00", "11-15", "08:00"),
        ("kemarin pagi 7-8", "11-15", "07:00", "11-15", "08:00"),
        ("kemarin siang 1-2", "11-15", "13:00", "11-15", "14:00"),
        ("kemarin 12 siang - 1 siang", "11-15", "12:00", "11-15", "13:00"),
        ("kemarin 11 siang - 2 siang", "11-15", "11:00", "11-15", "14:00"),
        ("kemarin sore 4-5.30", "11-15", "16:00", "11-15", "17:30"),
        ("kemarin 4 sore - 6 sore", "11-15", "16:00", "11-15", "18:00"),
        ("kemarin 2 dini hari - 3 dini hari", "11-15", "02:00", "11-15", "03:00"),
        ("kemarin 11 malam - 12 malam", "11-15", "23:00", "11-16", "00:00"),
        ("15/11 1 malam - 2 malam", "11-15", "01:00", "11-15", "02:00"),
        ("yesterday 11 - 1 pm", "11-15", "11:00", "11-15", "13:00"),
        ("yesterday 9 - 12 pm", "11-15", "09:00", "11-15", "12:00"),
        ("kemarin 11 - 1 malam", "11-15", "23:00", "11-16", "01:00"),
        ("yesterday 12 pm - 1 pm", "11-15", "12:00", "11-15", "13:00"),
        ("yesterday 12 am - 1 am", "11-15", "00:00", "11-15", "01:00"),
        # other days
        ("kemarin lusa 10.00-11.00", "11-14", "10:00", "11-14", "11:00"),
        ("kemarin dulu 10.00-11.00", "11-14", "10:00", "11-14", "11:00"),
        ("jumat 13.00-14.00", "11-13", "13:00", "11-13", "14:00"),
        ("Jum'at 13.00-14.00", "11-13", "13:00", "11-13", "14:00"),
        ("friday 1 pm to 2 pm", "11-13", "13:00", "11-13", "14:00"),
        ("senin 08.00-09.00", "11-16", "08:00", "11-16", "09:00"),
        ("3 agustus 10.00-11.00", "08-03", "10:00", "08-03", "11:00"),
        ("03/08 10.00-11.00", "08-03", "10:00", "08-03", "11:00"),
        ("1 mei 10.00-11.00", "05-01", "10:00", "05-01", "11:00"),
        ("1 May 10:00-11:00", "05-01", "10:00", "05-01", "11:00"),
        # hours that are still to come were yesterday's
        ("23.00-23.30", "11-15", "23:00", "11-15", "23:30"),
        ("08.00-09.00", "11-16", "08:00", "11-16", "09:00"),
        # an end that has not been yet is cut to now
        ("hari ini 09.00-12.00", "11-16", "09:00", "11-16", "10:00"),
        # reckoned from now
        ("2 jam terakhir", "11-16", "08:00", "11-16", "10:00"),
        ("1 jam lalu", "11-16", "09:00", "11-16", "10:00"),
        ("30 menit yang lalu", "11-16", "09:30", "11-16", "10:00"),
        ("last 2 hours", "11-16", "08:00", "11-16", "10:00"),
        ("last 45 minutes", "11-16", "09:15", "11-16", "10:00"),
    ],
)
def test_a_stretch_is_read(text: str, first: str, start: str, last: str, end: str) -> None:
    assert read(text) == Window(at(first, start), at(last, end))


def test_a_weekday_of_today_whose_hours_are_to_come_is_last_weeks() -> None:
    assert read("senin 21.30-22.15") == Window(at("11-09", "21:30"), at("11-09", "22:15"))


def test_a_day_of_last_year_is_found() -> None:
    window = read("31 desember 22.00 - 23.00")
    assert window.start == datetime(2025, 12, 31, 22, tzinfo=WIB)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kemarin",
        "kemarin malam",
        "21.30",
        "kemarin 21.30",
        "14/11 21.30",
        "kemarin 25.00-26.00",
        "kemarin 21.70-22.15",
        "tadi pagi 21.30-22.15",
        "semalam 14.00-15.00",
        "31/02 10.00-11.00",
        "32/01 10.00-11.00",
        "14/13 10.00-11.00",
        "kemarin 21.30-22.15 atau 23.00-23.30",
        "kira-kira kemarin 21.30-22.15",
        "minggu lalu 21.30-22.15",
        "besok 08.00-09.00",
        "habis maghrib",
        "kemarin 21.30-21.30 dan sekitarnya",
        "14-11-2026 21.30-22.15",
        "14.11.2026 21.30-22.15",
        "16/11 06.00 - 14/11 20.00",
        "0 jam terakhir",
        "halo",
        "123456",
    ],
)
def test_what_may_mean_something_else_is_asked_again(text: str) -> None:
    with pytest.raises(Refusal, match=r"request\.window\.unclear"):
        read(text)


@pytest.mark.parametrize("text", ["hari ini 21.30-22.15", "2027-01-01 10:00-11:00", "16/11 11-12"])
def test_a_time_that_has_not_been_yet_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"request\.window\.(future|unclear)"):
        read(text)


def test_the_district_zone_counts_and_not_the_machines() -> None:
    wit = ZoneInfo("Asia/Jayapura")
    window = read_window("kemarin 21.30-22.15", NOW, wit)
    assert window.start == datetime(2026, 11, 15, 12, 30, tzinfo=UTC)
    # 00.30 in Jayapura is still the evening before in Jakarta
    late = datetime(2026, 11, 15, 15, 30, tzinfo=UTC)
    assert read_window("kemarin 10.00-11.00", late, wit).start.date().day == 15
    assert read_window("kemarin 10.00-11.00", late, WIB).start.date().day == 14


def test_the_length_is_told_in_hours() -> None:
    assert read("kemarin 21.30-22.15").hours == 0.75
    assert read("14/11 23.00 - 16/11 01.00").hours == 26


@pytest.mark.parametrize(
    "text", ["kemarin 21.30-22.15", "2 jam terakhir", "21.30-23.00", "senin 8-9"]
)
def test_every_stretch_is_over_and_goes_forward(text: str) -> None:
    for hours in range(0, 24 * 7, 5):
        now = NOW + timedelta(hours=hours, minutes=7)
        window = read_window(text, now, WIB)
        assert window.start < window.end <= now
        assert now - window.start < timedelta(days=9)


def test_no_text_breaks_the_reader() -> None:
    from hypothesis import given, settings
    from hypothesis import strategies as st

    pieces = ["kemarin", "tadi malam", "21.30", "-", "–", "14/11", "30/02", "senin", "jam", "malam"]
    pieces += ["2026-11-14", "29 februari", "99/99/9999", "0/0", "s/d", "12 am", "\x00", "٣", "²"]

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.sampled_from(pieces) | st.text(max_size=6), max_size=7))
    def tries(words: list[str]) -> None:
        try:
            window = read(" ".join(words))
        except Refusal:
            return
        assert window.start < window.end

    tries()
