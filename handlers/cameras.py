"""An owner's cameras: how they stand, and what the owner may always do with them."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.cameras.checks import ask_check, is_being_checked, last_check
from nobs_bot.cameras.connection import stream_of
from nobs_bot.cameras.describing import retention_text, sharing_text, view_text
from nobs_bot.cameras.enrolment import draft_of, waiting_before
from nobs_bot.cameras.findings import short_finding
from nobs_bot.cameras.record import Camera, State, camera_of, cameras_owned, reason_of
from nobs_bot.cameras.rights import pause, resume, switch_share
from nobs_bot.errors import Refusal
from nobs_bot.leaving import take_out
from nobs_bot.messaging.message import Message
from nobs_bot.texts import Markup, Words

from .desk import Desk
from .enrol.screens import sharing_switches
from .filters import Tap, number, word
from .owned import more_buttons, more_lines

router = Router(name="cameras")


@router.message(Command("kamera", "cameras"))
async def cameras_command(message: TelegramMessage, desk: Desk) -> None:
    await _list(desk)


@router.callback_query(Tap("cam.list"))
async def list_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _list(desk)


async def _list(desk: Desk) -> None:
    words = desk.words
    cameras = await cameras_owned(desk.work, desk.who.id)
    draft = await draft_of(desk.work, desk.who)
    buttons = [
        button(f"{each.name} · {_state(words, each)}", "cam.show", each.id) for each in cameras
    ]
    if draft:
        buttons.append(button(words("enrol.resume_button"), "enrol.resume", draft.id))
    buttons.append(button(words("start.another_button"), "enrol.start"))
    buttons.append(button(words("home_button"), "home"))
    key = "cameras.list" if cameras else "cameras.none"
    desk.show(key, column(*buttons))


def _state(words: Words, camera: Camera) -> str:
    if camera.state is State.APPROVED and camera.paused_at:
        return words("state.paused")
    return words(f"state.{camera.state}")


@router.callback_query(Tap("cam.show"))
async def shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _show(desk, await camera_of(desk.work, number(args), desk.who.id))


async def show_camera(desk: Desk, camera: Camera) -> None:
    """The owner's page of a camera, from wherever they came to it."""
    await _show(desk, camera)


async def _show(desk: Desk, camera: Camera) -> None:
    words = desk.words
    check = await last_check(desk.work, camera)
    lines = [
        words(
            "cameras.details",
            camera=camera.name,
            state=Markup(_state(words, camera)),
            area=desk.areas.name(camera.area_code),
            view=Markup(view_text(words, camera)),
            retention=Markup(retention_text(words, camera)),
            sharing=Markup(sharing_text(words, camera)),
        )
    ]
    if camera.stream is not None:
        finding = short_finding(words, check.report if check else None)
        when = words.moment(check.finished_at) if check and check.finished_at else "–"
        lines.append(words("cameras.last_check", finding=finding, moment=when))
    if camera.state is State.WAITING:
        before = await waiting_before(desk.work, camera)
        lines.append(words("cameras.waiting", place=before + 1))
    if reason := reason_of(desk.work, camera):
        lines.append(words("cameras.reason", reason=reason))
    lines += await more_lines(desk, camera)
    keyboard = (*await more_buttons(desk, camera), *_actions(words, camera))
    desk.reply.show(Message(text="\n\n".join(lines), keyboard=keyboard))


def _actions(words: Words, camera: Camera) -> Keyboard:
    resting = camera.paused_at is not None
    key = "cameras.resume_button" if resting else "cameras.pause_button"
    return column(
        button(words("cameras.edit_button"), "enrol.edit", camera.id, "summary"),
        button(words("cameras.sharing_button"), "cam.sharing", camera.id),
        button(words("cameras.check_button"), "cam.check", camera.id) if camera.stream else None,
        button(words(key), "cam.resume" if resting else "cam.pause", camera.id),
        button(words("cameras.withdraw_button"), "cam.withdraw", camera.id),
        button(words("log.open_button"), "log.show"),
        button(words("cameras.back_button"), "cam.list"),
    )


@router.callback_query(Tap("cam.pause"))
async def paused(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    pause(desk.work, camera, desk.who)
    desk.reply.toast(desk.words("cameras.paused"))
    await _show(desk, camera)


@router.callback_query(Tap("cam.resume"))
async def resumed(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    resume(desk.work, camera, desk.who)
    desk.reply.toast(desk.words("cameras.resumed"))
    await _show(desk, camera)


@router.callback_query(Tap("cam.sharing"))
async def sharing_shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    _sharing(desk, await camera_of(desk.work, number(args), desk.who.id))


@router.callback_query(Tap("cam.share"))
async def share_switched(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args, 1), desk.who.id)
    is_on = switch_share(desk.work, camera, desk.who, word(args))
    if is_on and args[0] != "footage" and stream_of(desk.work, camera) is None:
        switch_share(desk.work, camera, desk.who, args[0])
        raise Refusal("share.needs_stream")
    _sharing(desk, camera)


def _sharing(desk: Desk, camera: Camera) -> None:
    back = button(desk.words("back_button"), "cam.show", camera.id)
    switches = sharing_switches(desk.words, camera, "cam.share")
    live = button(desk.words("live.terms_button"), "live.screen", camera.id)
    rows = (*switches, (live,), (back,)) if camera.share_live else (*switches, (back,))
    desk.show("cameras.sharing", rows, camera=camera.name)


@router.callback_query(Tap("cam.check"))
async def check_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    if camera.stream is None:
        raise Refusal("buttons.stale")
    if await is_being_checked(desk.work, camera.id):
        desk.reply.toast(desk.words("check.running"))
        return
    await ask_check(desk.work, camera, tell_owner=True)
    desk.reply.toast(desk.words("check.begun"))


@router.callback_query(Tap("cam.withdraw"))
async def withdrawal_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    words = desk.words
    desk.show(
        "cameras.withdraw_ask",
        column(
            button(words("cameras.withdraw_yes_button"), "cam.withdrawn", camera.id),
            button(words("cameras.withdraw_no_button"), "cam.show", camera.id),
        ),
        camera=camera.name,
    )


@router.callback_query(Tap("cam.withdrawn"))
async def withdrawn(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    await take_out(desk.work, camera, desk.who)
    if desk.memory.get("camera") == camera.id:
        desk.dialogue.end()
    home = column(button(desk.words("home_button"), "home"))
    desk.show("cameras.withdrawn", home, camera=camera.name)
