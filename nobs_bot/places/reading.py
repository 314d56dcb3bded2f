"""Reading a location out of what people type or paste: coordinates, map links, Plus Codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from openlocationcode import openlocationcode

from nobs_bot.errors import Refusal
from nobs_bot.places.areas import Areas

_NUMBER = r"[+-]?\d{1,3}(?:\.\d+)?"
_PAIR = re.compile(rf"^\s*({_NUMBER})°?\s*[,;\s]\s*({_NUMBER})°?\s*$")
# Indonesians write 6,1534 where others write 6.1534; then the pair is parted by ; or a blank
_COMMA_PAIR = re.compile(r"^\s*([+-]?\d{1,3},\d+)°?\s*[;,\s]\s*([+-]?\d{1,3},\d+)°?\s*$")
_HALF = re.compile(
    r"([+-]?\d{1,3}(?:[.,]\d+)?)\s*°?\s*"
    r"(?:(\d{1,2}(?:[.,]\d+)?)\s*['′’]\s*)?(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:\"|″|”|''))?\s*"
    r"(LS|LU|BT|BB|[NSEWUTB])\b",
    re.IGNORECASE,
)
_SOUTH_OR_WEST = {"S", "LS", "W", "B", "BB"}
_NORTH_SOUTH = {"N", "S", "LS", "LU", "U"}
_PLUS_CODE = re.compile(r"\b([23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,4})", re.I)
_LINK = re.compile(r"https?://\S+")
_AT = re.compile(rf"@({_NUMBER}),({_NUMBER})")
_PIN = re.compile(rf"!3d({_NUMBER})!4d({_NUMBER})")
_OSM_PIN = re.compile(rf"mlat=({_NUMBER})&mlon=({_NUMBER})")
_OSM_MAP = re.compile(rf"#map=[\d.]+/({_NUMBER})/({_NUMBER})")
_QUERY_NAMES = ("q", "query", "ll", "center", "destination", "daddr", "sll")


@dataclass(frozen=True)
class Point:
    """A point in degrees, WGS 84."""

    lat: float
    lon: float


def read_location(text: str, areas: Areas) -> Point | None:
    """
    The point that *text* names; None where it is words that only a geocoder knows.

    A pair that lies in the district only the other way round is turned round.

    Raises:
        Refusal: a map link that carries no coordinates, or numbers that are no place on earth.
    """
    link = _LINK.search(text)
    if link:
        return _from_link(link.group(), areas)
    pair = _from_pair(text) or _from_halves(text)
    if pair:
        return _sound(pair, areas)
    return _from_plus_code(text, areas)


def _from_link(url: str, areas: Areas) -> Point:
    decoded = unquote(url)
    # a place's own pin is more exact than the middle of the map that was looked at
    for pattern in (_PIN, _OSM_PIN, _AT, _OSM_MAP):
        found = pattern.search(decoded)
        if found:
            return _sound((float(found[1]), float(found[2])), areas)
    query = _query_of(url)
    for name in _QUERY_NAMES:
        for value in query.get(name, []):
            pair = _from_pair(value.removeprefix("loc:"))
            if pair:
                return _sound(pair, areas)
    on_path = re.search(rf"/({_NUMBER}),\s*\+?({_NUMBER})", decoded)
    if on_path:
        return _sound((float(on_path[1]), float(on_path[2])), areas)
    raise Refusal("location.link_without_coordinates")


def _query_of(url: str) -> dict[str, list[str]]:
    try:
        return parse_qs(urlsplit(url).query)
    except ValueError:  # "https://[" is a link to people and none to Python
        return {}


def _from_pair(text: str) -> tuple[float, float] | None:
    found = _COMMA_PAIR.match(text)
    if found:
        return float(found[1].replace(",", ".")), float(found[2].replace(",", "."))
    found = _PAIR.match(text)
    if found and ("." in found[1] or "." in found[2]):
        return float(found[1]), float(found[2])
    return None


def _from_halves(text: str) -> tuple[float, float] | None:
    halves = [_half(match) for match in _HALF.finditer(text)]
    if len(halves) != 2:
        return None
    latitude = [value for is_latitude, value in halves if is_latitude]
    longitude = [value for is_latitude, value in halves if not is_latitude]
    return (latitude[0], longitude[0]) if latitude and longitude else None


def _half(match: re.Match[str]) -> tuple[bool, float]:
    whole, minutes, seconds, side = match.groups()
    value = abs(_float(whole)) + _float(minutes) / 60 + _float(seconds) / 3600
    side = side.upper()
    is_negative = side in _SOUTH_OR_WEST or whole.startswith("-")
    return side in _NORTH_SOUTH, -value if is_negative else value


def _float(text: str | None) -> float:
    return float(text.replace(",", ".")) if text else 0.0


def _from_plus_code(text: str, areas: Areas) -> Point | None:
    found = _PLUS_CODE.search(text)
    if not found:
        return None
    code = found[1].upper()
    if openlocationcode.isShort(code):
        code = openlocationcode.recoverNearest(code, *areas.center)
    if not openlocationcode.isFull(code):
        return None
    area = openlocationcode.decode(code)
    return Point(area.latitudeCenter, area.longitudeCenter)


def _sound(pair: tuple[float, float], areas: Areas) -> Point:
    lat, lon = pair
    if areas.locate(lat, lon) is None and areas.locate(lon, lat) is not None:
        lat, lon = lon, lat
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise Refusal("location.not_on_earth")
    return Point(lat, lon)
