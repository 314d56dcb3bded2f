"""A link of the owner's own to the upload page, for files that Telegram does not hand over."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from nobs_bot.buttons import Button, Keyboard, button
from nobs_bot.console.upload_page import address_of
from nobs_bot.errors import Refusal
from nobs_bot.footage.answers import ask_of
from nobs_bot.footage.links import make_link
from nobs_bot.footage.receiving import MOST_BYTES

from .desk import Desk
from .filters import Tap, number

router = Router(name="uploads")

GIGABYTES = MOST_BYTES // 1024**3


def link_button(desk: Desk, ask_id: int) -> Button | None:
    """The button that asks for a link; None where people's browsers do not reach us."""
    if desk.work.settings.pages is None:
        return None
    return button(desk.words("upload.link_button"), "ans.link", ask_id)


@router.callback_query(Tap("ans.link"))
async def link_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    pages = desk.work.settings.pages
    ask, request = await ask_of(desk.work, number(args), desk.who)
    if pages is None:
        raise Refusal("upload.no_page")
    link, token = await make_link(desk.work, ask.id, desk.who)
    # Telegram shows labels as they are
    opens = Button(label=desk.words("upload.open_button"), url=address_of(pages, token))
    keyboard: Keyboard = ((opens,),)
    desk.say(
        "upload.link.sent",
        keyboard,
        request=request.name,
        gigabytes=GIGABYTES,
        moment=desk.words.moment(link.expires_at),
    )
