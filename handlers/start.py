"""Being met: who we are, help, language, and leaving whatever is open."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, ChatMemberUpdated
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Button, Keyboard, button, column
from nobs_bot.cameras.claim import START_PREFIX as CLAIM_PREFIX
from nobs_bot.cameras.sticker import START_PREFIX as STICKER_PREFIX
from nobs_bot.cameras.stickers import PRINTERS
from nobs_bot.coverage.worklist import ROLES
from nobs_bot.messaging.chats import mark_reachable, mark_unreachable
from nobs_bot.messaging.message import Message
from nobs_bot.people.invitations import START_PREFIX, redeem
from nobs_bot.people.persons import officer_name, words_for
from nobs_bot.people.roles import Role, grants_of
from nobs_bot.texts import LANGUAGES, Words

from .claiming import show_claim
from .desk import Desk
from .enrol.begin import leave_off, start_enrolment
from .filters import Tap, word
from .gate import ON_MAPS
from .menu import refresh_menu
from .scanning import show_scanned

router = Router(name="start")

SEE_REQUESTS = {Role.INVESTIGATOR, Role.SUPERVISOR}
WALK = set(ROLES)


@router.message(CommandStart())
async def started(message: TelegramMessage, command: CommandObject, desk: Desk) -> None:
    payload = command.args or ""
    desk.dialogue.end()
    await mark_reachable(desk.work, message.chat.id)
    if payload.startswith(START_PREFIX):
        await _invited(message, desk, payload)
        return
    await refresh_menu(desk)
    if payload.startswith(CLAIM_PREFIX):
        await show_claim(desk, payload)
        return
    if payload.startswith(STICKER_PREFIX):
        await show_scanned(desk, payload)
        return
    if payload in ("enrol", "daftar"):
        await start_enrolment(desk)
        return
    await greet(desk)


async def _invited(message: TelegramMessage, desk: Desk, payload: str) -> None:
    account = message.from_user.full_name if message.from_user else ""
    grant = await redeem(desk.work, desk.who, payload, account_name=account)
    await refresh_menu(desk)
    desk.say(
        "invitation.welcome",
        await home_keyboard(desk),
        role=desk.words(f"role.{grant.role}"),
        area=desk.areas.name(grant.area_code),
        name=officer_name(desk.work, desk.who),
    )


async def greet(desk: Desk) -> None:
    """Who is behind this, what it does and what it never does."""
    settings = desk.work.settings
    desk.show(
        "start.welcome",
        await home_keyboard(desk),
        district=settings.district_name,
        contact=settings.district_contact,
    )


async def home_keyboard(desk: Desk) -> Keyboard:
    """What the person can do next, by their roles."""
    words = desk.words
    roles = {grant.role for grant in await grants_of(desk.work, desk.who.id)}
    has_console = desk.work.settings.pages is not None
    return column(
        button(words("start.enrol_button"), "enrol.start"),
        button(words("menu.cameras"), "cam.list"),
        button(words("menu.queue"), "rev.queue") if Role.REVIEWER in roles else None,
        button(words("menu.request"), "req.start") if Role.INVESTIGATOR in roles else None,
        button(words("request.mine_button"), "req.list") if roles & SEE_REQUESTS else None,
        button(words("menu.record"), "rec.list") if Role.FIELD_OFFICER in roles else None,
        button(words("menu.worklist"), "turn.list") if roles & WALK else None,
        button(words("menu.stickers"), "stk.home") if roles & set(PRINTERS) else None,
        button(words("menu.health"), "hlt.start") if roles & ON_MAPS else None,
        button(words("menu.points"), "pnt.list", 0) if roles & ON_MAPS else None,
        button(words("menu.progress"), "prg.start") if roles else None,
        button(words("menu.coverage"), "cov.start") if roles & ON_MAPS else None,
        button(words("menu.hotspots"), "spot.list") if roles & ON_MAPS else None,
        button(words("menu.console"), "con.start") if roles and has_console else None,
        button(words("menu.report"), "rep.show") if Role.SUPERVISOR in roles else None,
        button(words("menu.officers"), "adm.officers", 0) if Role.ADMINISTRATOR in roles else None,
        button(words("menu.invite"), "adm.invite") if Role.ADMINISTRATOR in roles else None,
        button(words("start.how_button"), "help"),
        _other_language(words),
    )


def _other_language(words: Words) -> Button:
    other = "en" if words.language == "id" else "id"
    return button(words("language.other_button"), "language", other)


@router.callback_query(Tap("home"))
async def home_tapped(query: CallbackQuery, desk: Desk) -> None:
    await greet(desk)


@router.message(Command("bantuan", "help"))
async def help_command(message: TelegramMessage, desk: Desk) -> None:
    await _help(desk)


@router.callback_query(Tap("help"))
async def help_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _help(desk)


async def _help(desk: Desk) -> None:
    words, settings = desk.words, desk.work.settings
    roles = {grant.role for grant in await grants_of(desk.work, desk.who.id)}
    parts = [words("help.owner", contact=settings.district_contact)]
    parts += [words(f"help.{role}") for role in Role if role in roles]
    if roles & set(PRINTERS):
        parts.append(words("sticker.help"))
    if roles & ON_MAPS:
        parts.append(words("health.help"))
        parts.append(words("point.help"))
    if desk.dialogue.state:
        parts.append(words("help.in_dialogue"))
    home = column(button(words("home_button"), "home"))
    desk.reply.show(Message(text="\n\n".join(parts), keyboard=home))


@router.message(Command("batal", "cancel"))
async def cancel_command(message: TelegramMessage, desk: Desk) -> None:
    await leave_off(desk)


@router.message(Command("bahasa", "language"))
async def language_command(message: TelegramMessage, desk: Desk) -> None:
    words = desk.words
    choices = [button(words(f"language.{code}"), "language", code) for code in LANGUAGES]
    desk.say("language.ask", column(*choices))


@router.callback_query(Tap("language"))
async def language_chosen(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    if word(args) in LANGUAGES:
        desk.who.language = args[0]
    spoken = replace(desk, words=words_for(desk.work, desk.who))
    await refresh_menu(spoken)
    spoken.reply.toast(spoken.words("language.done"))
    await greet(spoken)


@router.my_chat_member()
async def blocked_or_back(event: ChatMemberUpdated, desk: Desk) -> None:
    """A person who blocks us is unreachable from then on, and officers see it."""
    if event.new_chat_member.status in ("kicked", "left"):
        await mark_unreachable(desk.work, event.chat.id, "blocked")
    else:
        await mark_reachable(desk.work, event.chat.id)
