"""Asking for footage: place, radius, hours, case, purpose, what to look for, preview, send."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage
from sqlalchemy import select

from nobs_bot.buttons import Keyboard, button, column, grid
from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.hotspots import Hotspot, hotspot_for, hotspot_named
from nobs_bot.errors import Refusal
from nobs_bot.footage import asking
from nobs_bot.footage.asking import found_by_request
from nobs_bot.footage.question import MOST_PICTURES, purposes, read_case_number, read_note
from nobs_bot.footage.request import Kind, RequestState
from nobs_bot.footage.times import read_windows
from nobs_bot.messaging.message import Message
from nobs_bot.people.roles import Role, covers, require
from nobs_bot.places.areas import Area
from nobs_bot.places.geocode import look_up
from nobs_bot.places.reading import read_location
from nobs_bot.texts import Words

from . import preview
from .desk import Desk
from .enrol.place import read_coordinates
from .filters import At, Brings, Says, Tap, Typed, number, shared_place, word
from .states import Asking

router = Router(name="footage")

LOOKUP_PURPOSE = "request"
RADII_M = (50, 100, 200, 500, 1000)
MOST_RADIUS_M = 2000


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
    desk.leave_off()


@router.message(At(*Asking), Says("cancel_button"))
async def cancel_said(message: TelegramMessage, desk: Desk) -> None:
    desk.leave_off()


@router.callback_query(Tap("req.back"), At(*Asking))
async def went_back(query: CallbackQuery, desk: Desk) -> None:
    order = list(Asking)
    if desk.memory.get("whole_area"):
        order.remove(Asking.RADIUS)
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
        allowed = [
            button(words(f"purpose.{each}"), "req.purpose", each.value)
            for each in purposes(desk.work)
        ]
        gathering = button(words("request.purpose.gathering_button"), "req.forbidden")
        rows = (*grid(allowed, 2), (gathering,))
    elif step is Asking.NOTE:
        desk.reply.show(_note_screen(desk))
        return
    elif step is Asking.PREVIEW:
        desk.reply.show(await preview.screen(desk, _footer(words)))
        return
    key = f"request.{step.value.split('.')[1]}.ask"
    desk.show(key, (*rows, *_footer(words)), **params)


@router.message(At(Asking.PLACE), Brings("location", "venue"))
async def place_shared(message: TelegramMessage, desk: Desk) -> None:
    await _take_place(desk, *shared_place(message))


@router.message(At(Asking.PLACE), Typed())
async def place_typed(message: TelegramMessage, desk: Desk) -> None:
    text = (message.text or "").strip()
    camera = await _camera_named(desk, text)
    if camera is not None:
        assert camera.lat is not None
        assert camera.lon is not None
        found_by_request(desk.work, desk.who, [camera])
        await _take_place(desk, camera.lat, camera.lon)
        return
    if hotspot := await hotspot_named(desk.work, text, desk.who):
        await _take_hotspot(desk, hotspot)
        return
    area = desk.areas.find(text)
    point = None if area else read_location(text, desk.areas)
    if area is not None:
        await _take_area(desk, area)
    elif point is not None:
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
    desk.memory.update(lat=lat, lon=lon, area=area.code, place=place, whole_area=False)
    await _ask(desk, Asking.RADIUS)


@router.callback_query(Tap("req.spot"))
async def hotspot_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await require(desk.work, desk.who.id, Role.INVESTIGATOR)
    hotspot = await hotspot_for(desk.work, number(args), desk.who)
    desk.dialogue.end()
    desk.dialogue.go(Asking.PLACE.value)
    desk.reply.clear_buttons()
    await _take_hotspot(desk, hotspot)


async def _take_hotspot(desk: Desk, hotspot: Hotspot) -> None:
    """A hotspot as the place, with its own radius."""
    await _take_place(desk, hotspot.lat, hotspot.lon)
    desk.memory["radius_m"] = round(hotspot.radius_m)
    await _ask(desk, Asking.WINDOW)


async def _take_area(desk: Desk, area: Area) -> None:
    """Every camera of an area; beyond the limits in any case, so a supervisor will be asked."""
    areas = await require(desk.work, desk.who.id, Role.INVESTIGATOR)
    if not any(covers(each, area.code) for each in areas):
        raise Refusal("request.place.outside")
    lat, lon, radius_m = desk.areas.circle(area.code)
    desk.memory.update(
        lat=lat, lon=lon, radius_m=radius_m, area=area.code, place=str(area), whole_area=True
    )
    await _ask(desk, Asking.WINDOW)


@router.callback_query(Tap("req.radius"), At(Asking.RADIUS))
async def radius_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _take_radius(desk, number(args))


@router.message(At(Asking.RADIUS), Typed())
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


@router.message(At(Asking.WINDOW), Typed())
async def window_typed(message: TelegramMessage, desk: Desk) -> None:
    settings = desk.work.settings
    windows = read_windows(message.text or "", desk.work.now, settings.zone)
    desk.memory["windows"] = [[each.start.isoformat(), each.end.isoformat()] for each in windows]
    await _ask(desk, Asking.CASE)


@router.message(At(Asking.CASE), Typed())
async def case_typed(message: TelegramMessage, desk: Desk) -> None:
    desk.memory["case"] = read_case_number(desk.work, message.text or "")
    await _ask(desk, Asking.PURPOSE)


@router.callback_query(Tap("req.purpose"), At(Asking.PURPOSE))
async def purpose_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    if word(args) not in purposes(desk.work):
        raise Refusal("buttons.stale")
    desk.memory["purpose"] = args[0]
    await _ask(desk, Asking.NOTE)


@router.callback_query(Tap("req.forbidden"), At(Asking.PURPOSE))
async def gathering_chosen(query: CallbackQuery, desk: Desk) -> None:
    """Named, so that nobody squeezes it into another purpose without knowing that it is wrong."""
    raise Refusal("request.purpose.forbidden")


def _note_screen(desk: Desk) -> Message:
    """What to look for, in words and pictures; one message for all pictures, changed in place."""
    words, pictures = desk.words, desk.memory.get("pictures", [])
    key = "request.note.go_on_button" if pictures else "request.note.none_button"
    rows = column(
        button(words(key), "req.nonote"),
        button(words("request.note.anew_button"), "req.nopictures") if pictures else None,
    )
    text = words("request.note.ask", most=MOST_PICTURES)
    if pictures:
        text += "\n\n" + words.plural("request.note.pictures", len(pictures), most=MOST_PICTURES)
    return Message(text=text, keyboard=(*rows, *_footer(words)), slot="request.note")


@router.callback_query(Tap("req.nonote"), At(Asking.NOTE))
async def note_skipped(query: CallbackQuery, desk: Desk) -> None:
    desk.memory.setdefault("note", "")
    await _ask(desk, Asking.PREVIEW)


@router.callback_query(Tap("req.nopictures"), At(Asking.NOTE))
async def pictures_dropped(query: CallbackQuery, desk: Desk) -> None:
    desk.memory["pictures"] = []
    await _ask(desk, Asking.NOTE)


@router.message(At(Asking.NOTE), Brings("photo"))
async def picture_sent(message: TelegramMessage, desk: Desk) -> None:
    assert message.photo
    pictures = desk.memory.setdefault("pictures", [])
    if len(pictures) >= MOST_PICTURES:
        raise Refusal("request.note.enough", most=MOST_PICTURES)
    pictures.append(message.photo[-1].file_id)
    if message.caption:
        desk.memory["note"] = read_note(message.caption)
    desk.reply.say(_note_screen(desk))


@router.message(At(Asking.NOTE), Typed())
async def note_typed(message: TelegramMessage, desk: Desk) -> None:
    desk.memory["note"] = read_note(message.text or "")
    await _ask(desk, Asking.PREVIEW)


@router.callback_query(Tap("req.send"), At(Asking.PREVIEW))
async def sent(query: CallbackQuery, desk: Desk) -> None:
    await _send(desk, Kind.FOOTAGE)


@router.callback_query(Tap("req.preserve"), At(Asking.PREVIEW))
async def preserving_sent(query: CallbackQuery, desk: Desk) -> None:
    await _send(desk, Kind.PRESERVE)


@router.callback_query(Tap("req.emergency"), At(Asking.PREVIEW))
async def emergency_tapped(query: CallbackQuery, desk: Desk) -> None:
    desk.dialogue.go(Asking.EMERGENCY.value)
    desk.reply.clear_buttons()
    desk.say("emergency.reason_ask", _footer(desk.words))


@router.message(At(Asking.EMERGENCY), Typed())
async def emergency_sent(message: TelegramMessage, desk: Desk) -> None:
    await _send(desk, Kind.FOOTAGE, emergency=asking.read_emergency(message.text or ""))


async def _send(desk: Desk, kind: Kind, *, emergency: str = "") -> None:
    question = preview.question_of(desk, kind)
    request = await asking.send(desk.work, desk.who, question, emergency=emergency)
    desk.dialogue.end()
    words = desk.words
    keyboard = column(
        button(words("request.open_button"), "req.show", request.id),
        button(words("home_button"), "home"),
    )
    key = "request.sent" if kind is Kind.FOOTAGE else "request.sent_preserve"
    if request.state is RequestState.AWAITING_AGREEMENT:
        key = "request.awaits"
    elif request.is_emergency:
        key = "request.sent_emergency"
    desk.show(key, keyboard, request=request.name)
