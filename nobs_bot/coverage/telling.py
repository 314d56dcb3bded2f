"""What officers are told of coverage: figures in words, places to recruit as a list and a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.coverage.drawing import Cone, MapView
from nobs_bot.coverage.hotspots import Hotspot
from nobs_bot.coverage.orders import CoverageOrder
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.roles import covers
from nobs_bot.places.areas import Areas
from nobs_bot.places.geodesy import offset_m
from nobs_bot.texts import Markup, Words

_MOST_LINES, _MOST_AREAS = 10, 5


def after_coverage(words: Words, row: CoverageOrder, *, may_plan: bool) -> Keyboard:
    """What can be done next; a supervisor may have a worklist made."""
    plan = button(words("worklist.plan_button"), "cov.plan", row.area_code)
    export = button(words("coverage.export_button"), "cov.export", row.area_code)
    return column(
        plan if may_plan else None,
        export if may_plan else None,
        button(words("coverage.point_button"), "cov.point"),
        button(words("coverage.recruit_button"), "cov.recruit", row.area_code),
        button(words("coverage.other_button"), "cov.areas"),
        button(words("home_button"), "home"),
    )


@dataclass(frozen=True)
class Reckoned:
    """
    What the survey says to one order.

    Args:
        figures: See `surveying.Surveying`.
        hotspots: Those that the officer may know of.
        change_m: Metres more or fewer than a week ago; None where nothing was kept then.
    """

    order: CoverageOrder
    figures: dict[str, Any]
    hotspots: list[Hotspot]
    change_m: float | None


def coverage_text(words: Words, areas: Areas, reckoned: Reckoned) -> str:
    """The figures in words, for those who cannot tell the chart's colours, too."""
    row, figures = reckoned.order, reckoned.figures
    whole = figures["whole"]
    where = areas.name(row.area_code)
    if row.radius_m is not None:
        where = words("coverage.round", distance=words.distance(row.radius_m), area=where)
    parts = [
        words(
            "coverage.head",
            area=where,
            length=words.distance(whole["length_m"]),
            seen=words.distance(whole["seen_m"]),
            share=_percent(words, whole["seen_m"], whole["length_m"]),
            worth=_percent(words, whole["seen_worth"], whole["worth"]),
            twice=words.distance(whole["twice_m"]),
            night=words.distance(whole["night_m"]),
        )
    ]
    if change_m := reckoned.change_m:
        key = "coverage.more" if change_m > 0 else "coverage.less"
        parts.append(words(key, metres=words.distance(abs(change_m))))
    if figures["roads"]:
        roads = [
            words("coverage.road", road=name, metres=words.distance(unseen))
            for name, _, unseen in figures["roads"][:5]
        ]
        parts.append(words("coverage.roads") + "\n" + "\n".join(roads))
    if lines := _hotspot_lines(words, figures["hotspots"], reckoned.hotspots):
        parts.append(words("coverage.hotspots") + "\n" + "\n".join(lines))
    if row.radius_m is None and len(row.area_code.split(".")) < 4:
        parts.append(_by_kelurahan(words, areas, row.area_code, figures["by_area"]))
    seen, cameras = figures["mutual"]
    if cameras:
        parts.append(words("coverage.mutual", seen=round(seen), cameras=cameras))
    key = "coverage.upper_bound" if figures["is_upper_bound"] else "coverage.model"
    parts.append(words(key))
    return "\n\n".join(parts)


def _percent(words: Words, part: float, whole: float) -> Markup:
    return Markup(words.number(round(100 * part / whole, 1) if whole else 0))


def _hotspot_lines(
    words: Words, figures: list[tuple[int, float, float, float]], hotspots: list[Hotspot]
) -> list[str]:
    by_id = {figure[0]: figure for figure in figures}
    lines = []
    for hotspot in hotspots[:_MOST_LINES]:
        if figure := by_id.get(hotspot.id):
            _, length, seen, by_the_hour = figure
            lines.append(
                words(
                    "coverage.hotspot",
                    hotspot=hotspot.name,
                    kind=words(f"hotspot.kind.{hotspot.kind}"),
                    share=_percent(words, seen, length),
                    hours=str(hotspot.hours),
                    by_the_hour=_percent(words, by_the_hour, length),
                )
            )
    return lines


def _by_kelurahan(
    words: Words, areas: Areas, area_code: str, by_area: dict[str, list[float]]
) -> str:
    """The areas right below, the least watched first."""
    parts = len(area_code.split(".")) + 1
    sums: dict[str, list[float]] = {}
    for code, (length, seen, *_) in by_area.items():
        if covers(area_code, code):
            below = ".".join(code.split(".")[:parts])
            total = sums.setdefault(below, [0.0, 0.0])
            total[0] += length
            total[1] += seen
    ordered = sorted(sums.items(), key=lambda each: each[1][1] / max(1.0, each[1][0]))
    lines = [
        words("coverage.area_line", area=area.name, share=_percent(words, seen, length))
        for code, (length, seen) in ordered[:_MOST_AREAS]
        if (area := areas.get(code))
    ]
    return words("coverage.areas") + "\n" + "\n".join(lines)


def recruit_message(
    words: Words, areas: Areas, row: CoverageOrder, places: list[list[Any]]
) -> Message:
    """The best places for new cameras, as a list and a map to walk by."""
    if not places:
        return Message(text=words("recruit.nothing", area=areas.name(row.area_code)))
    lines, cones = [], []
    for number, (lat, lon, heading, gain, road) in enumerate(places, start=1):
        towards = words(f"compass.{round(heading / 45) % 8 * 45}")
        link = f"https://www.google.com/maps?q={lat:.6f},{lon:.6f}"
        lines.append(
            words(
                "recruit.line",
                number=number,
                road=road or areas.name(row.area_code),
                towards=towards,
                metres=words.distance(gain),
                link=Markup(link),
            )
        )
        cones.append(
            Cone(lat=lat, lon=lon, heading_deg=heading, width_deg=80, range_m=25, label=str(number))
        )
    lats, lons = [each[0] for each in places], [each[1] for each in places]
    wide_m, tall_m = offset_m(min(lats), min(lons), max(lats), max(lons))
    view = MapView(
        lat=(min(lats) + max(lats)) / 2,
        lon=(min(lons) + max(lons)) / 2,
        span_m=max(400.0, wide_m * 1.2, tall_m * 4 / 3 * 1.2),
        cones=tuple(cones),
        legend=(("own", words("recruit.legend")),),
        north=words("map.north"),
    )
    text = words("recruit.head", area=areas.name(row.area_code)) + "\n\n" + "\n".join(lines)
    picture = Picture(kind=PictureKind.MAP, about=view.model_dump(mode="json"))
    home = column(button(words("home_button"), "home"))
    return Message(text=text, pictures=(picture,), keyboard=home, protected=True)
