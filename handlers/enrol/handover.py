"""The end of a record on foot: the link and its QR code for the owner."""

from __future__ import annotations

from nobs_bot.buttons import button, column
from nobs_bot.cameras.claim import offer
from nobs_bot.cameras.describing import view_text
from nobs_bot.cameras.record import Camera, contact_of
from nobs_bot.cameras.recording import good_until, hand_over
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.texts import Markup

from ..desk import Desk


async def hand(desk: Desk, camera: Camera) -> None:
    """Close the record and show what the owner scans or is sent; every time a fresh link."""
    words = desk.words
    await hand_over(desk.work, camera, desk.who)
    desk.dialogue.end()
    link = f"https://t.me/{desk.around.bot_name}?start={offer(desk.work, camera)}"
    text = words(
        "record.hand_over",
        place=Markup(words(f"place.{camera.place_kind}") if camera.place_kind else "–"),
        area=desk.areas.name(camera.area_code),
        view=Markup(view_text(words, camera)),
        name=contact_of(desk.work, camera).name or "–",
        link=link,
        until=words.date(good_until(desk.work, camera)),
    )
    keyboard = column(
        button(words("record.beside_button"), "rec.beside", camera.id),
        button(words("record.next_button"), "rec.start"),
        button(words("record.erase_button"), "rec.erase", camera.id),
        button(words("home_button"), "home"),
    )
    code = Picture(kind=PictureKind.QR, about={"text": link})
    desk.reply.clear_buttons()
    desk.reply.say(Message(text=text, keyboard=keyboard, pictures=(code,)))


async def leave_off(desk: Desk, camera: Camera) -> None:
    """End the dialogue; what was written down stays until it is finished or erased."""
    words = desk.words
    desk.dialogue.end()
    desk.show(
        "record.left_off",
        column(
            button(words("record.resume_button"), "rec.resume", camera.id),
            button(words("record.erase_button"), "rec.erase", camera.id),
            button(words("home_button"), "home"),
        ),
        until=words.date(good_until(desk.work, camera)),
    )
