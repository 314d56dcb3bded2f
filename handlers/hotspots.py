"""Hotspots, for supervisors: the list, a new one question by question, a table, and an end."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Keyboard, button, column, grid
from nobs_bot.coverage import hotspots
from nobs_bot.coverage.drawing import MapView
from nobs_bot.coverage.hotspots import EVERY_DAY, Hotspot, HotspotKind, Hours, Spot
from nobs_bot.coverage.ordering import MOST_TABLE_BYTES, order_table
from nobs_bot.coverage.watching import seeing
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.roles import Role, areas_of, holds, require, require_at
from nobs_bot.places.reading import read_location
from nobs_bot.texts import Words

from .desk import Desk, map_picture
from .filters import At, Brings, Says, Tap, Typed, number, shared_place, word
from .states import Spotting

router = Router(name="hotspots")

_DAYS = {"every": EVERY_DAY, "work": 0b001_1111, "weekend": 0b110_0000, "sat": 0b010_0000}
_UNTIL_DAYS = (30, 90, 180)
_HOURS = ("18.00-24.00", "21.00-03.00", "00.00-05.00")
_SHOWN = 20
_STEPS: tuple[Spotting, ...] = tuple(each for each in Spotting if each is not Spotting.TABLE)


@router.message(Command("rawan", "hotspots"))
async def hotspots_command(message: TelegramMessage, desk: Desk) -> None:
    await _list(desk)


@router.callback_query(Tap("spot.list"))
async def list_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _list(desk)


async def _list(desk: Desk) -> None:
    desk.dialogue.end()
    words = desk.words
    known = await hotspots.known_areas(desk.work, desk.who)
    found = await hotspots.current(desk.work, known)
    supervised = bool(await areas_of(desk.work, desk.who.id, Role.SUPERVISOR))
    buttons = [
        button(f"{each.name} · {words(f'hotspot.kind.{each.kind}')}", "spot.show", each.id)
        for each in found[:_SHOWN]
    ]
    more = column(
        button(words("hotspot.new_button"), "spot.new") if supervised else None,
        button(words("hotspot.table_button"), "spot.table") if supervised else None,
        button(words("home_button"), "home"),
    )
    text = words.plural("hotspot.list", len(found)) if found else words("hotspot.none")
    desk.reply.show(Message(text=text, keyboard=(*grid(buttons, 2), *more), protected=True))


@router.callback_query(Tap("spot.show"))
async def shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    hotspot = await hotspots.hotspot_for(desk.work, number(args), desk.who)
    await _show(desk, hotspot, "hotspot.shown")


async def _show(desk: Desk, hotspot: Hotspot, key: str) -> None:
    words = desk.words
    may_end = await holds(desk.work, desk.who.id, Role.SUPERVISOR, hotspot.area_code)
    is_over = hotspot.ended_at is not None
    keyboard = column(
        button(words("hotspot.end_button"), "spot.end", hotspot.id)
        if may_end and not is_over
        else None,
        button(words("hotspot.undo_button"), "spot.again", hotspot.id)
        if may_end and is_over
        else None,
        button(words("hotspot.request_button"), "req.spot", hotspot.id)
        if await holds(desk.work, desk.who.id, Role.INVESTIGATOR, hotspot.area_code)
        else None,
        button(words("hotspot.list_button"), "spot.list"),
        button(words("home_button"), "home"),
    )
    view = MapView(
        lat=hotspot.lat,
        lon=hotspot.lon,
        span_m=max(240.0, hotspot.radius_m * 3.2),
        circle_m=hotspot.radius_m,
        pin=True,
        north=words("map.north"),
    )
    text = words(key, hotspot=hotspot.name) + "\n\n" + await _described(desk, hotspot)
    desk.reply.clear_buttons()
    desk.reply.say(
        Message(text=text, keyboard=keyboard, pictures=(map_picture(view),), protected=True)
    )


async def _described(desk: Desk, hotspot: Hotspot) -> str:
    words = desk.words
    road = desk.around.base.nearest_road(hotspot.lat, hotspot.lon)
    area = desk.areas.name(hotspot.area_code)
    return words(
        "hotspot.described",
        kind=words(f"hotspot.kind.{hotspot.kind}"),
        place=f"{road}, {area}" if road else area,
        radius=words.distance(hotspot.radius_m),
        hours=_hours(words, hotspot.hours),
        days=_days(words, hotspot.days),
        weight=hotspot.weight,
        until=words.date(hotspot.until) if hotspot.until else words("hotspot.for_good"),
        cameras=len(await seeing(desk.work, hotspot.lat, hotspot.lon, hotspot.radius_m)),
    )


def _hours(words: Words, hours: Hours) -> str:
    return words("hotspot.all_day") if hours.from_minute is None else str(hours)


def _days(words: Words, days: int) -> str:
    for name, bits in _DAYS.items():
        if bits == days:
            return words(f"hotspot.days.{name}")
    return ", ".join(words(f"weekday.{at}") for at in range(7) if days >> at & 1)


@router.callback_query(Tap("spot.end"))
async def ended(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    hotspot = await hotspots.end(desk.work, number(args), desk.who)
    await _show(desk, hotspot, "hotspot.ended")


@router.callback_query(Tap("spot.again"))
async def begun_again(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    hotspot = await hotspots.begin_again(desk.work, number(args), desk.who)
    await _show(desk, hotspot, "hotspot.shown")


# a new one, question by question


@router.callback_query(Tap("spot.new"))
async def new_asked(query: CallbackQuery, desk: Desk) -> None:
    await require(desk.work, desk.who.id, Role.SUPERVISOR)
    desk.dialogue.end()
    desk.dialogue.go(Spotting.KIND.value)
    _ask(desk, Spotting.KIND)


def _way_out(words: Words, *, first: bool = True) -> Keyboard:
    cancel = button(words("cancel_button"), "spot.cancel")
    return ((cancel,) if first else (button(words("back_button"), "spot.back"), cancel),)


def _ask(desk: Desk, step: Spotting) -> None:
    if step is Spotting.PLACE:
        desk.ask_place("hotspot.place.ask", step)
        return
    desk.dialogue.go(step.value)
    words = desk.words
    way_out = _way_out(words, first=step is Spotting.KIND)
    question = step.value.partition(".")[2]
    desk.show(f"hotspot.{question}.ask", (*_choices(words, step), *way_out))


def _choices(words: Words, step: Spotting) -> Keyboard:
    for_good = button(words("hotspot.for_good"), "spot.until", 0)
    all_day = button(words("hotspot.all_day"), "spot.hours", "all")
    choices: dict[Spotting, Keyboard] = {
        Spotting.KIND: grid(
            [button(words(f"hotspot.kind.{k}"), "spot.kind", k.value) for k in HotspotKind], 2
        ),
        Spotting.RADIUS: grid(
            [button(words.distance(r), "spot.radius", r) for r in hotspots.RADII_M], 2
        ),
        Spotting.HOURS: (
            *grid([button(h.replace("-", "–"), "spot.hours", h) for h in _HOURS], 3),
            (all_day,),
        ),
        Spotting.DAYS: grid([button(words(f"hotspot.days.{d}"), "spot.days", d) for d in _DAYS], 2),
        Spotting.WEIGHT: (tuple(button(str(w), "spot.weight", w) for w in hotspots.WEIGHTS),),
        Spotting.UNTIL: (
            *grid([button(words.plural("days", n), "spot.until", n) for n in _UNTIL_DAYS], 3),
            (for_good,),
        ),
    }
    return choices.get(step, ())


@router.callback_query(Tap("spot.cancel"))
async def cancel_tapped(query: CallbackQuery, desk: Desk) -> None:
    desk.leave_off()


@router.message(At(*Spotting), Says("cancel_button"))
async def cancel_said(message: TelegramMessage, desk: Desk) -> None:
    desk.leave_off()


@router.callback_query(Tap("spot.back"), At(*_STEPS))
async def went_back(query: CallbackQuery, desk: Desk) -> None:
    order = list(_STEPS)
    at = order.index(Spotting(desk.dialogue.state or ""))
    _ask(desk, order[max(0, at - 1)])


@router.callback_query(Tap("spot.kind"), At(Spotting.KIND))
async def kind_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    if word(args) not in tuple(HotspotKind):
        raise Refusal("buttons.stale")
    desk.memory["kind"] = args[0]
    _ask(desk, Spotting.PLACE)


@router.message(At(Spotting.PLACE), Brings("location", "venue"))
async def place_shared(message: TelegramMessage, desk: Desk) -> None:
    await _take_place(desk, *shared_place(message))


@router.message(At(Spotting.PLACE), Typed())
async def place_typed(message: TelegramMessage, desk: Desk) -> None:
    point = read_location((message.text or "").strip(), desk.areas)
    if point is None:
        raise Refusal("coverage.point_unclear")
    await _take_place(desk, point.lat, point.lon)


async def _take_place(desk: Desk, lat: float, lon: float) -> None:
    area = desk.areas.locate(lat, lon)
    if area is None:
        raise Refusal("hotspot.outside")
    await require_at(desk.work, desk.who.id, Role.SUPERVISOR, area.code)
    desk.memory.update(lat=lat, lon=lon)
    _ask(desk, Spotting.RADIUS)


@router.callback_query(Tap("spot.radius"), At(Spotting.RADIUS))
async def radius_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    _take_radius(desk, number(args))


@router.message(At(Spotting.RADIUS), Typed())
async def radius_typed(message: TelegramMessage, desk: Desk) -> None:
    digits = (message.text or "").casefold().removesuffix("meter").removesuffix("m").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6):
        raise Refusal("hotspot.radius.wrong", most=hotspots.MOST_RADIUS_M)
    _take_radius(desk, int(digits))


def _take_radius(desk: Desk, radius_m: int) -> None:
    if not hotspots.LEAST_RADIUS_M <= radius_m <= hotspots.MOST_RADIUS_M:
        raise Refusal("hotspot.radius.wrong", most=hotspots.MOST_RADIUS_M)
    desk.memory["radius_m"] = radius_m
    _ask(desk, Spotting.HOURS)


@router.callback_query(Tap("spot.hours"), At(Spotting.HOURS))
async def hours_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    _take_hours(desk, Hours() if word(args) == "all" else hotspots.read_hours(args[0]))


@router.message(At(Spotting.HOURS), Typed())
async def hours_typed(message: TelegramMessage, desk: Desk) -> None:
    _take_hours(desk, hotspots.read_hours(message.text or ""))


def _take_hours(desk: Desk, hours: Hours) -> None:
    desk.memory["hours"] = [hours.from_minute, hours.to_minute]
    _ask(desk, Spotting.DAYS)


@router.callback_query(Tap("spot.days"), At(Spotting.DAYS))
async def days_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    if word(args) not in _DAYS:
        raise Refusal("buttons.stale")
    desk.memory["days"] = _DAYS[args[0]]
    _ask(desk, Spotting.WEIGHT)


@router.message(At(Spotting.DAYS), Typed())
async def days_typed(message: TelegramMessage, desk: Desk) -> None:
    try:
        desk.memory["days"] = hotspots.read_days((message.text or "").replace(" ", ""))
    except ValueError:
        raise Refusal("hotspot.days.wrong") from None
    _ask(desk, Spotting.WEIGHT)


@router.callback_query(Tap("spot.weight"), At(Spotting.WEIGHT))
async def weight_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    if number(args) not in hotspots.WEIGHTS:
        raise Refusal("buttons.stale")
    desk.memory["weight"] = number(args)
    _ask(desk, Spotting.UNTIL)


@router.callback_query(Tap("spot.until"), At(Spotting.UNTIL))
async def until_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    days = number(args)
    if days not in (0, *_UNTIL_DAYS):
        raise Refusal("buttons.stale")
    today = desk.work.now.astimezone(desk.work.settings.zone).date()
    spot = _spot(desk.memory, today + timedelta(days=days) if days else None)
    hotspot = await hotspots.enter(desk.work, desk.who, desk.areas, spot)
    desk.dialogue.end()
    await _show(desk, hotspot, "hotspot.entered")


def _spot(memory: dict[str, Any], until: date | None) -> Spot:
    return Spot(
        kind=HotspotKind(memory["kind"]),
        lat=memory["lat"],
        lon=memory["lon"],
        radius_m=memory["radius_m"],
        hours=Hours(*memory["hours"]),
        days=memory["days"],
        weight=memory["weight"],
        until=until,
    )


# a table of them


@router.callback_query(Tap("spot.table"))
async def table_asked(query: CallbackQuery, desk: Desk) -> None:
    await require(desk.work, desk.who.id, Role.SUPERVISOR)
    desk.dialogue.end()
    desk.dialogue.go(Spotting.TABLE.value)
    desk.show("hotspot.table.ask", _way_out(desk.words))


@router.message(At(Spotting.TABLE), Brings("document"))
async def table_sent(message: TelegramMessage, desk: Desk) -> None:
    """Fetched and read afterwards: a file is not waited for in the conversation."""
    document = message.document
    assert document is not None
    if (document.file_size or 0) > MOST_TABLE_BYTES:
        raise Refusal("hotspot.table.too_large")
    await order_table(desk.work, desk.who, document.file_id)
    desk.dialogue.end()
    desk.say("hotspot.table.reading")


@router.message(At(Spotting.TABLE), Typed())
async def table_pasted(message: TelegramMessage, desk: Desk) -> None:
    spots = hotspots.read_table(message.text or "")
    await hotspots.enter_all(desk.work, desk.who, desk.areas, spots)
    desk.dialogue.end()
    keyboard = column(button(desk.words("hotspot.list_button"), "spot.list"))
    text = desk.words.plural("hotspot.table.done", len(spots))
    desk.reply.show(Message(text=text, keyboard=keyboard))
