"""What owners answer, and that every one of them hears what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from nobs_bot.buttons import button, column
from nobs_bot.cameras.record import Camera
from nobs_bot.errors import Refusal
from nobs_bot.footage.news import note_news
from nobs_bot.footage.reminders import schedule_reminder
from nobs_bot.footage.request import (
    Ask,
    Clip,
    FootageRequest,
    Outcome,
    Reply,
    RequestState,
    asks_of,
    set_note,
)
from nobs_bot.footage.retention import start_retention
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person, persons_of, tell, words_for
from nobs_bot.people.roles import Role, holders
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.leases import settle
from nobs_bot.storage.work import Work

MOST_NOTE_CHARACTERS = 500

UNJUSTIFIED = "outcome.unjustified"


async def ask_of(work: Work, ask_id: int, owner: Person) -> tuple[Ask, FootageRequest]:
    """
    What this owner was asked, and by which request, while it can still be answered.

    Raises:
        Refusal: somebody else was asked, the camera was withdrawn, or the request is closed.
    """
    ask = await work.session.get(Ask, ask_id)
    if ask is None or ask.owner_id != owner.id:
        raise Refusal("ask.not_yours")
    request = await work.session.get(FootageRequest, ask.request_id)
    assert request is not None
    if request.state is not RequestState.SENT or ask.reply is Reply.GONE:
        raise Refusal("ask.closed", request=request.name)
    return ask, request


async def answer(work: Work, ask_id: int, owner: Person, reply: Reply) -> tuple[Ask, bool]:
    """
    Keep the owner's answer; the investigator hears of it soon.

    Returns:
        The ask, and whether the answer is new; an owner may change it until the request closes.
    """
    ask, request = await ask_of(work, ask_id, owner)
    if ask.reply is reply:
        return ask, False
    ask.reply, ask.answered_at = reply, work.now
    if reply is Reply.HAS:
        schedule_reminder(work, ask, request)
    else:
        settle(ask)
    record(
        work,
        Act.ANSWERED,
        actor_id=owner.id,
        owner_id=owner.id,
        camera_id=ask.camera_id,
        request_id=request.id,
        reply=reply.value,
        request=request.name,
    )
    await note_news(work, request, ask)
    if reply is Reply.HELP:
        await _send_help(work, ask, request, owner)
    elif reply is Reply.NOT_MINE:
        await _have_looked_over(work, ask)
    return ask, True


async def add_note(work: Work, ask_id: int, owner: Person, text: str) -> None:
    """
    Keep what the owner writes along with the footage; the newest words count.

    Raises:
        Refusal: not this owner's ask, closed, or too many words.
    """
    ask, request = await ask_of(work, ask_id, owner)
    clean = text.strip()
    if len(clean) > MOST_NOTE_CHARACTERS:
        raise Refusal("clip.note.long", most=MOST_NOTE_CHARACTERS)
    set_note(work, ask, clean)
    await note_news(work, request, ask)


async def _have_looked_over(work: Work, ask: Ask) -> None:
    """Tell the reviewers of the area that a record does not belong to whom it names."""
    camera = await work.session.get(Camera, ask.camera_id)
    assert camera is not None
    if camera.area_code is None:
        return
    for officer in await holders(work, Role.REVIEWER, camera.area_code):
        words = words_for(work, officer)
        message = Message(text=words("reply.look_over", camera=camera.name))
        await tell(work, officer, message, f"not-mine:{ask.id}:{officer.id}")


async def _send_help(work: Work, ask: Ask, request: FootageRequest, owner: Person) -> None:
    """Tell the field officers of the area that an owner needs a hand."""
    camera = await work.session.get(Camera, ask.camera_id)
    assert camera is not None
    if camera.area_code is None:
        return
    for officer in await holders(work, Role.FIELD_OFFICER, camera.area_code):
        if officer.id == owner.id:
            continue
        words = words_for(work, officer)
        text = words("help.told", camera=camera.name, request=request.name)
        buttons = column(button(words("help.contact_button"), "fld.contact", ask.id))
        message = Message(text=text, keyboard=buttons)
        await tell(work, officer, message, f"help:{ask.id}:{officer.id}")


async def close(
    work: Work, request: FootageRequest, officer: Person, outcome: Outcome
) -> FootageRequest:
    """
    Close a request and tell every owner what came of it.

    Raises:
        Refusal: it is closed already, or another's.
    """
    if request.requester_id != officer.id:
        raise Refusal("request.not_yours")
    # a supervisor may have ended it since it was read
    await work.session.refresh(request, with_for_update=True)
    if request.state is not RequestState.SENT:
        raise Refusal("request.closed_already", request=request.name)
    await _end(work, request, RequestState.CLOSED, outcome, f"outcome.{outcome.value}")
    for ask in await asks_of(work, request.id):
        record(
            work,
            Act.REQUEST_CLOSED,
            actor_id=officer.id,
            actor_role=Role.INVESTIGATOR,
            owner_id=ask.owner_id,
            camera_id=ask.camera_id,
            request_id=request.id,
            outcome=outcome.value,
            request=request.name,
        )
    return request


async def close_unjustified(work: Work, request: FootageRequest) -> None:
    """End an emergency that was none, and tell every owner."""
    request.case_over_at = None
    await _end(work, request, RequestState.CLOSED, Outcome.NOT_NEEDED, UNJUSTIFIED)


async def _end(
    work: Work, request: FootageRequest, state: RequestState, outcome: Outcome | None, key: str
) -> None:
    """Nobody is asked or reminded any more, everybody hears the outcome, the clips' time begins."""
    request.state, request.outcome, request.closed_at = state, outcome, work.now
    settle(request)
    for ask in await asks_of(work, request.id):
        settle(ask)
    start_retention(work, request)
    await tell_outcome(work, request, key)


async def tell_outcome(work: Work, request: FootageRequest, key: str) -> None:
    """Tell every owner who was asked; those who sent something read it in other words."""
    asks = await asks_of(work, request.id)
    senders = await _senders(work, request.id)
    owners = await persons_of(work, {ask.owner_id for ask in asks})
    for owner_id, owner in owners.items():
        words = words_for(work, owner)
        sent = words(_what_becomes(request)) if owner_id in senders else words("outcome.thanks")
        text = words(key, request=request.name) + "\n\n" + sent
        buttons = column(button(words("log.open_button"), "log.show"))
        message = Message(text=text, keyboard=buttons)
        occasion = "unjustified" if key == UNJUSTIFIED else "outcome"
        await tell(work, owner, message, f"{occasion}:{request.id}:{owner_id}")


def _what_becomes(request: FootageRequest) -> str:
    """The sentence that says what becomes of the footage that was sent."""
    return "outcome.kept" if request.erase_at is None else "outcome.soon_erased"


async def _senders(work: Work, request_id: int) -> set[int]:
    query = select(Clip.owner_id).where(Clip.request_id == request_id)
    return set((await work.session.execute(query)).scalars())


async def expire_requests(work: Work, *, limit: int = 10) -> int:
    """End requests whose time is over, and tell everybody who is waiting."""
    open_states = (RequestState.SENT, RequestState.AWAITING_AGREEMENT)
    query = (
        select(FootageRequest)
        .where(FootageRequest.state.in_(open_states), FootageRequest.expires_at <= work.now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    requests = (await work.session.execute(query)).scalars().all()
    for request in requests:
        await _end(work, request, RequestState.EXPIRED, None, "outcome.expired")
        officer = await person(work, request.requester_id)
        words = words_for(work, officer)
        message = Message(text=words("request.told_expired", request=request.name))
        await tell(work, officer, message, f"expired:{request.id}")
    return len(requests)


async def let_go(work: Work, camera_ids: Sequence[int]) -> None:
    """Withdrawn cameras are asked no more; what was sent before stays with its case."""
    query = (
        select(Ask)
        .join(FootageRequest, FootageRequest.id == Ask.request_id)
        .where(Ask.camera_id.in_(camera_ids), FootageRequest.state == RequestState.SENT)
    )
    for ask in (await work.session.execute(query)).scalars():
        ask.reply, ask.answered_at = Reply.GONE, work.now
        request = await work.session.get(FootageRequest, ask.request_id)
        assert request is not None
        settle(ask)
        await note_news(work, request, ask)
