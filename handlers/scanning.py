"""A sticker that somebody scanned: the owner's menu, the officer's record, or just a verdict."""

from __future__ import annotations

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.cameras import stickers
from nobs_bot.cameras.checks import last_check
from nobs_bot.cameras.describing import retention_text, sharing_text, view_text
from nobs_bot.cameras.findings import short_finding
from nobs_bot.cameras.health import health_of
from nobs_bot.cameras.photos import as_picture, sticker_photo
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.sticker import START_PREFIX, Sticker, StickerState, link_of
from nobs_bot.cameras.stickers import Scan, Standing
from nobs_bot.cameras.uptime import uptime_of
from nobs_bot.cameras.wording import sticker_text, sticker_words
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.roles import Role
from nobs_bot.texts import Markup

from .cameras import show_camera
from .desk import Desk
from .health import share_lines


async def show_scanned(desk: Desk, payload: str) -> None:
    """What whoever opened a sticker's code may see of it."""
    found = await stickers.scan(desk.work, payload.removeprefix(START_PREFIX))
    camera = found.camera
    if camera is not None and camera.state is not State.WITHDRAWN:
        if camera.owner_id == desk.who.id:
            _say_if_expired(desk, found)
            await show_camera(desk, camera)
            return
        role = await stickers.may_read(desk.work, desk.who, camera)
        if role is not None:
            _say_if_expired(desk, found)
            await show_record(desk, camera, role)
            return
    _show_verdict(desk, found)


def _say_if_expired(desk: Desk, found: Scan) -> None:
    if found.standing is Standing.EXPIRED:
        desk.say("sticker.scanned_expired")


def _show_verdict(desk: Desk, found: Scan) -> None:
    """For everybody else: whether it counts, and whom to call."""
    words, settings = desk.words, desk.work.settings
    lines = [f"<b>{words(f'sticker.standing.{found.standing}')}</b>"]
    if found.standing is Standing.VALID and found.camera is not None:
        said = sticker_words(words, settings)
        lines.append(words("sticker.verdict", camera=found.camera.name, said=said))
    lines.append(words(f"sticker.meaning.{found.standing}"))
    lines.append(words("sticker.call", contact=settings.district_contact))
    home = column(button(words("home_button"), "home"))
    desk.reply.say(Message(text="\n\n".join(lines), keyboard=home))


async def show_record(desk: Desk, camera: Camera, role: Role) -> None:
    """The record of a camera for an officer of its area; the owner reads that it was opened."""
    words, work = desk.words, desk.work
    stickers.note_opened(work, desk.who, role, camera)
    state = "paused" if camera.state is State.APPROVED and camera.paused_at else camera.state
    text = words(
        "sticker.record",
        camera=camera.name,
        state=Markup(words(f"state.{state}")),
        area=desk.areas.name(camera.area_code),
        place=Markup(words(f"place.{camera.place_kind}") if camera.place_kind else "–"),
        view=Markup(view_text(words, camera)),
        retention=Markup(retention_text(words, camera)),
        sharing=Markup(sharing_text(words, camera)),
        finding=Markup(await _finding(desk, camera)),
    )
    uptime = await uptime_of(work, camera.id)
    text = "\n".join([text, *share_lines(words, uptime)])
    sticker = await stickers.live_sticker(work, camera.id)
    text += "\n\n" + sticker_text(words, sticker)
    is_printer = role in stickers.PRINTERS
    keyboard = _steps(desk, camera, sticker) if is_printer else ()
    home = column(button(words("home_button"), "home"))
    pictures = await _pictures(desk, camera, sticker) if is_printer else ()
    desk.reply.clear_buttons()
    desk.reply.say(
        Message(text=text, keyboard=(*keyboard, *home), pictures=pictures, protected=True)
    )


async def _finding(desk: Desk, camera: Camera) -> str:
    """How the stream is: what the last look at it has found, or else the last check."""
    words = desk.words
    if camera.stream is None:
        return words("stream.none")
    health = await health_of(desk.work, camera.id)
    if health is not None and health.failure is not None:
        return words(f"check.short.{health.failure}")
    check = await last_check(desk.work, camera)
    if check is None and health is not None and health.is_up:
        return words("health.answers")
    return short_finding(words, check.report if check else None)


def _steps(desk: Desk, camera: Camera, sticker: Sticker | None) -> Keyboard:
    """What comes next for the sticker, and the way back from the last step."""
    words = desk.words
    if sticker is None:
        lacks = camera.state is State.APPROVED and camera.area_code is not None
        size = button(words("sticker.print_button"), "stk.size", camera.area_code)
        return column(size if lacks else None)
    is_placed = sticker.state is StickerState.PLACED
    photo = "sticker.photo_anew_button" if is_placed else "sticker.photo_button"
    is_printed, is_handed = (
        sticker.state is each for each in (StickerState.PRINTED, StickerState.HANDED)
    )
    return column(
        button(words("sticker.hand_button"), "stk.hand", sticker.id) if is_printed else None,
        button(words(photo), "stk.photo", sticker.id),
        button(words("sticker.back_button"), "stk.back", sticker.id) if is_handed else None,
        button(words("sticker.reprint_button"), "stk.new", sticker.id),
        button(words("sticker.batches_button"), "stk.batches"),
    )


async def _pictures(desk: Desk, camera: Camera, sticker: Sticker | None) -> tuple[Picture, ...]:
    """The sticker on its wall; until it is there, its code."""
    if sticker is None:
        return ()
    photo = await sticker_photo(desk.work, sticker.id)
    if photo is not None:
        return (as_picture(desk.work, photo),)
    code = stickers.code_for(desk.work, sticker, camera)
    link = link_of(desk.work.settings, desk.around.bot_name, code)
    return (Picture(kind=PictureKind.QR, about={"text": link}),)
