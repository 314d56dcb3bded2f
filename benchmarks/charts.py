"""
Drawing the chart of coverage: the whole district with all its roads, and close up.

2,500 cameras stand along the real roads. The peer is the plain map of the same ground, without
views and without what is seen.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from benchmarks.figure import Figure
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.chart import Chart, draw_chart
from nobs_bot.coverage.drawing import MapView, draw_map
from nobs_bot.coverage.ground import road_ground
from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import Errors, View
from nobs_bot.places.areas import load_areas

CAMERAS = 2_500
TURNS = 9
MOST_WHOLE_MS, MOST_CLOSE_MS = 350.0, 160.0


async def measure() -> list[Figure]:
    """Medians of both, in one survey."""
    areas = load_areas("Polres Metro Jakarta Barat")
    base = BaseMap(areas)
    ground = road_ground(base, areas)
    survey = Survey(ground, Obstacles([]), Errors())
    chance = np.random.default_rng(4)
    for number, at in enumerate(chance.choice(len(ground.points), CAMERAS, replace=False)):
        x, y = ground.points[at] + chance.uniform(-6, 6, 2)
        heading, width = chance.uniform(0, 360), chance.uniform(75, 110)
        survey.put(View(number + 1, float(x), float(y), heading, width, chance.uniform(20, 60)))
    lat, lon, radius_m = areas.circle(areas.district.code)
    busy = ground.plane.to_degrees(ground.points[np.argmax(survey.seen)][None, :])[0]
    return [
        _figure(
            f"chart 1200 x 900, {CAMERAS:,} views and all roads, whole district",
            base,
            survey,
            Chart(
                lat=lat,
                lon=lon,
                span_m=radius_m * 2,
                areas=(areas.district.code,),
                names=tuple(
                    (*areas.circle(each.code)[:2], each.name)
                    for each in areas.below(areas.district.code)
                ),
            ),
            MOST_WHOLE_MS,
        ),
        _figure(
            "chart 1200 x 900, close up",
            base,
            survey,
            Chart(lat=busy[1], lon=busy[0], span_m=840.0, areas=(areas.district.code,)),
            MOST_CLOSE_MS,
        ),
    ]


def _figure(name: str, base: BaseMap, survey: Survey, chart: Chart, most_ms: float) -> Figure:
    ours, plain = [], []
    view = MapView(lat=chart.lat, lon=chart.lon, span_m=chart.span_m)
    for _ in range(TURNS):
        started = time.perf_counter()
        draw_chart(base, survey, [], chart)
        ours.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        draw_map(base, view)
        plain.append((time.perf_counter() - started) * 1000)
    # the first ones read the map and the fonts
    took, peer = statistics.median(ours[1:]), statistics.median(plain[1:])
    return Figure(
        name,
        round(took, 1),
        "ms",
        f"plain map without coverage {peer:.0f} ms",
        f"<= {most_ms:g}",
        took <= most_ms,
    )
