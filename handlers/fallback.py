"""Whatever no dialogue understood: an answer that fits, and the open question once more."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column
from nobs_bot.people.consent import current_consent

from .desk import Desk
from .enrol.begin import show_consent
from .filters import At, IsCommand
from .states import Asking, Covering, Enrol, Pointing, Spotting, Sticking, Stream, Walking

router = Router(name="fallback")

_HINTS = {
    Enrol.PHOTOS.value: "enrol.photos.only_pictures",
    Enrol.LOCATION.value: "location.unreadable",
    Enrol.PIN.value: "location.unreadable",
    Enrol.PHONE.value: "enrol.phone.wrong_kind",
    Asking.PLACE.value: "request.place.unreadable",
    Covering.PLACE.value: "coverage.point_unclear",
    Spotting.PLACE.value: "coverage.point_unclear",
    Pointing.PLACE.value: "point.place_ask",
    Spotting.TABLE.value: "hotspot.table.unreadable",
    Walking.HERE.value: "turn.near_ask",
    Sticking.PHOTO.value: "sticker.only_a_photo",
    Stream.PASSWORD.value: "stream.only_text",
    Stream.URL.value: "stream.only_text",
    Stream.HOST.value: "stream.only_text",
}


@router.callback_query()
async def stale_button(query: CallbackQuery, desk: Desk) -> None:
    desk.reply.toast(desk.words("buttons.stale"), alert=True)


@router.message(At(Enrol.CONSENT))
async def consent_still_open(message: TelegramMessage, desk: Desk) -> None:
    if await current_consent(desk.work, desk.who) is None:
        show_consent(desk, desk.memory.get("claim"))


@router.message(IsCommand())
async def unknown_command(message: TelegramMessage, desk: Desk) -> None:
    home = column(button(desk.words("home_button"), "home"))
    desk.say("fallback.unknown_command", home)


@router.message()
async def not_understood(message: TelegramMessage, desk: Desk) -> None:
    """In a dialogue a hint that fits its question, elsewhere what can be done."""
    words, state = desk.words, desk.dialogue.state
    if state is None:
        desk.say(
            "fallback.nothing_open",
            column(
                button(words("start.enrol_button"), "enrol.start"),
                button(words("home_button"), "home"),
            ),
        )
        return
    key = _HINTS.get(state)
    if key is None:
        key = "fallback.needs_text" if not message.text else "fallback.needs_button"
    desk.say(key)
