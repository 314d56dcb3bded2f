"""One row of a list: what it says of a camera, what was mended, or why it cannot be taken."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nobs_bot.cameras.enrolment import RETENTION_MOST_DAYS, read_phone
from nobs_bot.cameras.lists.columns import Column, Columns, plain
from nobs_bot.cameras.record import PlaceKind, Width
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import MOST_NAME_CHARACTERS
from nobs_bot.places.areas import Area, Areas
from nobs_bot.places.reading import read_location

_MOST_RANGE_M = 1000.0
_KINDS = {
    PlaceKind.HOME: "rumah home house residence tempat.tinggal kos kost perumahan",
    PlaceKind.SHOP: "toko shop store warung kios ruko minimarket pasar",
    PlaceKind.BUSINESS: "kantor office perusahaan company business usaha bank hotel gudang pabrik",
    PlaceKind.NEIGHBOURHOOD: "rt rw lingkungan neighbourhood neighborhood pos jalan gang portal",
    PlaceKind.OTHER: "lain lainnya lain.lain other masjid gereja sekolah tempat.ibadah",
}
_COMPASS = {
    0: "utara north n u",
    45: "timur.laut northeast north.east ne tl",
    90: "timur east e t",
    135: "tenggara southeast south.east se tg",
    180: "selatan south s",
    225: "barat.daya southwest south.west sw bd",
    270: "barat west w b",
    315: "barat.laut northwest north.west nw bl",
}
_UNKNOWN = {"", "-", "–", "?", "tidak.tahu", "unknown", "n.a", "na"}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_HEADING_OF = {name: heading for heading, names in _COMPASS.items() for name in names.split()}


class BadRow(Exception):  # noqa: N818 - read by the operator as a sentence
    """The row cannot be taken; the message says which cell is wrong and how."""


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A camera as a list has it.

    Args:
        line: Where it stands in the file.
        label: The list's own number for it; empty where it has none.
        mended: What was wrong and was put right, one sentence each.
    """

    line: int
    label: str
    lat: float
    lon: float
    area_code: str
    name: str = ""
    phone: str = ""
    address: str = ""
    kind: PlaceKind | None = None
    heading_deg: float | None = None
    width: Width | None = None
    range_m: float | None = None
    retention_days: int | None = None
    mended: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What makes it the same row in another reading of the list, wherever it then stands."""
        told = (self.label, f"{self.lat:.6f}", f"{self.lon:.6f}", self.name, self.phone)
        return "\x1f".join((*told, str(self.heading_deg), self.address))

    @property
    def view(self) -> tuple[float, float, float] | None:
        """Place and direction, by which two rows are one camera; None without a direction."""
        if self.heading_deg is None:
            return None
        return round(self.lat, 5), round(self.lon, 5), self.heading_deg


def read_entry(line: int, cells: list[str], columns: Columns, areas: Areas) -> Entry:
    """
    What a row says.

    Raises:
        BadRow: a cell that cannot be read, or a place outside the district.
    """
    given = {column: cells[at] for column, at in columns.at.items()}
    mended: list[str] = []
    lat, lon, area = _place(given, areas, mended)
    return Entry(
        line=line,
        label=given.get(Column.ID, ""),
        lat=lat,
        lon=lon,
        area_code=area.code,
        name=_name(given.get(Column.NAME, "")),
        phone=_phone(given.get(Column.PHONE, "")),
        address=given.get(Column.ADDRESS, "")[:200],
        kind=_kind(given.get(Column.KIND, "")),
        heading_deg=_heading(given.get(Column.HEADING, "")),
        width=_width(given.get(Column.WIDTH, "")),
        range_m=_amount(given.get(Column.RANGE, ""), "range", 1.0, _MOST_RANGE_M),
        retention_days=_days(given.get(Column.RETENTION, "")),
        mended=tuple(mended),
    )


def _place(given: dict[Column, str], areas: Areas, mended: list[str]) -> tuple[float, float, Area]:
    if given.get(Column.LAT) or given.get(Column.LON):
        lat = _degrees(given.get(Column.LAT, ""), "latitude", mended)
        lon = _degrees(given.get(Column.LON, ""), "longitude", mended)
    else:
        lat, lon = _pair(given.get(Column.PLACE, ""), areas)
    tries = (
        (lat, lon, ""),
        (lon, lat, "latitude and longitude were swapped"),
        (-lat, lon, "latitude had lost its minus sign"),
        (-lon, lat, "latitude and longitude were swapped, and a minus sign was lost"),
    )
    for y, x, what in tries:
        area = areas.locate(y, x) if abs(y) <= 90 and abs(x) <= 180 else None
        if area is not None:
            if what:
                mended.append(what)
            return y, x, area
    raise BadRow(f"{lat:g}, {lon:g} is outside the district")


def _degrees(cell: str, what: str, mended: list[str]) -> float:
    text = cell.strip().strip("°'\"").replace("\N{MINUS SIGN}", "-").replace(" ", "")
    if not text:
        raise BadRow(f"{what} is empty")
    if "," in text and "." not in text:
        text = text.replace(",", ".", 1)
        mended.append(f"{what} was written with a comma")
    whole, dot, rest = text.partition(".")
    if "." in rest:
        text = whole + dot + rest.replace(".", "")
        mended.append(f"{what} was written with dots between thousands")
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        raise BadRow(f"{what} {cell!r} is no number")
    value = float(text)
    if dot or abs(value) <= 180:
        return value
    # a spreadsheet that took the dot for a mark of thousands
    digits = text.lstrip("+-")
    ahead = 1 if what == "latitude" else 3
    mended.append(f"{what} had lost its decimal point")
    return float(("-" if value < 0 else "") + digits[:ahead] + "." + digits[ahead:])


def _pair(cell: str, areas: Areas) -> tuple[float, float]:
    if not cell:
        raise BadRow("the place is empty")
    try:
        point = read_location(cell, areas)
    except Refusal:
        point = None
    if point is None:
        raise BadRow(f"the place {cell[:60]!r} holds no coordinates")
    return point.lat, point.lon


def _name(cell: str) -> str:
    if cell and not any(map(str.isalpha, cell)):
        raise BadRow(f"the name {cell!r} has no letters")
    return cell[:MOST_NAME_CHARACTERS]


def _phone(cell: str) -> str:
    if plain(cell) in _UNKNOWN:
        return ""
    # a spreadsheet drops the leading zero: 812... is 0812...
    text = f"0{cell}" if re.fullmatch(r"8\d{8,11}", cell) else cell
    try:
        return read_phone(text)
    except Refusal:
        raise BadRow(f"the phone number {cell!r} cannot be called") from None


def _kind(cell: str) -> PlaceKind | None:
    name = plain(cell)
    if name in _UNKNOWN:
        return None
    return _KIND_OF.get(name) or _KIND_OF.get(name.split(".")[0], PlaceKind.OTHER)


def _heading(cell: str) -> float | None:
    name = plain(cell)
    if name in _UNKNOWN or cell in _UNKNOWN:
        return None
    if name in _HEADING_OF:
        return float(_HEADING_OF[name])
    degrees = _amount(cell.rstrip("°"), "direction", 0.0, 360.0)
    return None if degrees is None else degrees % 360


def _width(cell: str) -> Width | None:
    degrees = _amount(cell.rstrip("°"), "angle of view", 1.0, 360.0)
    if degrees is None:
        return None
    return min(Width, key=lambda each: abs(each.degrees - degrees))


def _days(cell: str) -> int | None:
    days = _amount(cell, "days of recording", 0.0, RETENTION_MOST_DAYS)
    return None if days is None else round(days)


def _amount(cell: str, what: str, least: float, most: float) -> float | None:
    """The number in a cell, units beside it; None where the cell is empty."""
    if plain(cell) in _UNKNOWN:
        return None
    found = re.fullmatch(r"[^\d+-]*([+-]?\d+(?:[.,]\d+)?)\s*(?:[^\d.,].*)?", cell)
    if not found:
        raise BadRow(f"{what} {cell!r} is no number")
    value = float(found[1].replace(",", "."))
    if not least <= value <= most:
        raise BadRow(f"{what} {cell!r} is not between {least:g} and {most:g}")
    return value
