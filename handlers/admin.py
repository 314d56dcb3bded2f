"""The administrator's part: inviting officers, naming them, and ending their roles."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.discharging import discharge
from nobs_bot.people.invitations import invite
from nobs_bot.people.persons import Person, officer_name, read_name
from nobs_bot.people.renaming import rename
from nobs_bot.people.roles import (
    Grant,
    Held,
    Role,
    covers,
    grant_under,
    grants_in,
    held_by,
    require,
    require_at,
)

from .desk import Desk
from .filters import At, Tap, Typed, number, word
from .menu import menu_for
from .states import Inviting

router = Router(name="admin")

_A_PAGE = 20


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


@router.message(At(Inviting.AREA), Typed())
async def area_given(message: TelegramMessage, desk: Desk) -> None:
    areas = await require(desk.work, desk.who.id, Role.ADMINISTRATOR)
    area = desk.areas.find(message.text or "")
    if area is None:
        raise Refusal("invite.no_area")
    if not any(covers(each, area.code) for each in areas):
        raise Refusal("roles.not_here")
    desk.dialogue.go(Inviting.NAME.value, area=area.code)
    cancel = column(button(desk.words("cancel_button"), "req.cancel"))
    role = desk.words(f"role.{Role(desk.memory['role'])}")
    desk.say("invite.name", cancel, role=role, area=str(area))


@router.message(At(Inviting.NAME), Typed())
async def name_given(message: TelegramMessage, desk: Desk) -> None:
    name = read_name(message.text or "")
    role, area = Role(desk.memory["role"]), desk.areas.get(desk.memory["area"])
    if area is None:
        raise Refusal("invite.no_area")
    await require_at(desk.work, desk.who.id, Role.ADMINISTRATOR, area.code)
    start = invite(desk.work, role, area.code, created_by=desk.who.id, name=name)
    desk.dialogue.end()
    desk.say(
        "invite.link",
        name=name,
        role=desk.words(f"role.{role}"),
        area=str(area),
        hours=desk.work.settings.invitation_hours,
        link=f"https://t.me/{desk.around.bot_name}?start={start}",
    )


@router.message(Command("petugas", "officers"))
async def officers_command(message: TelegramMessage, desk: Desk) -> None:
    await _officers(desk, 0)


@router.callback_query(Tap("adm.officers"))
async def officers_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _officers(desk, number(args))


async def _officers(desk: Desk, page: int) -> None:
    areas = await require(desk.work, desk.who.id, Role.ADMINISTRATOR)
    words = desk.words
    found = await grants_in(desk.work, areas)
    shown = found[page * _A_PAGE : (page + 1) * _A_PAGE]
    rows = [button(_row(desk, held), "adm.officer", held.id) for held in shown]
    if page:
        rows.append(button(words("officers.newer_button"), "adm.officers", page - 1))
    if len(found) > (page + 1) * _A_PAGE:
        rows.append(button(words("officers.more_button"), "adm.officers", page + 1))
    rows += [
        button(words("menu.invite"), "adm.invite"),
        button(words("home_button"), "home"),
    ]
    desk.reply.show(Message(text=words.plural("officers.list", len(found)), keyboard=column(*rows)))


def _row(desk: Desk, held: Held) -> str:
    name = held_by(desk.work, held) or desk.words("log.an_officer")
    return f"{name} · {desk.words(f'role.{held.role}')} · {desk.areas.name(held.area_code)}"


@router.callback_query(Tap("adm.officer"))
async def officer_shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    held, who = await grant_under(desk.work, number(args), desk.who)
    words = desk.words
    desk.show(
        "officers.one",
        column(
            button(words("officers.name_button"), "adm.name", held.id),
            button(words("officers.end_button"), "adm.end", held.id),
            button(words("back_button"), "adm.officers", 0),
        ),
        **_about(desk, held, who),
        since=words.date(held.granted_at),
    )


@router.callback_query(Tap("adm.name"))
async def other_name_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    held, who = await grant_under(desk.work, number(args), desk.who)
    words = desk.words
    desk.dialogue.end()
    desk.dialogue.go(Inviting.RENAME.value, grant=held.id)
    desk.show(
        "officers.name_ask",
        column(button(words("cancel_button"), "req.cancel")),
        name=officer_name(desk.work, who) or words("log.an_officer"),
    )


@router.message(At(Inviting.RENAME), Typed())
async def other_name_given(message: TelegramMessage, desk: Desk) -> None:
    who = await rename(desk.work, int(desk.memory["grant"]), desk.who, message.text or "")
    desk.dialogue.end()
    desk.say("officers.named", name=officer_name(desk.work, who))
    await _officers(desk, 0)


@router.callback_query(Tap("adm.end"))
async def role_end_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    held, who = await grant_under(desk.work, number(args), desk.who)
    words = desk.words
    desk.show(
        "officers.end_ask",
        column(
            button(words("officers.end_yes_button"), "adm.end_now", held.id),
            button(words("back_button"), "adm.officer", held.id),
        ),
        **_about(desk, held, who),
    )


def _about(desk: Desk, held: Grant, who: Person) -> dict[str, str]:
    """Whose role it is, which, and where."""
    return {
        "name": officer_name(desk.work, who) or desk.words("log.an_officer"),
        "role": desk.words(f"role.{held.role}"),
        "area": desk.areas.name(held.area_code),
    }


@router.callback_query(Tap("adm.end_now"))
async def role_ended(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await discharge(desk.work, number(args), desk.who, desk.areas, menu_for)
    desk.reply.toast(desk.words("officers.ended"))
    await _officers(desk, 0)
