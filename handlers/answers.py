"""An owner's answer to a footage request, the clips, and what the recorder's clock shows."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.errors import Refusal
from nobs_bot.footage.answers import add_note, answer, ask_of
from nobs_bot.footage.clips import MOST_BYTES, add_clip
from nobs_bot.footage.recorder import keep_clock_error, read_clock_error
from nobs_bot.footage.request import Ask, Reply
from nobs_bot.footage.wording import ask_keyboard, clock_error_text
from nobs_bot.texts import Markup

from .desk import Desk
from .filters import At, Brings, IsCommand, Tap, Typed, number
from .states import Answering
from .uploads import GIGABYTES, link_button

router = Router(name="answers")

_REPLIES = {
    "ans.nothing": Reply.NOTHING,
    "ans.refuse": Reply.REFUSED,
    "ans.help": Reply.HELP,
    "ans.saved": Reply.SAVED,
    "ans.notmine": Reply.NOT_MINE,
}


@router.callback_query(Tap("ans.has"))
async def has_it(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    ask, _ = await answer(desk.work, number(args), desk.who, Reply.HAS)
    desk.reply.clear_buttons()
    _ask_clips(desk, ask)


def _ask_clips(desk: Desk, ask: Ask) -> None:
    words = desk.words
    desk.dialogue.end()
    desk.dialogue.go(Answering.CLIPS.value, ask=ask.id)
    is_read = ask.clock_error_s is not None
    offered = link_button(desk, ask.id)
    desk.say(
        "upload.ask" if offered else "clip.ask",
        column(
            offered,
            None if is_read else button(words("clock.button"), "ans.clock", ask.id),
            button(words("ask.change_button"), "ans.change", ask.id),
            button(words("ask.help_button"), "ans.help", ask.id),
        ),
        megabytes=MOST_BYTES // 1_048_576,
    )


@router.callback_query(Tap(*_REPLIES))
async def answered(query: CallbackQuery, desk: Desk, action: str, args: tuple[str, ...]) -> None:
    reply = _REPLIES[action]
    ask, _ = await answer(desk.work, number(args), desk.who, reply)
    desk.dialogue.end()
    change = column(button(desk.words("ask.change_button"), "ans.change", ask.id))
    desk.reply.clear_buttons()
    desk.say(f"ask.done.{reply.value}", change, district=desk.work.settings.district_name)


@router.callback_query(Tap("ans.change"))
async def changed(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    ask, request = await ask_of(desk.work, number(args), desk.who)
    desk.dialogue.end()
    keyboard = ask_keyboard(desk.words, ask.id, request.kind)
    desk.show("ask.again", keyboard, request=request.name)


@router.callback_query(Tap("ans.done"))
async def clips_done(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await ask_of(desk.work, number(args), desk.who)
    desk.dialogue.end()
    desk.reply.clear_buttons()
    desk.say("clip.thanks", column(button(desk.words("home_button"), "home")))


@router.message(At(Answering.CLIPS), Brings("document"))
async def document_sent(message: TelegramMessage, desk: Desk) -> None:
    document = message.document
    assert document is not None
    await _take(
        desk,
        file_id=document.file_id,
        unique_id=document.file_unique_id,
        name=document.file_name,
        size_bytes=document.file_size,
        recompressed=False,
    )


@router.message(At(Answering.CLIPS), Brings("video"))
async def video_sent(message: TelegramMessage, desk: Desk) -> None:
    video = message.video
    assert video is not None
    await _take(
        desk,
        file_id=video.file_id,
        unique_id=video.file_unique_id,
        name=video.file_name or "video.mp4",
        size_bytes=video.file_size,
        recompressed=True,
    )


async def _take(
    desk: Desk,
    *,
    file_id: str,
    unique_id: str,
    name: str | None,
    size_bytes: int | None,
    recompressed: bool,
) -> None:
    ask_id = int(desk.memory["ask"])
    try:
        is_new = await add_clip(
            desk.work,
            ask_id,
            desk.who,
            file_id=file_id,
            unique_id=unique_id,
            name=PurePath(name or "rekaman").name[:120],
            size_bytes=size_bytes,
            recompressed=recompressed,
        )
    except Refusal as refusal:
        offered = link_button(desk, ask_id)
        if refusal.text_key != "clip.too_large" or offered is None:
            raise
        desk.say("upload.instead", column(offered), gigabytes=GIGABYTES, **refusal.params)
        return
    desk.say("clip.taking" if is_new else "clip.known")


@router.message(At(Answering.CLIPS), Typed())
async def note_written(message: TelegramMessage, desk: Desk) -> None:
    await add_note(desk.work, int(desk.memory["ask"]), desk.who, message.text or "")
    desk.say("clip.note_kept", _done_button(desk))


@router.message(At(Answering.CLIPS), ~IsCommand())
async def not_a_clip(message: TelegramMessage, desk: Desk) -> None:
    desk.say("clip.only_files", _done_button(desk))


def _done_button(desk: Desk) -> Keyboard:
    return column(button(desk.words("clip.done_button"), "ans.done", desk.memory["ask"]))


@router.callback_query(Tap("ans.clock"))
async def clock_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    ask, _ = await ask_of(desk.work, number(args), desk.who)
    desk.dialogue.end()
    desk.dialogue.go(Answering.CLOCK.value, ask=ask.id)
    skip = column(button(desk.words("clock.skip_button"), "ans.noclock", ask.id))
    desk.say("clock.ask", skip)


@router.callback_query(Tap("ans.noclock"))
async def clock_skipped(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    ask, _ = await ask_of(desk.work, number(args), desk.who)
    desk.reply.clear_buttons()
    _ask_clips(desk, ask)


@router.message(At(Answering.CLOCK), Brings("photo"))
async def clock_photographed(message: TelegramMessage, desk: Desk) -> None:
    """The photo goes to the evidence; what it shows is read by the person who took it."""
    assert message.photo
    largest = message.photo[-1]
    await add_clip(
        desk.work,
        int(desk.memory["ask"]),
        desk.who,
        file_id=largest.file_id,
        unique_id=largest.file_unique_id,
        name=f"{desk.words('clock.file_name')}.jpg",
        size_bytes=largest.file_size,
        recompressed=True,
    )
    desk.memory["clock_seen_at"] = message.date.isoformat()
    desk.say("clock.photo_kept")


@router.message(At(Answering.CLOCK), Typed())
async def clock_typed(message: TelegramMessage, desk: Desk) -> None:
    seen_at = desk.memory.get("clock_seen_at")
    at = datetime.fromisoformat(seen_at) if seen_at else message.date
    error_s = read_clock_error(message.text or "", at, desk.work.settings.zone)
    ask, _ = await ask_of(desk.work, int(desk.memory["ask"]), desk.who)
    await keep_clock_error(desk.work, ask, desk.who, error_s)
    again = column(button(desk.words("clock.again_button"), "ans.clock", ask.id))
    desk.say("clock.kept", again, error=Markup(clock_error_text(desk.words, error_s)))
    _ask_clips(desk, ask)


@router.message(At(Answering.CLOCK), ~IsCommand())
async def not_a_clock(message: TelegramMessage, desk: Desk) -> None:
    raise Refusal("clock.unclear")
