"""Sending a request: at once, after a supervisor's word, or as an emergency before it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from nobs_bot.cameras.record import Camera
from nobs_bot.errors import Refusal
from nobs_bot.footage.agreement import ask_supervisors, call_for_review
from nobs_bot.footage.matching import Candidate, candidates
from nobs_bot.footage.owners import ask_owners
from nobs_bot.footage.question import Question, limits_passed, purposes
from nobs_bot.footage.request import FootageRequest, RequestState, RequestWords, set_words
from nobs_bot.people.persons import Person
from nobs_bot.people.roles import Role, require_at
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.counters import next_number
from nobs_bot.storage.work import Work

LEAST_REASON_CHARACTERS, MOST_REASON_CHARACTERS = 10, 300


async def matching(
    work: Work, officer: Person, question: Question, *, is_emergency: bool = False
) -> list[Candidate]:
    """The cameras near the place (see `matching.candidates`)."""
    return await candidates(work, officer, question.scene, is_emergency=is_emergency)


def found_by_request(work: Work, officer: Person, cameras: Sequence[Camera]) -> None:
    """Let the owners read that an investigator saw where their cameras are."""
    for camera in cameras:
        record(
            work,
            Act.FOUND_BY_REQUEST,
            actor_id=officer.id,
            actor_role=Role.INVESTIGATOR,
            owner_id=camera.owner_id,
            camera_id=camera.id,
        )


def read_emergency(text: str) -> str:
    """Why it cannot wait; raises `Refusal` where that is missing or too long."""
    clean = " ".join(text.split())
    if not LEAST_REASON_CHARACTERS <= len(clean) <= MOST_REASON_CHARACTERS:
        raise Refusal(
            "emergency.reason_length", least=LEAST_REASON_CHARACTERS, most=MOST_REASON_CHARACTERS
        )
    return clean


async def send(
    work: Work, officer: Person, question: Question, *, emergency: str = ""
) -> FootageRequest:
    """
    Send the request to the owners, or to a supervisor where it goes beyond the limits.

    Args:
        emergency: Why it cannot wait for a supervisor's word; then it is reviewed afterwards.

    Raises:
        Refusal: not the officer's area, a purpose that the district does not allow, no camera to
            ask, or no supervisor to ask.
    """
    await require_at(work, officer.id, Role.INVESTIGATOR, question.area_code)
    if question.purpose not in purposes(work):
        raise Refusal("request.purpose.not_allowed")
    chosen, passed = await _chosen(work, officer, question, is_emergency=False)
    if emergency and passed:
        # only what goes beyond the limits is an emergency, and may pass over the weekly one
        chosen, passed = await _chosen(work, officer, question, is_emergency=True)
    if not chosen:
        raise Refusal("request.nobody")
    owners = _owners(chosen)
    request = await _write(work, officer, question)
    if passed and not emergency:
        await ask_supervisors(work, request, officer, passed, owners)
        return request
    if passed:
        await call_for_review(work, request, officer, emergency)
    await ask_owners(work, request, chosen)
    return request


async def _chosen(
    work: Work, officer: Person, question: Question, *, is_emergency: bool
) -> tuple[list[Candidate], list[str]]:
    """Whom to ask, and which limits that passes."""
    found = await matching(work, officer, question, is_emergency=is_emergency)
    chosen = [each for each in found if each.is_asked]
    return chosen, limits_passed(work, question, _owners(chosen))


def _owners(chosen: Sequence[Candidate]) -> int:
    return len({each.camera.owner_id for each in chosen})


async def _write(work: Work, officer: Person, question: Question) -> FootageRequest:
    request = FootageRequest(
        id=new_id(),
        number=await next_number(work, "request"),
        requester_id=officer.id,
        state=RequestState.AWAITING_AGREEMENT,
        kind=question.kind,
        area_code=question.area_code,
        whole_area=question.whole_area,
        lat=question.lat,
        lon=question.lon,
        radius_m=question.radius_m,
        starts_at=question.windows[0].start,
        ends_at=max(each.end for each in question.windows),
        windows=[[each.start.isoformat(), each.end.isoformat()] for each in question.windows],
        purpose=question.purpose,
        is_emergency=False,
        ring=0,
        attempts=0,
        created_at=work.now,
        expires_at=work.now + timedelta(days=work.settings.request_days),
    )
    words = RequestWords(
        question.place, question.case_number, question.note, pictures=list(question.pictures)
    )
    set_words(work, request, words)
    work.session.add(request)
    await work.session.flush()
    return request
