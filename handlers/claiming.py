"""An owner comes by a record's link: sees what was written down, takes it over or erases it."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from nobs_bot.buttons import button, column
from nobs_bot.cameras.claim import open_claim, opened
from nobs_bot.cameras.describing import view_text
from nobs_bot.cameras.photos import as_picture, photos_of
from nobs_bot.cameras.takeover import turn_down
from nobs_bot.messaging.message import Message
from nobs_bot.people.consent import current_consent
from nobs_bot.people.persons import officer_name, person
from nobs_bot.texts import Markup

from .desk import Desk, map_picture
from .enrol.begin import show_consent, take
from .enrol.screens import camera_map
from .filters import Tap, number

router = Router(name="claiming")


async def show_claim(desk: Desk, payload: str) -> None:
    """Who wrote down what, before anything is agreed to."""
    words = desk.words
    claim, cameras = await open_claim(desk.work, desk.who, payload)
    first = cameras[0]
    assert first.recorded_at is not None
    officer = words("claim.a_list")
    if first.recorded_by is not None:
        officer = officer_name(desk.work, await person(desk.work, first.recorded_by))
    text = words.plural(
        "claim.found",
        len(cameras),
        officer=officer or words("log.an_officer"),
        day=words.date(first.recorded_at),
        area=desk.areas.name(first.area_code),
        view=Markup(view_text(words, first)),
        district=desk.work.settings.district_name,
    )
    keyboard = column(
        button(words("claim.mine_button"), "clm.mine", claim.id),
        button(words("claim.erase_button"), "clm.erase", claim.id),
    )
    photos = await photos_of(desk.work, first.id)
    picture = as_picture(desk.work, photos[0]) if photos else map_picture(camera_map(words, first))
    desk.reply.say(Message(text=text, keyboard=keyboard, pictures=(picture,)))


@router.callback_query(Tap("clm.mine"))
async def mine_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    """Consent on the owner's own phone comes first; nobody else can give it."""
    claim_id = number(args)
    await opened(desk.work, desk.who, claim_id)
    desk.reply.clear_buttons()
    if await current_consent(desk.work, desk.who) is None:
        show_consent(desk, claim_id)
        return
    await take(desk, claim_id)


@router.callback_query(Tap("clm.erase"))
async def erase_tapped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    words, claim_id = desk.words, number(args)
    await opened(desk.work, desk.who, claim_id)
    desk.say(
        "claim.erase_ask",
        column(
            button(words("claim.erase_yes_button"), "clm.erased", claim_id),
            button(words("claim.mine_button"), "clm.mine", claim_id),
        ),
    )


@router.callback_query(Tap("clm.erased"))
async def erased(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await turn_down(desk.work, desk.who, number(args))
    words = desk.words
    desk.show("claim.erased", column(button(words("home_button"), "home")))
