"""The worklist of stage 2: which cameras are to be turned, who was asked, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from nobs_bot.buttons import button, column
from nobs_bot.cameras.checks import ask_check
from nobs_bot.cameras.record import Camera, State, Turning
from nobs_bot.coverage.turn import OPEN, Turn, TurnState, gain_words, how_far, turn_picture, why
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.people.roles import Role, acting_as, areas_of, covers, holds
from nobs_bot.places.geodesy import distance_m
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.leases import settle
from nobs_bot.storage.work import Work
from nobs_bot.texts import Markup

# who walks the list
ROLES = (Role.FIELD_OFFICER, Role.SUPERVISOR)
# so long after a no an owner is not asked to turn the same camera again
LEFT_IN_PEACE = timedelta(days=180)


# an owner who has said nothing, or a camera that nobody has turned, for so long: it is off the list
GIVEN_UP_AFTER = timedelta(days=60)

BUSY = (TurnState.ASKED, TurnState.AGREED, TurnState.TURNED)


# making the list


async def drop_stale(work: Work) -> None:
    """Take off the list what nobody went on with, and what holds no longer."""
    query = (
        select(Turn, Camera)
        .join(Camera, Camera.id == Turn.camera_id)
        .where(Turn.state.in_(BUSY))
        .with_for_update()
    )
    for turn, camera in (await work.session.execute(query)).all():
        moved_at = turn.answered_at or turn.asked_at or turn.proposed_at
        is_over = camera.heading_deg != turn.from_deg or camera.state is not State.APPROVED
        if is_over or moved_at < work.now - GIVEN_UP_AFTER:
            settle(turn)
            turn.state, turn.ended_at = TurnState.DROPPED, work.now


async def turnable(work: Work, area_code: str) -> list[int]:
    """Ids of an area's cameras that may be turned and that no open turn is about already."""
    busy = select(Turn.camera_id).where(Turn.state.in_(BUSY))
    refused = select(Turn.camera_id).where(
        Turn.state == TurnState.DECLINED, Turn.answered_at > work.now - LEFT_IN_PEACE
    )
    query = select(Camera.id, Camera.area_code).where(
        Camera.state == State.APPROVED,
        Camera.paused_at.is_(None),
        Camera.turning != Turning.FIXED,
        Camera.other_headings.is_(None),
        Camera.id.not_in(busy),
        Camera.id.not_in(refused),
    )
    rows = (await work.session.execute(query)).all()
    return [camera_id for camera_id, code in rows if covers(area_code, code or "")]


async def replace_proposals(work: Work, area_code: str, moves: Sequence[dict[str, Any]]) -> int:
    """Put a fresh plan in the place of an area's old proposals; returns how many there are."""
    query = select(Turn).where(Turn.state == TurnState.PROPOSED).with_for_update()
    for old in (await work.session.execute(query)).scalars():
        if covers(area_code, old.area_code):
            await work.session.delete(old)
    # an owner may have been asked while the plan was being reckoned
    busy = set(
        (await work.session.execute(select(Turn.camera_id).where(Turn.state.in_(BUSY)))).scalars()
    )
    made = 0
    for move in moves:
        camera = await work.session.get(Camera, move["camera"])
        if camera is None or not camera.is_active or camera.area_code is None:
            continue
        if camera.id in busy:
            continue
        made += 1
        work.session.add(
            Turn(
                id=new_id(),
                camera_id=camera.id,
                area_code=camera.area_code,
                state=TurnState.PROPOSED,
                from_deg=camera.heading_deg,
                to_deg=move["to_deg"],
                gain_m=move["gain_m"],
                worth=move["worth"],
                about={name: move[name] for name in ("roads", "gained", "lost")},
                proposed_at=work.now,
                attempts=0,
            )
        )
    return made


# walking it


async def worklist(
    work: Work, officer: Person, *, near: tuple[float, float] | None = None
) -> list[tuple[Turn, Camera]]:
    """
    The open turns of the officer's areas.

    Args:
        near: (lat, lon) of the officer; then the nearest comes first, else what is worth most.

    Raises:
        Refusal: the officer walks nowhere.
    """
    areas = await areas_walked(work, officer)
    query = (
        select(Turn, Camera)
        .join(Camera, Camera.id == Turn.camera_id)
        .where(Turn.state.in_(OPEN))
        .order_by(Turn.worth.desc(), Turn.id)
    )
    rows = [
        (turn, camera)
        for turn, camera in (await work.session.execute(query)).all()
        if any(covers(area, turn.area_code) for area in areas)
        and camera.is_active
        and camera.heading_deg == turn.from_deg
        and camera.area_code == turn.area_code
    ]
    if near is not None:
        rows.sort(key=lambda row: distance_m(*near, row[1].lat or 0.0, row[1].lon or 0.0))
    return rows


async def areas_walked(work: Work, officer: Person) -> list[str]:
    """The areas whose worklist the officer may see; raises `Refusal` where there is none."""
    found = {area for role in ROLES for area in await areas_of(work, officer.id, role)}
    if not found:
        raise Refusal("roles.needed")
    return sorted(found)


async def turn_for(work: Work, turn_id: int, officer: Person) -> tuple[Turn, Camera]:
    """
    One open turn, locked, for an officer who walks its area.

    Raises:
        Refusal: it is over, elsewhere, or the officer has no such role.
    """
    turn, camera = await _open(work, turn_id)
    if not any([await holds(work, officer.id, role, turn.area_code) for role in ROLES]):
        raise Refusal("roles.not_here")
    return turn, camera


async def own_turn(work: Work, turn_id: int, owner: Person) -> tuple[Turn, Camera]:
    """One open turn of the owner's own camera, locked; raises `Refusal` where it is not."""
    turn, camera = await _open(work, turn_id)
    if camera.owner_id != owner.id:
        raise Refusal("turn.over")
    return turn, camera


async def _open(work: Work, turn_id: int) -> tuple[Turn, Camera]:
    query = select(Turn).where(Turn.id == turn_id).with_for_update()
    turn = (await work.session.execute(query)).scalar_one_or_none()
    camera = await work.session.get(Camera, turn.camera_id) if turn else None
    if turn is None or camera is None or turn.state not in OPEN or not camera.is_active:
        raise Refusal("turn.over")
    if camera.heading_deg != turn.from_deg or camera.area_code != turn.area_code:
        # the owner has said since that it hangs or looks elsewhere: what was reckoned is over
        raise Refusal("turn.over")
    return turn, camera


async def ask_owner(work: Work, turn_id: int, officer: Person) -> Turn:
    """
    Ask the owner whether the camera may be turned, with the picture that the officer saw.

    Raises:
        Refusal: asked already, over, elsewhere, or the officer's own camera.
    """
    turn, camera = await turn_for(work, turn_id, officer)
    if turn.state is not TurnState.PROPOSED:
        raise Refusal("turn.asked_already")
    if camera.owner_id == officer.id:
        raise Refusal("turn.own_camera")
    turn.state, turn.asked_at, turn.asked_by = TurnState.ASKED, work.now, officer.id
    await _record(work, Act.TURN_ASKED, (turn, camera), officer)
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    message = Message(
        text=words(
            "turn.ask",
            camera=camera.name,
            how=Markup(how_far(words, turn)),
            why=Markup(why(words, turn)),
        ),
        pictures=(turn_picture(words, turn, camera),),
        keyboard=column(
            button(words("turn.yes_button"), "turn.yes", turn.id),
            button(words("turn.no_button"), "turn.no", turn.id),
            button(words("turn.fixed_button"), "turn.fixed", turn.id),
        ),
    )
    await tell(work, owner, message, f"turn:{turn.id}:ask")
    return turn


async def answer(work: Work, turn_id: int, owner: Person, reply: Turning) -> Turn:
    """
    The owner's answer; the officer who asked hears it.

    Raises:
        Refusal: the turn is over, or another's.
    """
    turn, camera = await own_turn(work, turn_id, owner)
    if turn.state is not TurnState.ASKED:
        raise Refusal("turn.answered_already")
    agreed = reply is Turning.WILLING
    camera.turning = reply
    turn.state = TurnState.AGREED if agreed else TurnState.DECLINED
    turn.answered_at = work.now
    if not agreed:
        turn.ended_at = work.now
    await _record(work, Act.TURN_ANSWERED, (turn, camera), owner, reply.value)
    await tell_officer(work, turn, camera, f"turn.told.{reply.value}")
    return turn


async def done(work: Work, turn_id: int, who: Person) -> tuple[Turn, bool]:
    """
    The owner or an officer says that the camera was turned.

    Returns:
        The turn, and whether a still will show it; else somebody has to look.

    Raises:
        Refusal: the owner has not agreed yet, or it is over or another's.
    """
    turn, camera = await _open(work, turn_id)
    if camera.owner_id != who.id:
        turn, camera = await turn_for(work, turn_id, who)
    if turn.state is not TurnState.AGREED:
        raise Refusal("turn.not_agreed")
    turn.state = TurnState.TURNED
    can_look = camera.share_stills and camera.stream is not None and camera.reference_check_id
    if not can_look:
        await tell_officer(work, turn, camera, "turn.told.look", look=True)
        return turn, False
    check = await ask_check(work, camera, tell_owner=False)
    turn.check_id = check.id
    turn.due_at, turn.attempts = work.now, 0
    return turn, True


async def seen_by_eye(work: Work, turn_id: int, officer: Person) -> tuple[Turn, Camera]:
    """
    An officer has looked: the camera faces where it was to face.

    Raises:
        Refusal: nobody said yet that it was turned, it is over, or the officer's own camera.
    """
    turn, camera = await turn_for(work, turn_id, officer)
    if turn.state not in (TurnState.AGREED, TurnState.TURNED):
        raise Refusal("turn.not_agreed")
    if camera.owner_id == officer.id:
        raise Refusal("turn.own_camera")
    await confirm(work, turn, camera, turn.to_deg, by=officer)
    return turn, camera


async def confirm(
    work: Work, turn: Turn, camera: Camera, heading_deg: float, *, by: Person | None
) -> None:
    """The camera looks elsewhere from now on; the owner is thanked with what it brought."""
    settle(turn)
    turn.state, turn.ended_at, turn.to_deg = TurnState.CONFIRMED, work.now, heading_deg
    camera.heading_deg, camera.heading_unknown = round(heading_deg) % 360, False
    camera.turning = Turning.WILLING
    camera.drift = camera.drift_since = camera.drift_told_at = None
    camera.reference_check_id = turn.check_id or None
    record(
        work,
        Act.TURNED,
        actor_id=by.id if by else None,
        actor_role=await acting_as(work, by.id, turn.area_code) if by else None,
        owner_id=camera.owner_id,
        camera_id=camera.id,
        heading_deg=camera.heading_deg,
    )
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    thanks = words("turn.thanks", camera=camera.name, gain=Markup(gain_words(words, turn)))
    show = column(button(words("cameras.open_button"), "cam.show", camera.id))
    message = Message(
        text=thanks, keyboard=show, pictures=(turn_picture(words, turn, camera, turned=True),)
    )
    await tell(work, owner, message, f"turn:{turn.id}:thanks")
    if by is None:
        await tell_officer(work, turn, camera, "turn.told.confirmed")


async def erase_turns(work: Work, camera_id: int) -> None:
    """A camera was withdrawn: nobody is to turn it, and where it hung is forgotten."""
    await work.session.execute(delete(Turn).where(Turn.camera_id == camera_id))


class TurnHolder:
    """The worklist's part in a person's rights over their data."""

    name = "camera_turns"

    async def export(self, work: Work, person_id: int) -> list[dict[str, Any]]:
        """What the person was asked to turn, and what came of it."""
        query = (
            select(Turn, Camera)
            .join(Camera, Camera.id == Turn.camera_id)
            .where(Camera.owner_id == person_id, Turn.asked_at.is_not(None))
            .order_by(Turn.id)
        )
        return [
            {
                "camera": camera.name,
                "state": turn.state,
                "from_deg": turn.from_deg,
                "to_deg": turn.to_deg,
                "asked_at": turn.asked_at.isoformat() if turn.asked_at else None,
                "answered_at": turn.answered_at.isoformat() if turn.answered_at else None,
            }
            for turn, camera in (await work.session.execute(query)).all()
        ]

    async def erase(self, work: Work, person_id: int) -> None:
        """Forget every turn of the person's cameras."""
        owned = select(Camera.id).where(Camera.owner_id == person_id)
        await work.session.execute(delete(Turn).where(Turn.camera_id.in_(owned)))


async def _record(
    work: Work, act: Act, about: tuple[Turn, Camera], actor: Person, reply: str = ""
) -> None:
    turn, camera = about
    is_owner = camera.owner_id == actor.id
    record(
        work,
        act,
        actor_id=actor.id,
        actor_role=None if is_owner else await acting_as(work, actor.id, turn.area_code),
        owner_id=camera.owner_id,
        camera_id=camera.id,
        to_deg=turn.to_deg,
        reply=reply,
    )


async def tell_owner(work: Work, turn: Turn, camera: Camera, key: str) -> None:
    """What the pictures say, with the way on where there is one."""
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    text = words(
        key,
        camera=camera.name,
        how=Markup(how_far(words, turn)),
        moved=round(abs(turn.moved_deg or 0)),
    )
    done_button = button(words("turn.done_button"), "turn.done", turn.id)
    keyboard = column(done_button if turn.state is TurnState.AGREED else None)
    occasion = f"turn:{turn.id}:{key}:{work.now.timestamp():.0f}"
    await tell(work, owner, Message(text=text, keyboard=keyboard), occasion)


async def tell_officer(
    work: Work, turn: Turn, camera: Camera, key: str, *, look: bool = False
) -> None:
    """The officer who asked, where they still walk there."""
    if turn.asked_by is None:
        return
    officer = await person(work, turn.asked_by)
    if not any([await holds(work, officer.id, role, turn.area_code) for role in ROLES]):
        return
    words = words_for(work, officer)
    keyboard = column(
        button(words("turn.eye_button"), "turn.eye", turn.id) if look else None,
        button(words("turn.open_button"), "turn.show", turn.id) if turn.state in OPEN else None,
    )
    text = words(key, camera=camera.name, gain=Markup(gain_words(words, turn)))
    is_over = turn.state is TurnState.CONFIRMED
    pictures = (turn_picture(words, turn, camera, turned=True),) if is_over else ()
    occasion = f"turn:{turn.id}:{key}:officer:{work.now.timestamp():.0f}"
    await tell(
        work,
        officer,
        Message(text=text, keyboard=keyboard, pictures=pictures, protected=True),
        occasion,
    )
