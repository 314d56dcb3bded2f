"""Maps as pictures: crisp on a phone, without tiles; OpenCV draws shapes, Pillow the words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from math import cos, radians
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydantic import BaseModel, ConfigDict

from nobs_bot.coverage.basemap import BaseMap, Line, Road
from nobs_bot.coverage.sector import Sector, ground_sector

WIDTH_PX, HEIGHT_PX = 1080, 810
ATTRIBUTION = "© OpenStreetMap contributors · BPS"
_SHIFT = 4  # bits of sub-pixel precision that OpenCV's shapes take
_M_PER_DEG = 111_320.0
# a phone shows the picture at a third of its size, so this is as small as words may be
_WORDS_PX, _SOURCE_PX = 32, 22

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

# colours in RGB
_GROUND: Colour = (244, 241, 234)
_BUILDING: Colour = (226, 219, 207)
_BOUNDARY: Colour = (168, 148, 190)
_CASING: Colour = (206, 199, 187)
_INK: Colour = (52, 58, 64)
_OWN: Colour = (0, 110, 200)
_OTHER: Colour = (120, 120, 120)
_SEEING: Colour = (0, 140, 70)
_PLACE: Colour = (200, 50, 40)
_GAINED: Colour = (60, 170, 230)
_LOST: Colour = (240, 150, 60)
_STYLES: dict[str, Colour] = {
    "own": _OWN,
    "other": _OTHER,
    "seeing": _SEEING,
    "gained": _GAINED,
    "lost": _LOST,
}
_ROADS: dict[str, tuple[float, Colour]] = {
    # width on the ground in metres, colour
    "motorway": (18, (247, 190, 140)),
    "motorway_link": (9, (247, 205, 165)),
    "primary": (14, (252, 220, 150)),
    "primary_link": (8, (252, 226, 170)),
    "secondary": (11, (254, 240, 180)),
    "secondary_link": (8, (254, 240, 190)),
    "tertiary": (9, (255, 255, 255)),
    "footway": (2.5, (235, 228, 220)),
}
_PLAIN_ROAD = (6.0, (255, 255, 255))


class Cone(BaseModel):
    """A camera and its view; `style` is own, other or seeing; `label` stands beside it."""

    model_config = ConfigDict(frozen=True)

    lat: float
    lon: float
    heading_deg: float | None = None
    others_deg: tuple[float, ...] = ()
    width_deg: float | None = None
    range_m: float | None = None
    style: str = "own"
    label: str = ""


class Framed(Protocol):
    """What every picture of the ground has (see `MapView`)."""

    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def span_m(self) -> float: ...
    @property
    def legend(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def north(self) -> str: ...


class MapView(BaseModel):
    """
    What a map shows.

    Args:
        lat, lon: Its middle, degrees.
        span_m: Metres from its left to its right edge.
        cones: Cameras, the most important last.
        gained, lost: Places on roads that would be seen, or no longer, as (lat, lon).
        circle_m: Radius of a circle round the middle, metres; 0 for none.
        pin: Whether the middle is marked.
        legend: (style, words) lines, for those who cannot tell the colours.
        north: The letter at the arrow: U(tara) or N(orth).
    """

    model_config = ConfigDict(frozen=True)

    lat: float
    lon: float
    span_m: float = 320.0
    cones: tuple[Cone, ...] = ()
    gained: tuple[tuple[float, float], ...] = ()
    lost: tuple[tuple[float, float], ...] = ()
    circle_m: float = 0.0
    pin: bool = False
    legend: tuple[tuple[str, str], ...] = ()
    north: str = "U"


def draw_map(base: BaseMap, view: MapView) -> bytes:
    """The map as PNG, 1080 x 810 px, north up, with scale bar and attribution."""
    canvas = Canvas(view)
    canvas.ground(base)
    if view.circle_m:
        canvas.circle(view.circle_m)
    canvas.pieces(view.lost, _LOST)
    canvas.pieces(view.gained, _GAINED)
    if view.pin:
        canvas.pin(view.lat, view.lon, _PLACE)
    for cone in view.cones:
        canvas.cone(cone)
    return canvas.finish()


def _colour(style: str) -> Colour:
    return _STYLES.get(style, _PLACE)


class Canvas:
    """
    A picture of the ground, north up, to draw on.

    Args:
        view: Its middle, span, legend and the letter of its north.
        size_px: Width and height.
    """

    def __init__(self, view: Framed, size_px: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)) -> None:
        self.view = view
        self.width_px, self.height_px = size_px
        self.px_per_m = self.width_px / view.span_m
        self.image: Pixels = np.full((self.height_px, self.width_px, 3), _GROUND, np.uint8)
        self._words: list[tuple[tuple[float, float], str, Colour]] = []
        self._taken: list[tuple[float, float, float, float]] = []

    def ground(self, base: BaseMap) -> None:
        """Buildings, roads and their names, boundaries."""
        roads = base.roads(*self._bounds())
        self.buildings(base)
        self.roads(roads)
        self.boundaries(base)
        self.name_roads(roads)

    def buildings(self, base: BaseMap) -> None:
        for ring in self._fixed_each(base.buildings(*self._bounds())):
            cv2.fillPoly(self.image, [ring], _BUILDING, cv2.LINE_AA, _SHIFT)

    def roads(self, roads: Sequence[Road]) -> None:
        """The narrow ones below the wide ones, all above their casings."""
        styles: dict[tuple[float, Colour], list[Line]] = {}
        for road in roads:
            styles.setdefault(self._road(road), []).append(road.points)
        drawn = [(style, self._fixed_each(styles[style])) for style in sorted(styles)]
        for widen in (2, 0):
            for (width, colour), lines in drawn:
                pixels = max(2, round(width * self.px_per_m)) + widen
                shown = _CASING if widen else colour
                cv2.polylines(self.image, lines, False, shown, pixels, cv2.LINE_AA, _SHIFT)

    def boundaries(self, base: BaseMap) -> None:
        rings = self._fixed_each(base.boundary_rings)
        cv2.polylines(self.image, rings, False, _BOUNDARY, 2, cv2.LINE_AA, _SHIFT)

    def _road(self, road: Road) -> tuple[float, Colour]:
        return _ROADS.get(road.kind, _PLAIN_ROAD)

    def name_roads(self, roads: Sequence[Road]) -> None:
        """The wide ones first, each where it has room."""
        named: set[str] = set()
        for road in sorted(roads, key=lambda road: -self._road(road)[0]):
            if not road.name or road.name in named:
                continue
            inside = [point for point in self._to_pixels(road.points) if self._is_inside(point)]
            if inside and self._has_room(inside[len(inside) // 2], road.name):
                named.add(road.name)
                self._words.append((inside[len(inside) // 2], road.name, (110, 100, 90)))

    def _has_room(self, at: tuple[float, float], words: str) -> bool:
        half, high = _length_px(words) / 2 + 4, _WORDS_PX / 2 + 6
        box = (at[0] - half, at[1] - high, at[0] + half, at[1] + high)
        if box[0] < 8 or box[2] > self.width_px - 8 or not 60 < at[1] < self.height_px - 90:
            return False
        for left, top, right, bottom in self._taken:
            if box[0] < right and left < box[2] and box[1] < bottom and top < box[3]:
                return False
        self._taken.append(box)
        return True

    def circle(self, radius_m: float) -> None:
        center = tuple(
            round(value * (1 << _SHIFT)) for value in self._xy(self.view.lat, self.view.lon)
        )
        radius = round(radius_m * self.px_per_m * (1 << _SHIFT))
        tint = self.image.copy()
        cv2.circle(tint, center, radius, _PLACE, -1, cv2.LINE_AA, _SHIFT)
        self._blend(tint, 0.10)
        cv2.circle(self.image, center, radius, _PLACE, 3, cv2.LINE_AA, _SHIFT)

    def pieces(self, places: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Pieces of road, 5 m each, as beads."""
        radius = max(3, round(2.6 * self.px_per_m))
        for lat, lon in places:
            x, y = (round(value) for value in self._xy(lat, lon))
            cv2.circle(self.image, (x, y), radius, colour, -1, cv2.LINE_AA)

    def cone(self, cone: Cone) -> None:
        colour = _colour(cone.style)
        for heading in (cone.heading_deg, *cone.others_deg):
            if not cone.width_deg or not cone.range_m:
                break
            sector = Sector(cone.lat, cone.lon, heading, cone.width_deg, cone.range_m)
            ring = np.array([(lon, lat) for lat, lon in ground_sector(sector)]).reshape(-1, 2)
            if len(ring):
                tint = self.image.copy()
                cv2.fillPoly(tint, [self._fixed(ring)], colour, cv2.LINE_AA, _SHIFT)
                self._blend(tint, 0.18 if cone.style == "other" else 0.34)
                self._line(ring, colour, 2)
        self._dot(cone.lat, cone.lon, colour, 11 if cone.style != "other" else 8)
        if cone.label:
            x, y = self._xy(cone.lat, cone.lon)
            self._words.append(((x, y - 34), cone.label, colour))

    def _dot(self, lat: float, lon: float, colour: Colour, radius: int) -> None:
        x, y = (round(value) for value in self._xy(lat, lon))
        cv2.circle(self.image, (x, y), radius + 3, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(self.image, (x, y), radius, colour, -1, cv2.LINE_AA)

    def pin(self, lat: float, lon: float, colour: Colour) -> None:
        x, y = self._xy(lat, lon)
        drop = np.array(
            [
                (x + 26 * np.sin(angle), y - 52 - 26 * np.cos(angle))
                for angle in np.linspace(-2.3, 2.3, 40)
            ]
            + [(x, y)]
        )
        outline = np.round(drop * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(self.image, [outline], colour, cv2.LINE_AA, _SHIFT)
        cv2.polylines(self.image, [outline], True, (255, 255, 255), 3, cv2.LINE_AA, _SHIFT)
        cv2.circle(self.image, (round(x), round(y - 52)), 10, (255, 255, 255), -1, cv2.LINE_AA)

    def finish(self) -> bytes:
        picture = Image.fromarray(self.image)
        pen = ImageDraw.Draw(picture)
        for at, words, colour in self._words:
            _write(pen, at, words, colour, _WORDS_PX, anchor="mm")
        self._scale_bar(pen)
        self._north(pen)
        self._legend(pen)
        _write(
            pen,
            (self.width_px - 12, self.height_px - 12),
            ATTRIBUTION,
            _INK,
            _SOURCE_PX,
            anchor="rb",
        )
        out = BytesIO()
        picture.save(out, "PNG", compress_level=4)
        return out.getvalue()

    def _scale_bar(self, pen: ImageDraw.ImageDraw) -> None:
        metres = _round_length(self.view.span_m / 5)
        length, left, bottom = metres * self.px_per_m, 24, self.height_px - 24
        pen.rectangle((left - 12, bottom - 58, left + length + 12, bottom + 12), fill="white")
        pen.line(
            (left, bottom - 8, left, bottom, left + length, bottom, left + length, bottom - 8),
            fill=_INK,
            width=3,
        )
        words = f"{metres:g} m" if metres < 1000 else f"{metres / 1000:g} km"
        _write(pen, (left + length / 2, bottom - 30), words, _INK, _WORDS_PX, anchor="mm")

    def _north(self, pen: ImageDraw.ImageDraw) -> None:
        x, y = self.width_px - 58, 72
        pen.ellipse((x - 40, y - 54, x + 40, y + 44), fill="white")
        pen.polygon([(x, y - 14), (x - 16, y + 32), (x, y + 22), (x + 16, y + 32)], fill=_INK)
        _write(pen, (x, y - 31), self.view.north, _INK, _WORDS_PX, anchor="mm")

    def _legend(self, pen: ImageDraw.ImageDraw) -> None:
        if not self.view.legend:
            return
        font, line_px = _font(_WORDS_PX), _WORDS_PX + 16
        width = max(font.getlength(words) for _, words in self.view.legend) + 72
        bottom = 20 + line_px * len(self.view.legend)
        pen.rounded_rectangle((12, 12, 12 + width, bottom), 8, "white")
        for line, (style, words) in enumerate(self.view.legend):
            y = 16 + line_px * (line + 0.5)
            pen.ellipse((26, y - 12, 50, y + 12), fill=self.style_colour(style))
            pen.text((62, y), words, _INK, font, anchor="lm")

    def style_colour(self, style: str) -> Colour:
        """The colour of a style in the legend."""
        return _colour(style)

    def _blend(self, tint: Pixels, share: float) -> None:
        cv2.addWeighted(tint, share, self.image, 1 - share, 0, dst=self.image)

    def _line(self, points: Line, colour: Colour, thickness: int) -> None:
        cv2.polylines(
            self.image, [self._fixed(points)], False, colour, thickness, cv2.LINE_AA, _SHIFT
        )

    def _bounds(self) -> tuple[float, float, float, float]:
        half_lat = self.height_px / self.px_per_m / 2 / _M_PER_DEG
        half_lon = self.view.span_m / 2 / (_M_PER_DEG * cos(radians(self.view.lat)))
        lat, lon = self.view.lat, self.view.lon
        return lon - half_lon, lat - half_lat, lon + half_lon, lat + half_lat

    def _xy(self, lat: float, lon: float) -> tuple[float, float]:
        x, y = self._to_pixels(np.array([(lon, lat)]))[0]
        return float(x), float(y)

    def _to_pixels(self, points: Line) -> Line:
        """(lon, lat) degrees to (x, y) pixels, y downwards."""
        east = (points[:, 0] - self.view.lon) * _M_PER_DEG * cos(radians(self.view.lat))
        north = (points[:, 1] - self.view.lat) * _M_PER_DEG
        x = self.width_px / 2 + east * self.px_per_m
        y = self.height_px / 2 - north * self.px_per_m
        return np.column_stack([x, y])

    def _fixed_each(self, lines: Sequence[Line]) -> list[NDArray[np.int32]]:
        """Many lines in one go: a call for each takes longer than the drawing."""
        if not lines:
            return []
        ends = np.cumsum([len(line) for line in lines])[:-1]
        return np.split(self._fixed(np.concatenate(lines)), ends)

    def _fixed(self, points: Line) -> NDArray[np.int32]:
        pixels = np.clip(self._to_pixels(points), -30_000, 30_000)
        return np.round(pixels * (1 << _SHIFT)).astype(np.int32)

    def _is_inside(self, point: tuple[float, float]) -> bool:
        return 0 <= point[0] < self.width_px and 0 <= point[1] < self.height_px


@lru_cache(maxsize=4096)
def _length_px(words: str) -> float:
    return _font(_WORDS_PX).getlength(words)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _write(
    pen: ImageDraw.ImageDraw,
    at: tuple[float, float],
    words: str,
    colour: Colour,
    size: int,
    *,
    anchor: str,
) -> None:
    pen.text(at, words, colour, _font(size), anchor=anchor, stroke_width=3, stroke_fill="white")


def _round_length(metres: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is not above *metres*."""
    power = 10.0 ** int(np.floor(np.log10(metres)))
    return float(max(factor * power for factor in (1, 2, 5) if factor * power <= metres))
