"""Points: named places that are to be watched; the list, one of them, a new one, and an end."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Button, Keyboard, button, column, grid
from nobs_bot.cameras import points
from nobs_bot.cameras.points import Watch
from nobs_bot.coverage.drawing import MapView
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.roles import holds
from nobs_bot.places.points import RADII_M, NamedPoint
from nobs_bot.places.reading import read_location

from .desk import Desk, map_picture
from .filters import At, Brings, Says, Tap, Typed, number, shared_place
from .states import Pointing

router = Router(name="points")

_PAGE = 20


@router.message(Command("titik", "points"))
async def points_command(message: TelegramMessage, desk: Desk) -> None:
    await _list(desk, 0)


@router.callback_query(Tap("pnt.list"))
async def list_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _list(desk, number(args) if args else 0)


async def _list(desk: Desk, page: int) -> None:
    """The points of the officer's areas; those that no connected camera watches come first."""
    words = desk.words
    codes = await points.areas_known(desk.work, desk.who)
    desk.dialogue.end()
    found = await points.points_in(desk.work, codes)
    found.sort(key=lambda pair: pair[1].connected > 0)
    pages = max(1, -(-len(found) // _PAGE))
    page = max(0, min(page, pages - 1))
    rows = [_row(point, watch) for point, watch in found[page * _PAGE : (page + 1) * _PAGE]]
    turn = tuple(
        button(label, "pnt.list", to)
        for label, to in (("⬅️", page - 1), ("➡️", page + 1))
        if 0 <= to < pages
    )
    may_make = await points.may_make(desk.work, desk.who)
    more = column(
        button(words("point.new_button"), "pnt.new") if may_make else None,
        button(words("home_button"), "home"),
    )
    text = words("point.none")
    if found:
        watched = sum(watch.connected > 0 for _, watch in found)
        text = words("point.list", count=len(found), watched=watched)
    keyboard = (*grid(rows, 2), *((turn,) if turn else ()), *more)
    desk.reply.show(Message(text=text, keyboard=keyboard, protected=True))


def _row(point: NamedPoint, watch: Watch) -> Button:
    mark = "✅" if watch.connected else "⬜"
    return button(f"{mark} {point.name}"[:40], "pnt.show", point.id)


@router.callback_query(Tap("pnt.show"))
async def shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    desk.dialogue.end()
    await _show(desk, await points.point_for(desk.work, number(args), desk.who))


async def _show(desk: Desk, point: NamedPoint, key: str = "") -> None:
    """One point with its map, and what may be done with it."""
    words = desk.words
    watch = await points.watch_of(desk.work, point)
    road = desk.around.base.nearest_road(point.lat, point.lon)
    area = desk.areas.name(point.area_code)
    text = words(
        "point.shown",
        name=point.name,
        place=f"{road}, {area}" if road else area,
        radius=words.distance(point.radius_m),
        taking_part=watch.taking_part,
        connected=watch.connected,
    )
    if key:
        text = words(key, name=point.name) + "\n\n" + text
    view = MapView(
        lat=point.lat,
        lon=point.lon,
        span_m=max(240.0, point.radius_m * 3.2),
        circle_m=point.radius_m,
        pin=True,
        north=words("map.north"),
    )
    desk.reply.clear_buttons()
    desk.reply.say(
        Message(
            text=text,
            keyboard=await _actions(desk, point),
            pictures=(map_picture(view),),
            protected=True,
        )
    )


async def _actions(desk: Desk, point: NamedPoint) -> Keyboard:
    words = desk.words
    held = [await holds(desk.work, desk.who.id, role, point.area_code) for role in points.MAKERS]
    may_change = any(held)
    radii = tuple(
        button(words.distance(each), "pnt.radius", point.id, each)
        for each in RADII_M
        if each != point.radius_m
    )
    is_removed = point.removed_at is not None
    changes: Keyboard = ()
    if may_change and is_removed:
        changes = column(button(words("point.restore_button"), "pnt.restore", point.id))
    elif may_change:
        changes = (
            radii,
            *column(
                button(words("point.rename_button"), "pnt.rename", point.id),
                button(words("point.remove_button"), "pnt.remove", point.id),
            ),
        )
    ends = column(
        button(words("point.list_button"), "pnt.list"), button(words("home_button"), "home")
    )
    return (*changes, *ends)


@router.callback_query(Tap("pnt.radius"))
async def radius_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    point = await points.set_radius(desk.work, number(args), desk.who, number(args, 1))
    await _show(desk, point)


@router.callback_query(Tap("pnt.remove"))
async def removed(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    point = await points.remove(desk.work, number(args), desk.who)
    await _show(desk, point, "point.removed")


@router.callback_query(Tap("pnt.restore"))
async def restored(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    point = await points.restore(desk.work, number(args), desk.who)
    await _show(desk, point, "point.restored")


# another name


def _cancel(desk: Desk) -> Keyboard:
    return column(button(desk.words("cancel_button"), "pnt.cancel"))


@router.callback_query(Tap("pnt.cancel"), At(*Pointing))
async def cancel_tapped(query: CallbackQuery, desk: Desk) -> None:
    desk.leave_off()


@router.message(At(*Pointing), Says("cancel_button"))
async def cancel_said(message: TelegramMessage, desk: Desk) -> None:
    desk.leave_off()


@router.callback_query(Tap("pnt.rename"))
async def rename_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    point = await points.point_for(desk.work, number(args), desk.who)
    desk.dialogue.end()
    desk.dialogue.go(Pointing.RENAME.value, point=point.id)
    desk.reply.clear_buttons()
    desk.say("point.rename_ask", _cancel(desk), name=point.name)


@router.message(At(Pointing.RENAME), Typed())
async def rename_given(message: TelegramMessage, desk: Desk) -> None:
    point_id = int(desk.memory["point"])
    point = await points.rename(desk.work, point_id, desk.who, message.text or "")
    desk.dialogue.end()
    await _show(desk, point, "point.renamed")


# a new one


@router.callback_query(Tap("pnt.new"))
async def new_asked(query: CallbackQuery, desk: Desk) -> None:
    if not await points.may_make(desk.work, desk.who):
        raise Refusal("roles.needed")
    desk.dialogue.end()
    desk.dialogue.go(Pointing.NAME.value)
    desk.show("point.name_ask", _cancel(desk))


@router.message(At(Pointing.NAME), Typed())
async def name_given(message: TelegramMessage, desk: Desk) -> None:
    desk.memory["name"] = points.read_name(message.text or "")
    desk.ask_place("point.place_ask", Pointing.PLACE)


@router.message(At(Pointing.PLACE), Brings("location", "venue"))
async def place_shared(message: TelegramMessage, desk: Desk) -> None:
    await _take_place(desk, *shared_place(message))


@router.message(At(Pointing.PLACE), Typed())
async def place_typed(message: TelegramMessage, desk: Desk) -> None:
    point = read_location((message.text or "").strip(), desk.areas)
    if point is None:
        raise Refusal("coverage.point_unclear")
    await _take_place(desk, point.lat, point.lon)


async def _take_place(desk: Desk, lat: float, lon: float) -> None:
    name = str(desk.memory["name"])
    point = await points.name_point(desk.work, desk.who, desk.areas, name, (lat, lon))
    desk.dialogue.end()
    await _show(desk, point, "point.made")
