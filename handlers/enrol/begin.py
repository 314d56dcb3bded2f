"""Beginning, leaving off and going on with an enrolment; the way back and out at every step."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from aiogram.types import Message as TelegramMessage

from nobs_bot.buttons import button, column
from nobs_bot.cameras.enrolment import begin, draft_of
from nobs_bot.cameras.record import State, camera_of
from nobs_bot.cameras.recording import give_up
from nobs_bot.cameras.takeover import take_over
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.consent import consent_text, current_consent, give_consent

from ..desk import Desk
from ..filters import At, Says, Tap, number
from ..states import Enrol, Stream
from . import handover, steps
from .screens import is_on_foot

router = Router(name="enrol.begin")


@router.message(Command("daftar", "enrol"))
async def enrol_command(message: TelegramMessage, desk: Desk) -> None:
    await start_enrolment(desk)


@router.callback_query(Tap("enrol.start"))
async def enrol_tapped(query: CallbackQuery, desk: Desk) -> None:
    await start_enrolment(desk)


async def start_enrolment(desk: Desk) -> None:
    """Consent first; then the draft that there is, or a fresh one."""
    if await current_consent(desk.work, desk.who) is None:
        show_consent(desk)
        return
    draft = await draft_of(desk.work, desk.who)
    if draft is None:
        await _fresh(desk)
        return
    words = desk.words
    desk.dialogue.end()
    desk.show(
        "enrol.draft_found",
        column(
            button(words("enrol.resume_button"), "enrol.resume", draft.id),
            button(words("enrol.anew_button"), "enrol.anew", draft.id),
        ),
    )


def show_consent(desk: Desk, claim_id: int | None = None) -> None:
    """The whole text, and the two answers to it; a claim waits for the consent."""
    words = desk.words
    desk.dialogue.end()
    desk.dialogue.go(Enrol.CONSENT.value, claim=claim_id)
    agree = button(words("consent.agree_button"), "consent.agree")
    decline = button(words("consent.decline_button"), "consent.decline")
    text = consent_text(desk.work, desk.who)
    desk.reply.show(Message(text=text, keyboard=column(agree, decline)))


@router.callback_query(Tap("consent.agree"), At(Enrol.CONSENT))
async def agreed(query: CallbackQuery, desk: Desk) -> None:
    await give_consent(desk.work, desk.who)
    desk.reply.clear_buttons()
    desk.say("consent.thanks")
    claim_id = desk.memory.get("claim")
    if claim_id is not None:
        await take(desk, int(claim_id))
        return
    await start_enrolment(desk)


async def take(desk: Desk, claim_id: int) -> None:
    """Recorded cameras become the person's own; on with the first of them."""
    cameras = await take_over(desk.work, desk.who, claim_id)
    desk.dialogue.end()
    desk.reply.say(Message(text=desk.words.plural("claim.taken", len(cameras))))
    await steps.resume(desk, cameras[-1])


@router.callback_query(Tap("consent.decline"), At(Enrol.CONSENT))
async def declined(query: CallbackQuery, desk: Desk) -> None:
    claim_id = desk.memory.get("claim")
    desk.dialogue.end()
    if claim_id is not None:
        # what an officer wrote down is still there, and may go at once
        words = desk.words
        desk.show(
            "claim.declined",
            column(
                button(words("claim.erase_yes_button"), "clm.erased", claim_id),
                button(words("consent.read_again_button"), "clm.mine", claim_id),
            ),
            days=desk.work.settings.recording_days,
        )
        return
    again = button(desk.words("consent.read_again_button"), "enrol.start")
    desk.show("consent.declined", column(again))


async def _fresh(desk: Desk) -> None:
    desk.dialogue.end()
    camera = await begin(desk.work, desk.who)
    await steps.ask(desk, camera, Enrol.PLACE)


@router.callback_query(Tap("enrol.resume"))
async def resumed(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    desk.dialogue.end()
    await steps.resume(desk, camera)


@router.callback_query(Tap("enrol.anew"))
async def anew(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _discard(desk, args)
    await _fresh(desk)


@router.callback_query(Tap("enrol.discard"))
async def discarded(query: CallbackQuery, desk: Desk, args: tuple[str, ...]) -> None:
    await _discard(desk, args)
    desk.dialogue.end()
    desk.show("enrol.discarded", column(button(desk.words("start.enrol_button"), "enrol.start")))


async def _discard(desk: Desk, args: tuple[str, ...]) -> None:
    camera = await camera_of(desk.work, number(args), desk.who.id)
    if camera.state is not State.DRAFT:
        raise Refusal("buttons.stale")
    await give_up(desk.work, camera, desk.who)
    await desk.work.session.flush()


@router.callback_query(Tap("enrol.back"))
async def back_tapped(query: CallbackQuery, desk: Desk) -> None:
    await _go_back(desk)


@router.message(At(*Enrol), Says("back_button"))
async def back_said(message: TelegramMessage, desk: Desk) -> None:
    await _go_back(desk)


async def _go_back(desk: Desk) -> None:
    here = desk.dialogue.state or ""
    camera = await steps.camera_at_hand(desk)
    if here in {state.value for state in Stream}:
        await steps.ask(desk, camera, Enrol.STREAM)
    elif here in {state.value for state in Enrol}:
        await steps.back(desk, camera, Enrol(here))
    else:
        raise Refusal("buttons.stale")


@router.callback_query(Tap("enrol.cancel"))
async def cancel_tapped(query: CallbackQuery, desk: Desk) -> None:
    await leave_off(desk)


@router.message(At(*Enrol), Says("cancel_button"))
async def cancel_said(message: TelegramMessage, desk: Desk) -> None:
    await leave_off(desk)


async def leave_off(desk: Desk) -> None:
    """End the dialogue; the draft stays, and the person is told how to go on or to drop it."""
    if is_on_foot(desk):
        try:
            camera = await steps.camera_at_hand(desk)
        except Refusal:
            # its owner has had it erased meanwhile; one can leave off all the same
            desk.leave_off()
            return
        await handover.leave_off(desk, camera)
        return
    draft = await draft_of(desk.work, desk.who)
    desk.dialogue.end()
    words = desk.words
    if draft is None:
        desk.show("cancel.done", column(button(words("home_button"), "home")))
        return
    desk.show(
        "enrol.left_off",
        column(
            button(words("enrol.resume_button"), "enrol.resume", draft.id),
            button(words("enrol.discard_button"), "enrol.discard", draft.id),
            button(words("home_button"), "home"),
        ),
        days=desk.work.settings.draft_days,
    )
