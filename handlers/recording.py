"""Recording on foot: a field officer writes down the camera of an owner who stands beside them."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Button, button, column
from nobs_bot.cameras import recording
from nobs_bot.cameras.record import Camera, contact_of
from nobs_bot.people.roles import Role, require

from .desk import Desk
from .enrol import steps
from .enrol.screens import go_on_foot
from .filters import Tap, number
from .states import Enrol

router = Router(name="recording")


@router.message(Command("catat", "record"))
async def record_command(message: TelegramMessage, desk: Desk) -> None:
    await _overview(desk)


@router.callback_query(Tap("rec.list"))
async def list_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _overview(desk)


async def _overview(desk: Desk) -> None:
    """How it works, and the officer's own records that still wait for their owners."""
    await require(desk.work, desk.who.id, Role.FIELD_OFFICER)
    desk.dialogue.end()
    words = desk.words
    waiting = await recording.recordings_of(desk.work, desk.who)
    desk.show(
        "record.overview",
        column(
            button(words("record.start_button"), "rec.start"),
            *(_row(desk, camera) for camera in waiting),
            button(words("home_button"), "home"),
        ),
        days=desk.work.settings.recording_days,
    )


def _row(desk: Desk, camera: Camera) -> Button:
    words = desk.words
    assert camera.recorded_at is not None
    who = contact_of(desk.work, camera).name or words("record.nameless")
    mark = "⏳" if camera.handed_over_at else "✏️"
    label = f"{mark} {who} · {words.date(camera.recorded_at)}"
    return button(label, "rec.resume", camera.id)


@router.callback_query(Tap("rec.start"))
async def start_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _start(desk, await recording.begin_recording(desk.work, desk.who))


@router.callback_query(Tap("rec.beside"))
async def beside_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """One more camera of the same owner: kind, name and number are known."""
    beside = await recording.recording_of(desk.work, number(args), desk.who)
    camera = await recording.begin_recording(desk.work, desk.who, beside)
    await _start(desk, camera, Enrol.LOCATION)


async def _start(desk: Desk, camera: Camera, step: Enrol = Enrol.PLACE) -> None:
    desk.dialogue.end()
    go_on_foot(desk)
    await steps.ask(desk, camera, step)


@router.callback_query(Tap("rec.resume"))
async def resume_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """On where the first gap is; of a whole record the owner's link, made anew."""
    camera = await recording.recording_of(desk.work, number(args), desk.who)
    if camera.handed_over_at:
        await _start(desk, camera, Enrol.HANDOVER)
    elif camera.place_kind is None:
        await _start(desk, camera)
    elif camera.area_code is None:
        await _start(desk, camera, Enrol.LOCATION)
    else:
        await _start(desk, camera, Enrol.PHOTOS)


@router.callback_query(Tap("rec.photos"))
async def photos_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """A photo that was no picture is sent anew."""
    camera = await recording.recording_of(desk.work, number(args), desk.who)
    await _start(desk, camera, Enrol.PHOTOS)


@router.callback_query(Tap("rec.erase"))
async def erase_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await recording.recording_of(desk.work, number(args), desk.who)
    words = desk.words
    desk.dialogue.end()
    desk.show(
        "record.erase_ask",
        column(
            button(words("record.erase_yes_button"), "rec.erased", camera.id),
            button(words("record.keep_button"), "rec.list"),
        ),
    )


@router.callback_query(Tap("rec.erased"))
async def erased(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await recording.recording_of(desk.work, number(args), desk.who)
    await recording.erase_recording(desk.work, camera, actor=desk.who)
    desk.reply.toast(desk.words("record.erased"))
    await _overview(desk)
