"""An owner's rights: who looked at what, my data as a file, forget me."""

from __future__ import annotations

import json

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column
from nobs_bot.cameras.record import Camera, cameras_owned
from nobs_bot.leaving import HOLDERS
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people import privacy
from nobs_bot.people.consent import consent_text
from nobs_bot.people.persons import officer_name, persons_of
from nobs_bot.people.tokens import systems_reading
from nobs_bot.storage.audit import AuditLine, lines_about
from nobs_bot.texts import Markup

from .desk import Desk
from .filters import Tap, number

router = Router(name="privacy")

_LINES = 15


@router.message(Command("riwayat", "log"))
async def log_command(message: TelegramMessage, desk: Desk) -> None:
    await _log(desk)


@router.callback_query(Tap("log.show"))
async def log_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _log(desk, before=number(args) if args else None)


async def _log(desk: Desk, before: int | None = None) -> None:
    """
    The owner's lines, so many at a time.

    Args:
        before: Only lines older than the one of this id.
    """
    words = desk.words
    found = await lines_about(desk.work, desk.who.id, limit=_LINES + 1, before=before)
    lines, has_older = found[:_LINES], len(found) > _LINES
    keyboard = column(
        button(words("log.older_button"), "log.show", lines[-1].id) if has_older else None,
        button(words("log.newest_button"), "log.show") if before is not None else None,
        button(words("home_button"), "home"),
    )
    if not lines:
        desk.show("log.empty", keyboard)
        return
    actors = await persons_of(desk.work, {line.actor_id for line in lines if line.actor_id})
    names = {each.id: officer_name(desk.work, each) for each in actors.values()}
    told = [await _line(desk, line, names) for line in lines]
    text = "\n\n".join([words("log.head"), *told, *await _systems(desk), words("log.sealed")])
    desk.reply.show(Message(text=text, keyboard=keyboard))


async def _systems(desk: Desk) -> list[str]:
    """Which other systems may read of the owner's cameras: a list read by one names no camera."""
    cameras = await cameras_owned(desk.work, desk.who.id)
    places = {each.area_code for each in cameras if each.area_code}
    found = await systems_reading(desk.work, places)
    names = ", ".join(dict.fromkeys(each.name for each in found))
    return [desk.words("log.systems", names=names)] if names else []


async def _line(desk: Desk, line: AuditLine, names: dict[int, str]) -> str:
    words = desk.words
    details = line.read_details(desk.work)
    camera = await desk.work.session.get(Camera, line.camera_id) if line.camera_id else None
    what = words(
        f"act.{line.act}",
        camera=camera.name if camera else "–",
        request=details.get("request", "–"),
    )
    if "system" in details:
        who = words("log.other_system", name=details["system"])
    elif line.actor_id is None:
        who = words("log.the_system")
    elif line.actor_id == desk.who.id:
        who = words("log.you")
    else:
        role = words(f"role.{line.actor_role}") if line.actor_role else ""
        who = f"{names.get(line.actor_id) or words('log.an_officer')} ({role})"
    return words("log.line", moment=words.moment(line.at), who=who, what=Markup(what))


@router.message(Command("privasi", "privacy"))
async def privacy_command(message: TelegramMessage, desk: Desk) -> None:
    words = desk.words
    desk.say(
        "privacy.ask",
        column(
            button(words("log.open_button"), "log.show"),
            button(words("privacy.export_button"), "prv.export"),
            button(words("privacy.consent_button"), "prv.consent"),
            button(words("privacy.erase_button"), "prv.erase"),
            button(words("home_button"), "home"),
        ),
    )


@router.callback_query(Tap("prv.consent"))
async def consent_shown(query: CallbackQuery, desk: Desk) -> None:
    home = column(button(desk.words("home_button"), "home"))
    desk.reply.say(Message(text=consent_text(desk.work, desk.who), keyboard=home))


@router.callback_query(Tap("prv.export"))
async def exported(query: CallbackQuery, desk: Desk) -> None:
    whole = await privacy.export(desk.work, desk.who, HOLDERS)
    text = json.dumps(whole, ensure_ascii=False, indent=2)
    desk.reply.say(
        Message(
            text=desk.words("privacy.exported"),
            pictures=(Picture(kind=PictureKind.TEXT, about={"text": text}),),
            document=desk.words("privacy.file_name"),
        )
    )


@router.callback_query(Tap("prv.erase"))
async def erasure_asked(query: CallbackQuery, desk: Desk) -> None:
    words = desk.words
    desk.show(
        "privacy.erase_ask",
        column(
            button(words("privacy.erase_yes_button"), "prv.erased"),
            button(words("privacy.erase_no_button"), "home"),
        ),
    )


@router.callback_query(Tap("prv.erased"))
async def erased(query: CallbackQuery, desk: Desk) -> None:
    await privacy.erase(desk.work, desk.who, HOLDERS)
    desk.dialogue.end()
    desk.show("privacy.erased")
