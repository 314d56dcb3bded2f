"""Reading a stretch of time as people type it: "kemarin 21.30–22.15", "14/11 21:30-22:15"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nobs_bot.errors import Refusal

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januari january jan",
            "februari february feb peb",
            "maret march mar",
            "april apr",
            "mei may",
            "juni june jun",
            "juli july jul",
            "agustus august agu aug ags agt",
            "september sep sept",
            "oktober october okt oct",
            "november nov nop",
            "desember december des dec",
        ),
        start=1,
    )
    for name in names.split()
}
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "senin monday",
            "selasa tuesday",
            "rabu wednesday",
            "kamis thursday",
            "jumat jum'at friday",
            "sabtu saturday",
            "minggu ahad sunday",
        )
    )
    for name in names.split()
}
_DAYS_AGO = {
    "kemarin lusa": 2,
    "kemarin dulu": 2,
    "kemaren": 1,
    "kemarin": 1,
    "yesterday": 1,
    "hari ini": 0,
    "today": 0,
    "tadi": 0,
}
_PARTS = {
    "dini hari": "dini hari",
    "pagi": "pagi",
    "siang": "siang",
    "sore": "sore",
    "malam": "malam",
    "morning": "pagi",
    "afternoon": "pm",
    "evening": "malam",
}
# what a phrase says: how many days ago, and the part of the day that its hours are of
_PHRASES: dict[str, tuple[int, str | None]] = {
    **{f"{day} {part}": (ago, _PARTS[part]) for day, ago in _DAYS_AGO.items() for part in _PARTS},
    **{day: (ago, None) for day, ago in _DAYS_AGO.items()},
    "tadi malam": (1, "malam"),
    "semalam": (1, "malam"),
    "last night": (1, "malam"),
    "this morning": (0, "pagi"),
}
_PHRASE = re.compile(rf"\b(?:{'|'.join(sorted(_PHRASES, key=len, reverse=True))})\b")
_FILLERS = {"dari", "from", "antara", "between", "hari", "tanggal", "tgl", "on", "pukul", "jam"}
_DASHES = re.compile(r"\s*(?:[–—−-]|\bs\.?\s?/?d\.?\b|\bsampai\b|\bhingga\b|\bto\b|\buntil\b)\s*")
_CLOCK = re.compile(
    r"(?<![\d/])(?:(?:pukul|jam|pkl\.?|at)\s*)?(\d{1,2})(?:[.:](\d{2}))?"
    r"(?:\s*(wib|wita|wit))?\s*(am|pm|pagi|siang|sore|malam|dini hari)?(?![\d/])"
)
_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_NUMERIC = re.compile(r"\b(\d{1,2})[/](\d{1,2})(?:[/](\d{4}|\d{2}))?\b")
_NAMED = re.compile(rf"\b(\d{{1,2}})\s+({'|'.join(_MONTHS)})\b(?:\s+(\d{{4}})\b)?")
_LAST = re.compile(
    r"(?:(\d{1,2})\s*(jam|menit|hours?|minutes?)\s*(?:terakhir|yang lalu|lalu)"
    r"|last\s+(\d{1,2})\s*(hours?|minutes?))"
)


@dataclass(frozen=True)
class Window:
    """A stretch of time, aware; the end is after the start."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.end - self.start) / timedelta(hours=1)


MOST_WINDOWS = 5
_BETWEEN_WINDOWS = re.compile(
    r"[;\n]|\bdan juga\b|\bserta\b|\band also\b|\bplus\b|\+", re.IGNORECASE
)


def read_windows(text: str, now: datetime, zone: ZoneInfo) -> tuple[Window, ...]:
    """
    One or several stretches, parted by lines, semicolons or "serta"; the earliest first.

    Those that overlap become one.

    Raises:
        Refusal: one of them is unclear (see `read_window`), or they are too many.
    """
    parts = [part for part in _BETWEEN_WINDOWS.split(text) if part.strip()]
    if len(parts) > MOST_WINDOWS:
        raise Refusal("request.window.too_many", most=MOST_WINDOWS)
    if not parts:
        raise Refusal("request.window.unclear")
    merged: list[Window] = []
    for window in sorted((read_window(part, now, zone) for part in parts), key=lambda w: w.start):
        if merged and window.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return tuple(merged)


def read_window(text: str, now: datetime, zone: ZoneInfo) -> Window:
    """
    The stretch that *text* means, in the district's time.

    A day without a year is the latest such day, a weekday the latest whose hours have been; an end
    before the start is on the next day.

    Raises:
        Refusal: no day and hours to be found, or hours that have not been yet.
    """
    local = now.astimezone(zone)
    words = " ".join(text.casefold().replace(",", " ").split())
    window = _last_hours(words, local) or _day_and_hours(words, local, zone)
    if window.start > now:
        raise Refusal("request.window.future")
    return Window(window.start, min(window.end, now)) if window.end > now else window


def _last_hours(words: str, local: datetime) -> Window | None:
    found = _LAST.search(words)
    if not found:
        return None
    count, unit = int(found[1] or found[3]), found[2] or found[4]
    span = timedelta(minutes=count) if unit.startswith("m") else timedelta(hours=count)
    return Window(local - span, local) if span else None


def _day_and_hours(words: str, local: datetime, zone: ZoneInfo) -> Window:
    days, part, back_days, rest = _take_days(words, local.date())
    clocks = _clocks(rest, part)
    if len(clocks) != 2:
        raise Refusal("request.window.unclear")
    start = _moment(days[0], clocks[0], part, zone)
    end = _moment(days[-1], clocks[1], part, zone)
    if end <= start and len(days) < 2:
        end += timedelta(days=1)
    if end <= start:
        raise Refusal("request.window.unclear")
    if start > local:
        back = timedelta(days=back_days)
        return Window(start - back, end - back)
    return Window(start, end)


def _moment(day: date, clock: time, part: str | None, zone: ZoneInfo) -> datetime:
    """An hour of a day; the small hours of a night belong to the day after its evening."""
    if part == "malam":
        if 6 <= clock.hour < 18:
            raise Refusal("request.window.unclear")
        day += timedelta(days=clock.hour < 6)
    return datetime.combine(day, clock, zone)


def _take_days(words: str, today: date) -> tuple[list[date], str | None, int, str]:
    """
    The days that are named, in order, and the words without them.

    Returns:
        One day or two; the part of the day that a phrase names; how many days to go back where
        the hours have not been yet; the words that are left.
    """
    found: list[tuple[int, date]] = []

    def note(position: int, day: date | None) -> str:
        if day is None:
            raise Refusal("request.window.unclear")
        found.append((position, day))
        return "\x00"

    words = _ISO.sub(lambda m: note(m.start(), _day(m[3], m[2], m[1], today)), words)
    words = _NUMERIC.sub(lambda m: note(m.start(), _day(m[1], m[2], m[3], today)), words)
    words = _NAMED.sub(lambda m: note(m.start(), _day(m[1], _MONTHS[m[2]], m[3], today)), words)
    part = None
    if phrase := _PHRASE.search(words):
        ago, part = _PHRASES[phrase.group()]
        note(phrase.start(), today - timedelta(days=ago))
        words = words.replace(phrase.group(), "\x00")
    back_days = 0 if found else 1
    for name, number in _WEEKDAYS.items():
        named = re.search(rf"\b{re.escape(name)}\b", words)
        if named and not found:
            note(named.start(), today - timedelta(days=(today.weekday() - number) % 7))
            back_days = 7
        words = re.sub(rf"\b{re.escape(name)}\b", "\x00", words)
    days = [day for _, day in sorted(found, key=lambda each: each[0])][:2]
    return days or [today], part, back_days, words


def _day(day: object, month: object, year: object, today: date) -> date | None:
    try:
        if year:
            number = int(str(year))
            return date(number + 2000 if number < 100 else number, int(str(month)), int(str(day)))
        this_year = date(today.year, int(str(month)), int(str(day)))
        return this_year if this_year <= today else this_year.replace(year=today.year - 1)
    except ValueError:
        return None


def _clocks(words: str, part: str | None) -> list[time]:
    """The hours of day in *words*; *part* is that of those that name none themselves."""
    parts = _DASHES.sub(" - ", words.replace("\x00", " "))
    found = list(_CLOCK.finditer(parts))
    _refuse_unknown_words(_CLOCK.sub(" ", parts))
    clocks = [_clock(match[1], match[2], match[4] or part) for match in found]
    if len(found) == 2 and found[1][4] and not found[0][4]:
        # "9 - 10 malam": the word counts for both, but for the first of "11 - 1 pm"
        both = _clock(found[0][1], found[0][2], found[1][4])
        if both and clocks[1] and (both < clocks[1] or found[1][4] == "malam"):
            clocks[0] = both
    return [clock for clock in clocks if clock is not None]


def _refuse_unknown_words(rest: str) -> None:
    """What we do not understand may change the meaning: better ask than look at a wrong hour."""
    if set(re.findall(r"[^\W\d_]+", rest)) - _FILLERS:
        raise Refusal("request.window.unclear")


def _clock(hour_text: str, minute_text: str | None, part: str | None) -> time | None:
    """None where there is no such hour, or not in that part of the day."""
    hour, minute = int(hour_text), int(minute_text or 0)
    if part in ("am", "pagi", "dini hari") and hour > 12:
        return None
    if (part in ("pm", "sore") and hour < 12) or (part == "malam" and 6 <= hour < 12):
        hour += 12
    elif part in ("am", "dini hari", "malam") and hour == 12:
        hour = 0
    elif part == "siang" and hour < 6:
        hour += 12
    if hour == 24 and minute == 0:
        hour = 0
    return time(hour, minute) if hour < 24 and minute < 60 else None
