"""What the cameras see and miss, for officers: an area, a place close up, where to recruit."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column, grid
from nobs_bot.coverage.hotspots import known_areas
from nobs_bot.coverage.ordering import order
from nobs_bot.coverage.orders import Wanted
from nobs_bot.errors import Refusal
from nobs_bot.people.roles import Role, areas_of, covers
from nobs_bot.places.areas import Area
from nobs_bot.places.reading import read_location

from .desk import Desk
from .filters import At, Brings, Says, Tap, Typed, shared_place, word
from .states import Covering

router = Router(name="coverage")

CLOSE_UP_M = 300.0


@router.message(Command("cakupan", "coverage"))
async def coverage_command(message: TelegramMessage, desk: Desk) -> None:
    await _choose(desk)


@router.callback_query(Tap("cov.start", "cov.areas"))
async def coverage_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _choose(desk)


async def _choose(desk: Desk, inside: str | None = None) -> None:
    """The officer's areas as buttons, and what lies right inside the one that was opened."""
    desk.dialogue.end()
    known = await known_areas(desk.work, desk.who)
    shown = desk.areas.below(inside) if inside else [desk.areas.get(code) for code in known]
    areas = [each for each in shown if each and any(covers(code, each.code) for code in known)]
    words = desk.words
    rows = grid([button(each.name, "cov.area", each.code) for each in areas], 2)
    more = column(
        button(words("coverage.inside_button"), "cov.inside", areas[0].code)
        if inside is None and len(areas) == 1 and desk.areas.below(areas[0].code)
        else None,
        button(words("coverage.point_button"), "cov.point"),
        button(words("home_button"), "home"),
    )
    desk.show("coverage.ask", (*rows, *more))


@router.callback_query(Tap("cov.inside"))
async def inside_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _choose(desk, word(args))


@router.callback_query(Tap("cov.area"))
async def area_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _order(desk, Wanted.COVERAGE, word(args))


@router.callback_query(Tap("cov.recruit"))
async def recruit_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _order(desk, Wanted.RECRUIT, word(args))


@router.callback_query(Tap("cov.plan"))
async def plan_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _order(desk, Wanted.WORKLIST, word(args))


@router.callback_query(Tap("cov.export"))
async def export_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _order(desk, Wanted.EXPORT, word(args))


@router.callback_query(Tap("cov.plans"))
async def plans_tapped(query: CallbackQuery, desk: Desk) -> None:
    """For which area a new worklist is to be reckoned; a supervisor's word."""
    held = await areas_of(desk.work, desk.who.id, Role.SUPERVISOR)
    if not held:
        raise Refusal("roles.needed")
    areas = [area for code in held for area in _with_those_below(desk, code)]
    rows = grid([button(each.name, "cov.plan", each.code) for each in areas], 2)
    home = column(button(desk.words("home_button"), "home"))
    desk.show("worklist.which", (*rows, *home))


def _with_those_below(desk: Desk, code: str) -> list[Area]:
    area = desk.areas.get(code)
    return [area, *desk.areas.below(code)] if area else []


async def _order(desk: Desk, what: Wanted, code: str) -> None:
    area = desk.areas.get(code)
    if area is None:
        raise Refusal("buttons.stale")
    is_new = await order(desk.work, desk.who, what, area.code)
    key = "coverage.reckoning" if is_new else "coverage.reckoning_already"
    desk.say(key, area=str(area))


@router.callback_query(Tap("cov.point"))
async def point_asked(query: CallbackQuery, desk: Desk) -> None:
    await known_areas(desk.work, desk.who)
    desk.dialogue.end()
    desk.ask_place("coverage.point_ask", Covering.PLACE)


@router.message(At(Covering.PLACE), Says("cancel_button"))
async def point_cancelled(message: TelegramMessage, desk: Desk) -> None:
    desk.leave_off()


@router.message(At(Covering.PLACE), Brings("location", "venue"))
async def point_shared(message: TelegramMessage, desk: Desk) -> None:
    await _look_round(desk, *shared_place(message))


@router.message(At(Covering.PLACE), Typed())
async def point_typed(message: TelegramMessage, desk: Desk) -> None:
    text = (message.text or "").strip()
    area = desk.areas.find(text)
    if area is not None:
        desk.dialogue.end()
        await _order(desk, Wanted.COVERAGE, area.code)
        return
    point = read_location(text, desk.areas)
    if point is None:
        raise Refusal("coverage.point_unclear")
    await _look_round(desk, point.lat, point.lon)


async def _look_round(desk: Desk, lat: float, lon: float) -> None:
    area = desk.areas.locate(lat, lon)
    if area is None:
        raise Refusal("hotspot.outside")
    place = (round(lat, 6), round(lon, 6), CLOSE_UP_M)
    is_new = await order(desk.work, desk.who, Wanted.COVERAGE, area.code, place)
    desk.dialogue.end()
    key = "coverage.reckoning" if is_new else "coverage.reckoning_already"
    desk.say(key, area=str(area))
