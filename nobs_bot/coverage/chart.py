"""
The chart of coverage: which roads are watched, which are missed, and where that matters most.

Seen and missed differ by colour (blue and orange, which those who cannot tell red from green can
tell apart), by thickness and by dashes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.drawing import Canvas, Colour
from nobs_bot.coverage.ground import Ground
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import View
from nobs_bot.coverage.weights import Watch, inside
from nobs_bot.people.roles import covers

SIZE_PX = (1200, 900)
# above SEEN a piece of road counts as watched, below MISSED as a blind spot; between them the
# errors of place and heading decide
SEEN, MISSED = 0.6, 0.2
# farther out a single camera is smaller than a pen's point
CLOSE_UP_M = 1500.0
# from farther out areas are named, not roads
FAR_M = 6000.0
_ARC_POINTS = 9
_GAP = 1.7  # a step between two pieces of one road is no longer than this many pieces

_SEEN: Colour = (0, 92, 175)
_PARTLY: Colour = (110, 175, 225)
_MISSED: Colour = (235, 150, 70)
_URGENT: Colour = (196, 40, 30)
_VIEW: Colour = (0, 92, 175)
_CAMERA: Colour = (20, 40, 60)
_FAR_ROAD: Colour = (215, 208, 198)
_STYLES: dict[str, Colour] = {
    "seen": _SEEN,
    "partly": _PARTLY,
    "missed": _MISSED,
    "urgent": _URGENT,
    "camera": _CAMERA,
}
_KINDS = ("missed", "partly", "seen", "urgent")

Runs = list[NDArray[np.int32]]


class Chart(BaseModel):
    """
    What a chart shows.

    Args:
        lat, lon: Its middle, degrees.
        span_m: Metres from its left to its right edge.
        legend: (style, words) lines; styles are seen, partly, missed, urgent and camera.
        north: The letter at the arrow.
        areas: Codes of the areas that whoever looks is an officer of; nothing is told of others.
        names: (lat, lon, name) of areas, written where there is room; then roads are not named.
        labels: {hotspot id: words beside it}; the hotspots that are shown.
    """

    model_config = ConfigDict(frozen=True)

    lat: float
    lon: float
    span_m: float
    legend: tuple[tuple[str, str], ...] = ()
    north: str = "U"
    areas: tuple[str, ...]
    names: tuple[tuple[float, float, str], ...] = ()
    labels: dict[int, str] = {}

    @property
    def is_close_up(self) -> bool:
        """Whether single cameras can be made out."""
        return self.span_m <= CLOSE_UP_M


def draw_chart(base: BaseMap, survey: Survey, watches: list[Watch], chart: Chart) -> bytes:
    """The chart as PNG, 1200 x 900 px, with scale bar, legend and attribution."""
    canvas = ChartCanvas(chart)
    shown = [watch for watch in watches if watch.hotspot_id in chart.labels]
    canvas.keep_room(survey.ground, shown)
    canvas.ground(base)
    canvas.views(survey)
    canvas.roads_watched(survey, shown)
    for watch in shown:
        canvas.hotspot(survey.ground, watch)
    return canvas.finish()


class ChartCanvas(Canvas):
    """A canvas that knows roads by whether they are watched."""

    view: Chart

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart, SIZE_PX)
        self.chart = chart

    def style_colour(self, style: str) -> Colour:
        return _STYLES[style]

    def ground(self, base: BaseMap) -> None:
        """As on any map; from afar without casings, and with areas named instead of roads."""
        if not self.chart.names:
            super().ground(base)
            return
        self.buildings(base)
        lines = self._fixed_each([road.points for road in base.roads(*self._bounds())])
        cv2.polylines(self.image, lines, False, _FAR_ROAD, 1, cv2.LINE_AA, 4)
        self.boundaries(base)
        for lat, lon, name in self.chart.names:
            at = self._xy(lat, lon)
            if self._is_inside(at) and self._has_room(at, name):
                self._words.append((at, name, _CAMERA))

    def views(self, survey: Survey) -> None:
        """The ground that the cameras see, all in one tint; close up the cameras themselves."""
        plane = survey.ground.plane
        views = [
            view
            for view, area in survey.views_in(*self._box_metres(survey.ground))
            if self._is_ours(area)
        ]
        known = [view for view in views if view.heading_deg is not None or view.width_deg >= 360]
        if known:
            tint = self.image.copy()
            for ring in self._fixed_each(
                [
                    plane.to_degrees(_outline(view, heading))
                    for view in known
                    for heading in (view.heading_deg or 0.0, *view.others_deg)
                ]
            ):
                cv2.fillPoly(tint, [ring], _VIEW, cv2.LINE_AA, 4)
            self._blend(tint, 0.22)
        if self.chart.is_close_up:
            places = np.array([(view.x, view.y) for view in views]).reshape(-1, 2)
            for lon, lat in plane.to_degrees(places):
                self._dot(float(lat), float(lon), _CAMERA, 6)

    def _is_ours(self, code: str) -> bool:
        return any(covers(area, code) for area in self.chart.areas)

    def _box_metres(self, ground: Ground) -> tuple[float, float, float, float]:
        """(west, south, east, north) of the picture on the survey's plane."""
        west, south, east, north = self._bounds()
        [low, high] = ground.plane.to_metres(np.array([(west, south), (east, north)]))
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def roads_watched(self, survey: Survey, watches: list[Watch]) -> None:
        ground = survey.ground
        west, south, east, north = self._box_metres(ground)
        x, y = ground.points.T
        ours = np.array([self._is_ours(code) for code in ground.area_codes])[ground.area]
        shown = np.flatnonzero(ours & (x >= west) & (x <= east) & (y >= south) & (y <= north))
        kinds = np.where(survey.seen[shown] >= SEEN, 2, np.where(survey.seen[shown] < MISSED, 0, 1))
        for watch in watches:
            kinds[inside(watch, ground.points[shown]) & (kinds == 0)] = 3
        runs = self._runs(ground, shown, kinds)
        scale = max(0.7, min(3.0, self.px_per_m * 3))
        for kind, name in enumerate(_KINDS):
            thickness = round({"missed": 1.5, "partly": 2, "seen": 3, "urgent": 3}[name] * scale)
            lines = runs[kind]
            if name in ("missed", "urgent") and self.chart.is_close_up:
                lines = [dash for line in lines for dash in _dashed(line)]
            cv2.polylines(
                self.image, lines, False, _STYLES[name], max(1, thickness), cv2.LINE_AA, 4
            )

    def _runs(self, ground: Ground, shown: NDArray[np.intp], kinds: NDArray[Any]) -> list[Runs]:
        """Stretches of one road and one kind, as lines in fixed-point pixels, by kind."""
        runs: list[Runs] = [[] for _ in _KINDS]
        if not len(shown):
            return runs
        points = ground.points[shown]
        step = np.hypot(*np.diff(points, axis=0).T)
        longest = _GAP * np.maximum(ground.length_m[shown][1:], ground.length_m[shown][:-1])
        follows = (np.diff(shown) == 1) & (np.diff(ground.road[shown]) == 0) & (step <= longest)
        same = follows & (np.diff(kinds) == 0)
        starts = np.concatenate([[0], np.flatnonzero(~same) + 1, [len(shown)]])
        pixels = self._fixed(ground.plane.to_degrees(points))
        for first, last in pairwise(starts.tolist()):
            # a stretch reaches to the next one of its road, else gaps would gape where kinds change
            end = last + 1 if last < len(shown) and follows[last - 1] else last
            line = pixels[first:end]
            runs[kinds[first]].append(line if len(line) > 1 else np.repeat(line, 2, axis=0))
        return runs

    def keep_room(self, ground: Ground, watches: list[Watch]) -> None:
        """For the hotspots' labels, before roads are named."""
        for watch in watches:
            at, _ = self._circle(ground, watch)
            self._has_room(self._label_at(at, watch), self.chart.labels[watch.hotspot_id])

    def hotspot(self, ground: Ground, watch: Watch) -> None:
        at, radius = self._circle(ground, watch)
        if self._is_inside(at):
            cv2.circle(self.image, (round(at[0]), round(at[1])), radius, _URGENT, 3, cv2.LINE_AA)
            label = self.chart.labels[watch.hotspot_id]
            self._words.append((self._label_at(at, watch), label, _URGENT))

    def _circle(self, ground: Ground, watch: Watch) -> tuple[tuple[float, float], int]:
        """Middle and radius of a hotspot, pixels."""
        [(lon, lat)] = ground.plane.to_degrees(np.array([[watch.x, watch.y]]))
        return self._xy(lat, lon), max(14, round(watch.radius_m * self.px_per_m))

    def _label_at(self, at: tuple[float, float], watch: Watch) -> tuple[float, float]:
        return at[0], at[1] - max(14, watch.radius_m * self.px_per_m) - 20


def _outline(view: View, heading_deg: float) -> NDArray[np.float64]:
    """The open view, metres: buildings are drawn as they are, and what is seen is on the roads."""
    half = min(view.width_deg, 360.0) / 2
    angles = np.radians(heading_deg + np.linspace(-half, half, _ARC_POINTS))
    arc = np.column_stack([np.sin(angles), np.cos(angles)]) * view.range_m + (view.x, view.y)
    return arc if view.width_deg >= 360 else np.vstack([arc, (view.x, view.y)])


def _dashed(line: NDArray[np.int32]) -> Runs:
    """Every other piece of a line."""
    return [line[at : at + 2] for at in range(0, len(line) - 1, 2)]
