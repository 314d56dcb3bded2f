"""Sending a request, with a second person's word where it goes beyond the limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.cameras.record import Camera
from nobs_bot.errors import Refusal
from nobs_bot.footage.matching import Candidate, Scene, candidates
from nobs_bot.footage.request import (
    Ask,
    FootageRequest,
    Kind,
    Purpose,
    Reply,
    RequestState,
    RequestWords,
    set_words,
    words_of,
)
from nobs_bot.footage.times import Window
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, name_of, person, persons_of, tell, words_for
from nobs_bot.people.roles import Role, holders, require_at
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.counters import next_number
from nobs_bot.storage.work import Work
from nobs_bot.texts import Markup, Words

MOST_NOTE_CHARACTERS = 500


@dataclass(frozen=True)
class Question:
    """What an investigator wants to ask, before it is sent."""

    lat: float
    lon: float
    area_code: str
    place: str
    radius_m: float
    windows: tuple[Window, ...]
    case_number: str
    purpose: Purpose
    note: str = ""
    kind: Kind = Kind.FOOTAGE
    whole_area: bool = False
    pictures: tuple[str, ...] = ()

    @property
    def scene(self) -> Scene:
        """Where and when."""
        return Scene(
            self.lat, self.lon, self.radius_m, self.area_code, self.windows, self.whole_area
        )

    @property
    def hours(self) -> float:
        """How long all the stretches are together."""
        return sum(each.hours for each in self.windows)


def read_case_number(work: Work, text: str) -> str:
    """
    A case number of the form that the district uses.

    Raises:
        Refusal: it is not.
    """
    clean = " ".join(text.split())
    if not re.fullmatch(work.settings.case_number_pattern, clean):
        raise Refusal("request.case.wrong", example=work.settings.case_number_example)
    return clean


def read_note(text: str) -> str:
    """Raises `Refusal` where the note is too long."""
    clean = text.strip()
    if len(clean) > MOST_NOTE_CHARACTERS:
        raise Refusal("request.note.long", most=MOST_NOTE_CHARACTERS)
    return clean


async def matching(work: Work, officer: Person, question: Question) -> list[Candidate]:
    """The cameras near the place (see `matching.candidates`)."""
    return await candidates(work, officer, question.scene)


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


def limits_passed(work: Work, question: Question, owners: int) -> list[str]:
    """Names of the limits beyond which a supervisor must agree: radius, hours, owners."""
    settings = work.settings
    passed = {
        "radius": question.radius_m > settings.request_max_radius_m,
        "hours": question.hours > settings.request_max_hours,
        "owners": owners > settings.request_max_owners,
    }
    return [name for name, is_passed in passed.items() if is_passed]


async def send(work: Work, officer: Person, question: Question) -> FootageRequest:
    """
    Send the request to the owners, or to a supervisor where it goes beyond the limits.

    Raises:
        Refusal: not the officer's area, no camera to ask, or no supervisor to ask.
    """
    await require_at(work, officer.id, Role.INVESTIGATOR, question.area_code)
    chosen = [each for each in await matching(work, officer, question) if each.is_asked]
    if not chosen:
        raise Refusal("request.nobody")
    owners = len({each.camera.owner_id for each in chosen})
    passed = limits_passed(work, question, owners)
    request = await _write(work, officer, question, RequestState.AWAITING_AGREEMENT)
    if passed:
        await _ask_supervisors(work, request, officer, passed, owners)
    else:
        await _ask_owners(work, request, officer, chosen)
    return request


async def _write(
    work: Work, officer: Person, question: Question, state: RequestState
) -> FootageRequest:
    request = FootageRequest(
        id=new_id(),
        number=await next_number(work, "request"),
        requester_id=officer.id,
        state=state,
        area_code=question.area_code,
        lat=question.lat,
        lon=question.lon,
        radius_m=question.radius_m,
        starts_at=question.windows[0].start,
        ends_at=max(each.end for each in question.windows),
        windows=[[each.start.isoformat(), each.end.isoformat()] for each in question.windows],
        kind=question.kind,
        whole_area=question.whole_area,
        purpose=question.purpose,
        created_at=work.now,
        expires_at=work.now + timedelta(days=work.settings.request_days),
    )
    words = RequestWords(question.place, question.case_number, question.note)
    set_words(work, request, words)
    work.session.add(request)
    await work.session.flush()
    return request


async def _ask_owners(
    work: Work, request: FootageRequest, officer: Person, chosen: Sequence[Candidate]
) -> None:
    owners = await persons_of(work, {each.camera.owner_id for each in chosen})
    for candidate in chosen:
        camera = candidate.camera
        ask = Ask(
            id=new_id(),
            request_id=request.id,
            camera_id=camera.id,
            owner_id=camera.owner_id,
            reply=Reply.NONE_YET,
            overwritten_at=candidate.overwritten_at,
            asked_at=work.now,
        )
        work.session.add(ask)
        record(
            work,
            Act.ASKED,
            actor_id=officer.id,
            actor_role=Role.INVESTIGATOR,
            owner_id=camera.owner_id,
            camera_id=camera.id,
            request_id=request.id,
            purpose=request.purpose.value,
            request=request.name,
        )
        owner = owners[camera.owner_id]
        message = ask_message(work, words_for(work, owner), request, ask, camera.name)
        await tell(work, owner, message, f"ask:{ask.id}")
    request.state, request.sent_at = RequestState.SENT, work.now


def ask_message(
    work: Work, words: Words, request: FootageRequest, ask: Ask, camera_name: str
) -> Message:
    """What an owner is asked: who, why, where, when, until when, and that it is voluntary."""
    said = words_of(work, request)
    lines = [
        words("ask.who", district=work.settings.district_name, request=request.name),
        words(
            "ask.what",
            purpose=Markup(words(f"purpose.{request.purpose.value}")),
            place=said.place,
            window=windows_text(words, request.asked_windows),
        ),
        words("ask.case", case=said.case_number),
        words("ask.camera", camera=camera_name),
    ]
    if said.note:
        lines.append(words("ask.note", note=said.note))
    if ask.overwritten_at and ask.overwritten_at > work.now:
        lines.append(words("ask.deadline", moment=words.moment(ask.overwritten_at)))
    elif ask.overwritten_at:
        lines.append(words("ask.deadline_partly_over"))
    lines.append(words("ask.voluntary"))
    return Message(text="\n\n".join(lines), keyboard=ask_keyboard(words, ask.id))


def ask_keyboard(words: Words, ask_id: int) -> Keyboard:
    """The owner's four answers."""
    return (
        (
            button(words("ask.has_button"), "ans.has", ask_id),
            button(words("ask.nothing_button"), "ans.nothing", ask_id),
        ),
        (
            button(words("ask.refuse_button"), "ans.refuse", ask_id),
            button(words("ask.help_button"), "ans.help", ask_id),
        ),
    )


async def _ask_supervisors(
    work: Work, request: FootageRequest, officer: Person, passed: list[str], owners: int
) -> None:
    supervisors = [
        each
        for each in await holders(work, Role.SUPERVISOR, request.area_code)
        if each.id != officer.id
    ]
    if not supervisors:
        raise Refusal("request.no_supervisor")
    for supervisor in supervisors:
        words = words_for(work, supervisor)
        text = words(
            "agree.ask",
            request=request.name,
            officer=name_of(work, officer),
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


def describe(work: Work, words: Words, request: FootageRequest) -> str:
    """The request in lines of Telegram HTML."""
    said = words_of(work, request)
    return words(
        "request.details",
        place=said.place,
        radius=words.distance(request.radius_m),
        window=windows_text(words, request.asked_windows),
        case=said.case_number,
        purpose=Markup(words(f"purpose.{request.purpose.value}")),
        note=said.note or "–",
    )


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
        await _ask_owners(work, request, officer, await _chosen_now(work, officer, request))
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
    await _tell_decision(work, request, officer, agreed, reason)
    return request


async def awaiting(work: Work, request_id: int, supervisor: Person) -> FootageRequest:
    """The request, locked, that this supervisor may decide on; raises `Refusal` otherwise."""
    query = select(FootageRequest).where(FootageRequest.id == request_id).with_for_update()
    request = (await work.session.execute(query)).scalar_one_or_none()
    if request is None:
        raise Refusal("request.not_yours")
    await require_at(work, supervisor.id, Role.SUPERVISOR, request.area_code)
    if request.requester_id == supervisor.id:
        raise Refusal("agree.own")
    if request.state is not RequestState.AWAITING_AGREEMENT:
        raise Refusal("agree.already", request=request.name)
    return request


async def _chosen_now(work: Work, officer: Person, request: FootageRequest) -> list[Candidate]:
    found = await candidates(work, officer, scene_of(request))
    return [each for each in found if each.is_asked]


def scene_of(request: FootageRequest) -> Scene:
    """Where and when a request asks for."""
    return Scene(
        request.lat,
        request.lon,
        request.radius_m,
        request.area_code,
        request.asked_windows,
        request.whole_area,
    )


def windows_text(words: Words, windows: Sequence[Window]) -> str:
    """Stretches of time in words, one a line where they are several."""
    return "\n".join(words.window(each.start, each.end) for each in windows)


async def _tell_decision(
    work: Work, request: FootageRequest, officer: Person, agreed: bool, reason: str
) -> None:
    words = words_for(work, officer)
    key = "agree.told.yes" if agreed else "agree.told.no"
    message = Message(
        text=words(key, request=request.name, reason=reason),
        keyboard=column(button(words("request.open_button"), "req.show", request.id)),
    )
    await tell(work, officer, message, f"agreed:{request.id}")
