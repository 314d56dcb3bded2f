"""
Reading the catalogues and filling in their placeholders.

A message's id is a key such as `enrol.place.ask`; each language has its own sentence, also the
English one, so that a better English wording does not orphan the Indonesian.
Sentences are Telegram HTML: what is filled in is escaped unless it is `Markup`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache, cached_property, lru_cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES = ("id", "en")
CATALOGUES = Path(__file__).parent / "locale"
_TAGS = re.compile(r"</?[a-z][^>]*>")


@lru_cache(maxsize=256)
def _weekday_and_day(day: date, locale: str) -> str:
    # a request tells a thousand owners of the same few days, and writing one takes a while
    return str(format_date(day, "EEEE, d MMMM", locale=locale))


@lru_cache(maxsize=4096)
def _number(value: float, locale: str) -> str:
    # tables are full of the same small ones
    return str(format_decimal(value, locale=locale))


class Markup(str):
    """Text that is Telegram HTML already and goes in as it is."""

    __slots__ = ()


def plain(text: str) -> str:
    """A sentence without Telegram's markup, for where it means nothing: files and pages."""
    return html.unescape(_TAGS.sub("", text))


def read_catalogue(language: str) -> Catalog:
    """
    All messages of one language, from every `.po` file of its folder.

    Raises:
        ValueError: a message stands in two files.
    """
    first, *others = sorted((CATALOGUES / language).glob("*.po"))
    # the first one's header says how this language forms its plurals, which Babel does not know
    whole = _read(first, language)
    for path in others:
        for message in _read(path, language):
            if not message.id:
                continue
            if whole.get(message.id if isinstance(message.id, str) else message.id[0]):
                raise ValueError(f"{path.name}: {message.id} stands in two catalogues")
            whole[message.id] = message
    return whole


def _read(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language)


class Words:
    """One person's language in one district's time zone."""

    def __init__(self, language: str, translations: GNUTranslations, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self._translations = translations
        # a page says the same fifty sentences to everybody
        self._bare: dict[str, str] = {}

    def __call__(self, key: str, /, **params: object) -> str:
        """
        The sentence of *key* with its placeholders filled in.

        Raises:
            KeyError: there is no such sentence, or a placeholder is not given.
        """
        sentence = self._translations.gettext(key)
        if sentence == key:
            raise KeyError(key)
        return self._fill(sentence, params)

    def bare(self, key: str) -> str:
        """
        The sentence of *key*, which has no placeholders, as plain text (see `plain`).

        Raises:
            KeyError: there is no such sentence, or it has placeholders.
        """
        found = self._bare.get(key)
        if found is None:
            found = self._bare[key] = plain(self(key))
        return found

    def plural(self, key: str, count: int, /, **params: object) -> str:
        """The form of *key* that fits *count*, which is filled in as `{count}`."""
        sentence = self._translations.ngettext(key, f"{key}.many", count)
        if sentence in (key, f"{key}.many"):
            raise KeyError(key)
        return self._fill(sentence, {"count": count, **params})

    def has(self, key: str) -> bool:
        """Whether there is a sentence of this key."""
        return self._translations.gettext(key) != key

    def number(self, value: float) -> str:
        """A number as this language writes it: 2.496.002 or 1,5."""
        return _number(value, self._locale)

    def distance(self, metres: float) -> str:
        """Metres below a kilometre, then kilometres with one digit."""
        if round(metres) < 1000:
            return f"{self.number(round(metres))} m"
        return f"{self.number(round(metres / 1000, 1))} km"

    def date(self, day: date | datetime) -> str:
        """A weekday and a day: Senin, 14 November; an instant is told in the district's zone."""
        local = day.astimezone(self.zone) if isinstance(day, datetime) else day
        on = local.date() if isinstance(local, datetime) else local
        return _weekday_and_day(on, self._locale)

    def time(self, instant: datetime) -> str:
        """The time of day in the district's zone, without the zone's name."""
        return str(format_time(instant.astimezone(self.zone), self._clock, locale=self._locale))

    def moment(self, instant: datetime) -> str:
        """Day, time and the zone's name: Senin, 14 November, 21.30 WIB."""
        local = instant.astimezone(self.zone)
        return f"{self.date(local)}, {self.time(local)} {local.tzname()}"

    def exactly(self, instant: datetime) -> str:
        """For documents: 14 November 2026, 21.30.05 WIB."""
        local = instant.astimezone(self.zone)
        clock = self._clock + self._clock[2] + "ss"
        day = format_date(local, "d MMMM y", locale=self._locale)
        return f"{day}, {format_time(local, clock, locale=self._locale)} {local.tzname()}"

    def window(self, start: datetime, end: datetime) -> str:
        """A stretch of time, its day said once where it is one day."""
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        if first.date() == last.date():
            return f"{self.date(first)}, {self.time(first)}–{self.time(last)} {last.tzname()}"
        return f"{self.date(first)}, {self.time(first)} – {self.moment(last)}"

    @property
    def _locale(self) -> str:
        return "id_ID" if self.language == "id" else "en_GB"

    @property
    def _clock(self) -> str:
        return "HH.mm" if self.language == "id" else "HH:mm"

    def _fill(self, sentence: str, params: dict[str, object]) -> str:
        return sentence.format_map({name: self._escape(value) for name, value in params.items()})

    def _escape(self, value: object) -> str:
        if isinstance(value, Markup):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self.number(value)
        return html.escape(str(value), quote=False)


@cache
def _translations(language: str) -> GNUTranslations:
    """The messages of one language; reading them takes a quarter of a second, and is done once."""
    compiled = BytesIO()
    write_mo(compiled, read_catalogue(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


class Texts:
    """
    The words of every language.

    Args:
        zone: The district's time zone.
        default: Language of those who have not chosen one.
    """

    def __init__(self, zone: ZoneInfo, default: str = "id") -> None:
        self._zone = zone
        self._default = default

    @cached_property
    def _words(self) -> dict[str, Words]:
        return {language: self._load(language) for language in LANGUAGES}

    def _load(self, language: str) -> Words:
        return Words(language, _translations(language), self._zone)

    def of(self, language: str | None) -> Words:
        """The words of *language*, or of the default where it is unknown or None."""
        return self._words.get(language or self._default) or self._words[self._default]

    def __iter__(self) -> Iterator[Words]:
        return iter(self._words.values())
