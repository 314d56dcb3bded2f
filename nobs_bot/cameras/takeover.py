"""What an owner does with what was recorded: take it over, or have it erased."""

from __future__ import annotations

from collections.abc import Sequence

from nobs_bot.cameras.claim import note_refused, opened, recorded_for
from nobs_bot.cameras.record import Camera, Contact, State, contact_of, set_contact
from nobs_bot.cameras.recording import erase_recording, forget_nobody
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.consent import current_consent
from nobs_bot.people.persons import Person, name_of, person, phone_of, tell, words_for
from nobs_bot.people.roles import Role
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.work import Work


async def take_over(work: Work, who: Person, claim_id: int) -> Sequence[Camera]:
    """
    The recorded cameras become drafts of *who*, who fills the gaps and sends them.

    Raises:
        Refusal: without consent, or the link is over.
    """
    cameras = await opened(work, who, claim_id)
    if await current_consent(work, who) is None:
        raise Refusal("consent.needed")
    stood_for_them = cameras[0].owner_id
    for camera in cameras:
        _hand(work, camera, who)
    await work.session.flush()
    await forget_nobody(work, stood_for_them)
    await _tell_officer(work, cameras[0], "claim.taken_told", len(cameras))
    return cameras


def _hand(work: Work, camera: Camera, who: Person) -> None:
    camera.owner_id, camera.state, camera.touched_at = who.id, State.DRAFT, work.now
    known = contact_of(work, camera)
    # what Telegram vouches for is better than what was written down
    is_better = who.phone_verified or not known.phone
    phone, verified = (
        (phone_of(work, who), who.phone_verified) if is_better else (known.phone, False)
    )
    set_contact(work, camera, Contact(known.name or name_of(work, who), phone, verified))
    # the owner reads when it was written down, not when they heard of it
    assert camera.recorded_at is not None
    record(
        work,
        Act.RECORDED,
        actor_id=camera.recorded_by,
        actor_role=Role.FIELD_OFFICER if camera.recorded_by else None,
        owner_id=who.id,
        camera_id=camera.id,
        at=camera.recorded_at,
    )
    record(work, Act.CLAIMED, actor_id=who.id, owner_id=who.id, camera_id=camera.id)


async def turn_down(work: Work, who: Person, claim_id: int) -> int:
    """
    Erase at once what was recorded, with what the officer has not finished.

    Returns:
        How many cameras it was.

    Raises:
        Refusal: the link is over.
    """
    offered = await opened(work, who, claim_id)
    cameras = await recorded_for(work, offered[0].owner_id, unfinished=True)
    await _tell_officer(work, cameras[0], "claim.erased_told", len(cameras))
    for camera in cameras:
        await note_refused(work, camera)
        await erase_recording(work, camera, actor=who)
    return len(cameras)


async def _tell_officer(work: Work, camera: Camera, key: str, count: int) -> None:
    if camera.recorded_by is None:
        return
    officer = await person(work, camera.recorded_by)
    words = words_for(work, officer)
    text = words.plural(key, count)
    await tell(work, officer, Message(text=text), f"{key}:{camera.id}")
