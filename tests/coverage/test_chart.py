"""The chart of coverage, looked at pixel by pixel: what is seen, missed, and not ours to know."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.chart import _MISSED, _SEEN, _URGENT, SIZE_PX, Chart, draw_chart
from nobs_bot.coverage.ground import Ground
from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.plane import Plane
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import View
from nobs_bot.coverage.weights import Watch
from tests.cast import KELURAHAN, OTHER_KECAMATAN, SHOP

WEST, EAST = KELURAHAN, f"{OTHER_KECAMATAN}.1001"
Pixels = NDArray[np.int16]


class Bare:
    """A base map with nothing on it."""

    boundary_rings: tuple[()] = ()

    def roads(self, *bounds: float) -> list[object]:
        return []

    def buildings(self, *bounds: float) -> list[object]:
        return []


def survey(*views: View) -> Survey:
    """One road from west to east through the shop, its eastern half in another area."""
    x = np.arange(-197.5, 200, 5.0)
    ground = Ground(
        points=np.column_stack([x, np.zeros_like(x)]),
        length_m=np.full(len(x), 5.0),
        road=np.zeros(len(x), np.int64),
        road_names=("Jalan Uji",),
        area=(x > 0).astype(np.int64),
        area_codes=(WEST, EAST),
        plane=Plane(*SHOP),
    )
    made = Survey(ground, Obstacles([]))
    for view in views:
        made.put(view)
    return made


CAMERA = View(1, -100.0, -8.0, 0.0, 110.0, 40.0)
BOTH = (WEST, EAST)


def drawn(of: Survey, watches: list[Watch] | None = None, **more: object) -> Pixels:
    about = {"areas": BOTH, "labels": {each.hotspot_id: "H-1001" for each in watches or []}} | more
    chart = Chart(lat=SHOP[0], lon=SHOP[1], **({"span_m": 480.0} | about))  # type: ignore[arg-type]
    png = draw_chart(cast(BaseMap, Bare()), of, watches or [], chart)
    with Image.open(BytesIO(png)) as image:
        assert image.size == SIZE_PX
        return np.asarray(image.convert("RGB")).astype(np.int16)


def near(picture: Pixels, x_m: float, colour: tuple[int, int, int]) -> bool:
    """Whether a colour is to be found within 6 m of a place on the road."""
    scale = SIZE_PX[0] / 480.0
    at = round(SIZE_PX[0] / 2 + x_m * scale)
    reach = round(6 * scale)
    middle = SIZE_PX[1] // 2
    cut = picture[middle - reach : middle + reach, at - reach : at + reach]
    return bool((np.abs(cut - np.array(colour)).sum(axis=2) < 40).any())


def test_what_is_watched_and_what_is_missed_differ() -> None:
    picture = drawn(survey(CAMERA))
    assert near(picture, -100, _SEEN)
    assert not near(picture, -100, _MISSED)
    assert near(picture, 50, _MISSED)
    assert not near(picture, 50, _SEEN)


def test_blind_spots_in_a_hotspot_are_urgent() -> None:
    watch = Watch(7, 60.0, 0.0, 40.0, 5, 1.0)
    picture = drawn(survey(CAMERA), [watch])
    assert near(picture, 60, _URGENT)
    assert near(picture, 150, _MISSED)


def test_a_hotspot_without_a_label_is_not_ours_to_know() -> None:
    watch = Watch(7, 60.0, 0.0, 40.0, 5, 1.0)
    assert np.array_equal(drawn(survey(), [watch], labels={}), drawn(survey()))


@pytest.mark.parametrize("view", [CAMERA, replace(CAMERA, x=100.0)])
def test_nothing_is_told_of_other_areas(view: View) -> None:
    picture = drawn(survey(view), areas=(WEST,))
    for x in range(20, 200, 20):
        assert not near(picture, x, _MISSED)
        assert not near(picture, x, _SEEN)
    if view.x > 0:
        assert np.array_equal(picture, drawn(survey(), areas=(WEST,)))


def test_an_officer_of_nowhere_gets_an_empty_map() -> None:
    empty = drawn(survey(CAMERA), areas=())
    assert not near(empty, -100, _SEEN)
    assert not near(empty, -100, _MISSED)


def test_from_afar_areas_are_named_instead_of_cameras_shown() -> None:
    far = drawn(survey(CAMERA), span_m=9000.0, names=((*SHOP, "Tambora"),))
    assert not np.array_equal(far, drawn(survey(CAMERA), span_m=9000.0))
