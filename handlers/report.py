"""A supervisor's report: the year so far in words, and as a file for a spreadsheet."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.footage.figures import as_csv, as_text, figures, year_of
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.roles import Role, require

from .desk import Desk
from .filters import Tap

router = Router(name="report")


@router.message(Command("laporan", "report"))
async def report_command(message: TelegramMessage, desk: Desk) -> None:
    await _report(desk)


@router.callback_query(Tap("rep.show"))
async def report_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _report(desk)


async def _report(desk: Desk) -> None:
    areas = await require(desk.work, desk.who.id, Role.SUPERVISOR)
    words = desk.words
    year = desk.work.now.astimezone(desk.work.settings.zone).year
    start, end = year_of(desk.work, year)
    found = await figures(desk.work, start, end, areas)
    table = as_csv(words, found).decode()
    desk.reply.say(Message(text=as_text(words, "figures.year", found)))
    desk.reply.say(
        Message(
            text=words("figures.file"),
            pictures=(Picture(kind=PictureKind.TEXT, about={"text": table}),),
            document=f"{words('figures.file_name')}-{year}.csv",
        )
    )
