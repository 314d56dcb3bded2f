"""Maps as pictures, looked at pixel by pixel."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.drawing import HEIGHT_PX, WIDTH_PX, Cone, MapView, draw_map
from nobs_bot.coverage.gallery import Gallery
from nobs_bot.messaging.message import Picture, PictureKind
from nobs_bot.places.areas import Areas
from nobs_bot.places.geodesy import ahead
from tests.cast import SHOP, House

LAT, LON = SHOP
Pixels = NDArray[np.int16]


@pytest.fixture(scope="module")
def base(areas: Areas) -> BaseMap:
    return BaseMap(areas)


def draw(base: BaseMap, **view: object) -> Pixels:
    png = draw_map(base, MapView(lat=LAT, lon=LON, **view))  # type: ignore[arg-type]
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        assert image.size == (WIDTH_PX, HEIGHT_PX)
        return np.asarray(image.convert("RGB")).astype(np.int16)


def cone(heading: float | None, **more: object) -> Cone:
    about = {"lat": LAT, "lon": LON, "width_deg": 60, "range_m": 60} | more
    return Cone(heading_deg=heading, **about)  # type: ignore[arg-type]


def changed(one: Pixels, other: Pixels) -> NDArray[np.bool_]:
    differs: NDArray[np.bool_] = np.abs(one - other).sum(axis=2) > 12
    return differs


def middle_of(mask: NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(columns.mean()) - WIDTH_PX / 2, float(rows.mean()) - HEIGHT_PX / 2


def test_a_map_is_a_png_of_its_size_and_not_one_colour(base: BaseMap) -> None:
    assert len(np.unique(draw(base).reshape(-1, 3), axis=0)) > 20


@pytest.mark.parametrize(
    ("heading", "right", "down"), [(0, 0, -1), (90, 1, 0), (180, 0, 1), (270, -1, 0)]
)
def test_the_view_is_drawn_where_the_camera_looks(
    base: BaseMap, heading: float, right: int, down: int
) -> None:
    plain = draw(base)
    x, y = middle_of(changed(plain, draw(base, cones=(cone(heading),))))
    wanted = {0: abs(x) < 12, 1: x > 40, -1: x < -40}[right]
    assert wanted
    assert {0: abs(y) < 12, 1: y > 40, -1: y < -40}[down]


def test_a_wider_and_a_longer_view_covers_more(base: BaseMap) -> None:
    plain = draw(base)
    sizes = [
        int(changed(plain, draw(base, cones=(cone(90, **more),))).sum())
        for more in ({"width_deg": 45}, {"width_deg": 110}, {"width_deg": 110, "range_m": 90})
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] * 1.5 < sizes[1] < sizes[2]


def test_a_camera_of_unknown_heading_is_only_a_dot(base: BaseMap) -> None:
    plain = draw(base)
    dot = changed(plain, draw(base, cones=(cone(None),)))
    assert 100 < dot.sum() < 1500
    assert middle_of(dot) == pytest.approx((0, 0), abs=2)


def test_styles_differ_in_colour(base: BaseMap) -> None:
    pictures = [draw(base, cones=(cone(90, style=style),)) for style in ("own", "other", "seeing")]
    assert changed(pictures[0], pictures[1]).sum() > 1000
    assert changed(pictures[0], pictures[2]).sum() > 1000


def test_the_circle_has_its_radius(base: BaseMap) -> None:
    ring = changed(draw(base), draw(base, circle_m=100, span_m=320))
    rows, columns = np.nonzero(ring)
    assert columns.max() - columns.min() == pytest.approx(200 / 320 * WIDTH_PX, abs=8)
    assert rows.max() - rows.min() == pytest.approx(200 / 320 * WIDTH_PX, abs=8)


def test_the_pin_stands_on_the_middle(base: BaseMap) -> None:
    rows, columns = np.nonzero(changed(draw(base), draw(base, pin=True)))
    assert columns.mean() == pytest.approx(WIDTH_PX / 2, abs=4)
    assert rows.max() == pytest.approx(HEIGHT_PX / 2, abs=6)


def test_legend_and_north_are_written(base: BaseMap) -> None:
    plain = draw(base)
    legend = changed(plain, draw(base, legend=(("own", "Kamera Anda"), ("other", "Lainnya"))))
    rows, columns = np.nonzero(legend)
    assert columns.max() < WIDTH_PX / 2
    assert rows.max() < HEIGHT_PX / 4
    assert changed(plain, draw(base, north="N")).sum() > 10


def test_the_same_view_is_the_same_picture(base: BaseMap) -> None:
    view = MapView(lat=LAT, lon=LON, cones=(cone(135, label="K-1001"),))
    assert draw_map(base, view) == draw_map(base, view)


@pytest.mark.parametrize("span_m", [40, 320, 5000, 20_000])
def test_every_span_can_be_drawn(base: BaseMap, span_m: float) -> None:
    assert draw(base, span_m=span_m, cones=(cone(10, label="K-1"),)).shape == (810, 1080, 3)


def test_a_camera_far_outside_the_picture_does_no_harm(base: BaseMap) -> None:
    far = ahead(LAT, LON, 90, 200_000)
    away = cone(90, lat=far[0], lon=far[1], label="K-9")
    assert not changed(draw(base), draw(base, cones=(away,))).any()


async def test_the_gallery_brings_each_kind(house: House, base: BaseMap) -> None:
    gallery = Gallery(base, house.files)
    await house.files.put("photos/1", b"jpeg")
    view = MapView(lat=LAT, lon=LON, cones=(cone(90),))
    assert await gallery.load(
        Picture(kind=PictureKind.MAP, about=view.model_dump(mode="json"))
    ) == draw_map(base, view)
    assert await gallery.load(Picture(kind=PictureKind.FILE, name="photos/1")) == b"jpeg"
    text = Picture(kind=PictureKind.TEXT, about={"text": "Salin: ✅"})
    assert await gallery.load(text) == "Salin: ✅".encode()
    assert await gallery.load(Picture(kind=PictureKind.TELEGRAM, name="AgAC")) == "AgAC"


def test_the_nearest_road_is_named(base: BaseMap) -> None:
    assert base.nearest_road(LAT, LON) == "Jembatan Besi 8"
    assert base.nearest_road(-6.0, 106.0) == ""
