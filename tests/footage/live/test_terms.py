"""What an owner allows: hours as people type them, over midnight too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nobs_bot.errors import Refusal
from nobs_bot.footage.live.record import LiveTerms
from nobs_bot.footage.live.terms import is_hour, read_hours


@pytest.mark.parametrize(
    ("typed", "hours"),
    [
        ("22-5", (1320, 300)),
        ("22.00-05.00", (1320, 300)),
        ("18:30 – 06:15", (1110, 375)),
        (" 7 sampai 17 ", (420, 1020)),
        ("7.30 s/d 16", (450, 960)),
        ("8 to 24", (480, 0)),
        ("0-6", (0, 360)),
    ],
)
def test_hours_as_people_type_them(typed: str, hours: tuple[int, int]) -> None:
    assert read_hours(typed) == hours


@pytest.mark.parametrize(
    "typed", ["", "siang", "25-3", "8-8", "0-24", "22", "22.60-5", "8-24.30", "-1-5", "8-9-10"]
)
def test_what_are_no_hours_is_refused(typed: str) -> None:
    with pytest.raises(Refusal, match=r"live\.hours\.unread"):
        read_hours(typed)


@pytest.mark.parametrize(
    ("start", "end", "within"),
    [(1320, 300, (22, 23, 0, 4)), (360, 1080, (6, 12, 17)), (None, None, range(24))],
)
def test_an_hour_is_within_or_not(start: int | None, end: int | None, within: range) -> None:
    terms = LiveTerms(camera_id=1, from_min=start, until_min=end, emergencies_only=False)
    midnight = datetime(2026, 11, 16, tzinfo=UTC)
    allowed = {hour for hour in range(24) if is_hour(terms, midnight + timedelta(hours=hour))}
    assert set(within) <= allowed
    if start is not None and end is not None:
        assert len(allowed) == ((end - start) // 60) % 24
