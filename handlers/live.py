"""Live view, as the owner has it in hand: stop a look, set the terms, see who looked."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column
from nobs_bot.cameras.record import Camera, camera_of
from nobs_bot.cameras.rights import switch_share
from nobs_bot.errors import Refusal
from nobs_bot.footage.live import terms, views
from nobs_bot.footage.live.account import account_of
from nobs_bot.messaging.message import Message

from .desk import Desk
from .filters import At, Tap, Typed, number
from .states import Living

router = Router(name="live")

_DAY, _NIGHT = (6 * 60, 18 * 60), (18 * 60, 6 * 60)


@router.callback_query(Tap("live.stop"))
async def stopped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    # the message itself is replaced by the account of the look, through its slot
    await views.stop(desk.work, number(args), desk.who)
    desk.reply.toast(desk.words("live.stopped"))
    desk.reply.clear_buttons()


@router.callback_query(Tap("live.terms"))
async def terms_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    desk.reply.say(await _terms(desk, camera))


@router.callback_query(Tap("live.screen"))
async def terms_shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    desk.reply.show(await _terms(desk, camera))


@router.callback_query(Tap("live.switch"))
async def switched(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    if camera.stream is None:
        raise Refusal("share.needs_stream")
    switch_share(desk.work, camera, desk.who, "live")
    desk.reply.show(await _terms(desk, camera))


@router.callback_query(Tap("live.urgent"))
async def urgency_switched(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    await terms.switch_emergencies(desk.work, camera, desk.who)
    await views.end_what_is_not_allowed(desk.work, camera)
    desk.reply.show(await _terms(desk, camera))


@router.callback_query(Tap("live.again"))
async def allowed_again(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    await terms.end_rest(desk.work, camera)
    desk.reply.show(await _terms(desk, camera))


@router.callback_query(Tap("live.hours"))
async def hours_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    words = desk.words
    desk.dialogue.end()
    desk.dialogue.go(Living.HOURS.value, camera=camera.id)
    desk.show(
        "live.hours.ask",
        column(
            button(words("live.hours.any_button"), "live.at", camera.id),
            button(words("live.hours.day_button"), "live.at", camera.id, *_DAY),
            button(words("live.hours.night_button"), "live.at", camera.id, *_NIGHT),
            button(words("back_button"), "live.back", camera.id),
        ),
        camera=camera.name,
    )


@router.callback_query(Tap("live.back"))
async def hours_left(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    desk.dialogue.end()
    desk.reply.show(await _terms(desk, camera))


@router.callback_query(Tap("live.at"))
async def hours_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    hours = None
    if len(args) > 1:
        hours = number(args, 1), number(args, 2)
        if hours not in (_DAY, _NIGHT):
            raise Refusal("buttons.stale")
    await terms.set_hours(desk.work, camera, desk.who, hours)
    await views.end_what_is_not_allowed(desk.work, camera)
    desk.dialogue.end()
    desk.reply.show(await _terms(desk, camera))


@router.message(At(Living.HOURS), Typed())
async def hours_typed(message: TelegramMessage, desk: Desk) -> None:
    camera = await camera_of(desk.work, int(desk.memory["camera"]), desk.who.id)
    hours = terms.read_hours(message.text or "")
    await terms.set_hours(desk.work, camera, desk.who, hours)
    await views.end_what_is_not_allowed(desk.work, camera)
    desk.dialogue.end()
    desk.reply.show(await _terms(desk, camera))


async def _terms(desk: Desk, camera: Camera) -> Message:
    words = desk.words
    account = await account_of(desk.work, words, camera)
    buttons = [
        button(words("live.stop_of_button", officer=each.officer), "live.stop", each.view_id)
        for each in account.going_on
    ]
    if camera.share_live:
        if account.is_resting:
            buttons.append(button(words("live.again_button"), "live.again", camera.id))
        mark = "✅ " if account.emergencies_only else "⬜ "
        buttons += [
            button(words("live.hours_button"), "live.hours", camera.id),
            button(mark + words("live.emergencies_button"), "live.urgent", camera.id),
            button(words("live.off_button"), "live.switch", camera.id),
        ]
    else:
        buttons.append(button(words("live.on_button"), "live.switch", camera.id))
    back = button(words("back_button"), "cam.sharing", camera.id)
    return Message(text=account.text, keyboard=column(*buttons, back))
