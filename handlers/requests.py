"""A request after it was sent: answers, clips, the next ring, closing, the end of its case."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Button, button, column
from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.between import Walls
from nobs_bot.errors import Refusal
from nobs_bot.footage import answers, owners, retention
from nobs_bot.footage.clips import open_clip
from nobs_bot.footage.request import (
    Ask,
    Clip,
    ClipState,
    FootageRequest,
    Kind,
    Outcome,
    RequestState,
    answered_of,
    asks_of,
    clips_of,
    note_of,
    request_for,
    requests_in,
    requests_of,
)
from nobs_bot.footage.wording import clock_error_text, describe
from nobs_bot.messaging.chats import unreachable_among
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import persons_of
from nobs_bot.people.roles import Role, areas_of, holds
from nobs_bot.texts import Markup, Words

from .desk import Desk
from .evidence import evidence_buttons
from .filters import Tap, number, word
from .preview import ways_to

router = Router(name="requests")

_MOST_CLIP_BUTTONS = 10


@router.message(Command("permintaan", "requests"))
async def requests_command(message: TelegramMessage, desk: Desk) -> None:
    await _list(desk)


@router.callback_query(Tap("req.list"))
async def listed(query: CallbackQuery, desk: Desk) -> None:
    await _list(desk)


async def _list(desk: Desk) -> None:
    """An investigator's own requests; a supervisor's area with all that is in it."""
    words = desk.words
    found = list(await requests_of(desk.work, desk.who.id))
    supervised = await areas_of(desk.work, desk.who.id, Role.SUPERVISOR)
    if not supervised and not await areas_of(desk.work, desk.who.id, Role.INVESTIGATOR):
        raise Refusal("roles.needed")
    known = {each.id for each in found}
    found += [each for each in await requests_in(desk.work, supervised) if each.id not in known]
    answered = await answered_of(desk.work, [each.id for each in found])
    buttons = [button(_row(words, each, answered), "req.show", each.id) for each in found]
    home = button(words("home_button"), "home")
    desk.show("request.list" if found else "request.list_empty", column(*buttons, home))


def _row(words: Words, request: FootageRequest, answered: dict[int, tuple[int, int]]) -> str:
    have, asked = answered.get(request.id, (0, 0))
    row = f"{request.name} · {words(f'request.state.{request.state}')}"
    return f"{row} · {have}/{asked}" if asked else row


@router.callback_query(Tap("req.show"))
async def shown(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    await _show(desk, request)


async def _show(desk: Desk, request: FootageRequest) -> None:
    words = desk.words
    head = words(
        "request.head", request=request.name, state=words(f"request.state.{request.state}")
    )
    clips = await clips_of(desk.work, request.id)
    parts = [
        head,
        *_marks(words, request),
        describe(desk.work, words, request),
        "\n".join(await _answer_lines(desk, request)),
    ]
    buttons = [
        *await _clip_buttons(desk, clips),
        *evidence_buttons(words, request, clips),
        *await _acts(desk, request, clips),
    ]
    buttons.append(button(words("request.refresh_button"), "req.show", request.id))
    buttons.append(button(words("home_button"), "home"))
    text = "\n\n".join(part for part in parts if part)
    desk.reply.show(Message(text=text, keyboard=column(*buttons), protected=True))


def _marks(words: Words, request: FootageRequest) -> list[str]:
    """What is out of the ordinary about a request."""
    marks = []
    if request.kind is Kind.PRESERVE:
        marks.append(words("request.mark.preserve"))
    if request.is_emergency:
        reviewed = request.reviewed_at is not None
        marks.append(words("request.mark.reviewed" if reviewed else "request.mark.emergency"))
    if request.held_at is not None:
        marks.append(words("request.mark.held"))
    elif request.erase_at is not None:
        marks.append(words("request.mark.erased_at", day=words.date(request.erase_at)))
    return marks


async def _answer_lines(desk: Desk, request: FootageRequest) -> list[str]:
    asks = await asks_of(desk.work, request.id)
    persons = await persons_of(desk.work, {ask.owner_id for ask in asks})
    chats = [owner.telegram_id for owner in persons.values() if owner.telegram_id]
    unreachable = await unreachable_among(desk.work, chats)
    lines = []
    for ask in asks:
        is_away = persons[ask.owner_id].telegram_id in unreachable
        lines += await _answer_of(desk, request, ask, is_away=is_away)
    return lines


async def _answer_of(desk: Desk, request: FootageRequest, ask: Ask, *, is_away: bool) -> list[str]:
    words = desk.words
    camera = await desk.work.session.get(Camera, ask.camera_id)
    standing = await owners.standing(desk.work, request, ask, is_away=is_away)
    answer = words(f"reply.{standing}")
    lines = [
        words("request.answer_line", camera=camera.name if camera else "?", answer=Markup(answer))
    ]
    if note := note_of(desk.work, ask):
        lines.append(words("request.note_line", note=note))
    if ask.clock_error_s is not None:
        error = Markup(clock_error_text(words, ask.clock_error_s))
        lines.append(words("request.clock_line", error=error))
    return lines


async def _clip_buttons(desk: Desk, clips: Sequence[Clip]) -> list[Button]:
    stored = [clip for clip in clips if clip.state is ClipState.STORED]
    buttons = []
    for at, clip in enumerate(stored[:_MOST_CLIP_BUTTONS], start=1):
        camera = await desk.work.session.get(Camera, clip.camera_id)
        name = camera.name if camera else "?"
        label = desk.words("request.clip_button", number=at, camera=name)
        buttons.append(button(label, "req.clip", clip.id))
    return buttons


async def _acts(desk: Desk, request: FootageRequest, clips: Sequence[Clip]) -> list[Button]:
    """What this officer can do with the request as it stands."""
    words, acts = desk.words, []
    is_own, is_open = request.requester_id == desk.who.id, request.state is RequestState.SENT
    if is_own and is_open and request.kind is Kind.PRESERVE:
        acts.append(button(words("request.ask_saved_button"), "req.asksaved", request.id))
    if is_own and is_open and not request.whole_area and not request.is_beyond_limits:
        acts.append(button(words("request.ring_button"), "req.ring", request.id))
    if is_own and is_open:
        acts.append(button(words("request.close_button"), "req.close", request.id))
    if is_own and request.outcome in retention.OF_A_CASE and request.case_over_at is None:
        acts.append(button(words("request.case_over_button"), "req.caseover", request.id))
    if clips and await holds(desk.work, desk.who.id, Role.SUPERVISOR, request.area_code):
        key, act = ("hold.button", "req.hold")
        if request.held_at is not None:
            key, act = ("hold.end_button", "req.unhold")
        acts.append(button(words(key), act, request.id))
    return acts


@router.callback_query(Tap("req.ring"))
async def ring_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    ways = ways_to(desk, request.lat, request.lon, request.radius_m)
    count = await owners.next_ring(desk.work, request, desk.who, ways, Walls(desk.around.base))
    desk.reply.toast(desk.words.plural("request.ring.asked", count))
    await _show(desk, request)


@router.callback_query(Tap("req.asksaved"))
async def saved_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    count = await owners.ask_for_what_was_saved(desk.work, request, desk.who)
    desk.reply.toast(desk.words.plural("request.ring.asked", count))
    await _show(desk, request)


@router.callback_query(Tap("req.caseover"))
async def case_ended(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    await retention.end_case(desk.work, request, desk.who)
    desk.reply.toast(desk.words("request.case_over", days=desk.work.settings.evidence_days))
    await _show(desk, request)


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
