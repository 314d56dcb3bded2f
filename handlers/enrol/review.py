"""The summary: every field can be edited, then the camera is submitted."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from nobs_bot.buttons import button, column
from nobs_bot.cameras.enrolment import missing, submit
from nobs_bot.cameras.record import State, camera_of
from nobs_bot.cameras.review import announce
from nobs_bot.errors import Refusal

from ..desk import Desk
from ..filters import At, Tap, number, word
from ..states import Enrol
from . import steps

router = Router(name="enrol.review")


@router.callback_query(Tap("enrol.field"), At(Enrol.SUMMARY))
async def field_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await steps.camera_at_hand(desk)
    await steps.edit(desk, camera, word(args))


@router.callback_query(Tap("enrol.edit"))
async def edit_from_outside(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """From the camera's page or a reviewer's wish, straight to the field."""
    camera = await camera_of(desk.work, number(args), desk.who.id)
    desk.dialogue.end()
    desk.memory["camera"] = camera.id
    group = word(args, 1) if len(args) > 1 else "summary"
    if group == "summary":
        await steps.ask(desk, camera, Enrol.SUMMARY)
    else:
        await steps.edit(desk, camera, group)


@router.callback_query(Tap("enrol.submit"), At(Enrol.SUMMARY))
async def submitted(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    if camera.state in (State.WAITING, State.APPROVED):
        raise Refusal("enrol.submitted_already", camera=camera.name)
    if await missing(desk.work, camera):
        desk.reply.toast(desk.words("enrol.summary.incomplete"))
        await steps.resume(desk, camera)
        return
    before = await submit(desk.work, camera, desk.who)
    await announce(desk.work, camera)
    desk.dialogue.end()
    words = desk.words
    desk.show(
        "enrol.submitted",
        column(
            button(words("cameras.open_button"), "cam.show", camera.id),
            button(words("start.another_button"), "enrol.start"),
        ),
        camera=camera.name,
        place=before + 1,
        area=desk.areas.name(camera.area_code),
    )
