"""The field officer's part: reaching an owner who asked for help."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from nobs_bot.cameras.record import Camera, contact_of
from nobs_bot.errors import Refusal
from nobs_bot.footage.request import Ask, FootageRequest, Reply
from nobs_bot.people.roles import Role, require_at
from nobs_bot.storage.audit import Act, record

from .desk import Desk
from .filters import Tap, number

router = Router(name="field")


@router.callback_query(Tap("fld.contact"))
async def contact_shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """Name and number of the owner, who reads in `/log` that they were shown."""
    ask = await desk.work.session.get(Ask, number(args))
    camera = await desk.work.session.get(Camera, ask.camera_id) if ask else None
    if ask is None or camera is None or camera.area_code is None or ask.reply is not Reply.HELP:
        raise Refusal("help.over")
    await require_at(desk.work, desk.who.id, Role.FIELD_OFFICER, camera.area_code)
    request = await desk.work.session.get(FootageRequest, ask.request_id)
    assert request is not None
    record(
        desk.work,
        Act.CONTACT_SHOWN,
        actor_id=desk.who.id,
        actor_role=Role.FIELD_OFFICER,
        owner_id=camera.owner_id,
        camera_id=camera.id,
        request_id=request.id,
        request=request.name,
    )
    contact = contact_of(desk.work, camera)
    desk.say(
        "help.contact",
        camera=camera.name,
        request=request.name,
        name=contact.name,
        phone=contact.phone,
        area=desk.areas.name(camera.area_code),
    )
