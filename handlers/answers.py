"""An owner's answer to a footage request: have it, nothing there, refuse, help; and the clips."""

from __future__ import annotations

from pathlib import PurePath

from aiogram import F, Router
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column
from nobs_bot.errors import Refusal
from nobs_bot.footage.answers import answer, ask_of
from nobs_bot.footage.asking import ask_keyboard
from nobs_bot.footage.clips import MOST_BYTES, add_clip
from nobs_bot.footage.request import Reply

from .desk import Desk
from .filters import At, Tap, number
from .states import Answering
from .uploads import GIGABYTES, link_button

router = Router(name="answers")

_REPLIES = {"ans.nothing": Reply.NOTHING, "ans.refuse": Reply.REFUSED, "ans.help": Reply.HELP}


@router.callback_query(Tap("ans.has"))
async def has_it(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    ask, _ = await answer(desk.work, number(args), desk.who, Reply.HAS)
    desk.dialogue.end()
    desk.dialogue.go(Answering.CLIPS.value, ask=ask.id)
    words = desk.words
    desk.reply.clear_buttons()
    offered = link_button(desk, ask.id)
    desk.say(
        "upload.ask" if offered else "clip.ask",
        column(
            offered,
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
    desk.show("ask.again", ask_keyboard(desk.words, ask.id), request=request.name)


@router.callback_query(Tap("ans.done"))
async def clips_done(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await ask_of(desk.work, number(args), desk.who)
    desk.dialogue.end()
    desk.reply.clear_buttons()
    desk.say("clip.thanks", column(button(desk.words("home_button"), "home")))


@router.message(At(Answering.CLIPS), F.document)
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


@router.message(At(Answering.CLIPS), F.video)
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


@router.message(At(Answering.CLIPS), ~F.text.startswith("/"))
async def not_a_clip(message: TelegramMessage, desk: Desk) -> None:
    done = column(button(desk.words("clip.done_button"), "ans.done", desk.memory["ask"]))
    desk.say("clip.only_files", done)
