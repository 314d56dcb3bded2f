"""Asking the owners of the cameras that may have seen it: at first, in a wider ring, once saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.between import Walls
from nobs_bot.coverage.ways import Ways
from nobs_bot.errors import Refusal
from nobs_bot.footage.matching import Candidate, Reason, Scene, candidates
from nobs_bot.footage.reminders import schedule_reminder
from nobs_bot.footage.request import (
    Ask,
    FootageRequest,
    Kind,
    Reply,
    RequestState,
    asks_of,
)
from nobs_bot.footage.wording import ask_message
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import Delivery, delivery_of
from nobs_bot.people.persons import Person, persons_of, tell_each, words_for
from nobs_bot.people.roles import Role
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import Work

# a recorder's clock drifts; what was read longer ago is not told to anybody as a fact
CLOCK_GOOD_FOR = timedelta(days=180)
# a message takes a moment; only what takes longer is worth an officer's attention
_SOON = timedelta(minutes=1)


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


async def ask_owners(work: Work, request: FootageRequest, chosen: Sequence[Candidate]) -> None:
    """Ask for each of the cameras that still take part; the request is sent from now on."""
    chosen = await _still_there(work, chosen)
    owners = await persons_of(work, {each.camera.owner_id for each in chosen})
    request.state, request.sent_at = RequestState.SENT, request.sent_at or work.now
    letters = []
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
            ring=request.ring,
            reminders=0,
            clock_error_s=known_clock_error(work, camera),
            attempts=0,
        )
        schedule_reminder(work, ask, request)
        work.session.add(ask)
        letters.append(_question(work, request, ask, camera, owners[camera.owner_id]))
    await tell_each(work, letters)


async def _still_there(work: Work, chosen: Sequence[Candidate]) -> list[Candidate]:
    """Those whose owners have not withdrawn them meanwhile; until we commit, they wait with it."""
    ids = [each.camera.id for each in chosen]
    query = (
        select(Camera)
        .where(Camera.id.in_(ids))
        .order_by(Camera.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    found = (await work.session.execute(query)).scalars()
    there = {camera.id for camera in found if camera.gives_footage}
    return [each for each in chosen if each.camera.id in there]


def known_clock_error(work: Work, camera: Camera) -> int | None:
    """How many seconds the recorder's clock is ahead, where it was read lately."""
    if camera.clock_read_at is None or camera.clock_read_at < work.now - CLOCK_GOOD_FOR:
        return None
    return camera.clock_error_s


def _question(
    work: Work, request: FootageRequest, ask: Ask, camera: Camera, owner: Person
) -> tuple[Person, Message, str]:
    """Who is told what on which occasion; that they were asked goes into their log."""
    record(
        work,
        Act.ASKED,
        actor_id=request.requester_id,
        actor_role=Role.INVESTIGATOR,
        owner_id=ask.owner_id,
        camera_id=ask.camera_id,
        request_id=request.id,
        purpose=request.purpose.value,
        request=request.name,
    )
    message = ask_message(work, words_for(work, owner), request, ask, camera.name)
    return owner, message, asked_key(ask, request)


def asked_key(ask: Ask, request: FootageRequest) -> str:
    """The occasion of the question to an owner, as the outbox knows it."""
    return f"ask:{ask.id}:{request.kind.value}"


async def standing(work: Work, request: FootageRequest, ask: Ask, *, is_away: bool) -> str:
    """
    How an ask stands: the reply, or that the question has not arrived.

    Telegram does not tell a bot who has read; whether it was delivered, it does.

    Args:
        is_away: The owner has blocked the bot.

    Returns:
        A `Reply`, "unreachable" or "not_sent_yet".
    """
    if ask.reply is not Reply.NONE_YET:
        return ask.reply.value
    delivery = await delivery_of(work, asked_key(ask, request))
    if is_away or delivery is Delivery.FAILED:
        return "unreachable"
    if delivery is Delivery.PENDING and ask.asked_at < work.now - _SOON:
        return "not_sent_yet"
    return ask.reply.value


async def next_ring(
    work: Work,
    request: FootageRequest,
    officer: Person,
    ways: Ways = (),
    walls: Walls | None = None,
) -> int:
    """
    Ask for the cameras in twice the radius, and on the ways to and from, that were not asked yet.

    Returns:
        How many cameras that are.

    Raises:
        Refusal: another's request, one that is not open, beyond the limits, or nobody there.
    """
    most_m = work.settings.request_max_radius_m
    _require_open(request, officer)
    if request.whole_area or request.radius_m > most_m:
        raise Refusal("request.ring.limit", most=most_m)
    if request.is_beyond_limits:
        # a second person agreed to these owners, or looks at them still; no more than these
        raise Refusal("request.ring.agreed", request=request.name)
    radius_m = min(request.radius_m * 2, most_m)
    scene = replace(scene_of(request), radius_m=radius_m, ways=ways, walls=walls)
    found = await candidates(work, officer, scene, asked_by=request.id)
    chosen = [each for each in found if each.is_asked or each.reason is Reason.ON_THE_WAY]
    if not chosen and radius_m == request.radius_m:
        raise Refusal("request.ring.limit", most=most_m)
    if not chosen:
        raise Refusal("request.ring.nobody", radius=radius_m)
    owners = {each.owner_id for each in await asks_of(work, request.id)}
    owners |= {each.camera.owner_id for each in chosen}
    if len(owners) > work.settings.request_max_owners:
        raise Refusal("request.ring.owners", most=work.settings.request_max_owners)
    request.radius_m, request.ring = radius_m, request.ring + 1
    await ask_owners(work, request, chosen)
    return len(chosen)


async def ask_for_what_was_saved(work: Work, request: FootageRequest, officer: Person) -> int:
    """
    Ask for the footage that owners were only asked to save.

    Returns:
        How many cameras are asked for.

    Raises:
        Refusal: another's request, one that is not open, or nobody who may still have it.
    """
    _require_open(request, officer)
    if request.kind is not Kind.PRESERVE:
        raise Refusal("buttons.stale")
    hopeful = (Reply.SAVED, Reply.HAS, Reply.HELP, Reply.NONE_YET)
    asks = []
    for ask in await asks_of(work, request.id):
        camera = await work.session.get(Camera, ask.camera_id)
        if camera is not None and camera.gives_footage and ask.reply in hopeful:
            asks.append((ask, camera))
    if not asks:
        raise Refusal("request.saved.nobody")
    request.kind = Kind.FOOTAGE
    owners = await persons_of(work, {ask.owner_id for ask, _ in asks})
    letters = []
    for ask, camera in asks:
        ask.reminders = 0
        schedule_reminder(work, ask, request)
        letters.append(_question(work, request, ask, camera, owners[ask.owner_id]))
    await tell_each(work, letters)
    return len(asks)


def _require_open(request: FootageRequest, officer: Person) -> None:
    if request.requester_id != officer.id:
        raise Refusal("request.not_yours")
    if request.state is not RequestState.SENT:
        raise Refusal("request.closed_already", request=request.name)
