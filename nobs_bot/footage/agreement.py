"""The second person's word: before a request beyond the limits, after an emergency."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from nobs_bot.buttons import button, column
from nobs_bot.errors import Refusal
from nobs_bot.footage.answers import close_unjustified
from nobs_bot.footage.matching import candidates
from nobs_bot.footage.owners import ask_owners, scene_of
from nobs_bot.footage.request import (
    FootageRequest,
    RequestState,
    asks_of,
    set_words,
    words_of,
)
from nobs_bot.footage.wording import describe
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, officer_name, person, tell, words_for
from nobs_bot.people.roles import Role, holders, require_at
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Work
from nobs_bot.texts import Markup

MOST_REASON_CHARACTERS = 300
REVIEW_WITHIN = timedelta(hours=24)


async def ask_supervisors(
    work: Work, request: FootageRequest, officer: Person, passed: list[str], owners: int
) -> None:
    """
    Ask the supervisors of the area to agree.

    Raises:
        Refusal: there is none but the officer.
    """
    for supervisor in await _supervisors(work, request):
        words = words_for(work, supervisor)
        text = words(
            "agree.ask",
            request=request.name,
            officer=officer_name(work, officer),
            limits=Markup("\n".join("• " + words(f"request.limit.{each}") for each in passed)),
            details=Markup(describe(work, words, request)),
            owners=owners,
        )
        buttons = column(
            button(words("agree.yes_button"), "agr.yes", request.id),
            button(words("agree.no_button"), "agr.no", request.id),
        )
        message = Message(text=text, keyboard=buttons)
        await tell(work, supervisor, message, f"agree:{request.id}:{supervisor.id}")


async def _supervisors(work: Work, request: FootageRequest) -> list[Person]:
    """Those of the area who may decide; nobody decides on their own request."""
    found = [
        each
        for each in await holders(work, Role.SUPERVISOR, request.area_code)
        if each.id != request.requester_id
    ]
    if not found:
        raise Refusal("request.no_supervisor")
    return found


async def decide(
    work: Work, request_id: int, supervisor: Person, *, agreed: bool, reason: str
) -> FootageRequest:
    """
    A supervisor's word on a request beyond the limits.

    Raises:
        Refusal: not the supervisor's area, their own request, or decided already.
    """
    request = await awaiting(work, request_id, supervisor)
    officer = await person(work, request.requester_id)
    said = words_of(work, request)
    said.supervisors_reason = reason
    set_words(work, request, said)
    request.agreed_by = supervisor.id
    if agreed:
        found = await candidates(work, officer, scene_of(request))
        await ask_owners(work, request, [each for each in found if each.is_asked])
    else:
        request.state, request.closed_at = RequestState.DECLINED, work.now
    record(
        work,
        Act.REQUEST_AGREED if agreed else Act.REQUEST_DECLINED,
        actor_id=supervisor.id,
        actor_role=Role.SUPERVISOR,
        request_id=request.id,
        reason=reason,
    )
    await _tell_officer(work, request, "agree.told.yes" if agreed else "agree.told.no", reason)
    return request


def read_word(text: str) -> str:
    """A supervisor's reason; raises `Refusal` where it is missing or too long."""
    reason = text.strip()
    if not 3 <= len(reason) <= MOST_REASON_CHARACTERS:
        raise Refusal("review.reason_length", most=MOST_REASON_CHARACTERS)
    return reason


async def awaiting(work: Work, request_id: int, supervisor: Person) -> FootageRequest:
    """The request, locked, that this supervisor may decide on; raises `Refusal` otherwise."""
    request = await _of_supervisor(work, request_id, supervisor)
    if request.state is not RequestState.AWAITING_AGREEMENT:
        raise Refusal("agree.already", request=request.name)
    return request


async def _of_supervisor(work: Work, request_id: int, supervisor: Person) -> FootageRequest:
    query = select(FootageRequest).where(FootageRequest.id == request_id).with_for_update()
    request = (await work.session.execute(query)).scalar_one_or_none()
    if request is None:
        raise Refusal("request.not_yours")
    await require_at(work, supervisor.id, Role.SUPERVISOR, request.area_code)
    if request.requester_id == supervisor.id:
        raise Refusal("agree.own")
    return request


async def _tell_officer(work: Work, request: FootageRequest, key: str, reason: str) -> None:
    officer = await person(work, request.requester_id)
    words = words_for(work, officer)
    message = Message(
        text=words(key, request=request.name, reason=reason),
        keyboard=column(button(words("request.open_button"), "req.show", request.id)),
    )
    await tell(work, officer, message, f"{key}:{request.id}")


async def call_for_review(
    work: Work, request: FootageRequest, officer: Person, reason: str
) -> None:
    """
    Have an emergency, which went out at once, reviewed within a day.

    Raises:
        Refusal: there is nobody who could.
    """
    request.is_emergency, request.review_due_at = True, work.now + REVIEW_WITHIN
    said = words_of(work, request)
    said.emergency_reason = reason
    set_words(work, request, said)
    for supervisor in await _supervisors(work, request):
        await _ask_review(work, request, officer, supervisor, f"emergency:{request.id}")


async def _ask_review(
    work: Work, request: FootageRequest, officer: Person, supervisor: Person, occasion: str
) -> None:
    assert request.review_due_at is not None
    words = words_for(work, supervisor)
    is_late = work.now >= request.review_due_at
    text = words(
        "emergency.late" if is_late else "emergency.ask",
        request=request.name,
        officer=officer_name(work, officer),
        reason=words_of(work, request).emergency_reason,
        details=Markup(describe(work, words, request)),
        moment=words.moment(request.review_due_at),
    )
    buttons = column(
        button(words("emergency.yes_button"), "emr.yes", request.id),
        button(words("emergency.no_button"), "emr.no", request.id),
    )
    message = Message(text=text, keyboard=buttons)
    await tell(work, supervisor, message, f"{occasion}:{supervisor.id}")


async def to_review(work: Work, request_id: int, supervisor: Person) -> FootageRequest:
    """The emergency, locked, that this supervisor may review; raises `Refusal` otherwise."""
    request = await _of_supervisor(work, request_id, supervisor)
    if not request.is_emergency or request.reviewed_at is not None:
        raise Refusal("agree.already", request=request.name)
    return request


async def review(
    work: Work, request_id: int, supervisor: Person, *, justified: bool, reason: str
) -> FootageRequest:
    """
    A supervisor's word on an emergency; one without need is closed, its owners are told, and what
    they sent belongs to no case, also where the investigator has closed it before.

    Raises:
        Refusal: not the supervisor's area, their own request, or reviewed already.
    """
    request = await to_review(work, request_id, supervisor)
    request.reviewed_by, request.reviewed_at = supervisor.id, work.now
    request.was_justified, request.review_due_at = justified, None
    said = words_of(work, request)
    said.review_reason = reason
    set_words(work, request, said)
    for ask in await asks_of(work, request.id):
        record(
            work,
            Act.EMERGENCY_REVIEWED,
            actor_id=supervisor.id,
            actor_role=Role.SUPERVISOR,
            owner_id=ask.owner_id,
            camera_id=ask.camera_id,
            request_id=request.id,
            request=request.name,
            justified=justified,
        )
    if not justified:
        await close_unjustified(work, request)
    key = "emergency.told.yes" if justified else "emergency.told.no"
    await _tell_officer(work, request, key, reason)
    return request


async def remind_of_reviews(work: Work, *, limit: int = 10) -> int:
    """Ask again, once a day, for reviews that are overdue; administrators hear of it too."""
    query = (
        select(FootageRequest)
        .where(FootageRequest.review_due_at <= work.now, FootageRequest.reviewed_at.is_(None))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    requests = (await work.session.execute(query)).scalars().all()
    for request in requests:
        officer = await person(work, request.requester_id)
        day = work.now.date().isoformat()
        judges = await holders(work, Role.SUPERVISOR, request.area_code)
        for judge in judges:
            if judge.id != officer.id:
                await _ask_review(work, request, officer, judge, f"review:{request.id}:{day}")
        for administrator in await holders(work, Role.ADMINISTRATOR, request.area_code):
            if administrator.id not in {judge.id for judge in judges}:
                words = words_for(work, administrator)
                message = Message(text=words("emergency.overdue", request=request.name))
                occasion = f"overdue:{request.id}:{day}:{administrator.id}"
                await tell(work, administrator, message, occasion)
        request.review_due_at = work.now + REVIEW_WITHIN
    return len(requests)
