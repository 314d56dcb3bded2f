"""The reviewers' queue in the chat: one camera at a time, with all that is needed to decide."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Keyboard, button, column, grid
from nobs_bot.cameras import review
from nobs_bot.cameras.checks import last_check
from nobs_bot.cameras.describing import (
    resemblance_text,
    retention_text,
    sharing_text,
    view_text,
)
from nobs_bot.cameras.findings import report_text
from nobs_bot.cameras.lookalikes import lookalikes, neighbours
from nobs_bot.cameras.photos import as_picture, photos_of
from nobs_bot.cameras.record import Camera, contact_of
from nobs_bot.coverage.cones import cone_of
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.roles import Role, areas_of, covers
from nobs_bot.texts import Markup, Words

from .desk import Desk, map_picture
from .enrol.screens import camera_map
from .filters import At, Tap, Typed, number, word
from .states import Review

router = Router(name="review")


@router.message(Command("antrean", "queue"))
async def queue_command(message: TelegramMessage, desk: Desk) -> None:
    await _queue(desk)


@router.callback_query(Tap("rev.queue"))
async def queue_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _queue(desk)


async def _queue(desk: Desk) -> None:
    words = desk.words
    waiting = await review.queue(desk.work, desk.who)
    if not waiting:
        desk.show("review.empty", column(button(words("home_button"), "home")))
        return
    lines = [
        words(
            "review.queue_line",
            area=desk.areas.name(each.area_code),
            count=each.count,
            since=words.moment(each.since),
        )
        for each in waiting
    ]
    total = sum(each.count for each in waiting)
    text = words.plural("review.queue", total) + "\n\n" + "\n".join(lines)
    keyboard = column(button(words("review.open_button"), "rev.next"))
    desk.reply.show(Message(text=text, keyboard=keyboard))


@router.callback_query(Tap("rev.next"))
async def next_taken(query: CallbackQuery, desk: Desk) -> None:
    desk.dialogue.end()
    camera = await review.take(desk.work, desk.who)
    if camera is None:
        desk.show("review.none_free", column(button(desk.words("menu.queue"), "rev.queue")))
        return
    desk.reply.clear_buttons()
    desk.reply.say(await _dossier(desk, camera))


async def _dossier(desk: Desk, camera: Camera) -> Message:
    """Everything about one camera: photos, still and map, then the words and the decisions."""
    words = desk.words
    check = await last_check(desk.work, camera)
    pictures = [as_picture(desk.work, photo) for photo in await photos_of(desk.work, camera.id)]
    if check and check.still_name:
        pictures.append(Picture(kind=PictureKind.FILE, name=check.still_name))
    pictures.append(await _map(desk, camera))
    contact = contact_of(desk.work, camera)
    text = words(
        "review.dossier",
        camera=camera.name,
        area=desk.areas.name(camera.area_code),
        place=Markup(words(f"place.{camera.place_kind}")),
        name=contact.name,
        phone=contact.phone,
        verified=Markup(" ✅" if contact.phone_verified else ""),
        view=Markup(view_text(words, camera)),
        retention=Markup(retention_text(words, camera)),
        sharing=Markup(sharing_text(words, camera)),
        check=Markup(report_text(words, check.report or {}) if check else words("stream.none")),
        minutes=desk.work.settings.review_lease_minutes,
    )
    areas = await areas_of(desk.work, desk.who.id, Role.REVIEWER)
    for resembling in await lookalikes(desk.work, camera):
        text += "\n\n" + resemblance_text(words, resembling, areas)
    return Message(
        text=text, keyboard=_decisions(words, camera), pictures=tuple(pictures), protected=True
    )


async def _map(desk: Desk, camera: Camera) -> Picture:
    areas = await areas_of(desk.work, desk.who.id, Role.REVIEWER)
    near = [each for each in await neighbours(desk.work, camera) if _is_within(each, areas)]
    review.seen_nearby(desk.work, desk.who, near)
    others = tuple(cone_of(each, style="other", label=each.name) for each in near)
    return map_picture(camera_map(desk.words, camera, others, own="map.this"))


def _is_within(camera: Camera, areas: list[str]) -> bool:
    return any(covers(area, camera.area_code or "") for area in areas)


def _decisions(words: Words, camera: Camera) -> Keyboard:
    return column(
        button(words("review.approve_button"), "rev.approve", camera.id),
        button(words("review.change_button"), "rev.change", camera.id),
        button(words("review.reject_button"), "rev.reject", camera.id),
        button(words("review.release_button"), "rev.release", camera.id),
    )


@router.callback_query(Tap("rev.approve"))
async def approved(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await review.approve(desk.work, number(args), desk.who)
    _decided(desk, "review.approved", camera)


def _decided(desk: Desk, key: str, camera: Camera) -> None:
    words = desk.words
    desk.dialogue.end()
    keyboard = column(
        button(words("review.next_button"), "rev.next"),
        button(words("home_button"), "home"),
    )
    desk.show(key, keyboard, camera=camera.name)


@router.callback_query(Tap("rev.release"))
async def released(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await review.decidable(desk.work, number(args), desk.who)
    review.release(camera, desk.who)
    _decided(desk, "review.released", camera)


@router.callback_query(Tap("rev.change"))
async def change_field_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await review.decidable(desk.work, number(args), desk.who)
    words = desk.words
    fields = [
        button(words(f"field.{each}"), "rev.field", camera.id, each)
        for each in review.CHANGE_FIELDS
    ]
    back = button(words("back_button"), "rev.next")
    desk.show("review.change_field", (*grid(fields, 2), (back,)), camera=camera.name)


@router.callback_query(Tap("rev.field"))
async def change_words_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await review.decidable(desk.work, number(args), desk.who)
    desk.dialogue.end()
    desk.dialogue.go(Review.CHANGE_WORDS.value, camera=camera.id, field=word(args, 1))
    back = column(button(desk.words("back_button"), "rev.next"))
    desk.show("review.change_words", back, field=desk.words(f"field.{_field(args)}"))


def _field(args: tuple[str, ...]) -> str:
    return args[1] if args[1] in review.CHANGE_FIELDS else review.CHANGE_FIELDS[0]


@router.message(At(Review.CHANGE_WORDS), Typed())
async def change_asked(message: TelegramMessage, desk: Desk) -> None:
    camera = await review.ask_change(
        desk.work,
        int(desk.memory["camera"]),
        desk.who,
        str(desk.memory["field"]),
        message.text or "",
    )
    _decided(desk, "review.change_asked", camera)


@router.callback_query(Tap("rev.reject"))
async def reason_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await review.decidable(desk.work, number(args), desk.who)
    words = desk.words
    reasons = [
        button(words(f"review.reason_short.{each}"), "rev.because", camera.id, each.value)
        for each in review.RejectReason
    ]
    own = button(words("review.own_words_button"), "rev.because", camera.id, "own")
    back = button(words("back_button"), "rev.next")
    desk.show("review.reject_ask", column(*reasons, own, back), camera=camera.name)


@router.callback_query(Tap("rev.because"))
async def rejected(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera_id, reason = number(args), word(args, 1)
    if reason in tuple(review.RejectReason):
        camera = await review.reject(desk.work, camera_id, desk.who, reason)
        _decided(desk, "review.rejected", camera)
        return
    camera = await review.decidable(desk.work, camera_id, desk.who)
    desk.dialogue.end()
    desk.dialogue.go(Review.REJECT_WORDS.value, camera=camera.id)
    desk.show("review.reject_words", column(button(desk.words("back_button"), "rev.next")))


@router.message(At(Review.REJECT_WORDS), Typed())
async def rejected_in_words(message: TelegramMessage, desk: Desk) -> None:
    camera_id = int(desk.memory["camera"])
    camera = await review.reject(desk.work, camera_id, desk.who, message.text or "")
    _decided(desk, "review.rejected", camera)
