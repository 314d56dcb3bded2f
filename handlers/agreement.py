"""A supervisor's word: on requests beyond the limits, on emergencies, on holding evidence."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.footage import agreement, retention
from nobs_bot.footage.request import request_for
from nobs_bot.people.roles import Role, require_at

from .desk import Desk
from .filters import At, Tap, Typed, number
from .states import Agreeing

router = Router(name="agreement")


@router.callback_query(Tap("agr.yes", "agr.no"))
async def reason_asked(
    query: CallbackQuery, desk: Desk, action: str, args: tuple[str, ...]
) -> None:
    request = await agreement.awaiting(desk.work, number(args), desk.who)
    yes = action == "agr.yes"
    _ask_reason(desk, Agreeing.REASON, request.id, yes=yes)
    desk.say("agree.reason_yes" if yes else "agree.reason_no", _way_out(desk), request=request.name)


@router.callback_query(Tap("emr.yes", "emr.no"))
async def review_reason_asked(
    query: CallbackQuery, desk: Desk, action: str, args: tuple[str, ...]
) -> None:
    request = await agreement.to_review(desk.work, number(args), desk.who)
    yes = action == "emr.yes"
    _ask_reason(desk, Agreeing.REVIEW, request.id, yes=yes)
    key = "emergency.reason_yes" if yes else "emergency.reason_no"
    desk.say(key, _way_out(desk), request=request.name)


def _ask_reason(desk: Desk, state: Agreeing, request_id: int, *, yes: bool) -> None:
    desk.dialogue.end()
    desk.dialogue.go(state.value, request=request_id, agreed=yes)
    desk.reply.clear_buttons()


def _way_out(desk: Desk) -> Keyboard:
    return column(button(desk.words("cancel_button"), "req.cancel"))


@router.message(At(Agreeing.REASON), Typed())
async def reason_given(message: TelegramMessage, desk: Desk) -> None:
    reason, agreed = _read_reason(message), bool(desk.memory["agreed"])
    request = await agreement.decide(
        desk.work, int(desk.memory["request"]), desk.who, agreed=agreed, reason=reason
    )
    _done(desk, "agree.done_yes" if agreed else "agree.done_no", request.name)


@router.message(At(Agreeing.REVIEW), Typed())
async def review_given(message: TelegramMessage, desk: Desk) -> None:
    reason, justified = _read_reason(message), bool(desk.memory["agreed"])
    request = await agreement.review(
        desk.work, int(desk.memory["request"]), desk.who, justified=justified, reason=reason
    )
    _done(desk, "emergency.done_yes" if justified else "emergency.done_no", request.name)


def _read_reason(message: TelegramMessage) -> str:
    return agreement.read_word(message.text or "")


def _done(desk: Desk, key: str, request_name: str) -> None:
    desk.dialogue.end()
    desk.show(key, column(button(desk.words("home_button"), "home")), request=request_name)


@router.callback_query(Tap("req.hold"))
async def hold_asked(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    await require_at(desk.work, desk.who.id, Role.SUPERVISOR, request.area_code)
    _ask_reason(desk, Agreeing.HOLD, request.id, yes=True)
    desk.say("hold.reason_ask", _way_out(desk), request=request.name)


@router.message(At(Agreeing.HOLD), Typed())
async def held(message: TelegramMessage, desk: Desk) -> None:
    request = await request_for(desk.work, int(desk.memory["request"]), desk.who)
    await retention.hold(desk.work, request, desk.who, message.text or "")
    _done(desk, "hold.done", request.name)


@router.callback_query(Tap("req.unhold"))
async def let_go(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    request = await request_for(desk.work, number(args), desk.who)
    await retention.end_hold(desk.work, request, desk.who)
    _done(desk, "hold.ended", request.name)
