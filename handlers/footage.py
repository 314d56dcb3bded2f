"""Asking for footage: place, radius, hours, case, purpose, note, preview, send; then the state."""

from __future__ import annotations

from datetime import datetime

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage
from sqlalchemy import select

from nobs_bot.buttons import Keyboard, button, column, grid
from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.drawing import Cone, MapView
from nobs_bot.errors import Refusal
from nobs_bot.footage import asking
from nobs_bot.footage.asking import Question, found_by_request
from nobs_bot.footage.matching import Candidate, Reason
from nobs_bot.footage.request import Purpose, RequestState
from nobs_bot.footage.times import Window, read_windows
from nobs_bot.messaging.message import Message
from nobs_bot.people.roles import Role, covers, require
from nobs_bot.places.geocode import look_up
from nobs_bot.places.reading import read_location
from nobs_bot.texts import Markup, Words

from .desk import Desk, map_picture
from .enrol.place import read_coordinates
from .filters import At, Says, Tap, number, word
from .states import Asking

router = Router(name="footage")

LOOKUP_PURPOSE = "request"
RADII_M = (50, 100, 200, 500, 1000)
MOST_RADIUS_M = 2000
_MOST_LINES = 15


@router.message(Command("minta", "request"))
async def request_command(message: TelegramMessage, desk: Desk) -> None:
    await _begin(desk)


@router.callback_query(Tap("req.start"))
async def request_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _begin(desk)


async def _begin(desk: Desk) -> None:
    await require(desk.work, desk.who.id, Role.INVESTIGATOR)
    desk.dialogue.end()
    desk.dialogue.go(Asking.PLACE.value)
    words = desk.words
    desk.reply.show(
        Message(
            text=words("request.place.ask"),
            ask_location=words("enrol.location.here_button"),
            words_to_tap=(words("cancel_button"),),
        )
    )


def _footer(words: Words) -> Keyboard:
    return (
        (button(words("back_button"), "req.back"), button(words("cancel_button"), "req.cancel")),
    )


@router.callback_query(Tap("req.cancel"))
async def cancel_tapped(query: CallbackQuery, desk: Desk) -> None:
    _cancel(desk)


@router.message(At(*Asking), Says("cancel_button"))
async def cancel_said(message: TelegramMessage, desk: Desk) -> None:
    _cancel(desk)


def _cancel(desk: Desk) -> None:
    desk.dialogue.end()
    desk.show("cancel.done", column(button(desk.words("home_button"), "home")))


@router.callback_query(Tap("req.back"), At(*Asking))
async def went_back(query: CallbackQuery, desk: Desk) -> None:
    order = list(Asking)
    at = order.index(Asking(desk.dialogue.state or ""))
    if at <= 1:
        await _begin(desk)
        return
    await _ask(desk, order[at - 1])


async def _ask(desk: Desk, step: Asking) -> None:
    desk.dialogue.go(step.value)
    words = desk.words
    rows: Keyboard = ()
    params: dict[str, object] = {}
    if step is Asking.RADIUS:
        rows = grid([button(words.distance(each), "req.radius", each) for each in RADII_M], 3)
        params = {"place": desk.memory["place"]}
    elif step is Asking.CASE:
        params = {"example": desk.work.settings.case_number_example}
    elif step is Asking.PURPOSE:
        rows = grid(
            [button(words(f"purpose.{each}"), "req.purpose", each.value) for each in Purpose], 2
        )
    elif step is Asking.NOTE:
        rows = column(button(words("request.note.none_button"), "req.nonote"))
    elif step is Asking.PREVIEW:
        await _preview(desk)
        return
    key = f"request.{step.value.split('.')[1]}.ask"
    desk.show(key, (*rows, *_footer(words)), **params)


@router.message(At(Asking.PLACE), F.location | F.venue)
async def place_shared(message: TelegramMessage, desk: Desk) -> None:
    location = message.venue.location if message.venue else message.location
    assert location is not None
    await _take_place(desk, location.latitude, location.longitude)


@router.message(At(Asking.PLACE), F.text, ~F.text.startswith("/"))
async def place_typed(message: TelegramMessage, desk: Desk) -> None:
    text = (message.text or "").strip()
    camera = await _camera_named(desk, text)
    if camera is not None:
        assert camera.lat is not None
        assert camera.lon is not None
        found_by_request(desk.work, desk.who, [camera])
        await _take_place(desk, camera.lat, camera.lon)
        return
    point = read_location(text, desk.areas)
    if point is not None:
        await _take_place(desk, point.lat, point.lon)
    elif desk.around.has_geocoder and len(text) <= 200:
        look_up(desk.work, desk.who.id, LOOKUP_PURPOSE, text)
        desk.say("location.looking_up")
    else:
        raise Refusal("request.place.unreadable")


async def _camera_named(desk: Desk, text: str) -> Camera | None:
    """A camera by its number, in the investigator's areas only."""
    name = text.upper().removeprefix("K-")
    if not name.isdigit() or len(name) > 9:
        return None
    areas = await require(desk.work, desk.who.id, Role.INVESTIGATOR)
    query = select(Camera).where(Camera.number == int(name), Camera.lat.is_not(None))
    camera = (await desk.work.session.execute(query)).scalar_one_or_none()
    if camera is None or not any(covers(area, camera.area_code or "") for area in areas):
        raise Refusal("request.place.no_camera")
    return camera


@router.callback_query(Tap("req.at"), At(Asking.PLACE))
async def address_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _take_place(desk, *read_coordinates(args))


async def _take_place(desk: Desk, lat: float, lon: float) -> None:
    area = desk.areas.locate(lat, lon)
    areas = await require(desk.work, desk.who.id, Role.INVESTIGATOR)
    if area is None or not any(covers(each, area.code) for each in areas):
        raise Refusal("request.place.outside")
    road = desk.around.base.nearest_road(lat, lon)
    place = desk.words("request.place.name", road=road, area=area) if road else str(area)
    desk.memory.update(lat=lat, lon=lon, area=area.code, place=place)
    await _ask(desk, Asking.RADIUS)


@router.callback_query(Tap("req.radius"), At(Asking.RADIUS))
async def radius_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _take_radius(desk, number(args))


@router.message(At(Asking.RADIUS), F.text, ~F.text.startswith("/"))
async def radius_typed(message: TelegramMessage, desk: Desk) -> None:
    digits = (message.text or "").casefold().removesuffix("meter").removesuffix("m").strip()
    if not digits.isdigit():
        raise Refusal("request.radius.wrong", most=MOST_RADIUS_M)
    await _take_radius(desk, int(digits))


async def _take_radius(desk: Desk, radius_m: int) -> None:
    if not 10 <= radius_m <= MOST_RADIUS_M:
        raise Refusal("request.radius.wrong", most=MOST_RADIUS_M)
    desk.memory["radius_m"] = radius_m
    await _ask(desk, Asking.WINDOW)


@router.message(At(Asking.WINDOW), F.text, ~F.text.startswith("/"))
async def window_typed(message: TelegramMessage, desk: Desk) -> None:
    settings = desk.work.settings
    windows = read_windows(message.text or "", desk.work.now, settings.zone)
    desk.memory["windows"] = [[each.start.isoformat(), each.end.isoformat()] for each in windows]
    await _ask(desk, Asking.CASE)


@router.message(At(Asking.CASE), F.text, ~F.text.startswith("/"))
async def case_typed(message: TelegramMessage, desk: Desk) -> None:
    desk.memory["case"] = asking.read_case_number(desk.work, message.text or "")
    await _ask(desk, Asking.PURPOSE)


@router.callback_query(Tap("req.purpose"), At(Asking.PURPOSE))
async def purpose_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    if word(args) not in tuple(Purpose):
        raise Refusal("buttons.stale")
    desk.memory["purpose"] = args[0]
    await _ask(desk, Asking.NOTE)


@router.callback_query(Tap("req.nonote"), At(Asking.NOTE))
async def note_skipped(query: CallbackQuery, desk: Desk) -> None:
    desk.memory["note"] = ""
    await _ask(desk, Asking.PREVIEW)


@router.message(At(Asking.NOTE), F.text, ~F.text.startswith("/"))
async def note_typed(message: TelegramMessage, desk: Desk) -> None:
    desk.memory["note"] = asking.read_note(message.text or "")
    await _ask(desk, Asking.PREVIEW)


def _question(desk: Desk) -> Question:
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
        )
    except KeyError:
        raise Refusal("buttons.stale") from None


async def _preview(desk: Desk) -> None:
    words, question = desk.words, _question(desk)
    found = await asking.matching(desk.work, desk.who, question)
    found_by_request(desk.work, desk.who, [each.camera for each in found])
    chosen = [each for each in found if each.is_asked]
    owners = len({each.camera.owner_id for each in chosen})
    limits = asking.limits_passed(desk.work, question, owners)
    parts = [_question_text(words, question), words.plural("request.preview.asked", len(chosen))]
    parts += ["\n".join(_candidate_line(desk, each) for each in found[:_MOST_LINES])]
    if len(found) > _MOST_LINES:
        parts.append(words("request.preview.more", count=len(found) - _MOST_LINES))
    if limits:
        named = "\n".join("• " + words(f"request.limit.{each}") for each in limits)
        parts.append(words("request.preview.limits", limits=Markup(named)))
    key = "request.ask_supervisor_button" if limits else "request.send_button"
    send = column(button(words(key), "req.send")) if chosen else ()
    text = "\n\n".join(part for part in parts if part)
    desk.reply.show(
        Message(
            text=text,
            keyboard=(*send, *_footer(words)),
            pictures=(map_picture(_preview_map(words, question, found)),),
            protected=True,
        )
    )


def _question_text(words: Words, question: Question) -> str:
    return words(
        "request.details",
        place=question.place,
        radius=words.distance(question.radius_m),
        window=asking.windows_text(words, question.windows),
        case=question.case_number,
        purpose=Markup(words(f"purpose.{question.purpose}")),
        note=question.note or "–",
    )


def _candidate_line(desk: Desk, found: Candidate) -> str:
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


def _preview_map(words: Words, question: Question, found: list[Candidate]) -> MapView:
    cones = tuple(
        Cone(
            lat=each.camera.lat or 0,
            lon=each.camera.lon or 0,
            heading_deg=each.camera.heading_deg,
            width_deg=each.camera.width.degrees if each.camera.width else None,
            range_m=each.camera.range_m,
            style="seeing" if each.reason is Reason.SEES else "other",
            label=each.camera.name,
        )
        for each in reversed(found)
    )
    return MapView(
        lat=question.lat,
        lon=question.lon,
        span_m=max(200.0, question.radius_m * 3),
        circle_m=question.radius_m,
        cones=cones,
        pin=True,
        legend=(("seeing", words("map.seeing")), ("other", words("map.not_seeing"))),
        north=words("map.north"),
    )


@router.callback_query(Tap("req.send"), At(Asking.PREVIEW))
async def sent(query: CallbackQuery, desk: Desk) -> None:
    request = await asking.send(desk.work, desk.who, _question(desk))
    desk.dialogue.end()
    words = desk.words
    awaits = request.state is RequestState.AWAITING_AGREEMENT
    desk.show(
        "request.awaits" if awaits else "request.sent",
        column(
            button(words("request.open_button"), "req.show", request.id),
            button(words("home_button"), "home"),
        ),
        request=request.name,
    )
