"""
What the survey's child does: holds the roads and every view on them, and answers orders.

Only the child runs this. An order is {"do": NAME, ...} with a blob of JSON; the answer is
{"done": NAME} with a blob, or with "refused" and why. What stands is told first, in orders of its
own: "hold", as often as it takes, with some of the cameras; then "stand" with the hotspots, and
whatever was not held since the last one is gone. The survey stays from order to order, so that only
what changed is reckoned anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nobs_bot.coverage.aim import aim
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.chart import Chart, draw_chart
from nobs_bot.coverage.ground import road_ground
from nobs_bot.coverage.obstacles import Obstacles
from nobs_bot.coverage.recruit import Place, recruit
from nobs_bot.coverage.stretches import blind_stretches
from nobs_bot.coverage.survey import Survey
from nobs_bot.coverage.views import Errors, View, chances
from nobs_bot.coverage.weights import Watch, importance, inside, seen_by_the_hour
from nobs_bot.people.roles import covers
from nobs_bot.places.areas import load_areas
from nobs_bot.streams.forkserver import Channel

# toll roads have their own cameras, and nobody whose shop looks at them
NOBODY_WALKS = ("motorway", "motorway_link")
# what is not worth an owner's trouble
LEAST_GAIN_M = 5.0
MOST_MOVES = 60
# the camera that most people put up
WIDTH_DEG, RANGE_M = 80.0, 25.0
# nearer ones would be the same doors to knock at
APART_M = 60.0
_MOST_ROADS = 8
# a piece of road counts as gained or lost where its chance changes by so much
_CHANGED = 0.25

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


def serve(
    channel: Channel, *, district: str, data_dir: str, heading_deg: float, position_m: float
) -> None:
    """Answer orders until the parent goes."""
    surveying = Surveying(district, Path(data_dir), Errors(heading_deg, position_m))
    channel.send({"ready": True})
    while True:
        try:
            order, blob = channel.receive()
        except EOFError:
            return
        try:
            said, made = surveying.carry_out(order, json.loads(blob))
        except LookupError as exc:
            if order["do"] in ("hold", "stand"):
                raise
            # what was asked about is not there; what stands is as it was
            said, made = {"refused": repr(exc)}, b""
        channel.send({"done": order["do"], **said}, made)


class Surveying:
    """
    The survey and what is asked of it.

    Args:
        data_dir: Where imported areas, roads and buildings may lie.
    """

    def __init__(self, district: str, data_dir: Path, errors: Errors) -> None:
        self._areas = load_areas(district, data_dir)
        self._base = BaseMap(self._areas, data_dir)
        self._errors = errors
        self._watches: list[Watch] = []
        # ids of the cameras that were held since what stands was last complete
        self._named: set[int] = set()

    @cached_property
    def survey(self) -> Survey:
        """The roads under every view; made at the first order."""
        ground = road_ground(self._base, self._areas, left_out=NOBODY_WALKS)
        rings = self._base.buildings(*self._areas.bounds)
        obstacles = Obstacles([ground.plane.to_metres(ring) for ring in rings])
        return Survey(ground, obstacles, self._errors)

    def carry_out(self, order: dict[str, Any], given: list[Any]) -> tuple[dict[str, Any], bytes]:
        """
        One order.

        Args:
            given: What stands (see `surveyor.Standing`), of "hold" and "stand".
        """
        if order["do"] == "hold":
            self._hold(given)
            return {}, b""
        if order["do"] == "stand":
            self._stand(given)
            return {}, b""
        run: Callable[[dict[str, Any]], tuple[dict[str, Any], bytes]] = getattr(
            self, f"_{order['do']}"
        )
        return run(order)

    def _hold(self, cameras: list[Any]) -> None:
        places = np.array([(each[2], each[1]) for each in cameras], float).reshape(-1, 2)
        at = self.survey.ground.plane.to_metres(places)
        for (camera_id, _, _, heading, width, reach, night, others), (x, y) in zip(
            cameras, at, strict=True
        ):
            self._named.add(camera_id)
            self.survey.hold(
                View(camera_id, float(x), float(y), heading, width, reach, night, tuple(others))
            )

    def _stand(self, spots: list[Any]) -> None:
        survey = self.survey
        survey.drop_all_but(self._named)
        self._named = set()
        places = np.array([(each[2], each[1]) for each in spots], float).reshape(-1, 2)
        where = survey.ground.plane.to_metres(places)
        self._watches = [
            Watch(spot_id, float(x), float(y), radius_m, weight, night_share)
            for (spot_id, _, _, radius_m, weight, night_share), (x, y) in zip(
                spots, where, strict=True
            )
        ]

    @property
    def _worth(self) -> Values:
        """Metres weighted by hotspots, at each piece of road."""
        ground = self.survey.ground
        return ground.length_m * importance(ground.points, self._watches)

    def _within(self, order: dict[str, Any]) -> Mask:
        """The pieces of road that the order is about: its areas', and of those only a circle's."""
        ground = self.survey.ground
        ours = [any(covers(area, code) for area in order["areas"]) for code in ground.area_codes]
        within: Mask = np.array(ours)[ground.area]
        if order.get("radius_m"):
            x, y = ground.plane.to_metres(np.array([[order["lon"], order["lat"]]]))[0]
            away = np.hypot(ground.points[:, 0] - x, ground.points[:, 1] - y)
            within = within & (away <= order["radius_m"])
        return within

    # what can be ordered

    def _figures(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The order's own figures, those of each kelurahan, its roads and its hotspots."""
        survey, within = self.survey, self._within(order)
        ground, worth = survey.ground, self._worth
        # each of these is reckoned for every piece of road, so once is enough
        seen, night = survey.seen, survey.seen_at_night
        said = {
            "whole": {
                "length_m": float(ground.length_m[within].sum()),
                "seen_m": float(ground.length_m[within] @ seen[within]),
                "twice_m": survey.metres(within, of="twice"),
                "night_m": float(ground.length_m[within] @ night[within]),
                "worth": float(worth[within].sum()),
                "seen_worth": float(worth[within] @ seen[within]),
            },
            "by_area": self._by_area(worth, seen),
            "roads": self._roads(within, worth, seen),
            "hotspots": [self._hotspot(each, seen, night) for each in self._watches],
            "mutual": self._mutual(order["areas"]),
            "is_upper_bound": survey.is_upper_bound,
        }
        return {}, json.dumps(said).encode()

    def _by_area(self, worth: Values, seen: Values) -> dict[str, list[float]]:
        """Length, seen, seen twice, at night, cameras, worth and worth seen, by kelurahan."""
        ground = self.survey.ground
        worths, seen_worths = (
            np.bincount(ground.area, values, len(ground.area_codes)).tolist()
            for values in (worth, worth * seen)
        )
        by_area = self.survey.by_area()
        return {
            code: [
                *(each.length_m, each.seen_m, each.twice_m, each.night_m, each.cameras),
                *(worths[at], seen_worths[at]),
            ]
            for at, code in enumerate(ground.area_codes)
            for each in [by_area[code]]
        }

    def _roads(self, within: Mask, worth: Values, seen: Values) -> list[tuple[str, float, float]]:
        """(name, metres, metres unseen) of the roads that are missed most, by worth."""
        ground = self.survey.ground
        count = len(ground.road_names)
        missed, length, unseen = (
            np.bincount(ground.road[within], values[within], count)
            for values in (worth * (1 - seen), ground.length_m, ground.length_m * (1 - seen))
        )
        named = [
            at for at in np.argsort(-missed).tolist() if ground.road_names[at] and missed[at] > 0
        ]
        return [
            (ground.road_names[at], float(length[at]), float(unseen[at]))
            for at in named[:_MOST_ROADS]
        ]

    def _hotspot(
        self, watch: Watch, seen: Values, night: Values
    ) -> tuple[int, float, float, float]:
        """(id, metres, metres seen, metres seen in its hours)."""
        ground = self.survey.ground
        here = inside(watch, ground.points)
        length = ground.length_m[here]
        by_the_hour = seen_by_the_hour(watch, seen[here], night[here])
        return (
            watch.hotspot_id,
            float(length.sum()),
            float(length @ seen[here]),
            float(length @ by_the_hour),
        )

    def _mutual(self, areas: list[str]) -> tuple[float, int]:
        """How many of the areas' cameras another one sees, as expected, and how many there are."""
        ours = [
            chance
            for camera_id, chance in self.survey.covered_by_others().items()
            if any(covers(area, self.survey.area_of(camera_id)) for area in areas)
        ]
        return float(sum(ours)), len(ours)

    def _picture(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        chart = Chart.model_validate(order["chart"])
        return {}, draw_chart(self._base, self.survey, self._watches, chart)

    def _blind(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The stretches of some areas' roads that are missed or hardly seen."""
        lines = blind_stretches(self.survey, self._watches, self._within(order))
        said = {"lines": lines, "is_upper_bound": self.survey.is_upper_bound}
        return {}, json.dumps(said, separators=(",", ":")).encode()

    def _plan(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The best turns of an area's cameras, with what each would bring."""
        survey, within = self.survey, self._within(order)
        worth = np.where(within, self._worth, 0.0)
        # what hangs indoors or is dead may be turned, but is not in the survey
        known = {view.camera_id for view in survey.views}
        turnable = known.intersection(order["turnable"])
        plan = aim(survey, turnable, worth, seconds=order["seconds"])
        moves = [self._brings(move.camera_id, move.to_deg) for move in plan.moves[:MOST_MOVES]]
        said = {
            "moves": [each for each in moves if each["gain_m"] >= LEAST_GAIN_M],
            "before": plan.before,
            "value": plan.value,
            "bound": plan.bound,
            "gap": plan.gap,
            "method": plan.method,
        }
        return {}, json.dumps(said).encode()

    def _gain(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """What one camera's other heading would bring, or has brought where it is turned back."""
        return {}, json.dumps(self._brings(order["camera"], order["to_deg"])).encode()

    def _brings(self, camera_id: int, to_deg: float) -> dict[str, Any]:
        ground = self.survey.ground
        index, before, after = self.survey.if_turned(camera_id, to_deg)
        change = after - before
        metres = ground.length_m[index] * change
        roads: dict[str, float] = {}
        for road, gained in zip(ground.road[index].tolist(), metres.tolist(), strict=True):
            name = ground.road_names[road]
            if name:
                roads[name] = roads.get(name, 0.0) + gained
        best = sorted((each for each in roads.items() if each[1] >= 1), key=lambda each: -each[1])
        worth = (self._worth[index] * change).sum()
        return {
            "camera": camera_id,
            "to_deg": to_deg,
            "gain_m": float(metres.sum()),
            "worth": float(worth),
            "roads": dict(best[:3]),
            "gained": self._places(index[change >= _CHANGED]),
            "lost": self._places(index[change <= -_CHANGED]),
        }

    def _places(self, index: NDArray[Any]) -> list[tuple[float, float]]:
        """(lat, lon) of pieces of road, to the decimetre."""
        ground = self.survey.ground
        degrees = ground.plane.to_degrees(ground.points[index])
        return [(round(float(lat), 6), round(float(lon), 6)) for lon, lat in degrees]

    def _metres_at(self, place: Place) -> float:
        """Metres of road that a camera at a place would see and nobody sees now."""
        survey = self.survey
        view = View(0, place.x, place.y, place.heading_deg, WIDTH_DEG, RANGE_M)
        index = survey.ground_near(view)
        points = survey.ground.points[index]
        chance = chances(view, self._errors, points, survey.sweep_at(view))
        return float(survey.ground.length_m[index] @ (chance * (1 - survey.seen[index])))

    def _recruit(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The best places for new cameras in an area."""
        worth = np.where(self._within(order), self._worth, 0.0)
        places = recruit(
            self.survey,
            worth,
            order["count"],
            width_deg=WIDTH_DEG,
            range_m=RANGE_M,
            spacing_m=APART_M,
        )
        degrees = self.survey.ground.plane.to_degrees(
            np.array([(each.x, each.y) for each in places]).reshape(-1, 2)
        )
        said = [
            (float(lat), float(lon), each.heading_deg, self._metres_at(each), each.road)
            for each, (lon, lat) in zip(places, degrees, strict=True)
        ]
        return {}, json.dumps(said).encode()
