"""A request after it was sent: answers, clips, closing; and the supervisor's word before."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column
from nobs_bot.cameras.record import Camera
from nobs_bot.errors import Refusal
from nobs_bot.footage import answers, asking
from nobs_bot.footage.clips import open_clip
from nobs_bot.footage.request import (
    ClipState,
    FootageRequest,
    Outcome,
    RequestState,
    asks_of,
    clips_of,
    request_for,
    requests_of,
)
from nobs_bot.messaging.chats import unreachable_among
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import persons_of
from nobs_bot.people.roles import Role, require

from .desk import Desk
from .evidence import evidence_buttons
from .filters import At, Tap, number, word
from .states import Agreeing

router = Router(name="requests")

MOST_REASON_CHARACTERS = 300


@router.callback_query(Tap("req.list"))
async def listed(query: CallbackQuery, desk: Desk) -> None:
    await require(desk.work, desk.who.id, Role.INVESTIGATOR)
    words = desk.words
    found = await requests_of(desk.work, desk.who.id)
    buttons = [
        button(f"{each.name} · {words(f'request.state.{each.state}')}", "req.show", each.id)
        for each in found
    ]
    home = button(words("home_button"), "home")
    desk.show("request.list" if found else "request.list_empty", column(*buttons, home))


@router.callback_query(Tap("req.show"))
async def shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    await _show(desk, request)


async def _show(desk: Desk, request: FootageRequest) -> None:
    words = desk.words
    parts = [
        words(
            "request.head",
            request=request.name,
            state=words(f"request.state.{request.state}"),
        ),
        asking.describe(desk.work, words, request),
        "\n".join(await _answer_lines(desk, request)),
    ]
    buttons = []
    clips = await clips_of(desk.work, request.id)
    for clip in clips:
        if clip.state is ClipState.STORED:
            camera = await desk.work.session.get(Camera, clip.camera_id)
            label = words("request.clip_button", camera=camera.name if camera else "?")
            buttons.append(button(label, "req.clip", clip.id))
    buttons += evidence_buttons(words, request, clips)
    if request.state is RequestState.SENT and request.requester_id == desk.who.id:
        buttons.append(button(words("request.close_button"), "req.close", request.id))
    buttons.append(button(words("request.refresh_button"), "req.show", request.id))
    buttons.append(button(words("home_button"), "home"))
    text = "\n\n".join(part for part in parts if part)
    desk.reply.show(Message(text=text, keyboard=column(*buttons), protected=True))


async def _answer_lines(desk: Desk, request: FootageRequest) -> list[str]:
    words = desk.words
    asks = await asks_of(desk.work, request.id)
    owners = await persons_of(desk.work, {ask.owner_id for ask in asks})
    chats = [owner.telegram_id for owner in owners.values() if owner.telegram_id]
    unreachable = await unreachable_among(desk.work, chats)
    lines = []
    for ask in asks:
        camera = await desk.work.session.get(Camera, ask.camera_id)
        answer = words(f"reply.{ask.reply}")
        if ask.reply.value == "none_yet" and owners[ask.owner_id].telegram_id in unreachable:
            answer = words("reply.unreachable")
        name = camera.name if camera else "?"
        lines.append(words("request.answer_line", camera=name, answer=answer))
    return lines


@router.callback_query(Tap("req.clip"))
async def clip_opened(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    _, message = await open_clip(desk.work, number(args), desk.who)
    desk.reply.say(message)


@router.callback_query(Tap("req.close"))
async def outcome_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    words = desk.words
    outcomes = [
        button(words(f"outcome.short.{each}"), "req.closed", request.id, each.value)
        for each in Outcome
    ]
    back = button(words("back_button"), "req.show", request.id)
    desk.show("request.close_ask", column(*outcomes, back), request=request.name)


@router.callback_query(Tap("req.closed"))
async def closed(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    if word(args, 1) not in tuple(Outcome):
        raise Refusal("buttons.stale")
    await answers.close(desk.work, request, desk.who, Outcome(args[1]))
    home = column(button(desk.words("home_button"), "home"))
    desk.show("request.closed", home, request=request.name)


@router.callback_query(Tap("agr.yes", "agr.no"))
async def reason_asked(
    query: CallbackQuery, desk: Desk, action: str, args: tuple[str, ...]
) -> None:
    request = await asking.awaiting(desk.work, number(args), desk.who)
    desk.dialogue.end()
    desk.dialogue.go(Agreeing.REASON.value, request=request.id, agreed=action == "agr.yes")
    key = "agree.reason_yes" if action == "agr.yes" else "agree.reason_no"
    back = column(button(desk.words("cancel_button"), "req.cancel"))
    desk.reply.clear_buttons()
    desk.say(key, back, request=request.name)


@router.message(At(Agreeing.REASON), F.text, ~F.text.startswith("/"))
async def reason_given(message: TelegramMessage, desk: Desk) -> None:
    reason = (message.text or "").strip()
    if not 3 <= len(reason) <= MOST_REASON_CHARACTERS:
        raise Refusal("review.reason_length", most=MOST_REASON_CHARACTERS)
    agreed = bool(desk.memory["agreed"])
    request_id = int(desk.memory["request"])
    request = await asking.decide(desk.work, request_id, desk.who, agreed=agreed, reason=reason)
    desk.dialogue.end()
    home = column(button(desk.words("home_button"), "home"))
    desk.show("agree.done_yes" if agreed else "agree.done_no", home, request=request.name)
