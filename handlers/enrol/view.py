"""Which way the camera looks, how far and how long it keeps, and what is shared."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.cameras import enrolment
from nobs_bot.cameras.record import Width
from nobs_bot.cameras.rights import switch_share
from nobs_bot.errors import Refusal

from ..desk import Desk
from ..filters import At, Brings, Tap, Typed, number, word
from ..states import Enrol
from . import steps
from .screens import RANGES_M

router = Router(name="enrol.view")

TURN_DEG = 15


@router.callback_query(Tap("enrol.noop"))
async def middle_tapped(query: CallbackQuery, desk: Desk) -> None:
    desk.reply.toast(desk.words("enrol.heading.hint"))


@router.callback_query(Tap("enrol.heading"), At(Enrol.HEADING))
async def heading_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await steps.camera_at_hand(desk)
    heading = None if word(args) == "unknown" else float(number(args))
    enrolment.set_heading(desk.work, camera, heading)
    await steps.forth(desk, camera, Enrol.HEADING)


@router.message(At(Enrol.HEADING), Brings("web_app_data"))
async def heading_pointed(message: TelegramMessage, desk: Desk) -> None:
    assert message.web_app_data is not None
    await _keep_heading(desk, message.web_app_data.data.removeprefix("heading:"))


@router.message(At(Enrol.HEADING), Typed())
async def heading_typed(message: TelegramMessage, desk: Desk) -> None:
    await _keep_heading(desk, message.text or "")


async def _keep_heading(desk: Desk, said: str) -> None:
    """Degrees from north, off a compass."""
    digits = said.strip().removesuffix("°").strip()
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 3 or int(digits) > 360:
        raise Refusal("enrol.heading.wrong")
    camera = await steps.camera_at_hand(desk)
    desk.memory.pop("panning", None)
    enrolment.set_heading(desk.work, camera, float(digits))
    await steps.forth(desk, camera, Enrol.HEADING)


@router.callback_query(Tap("enrol.panning"), At(Enrol.HEADING))
async def panning_chosen(query: CallbackQuery, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    desk.memory["panning"] = []
    await steps.ask(desk, camera, Enrol.HEADING)


@router.callback_query(Tap("enrol.one_way"), At(Enrol.HEADING))
async def one_way_chosen(query: CallbackQuery, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    desk.memory.pop("panning", None)
    await steps.ask(desk, camera, Enrol.HEADING)


@router.callback_query(Tap("enrol.pan"), At(Enrol.HEADING))
async def way_switched(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await steps.camera_at_hand(desk)
    way = number(args)
    if way not in range(0, 360, 45):
        raise Refusal("buttons.stale")
    desk.memory["panning"] = sorted(set(desk.memory.get("panning", ())) ^ {way})
    await steps.ask(desk, camera, Enrol.HEADING)


@router.callback_query(Tap("enrol.panned"), At(Enrol.HEADING))
async def panned(query: CallbackQuery, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    enrolment.set_headings(desk.work, camera, map(float, desk.memory.get("panning", ())))
    desk.memory.pop("panning", None)
    await steps.forth(desk, camera, Enrol.HEADING)


@router.callback_query(Tap("enrol.width"), At(Enrol.WIDTH))
async def width_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await steps.camera_at_hand(desk)
    if word(args) not in tuple(Width):
        raise Refusal("buttons.stale")
    enrolment.set_width(desk.work, camera, Width(args[0]))
    await steps.forth(desk, camera, Enrol.WIDTH)


@router.callback_query(Tap("enrol.range"), At(Enrol.RANGE))
async def range_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await steps.camera_at_hand(desk)
    if number(args) not in RANGES_M:
        raise Refusal("buttons.stale")
    enrolment.set_range(desk.work, camera, float(number(args)))
    await steps.forth(desk, camera, Enrol.RANGE)


@router.callback_query(Tap("enrol.indoors"), At(Enrol.INDOORS))
async def indoors_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await steps.camera_at_hand(desk)
    enrolment.set_indoors(desk.work, camera, word(args) == "yes")
    await steps.forth(desk, camera, Enrol.INDOORS)


@router.callback_query(Tap("enrol.turn"), At(Enrol.VIEW))
async def turned(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await steps.camera_at_hand(desk)
    if abs(number(args)) != TURN_DEG or camera.heading_deg is None or camera.is_panning:
        raise Refusal("buttons.stale")
    enrolment.set_heading(desk.work, camera, camera.heading_deg + number(args))
    await steps.ask(desk, camera, Enrol.VIEW)


@router.callback_query(Tap("enrol.view"), At(Enrol.VIEW))
async def view_confirmed(query: CallbackQuery, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    await steps.forth(desk, camera, Enrol.VIEW)


@router.callback_query(Tap("enrol.retention"), At(Enrol.RETENTION))
async def retention_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _keep_retention(desk, number(args))


@router.message(At(Enrol.RETENTION), Typed())
async def retention_typed(message: TelegramMessage, desk: Desk) -> None:
    digits = [part for part in (message.text or "").split() if part.isdigit()]
    if len(digits) != 1:
        raise Refusal("enrol.retention.wrong", most=enrolment.RETENTION_MOST_DAYS)
    await _keep_retention(desk, int(digits[0]))


async def _keep_retention(desk: Desk, days: int) -> None:
    camera = await steps.camera_at_hand(desk)
    enrolment.set_retention(desk.work, camera, days)
    await steps.forth(desk, camera, Enrol.RETENTION)


@router.callback_query(Tap("enrol.share"), At(Enrol.SHARING))
async def share_switched(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await steps.camera_at_hand(desk)
    switch_share(desk.work, camera, desk.who, word(args))
    await steps.ask(desk, camera, Enrol.SHARING)


@router.callback_query(Tap("enrol.shared"), At(Enrol.SHARING))
async def sharing_chosen(query: CallbackQuery, desk: Desk) -> None:
    camera = await steps.camera_at_hand(desk)
    if not (camera.share_footage or camera.needs_stream):
        raise Refusal("enrol.sharing.nothing")
    camera.sharing_chosen = True
    if camera.needs_stream and camera.stream is None:
        # what was just switched on needs an address, also where only the switches were edited
        if desk.memory.get("editing") == "sharing":
            desk.memory["editing"] = "stream"
        await steps.ask(desk, camera, Enrol.STREAM)
        return
    await steps.forth(desk, camera, Enrol.SHARING)
