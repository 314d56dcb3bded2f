"""The preview of a request: who would be asked, who would not and why, on a map and in words."""

from __future__ import annotations

from datetime import datetime

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.coverage.between import Walls
from nobs_bot.coverage.cones import cone_of
from nobs_bot.coverage.drawing import MapView
from nobs_bot.coverage.ways import Ways, ways
from nobs_bot.errors import Refusal
from nobs_bot.footage import asking
from nobs_bot.footage.matching import Candidate, Reason
from nobs_bot.footage.question import Question, limits_passed
from nobs_bot.footage.request import Kind, Purpose
from nobs_bot.footage.times import Window
from nobs_bot.footage.wording import radius_text, windows_text
from nobs_bot.messaging.message import Message
from nobs_bot.texts import Markup, Words

from .desk import Desk, map_picture

_MOST_LINES = 15
_MOST_CONES = 60


def question_of(desk: Desk, kind: Kind = Kind.FOOTAGE) -> Question:
    """
    The question as the dialogue remembers it.

    Raises:
        Refusal: something is missing, which only an outlived button can bring about.
    """
    kept = desk.memory
    try:
        return Question(
            lat=kept["lat"],
            lon=kept["lon"],
            area_code=kept["area"],
            place=kept["place"],
            radius_m=kept["radius_m"],
            windows=tuple(
                Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
                for start, end in kept["windows"]
            ),
            case_number=kept["case"],
            purpose=Purpose(kept["purpose"]),
            note=kept.get("note", ""),
            kind=kind,
            whole_area=bool(kept.get("whole_area")),
            pictures=tuple(kept.get("pictures", ())),
            ways=()
            if kept.get("whole_area")
            else ways_to(desk, kept["lat"], kept["lon"], kept["radius_m"]),
            walls=Walls(desk.around.base),
        )
    except KeyError:
        raise Refusal("buttons.stale") from None


def ways_to(desk: Desk, lat: float, lon: float, radius_m: float) -> Ways:
    """The roads to and from a place."""
    return ways(desk.around.base, lat, lon, radius_m)


async def screen(desk: Desk, footer: Keyboard) -> Message:
    """The preview with what can be done next; owners can read that they were found."""
    words, question = desk.words, question_of(desk)
    found = await asking.matching(desk.work, desk.who, question)
    asking.found_by_request(desk.work, desk.who, [each.camera for each in found])
    chosen = [each for each in found if each.is_asked]
    owners = len({each.camera.owner_id for each in chosen})
    limits = limits_passed(desk.work, question, owners)
    parts = [_question_text(words, question), words.plural("request.preview.asked", len(chosen))]
    parts += ["\n".join(_line(desk, each) for each in found[:_MOST_LINES])]
    if len(found) > _MOST_LINES:
        parts.append(words("request.preview.more", count=len(found) - _MOST_LINES))
    if limits:
        named = "\n".join("• " + words(f"request.limit.{each}") for each in limits)
        parts.append(words("request.preview.limits", limits=Markup(named)))
    return Message(
        text="\n\n".join(part for part in parts if part),
        keyboard=(*(_ways_to_send(words, limits) if chosen else ()), *footer),
        pictures=(map_picture(_map(words, question, found)),),
        protected=True,
    )


def _ways_to_send(words: Words, limits: list[str]) -> Keyboard:
    send = "request.ask_supervisor_button" if limits else "request.send_button"
    return column(
        button(words(send), "req.send"),
        button(words("request.preserve_button"), "req.preserve"),
        button(words("request.emergency_button"), "req.emergency") if limits else None,
    )


def _question_text(words: Words, question: Question) -> str:
    radius = radius_text(words, question.radius_m, whole_area=question.whole_area)
    return words(
        "request.details",
        place=question.place,
        radius=Markup(radius),
        window=windows_text(words, question.windows),
        case=question.case_number,
        purpose=Markup(words(f"purpose.{question.purpose}")),
        note=question.note or "–",
    )


def _line(desk: Desk, found: Candidate) -> str:
    words = desk.words
    line = words(
        "request.preview.line",
        mark=Markup("✅" if found.is_asked else "➖"),
        camera=found.camera.name,
        distance=words.distance(found.distance_m),
        reason=Markup(words(f"reason.{found.reason}")),
    )
    if not found.is_asked or found.overwritten_at is None:
        return line
    key = (
        "request.preview.until" if found.overwritten_at > desk.work.now else "request.preview.part"
    )
    return line + words(key, moment=words.moment(found.overwritten_at))


def _map(words: Words, question: Question, found: list[Candidate]) -> MapView:
    cones = tuple(
        cone_of(
            each.camera,
            style="seeing" if each.reason is Reason.SEES else "other",
            label=each.camera.name,
        )
        for each in reversed(found[:_MOST_CONES])
    )
    return MapView(
        lat=question.lat,
        lon=question.lon,
        span_m=max(200.0, question.radius_m * 3),
        circle_m=0 if question.whole_area else question.radius_m,
        cones=cones,
        pin=not question.whole_area,
        legend=(("seeing", words("map.seeing")), ("other", words("map.not_seeing"))),
        north=words("map.north"),
    )
