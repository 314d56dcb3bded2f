"""The administrator's part: invitations."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column
from nobs_bot.errors import Refusal
from nobs_bot.people.invitations import invite
from nobs_bot.people.roles import Role, covers, require

from .desk import Desk
from .filters import At, Tap, word
from .states import Inviting

router = Router(name="admin")


@router.message(Command("undang", "invite"))
async def invite_command(message: TelegramMessage, desk: Desk) -> None:
    await _ask_role(desk)


@router.callback_query(Tap("adm.invite"))
async def invite_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _ask_role(desk)


async def _ask_role(desk: Desk) -> None:
    await require(desk.work, desk.who.id, Role.ADMINISTRATOR)
    words = desk.words
    roles = [button(words(f"role.{role}"), "adm.role", role.value) for role in Role]
    desk.show("invite.role", column(*roles, button(words("home_button"), "home")))


@router.callback_query(Tap("adm.role"))
async def role_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await require(desk.work, desk.who.id, Role.ADMINISTRATOR)
    if word(args) not in tuple(Role):
        raise Refusal("buttons.stale")
    desk.dialogue.end()
    desk.dialogue.go(Inviting.AREA.value, role=args[0])
    cancel = column(button(desk.words("cancel_button"), "req.cancel"))
    desk.show("invite.area", cancel, role=desk.words(f"role.{args[0]}"))


@router.message(At(Inviting.AREA), F.text, ~F.text.startswith("/"))
async def area_given(message: TelegramMessage, desk: Desk) -> None:
    areas = await require(desk.work, desk.who.id, Role.ADMINISTRATOR)
    area = desk.areas.find(message.text or "")
    if area is None:
        raise Refusal("invite.no_area")
    if not any(covers(each, area.code) for each in areas):
        raise Refusal("roles.not_here")
    role = Role(desk.memory["role"])
    start = invite(desk.work, role, area.code, created_by=desk.who.id)
    desk.dialogue.end()
    desk.say(
        "invite.link",
        role=desk.words(f"role.{role}"),
        area=str(area),
        hours=desk.work.settings.invitation_hours,
        link=f"https://t.me/{desk.around.bot_name}?start={start}",
    )
