"""The way into the command centre, and the list of browsers that are in."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Button, button, column
from nobs_bot.console.entry import address_of, app_address_of
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.roles import grants_of
from nobs_bot.people.sessions import LINK_GOOD_FOR, end_all, end_session, make_link, sessions_of

from .desk import Desk
from .filters import Tap, number

router = Router(name="console")


@router.message(Command("konsol", "console"))
async def console_command(message: TelegramMessage, desk: Desk) -> None:
    await _link(desk)


@router.callback_query(Tap("con.start"))
async def console_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _link(desk)


async def _link(desk: Desk) -> None:
    words, pages = desk.words, desk.work.settings.pages
    token = await make_link(desk.work, desk.who)
    if pages is None:
        raise Refusal("console.no_page")
    inside = await sessions_of(desk.work, desk.who.id)
    # Telegram shows labels as they are
    opens = Button(label=words("console.open_button"), url=address_of(pages, token))
    inside_telegram = Button(
        label=words("console.open_here_button"), url=app_address_of(pages), in_app=True
    )
    more = button(words("console.sessions_button", count=len(inside)), "con.list")
    minutes = round(LINK_GOOD_FOR.total_seconds() / 60)
    text = words("console.link_sent", minutes=minutes)
    # Telegram opens nothing inside of itself but by https
    can_open_here = pages.startswith("https://")
    keyboard = column(opens, inside_telegram if can_open_here else None, more if inside else None)
    desk.reply.say(Message(text=text, keyboard=keyboard, protected=True))


@router.callback_query(Tap("con.list"))
async def sessions_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _list(desk)


async def _list(desk: Desk) -> None:
    words = desk.words
    inside = await sessions_of(desk.work, desk.who.id)
    may_enter = bool(await grants_of(desk.work, desk.who.id))
    lines = [
        words(
            "console.session",
            browser=each.browser,
            opened=words.moment(each.opened_at),
            seen=words.moment(each.seen_at),
        )
        for each in inside
    ]
    buttons = [
        button(words("console.end_button", browser=each.browser), "con.end", each.id)
        for each in inside
    ]
    keyboard = column(
        *buttons,
        button(words("console.end_all_button"), "con.end_all") if len(inside) > 1 else None,
        button(words("menu.console"), "con.start") if may_enter else None,
        button(words("home_button"), "home"),
    )
    head = words.plural("console.list", len(inside)) if inside else words("console.none")
    desk.reply.show(Message(text="\n\n".join([head, *lines]), keyboard=keyboard))


@router.callback_query(Tap("con.end"))
async def session_ended(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await end_session(desk.work, desk.who, number(args))
    desk.reply.toast(desk.words("console.ended"))
    await desk.work.session.flush()
    await _list(desk)


@router.callback_query(Tap("con.end_all"))
async def all_ended(query: CallbackQuery, desk: Desk) -> None:
    await end_all(desk.work, desk.who)
    desk.reply.toast(desk.words("console.ended"))
    await desk.work.session.flush()
    await _list(desk)
