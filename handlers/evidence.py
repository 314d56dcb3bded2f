"""Evidence on its way out: a copy for viewing, the export; and the owner's receipt at any time."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router
from aiogram.types import CallbackQuery

from nobs_bot.buttons import Button, button, column
from nobs_bot.errors import Refusal
from nobs_bot.footage.exits import LINK_MINUTES, make_link
from nobs_bot.footage.orders import fits_the_chat, order_copy, order_export
from nobs_bot.footage.receipts import receipt_now
from nobs_bot.footage.request import Clip, ClipState, FootageRequest, clips_of, request_for
from nobs_bot.footage.viewing import can_be_copied
from nobs_bot.messaging.message import Message
from nobs_bot.texts import Words

from .desk import Desk
from .filters import Tap, number

router = Router(name="evidence")


def evidence_buttons(words: Words, request: FootageRequest, clips: Sequence[Clip]) -> list[Button]:
    """For the page of a request: a copy of each clip that plays, and the export."""
    here = [clip for clip in clips if clip.state is ClipState.STORED]
    copies = [
        button(words("evidence.copy_button", number=at), "evd.view", clip.id)
        for at, clip in enumerate(here, start=1)
        if can_be_copied(clip)
    ]
    export = button(words("evidence.export_button"), "evd.export", request.id)
    return [*copies, export] if here else []


@router.callback_query(Tap("evd.view"))
async def copy_wanted(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    is_new = await order_copy(desk.work, number(args), desk.who)
    desk.say("evidence.copy_coming" if is_new else "evidence.already_coming")


@router.callback_query(Tap("evd.export"))
async def export_wanted(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    clips = await clips_of(desk.work, request.id)
    if not any(clip.state is ClipState.STORED for clip in clips):
        raise Refusal("evidence.nothing", request=request.name)
    fits = await fits_the_chat(desk.work, request)
    if fits and not await order_export(desk.work, request, desk.who):
        desk.say("evidence.already_coming")
        return
    url = make_link(desk.work, request, desk.who)
    if url is None and not fits:
        raise Refusal("evidence.too_large")
    words = desk.words
    parts = [words("evidence.export_coming", request=request.name)] if fits else []
    if url is not None:
        parts.append(words("evidence.link", request=request.name, minutes=LINK_MINUTES))
    link = Button(label=words("evidence.link_button"), url=url) if url else None
    message = Message(text="\n\n".join(parts), keyboard=column(link), protected=True)
    desk.reply.say(message)


@router.callback_query(Tap("evd.receipt"))
async def receipt_wanted(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    text = await receipt_now(desk.work, number(args), desk.who)
    log = column(button(desk.words("log.open_button"), "log.show"))
    desk.reply.say(Message(text=text, keyboard=log))
