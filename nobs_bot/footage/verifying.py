"""Reading stored clips again on a schedule, to know that not a byte of them has changed."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from nobs_bot.buttons import button, column
from nobs_bot.cameras.record import Camera
from nobs_bot.footage.request import Clip, ClipState, FootageRequest
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.people.roles import Role, holders
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.crypto import KeyProblem
from nobs_bot.storage.digests import Digests
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.leases import claim, held, holding
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

EVERY = timedelta(days=30)
_LEASE = timedelta(minutes=5)


def first_check_at(now: datetime, clip_id: int) -> datetime:
    """When a fresh clip is read again: some day of the period, so that no day has all the work."""
    # the ids' low bits are chance
    return now + EVERY * ((clip_id % 1000 + 1) / 1000)


async def verify_clips(office: Office, files: FileStore) -> int:
    """Read one clip that is due, and compare; returns how many were read."""
    async with office.work() as work:
        rows = await claim(work, Clip, Clip.state == ClipState.STORED, lease=_LEASE, limit=1)
    for row in rows:
        async with holding(office, Clip, row.id, row.attempts, _LEASE):
            await _verify(office, files, row)
    return len(rows)


async def _verify(office: Office, files: FileStore, row: Clip) -> None:
    assert row.file_name is not None
    digests, problem = await read_anew(files, row.file_name)
    if problem is None and digests.sha256 != row.sha256:
        problem = "its SHA-256 is another"
    async with office.work() as work:
        clip = await held(work, Clip, row.id, row.attempts)
        if clip is None or clip.state is not ClipState.STORED:
            return
        clip.due_at, clip.lease_until = work.now + EVERY, None
        if problem is None:
            clip.verified_at, clip.damaged_at, clip.last_error = work.now, None, None
            # what was taken over before there were blocks gets them now
            clip.crc32, clip.blocks = digests.crc32, digests.blocks
        elif clip.damaged_at is None:
            log.error("clip %s is damaged: %s", clip.id, problem)
            clip.damaged_at, clip.last_error = work.now, problem
            await _tell(work, clip)


async def read_anew(files: FileStore, name: str) -> tuple[Digests, str | None]:
    """Digests of a stored file as it is now, and what is wrong with it; None where nothing is."""
    digests = Digests()
    try:
        async for chunk in files.stream(name):
            await asyncio.to_thread(digests.add, chunk)
    except FileNotFoundError:
        return digests, "it is gone from the store"
    except KeyProblem as exc:
        return digests, str(exc)
    return digests, None


async def _tell(work: Work, clip: Clip) -> None:
    """Record the damage, and tell those who can do something: administrators and the officer."""
    request = await work.session.get(FootageRequest, clip.request_id)
    camera = await work.session.get(Camera, clip.camera_id)
    assert request is not None
    record(
        work,
        Act.CLIP_DAMAGED,
        actor_id=None,
        owner_id=clip.owner_id,
        camera_id=clip.camera_id,
        request_id=request.id,
        request=request.name,
        sha256=clip.sha256,
    )
    told: dict[int, Person] = {
        each.id: each for each in await holders(work, Role.ADMINISTRATOR, request.area_code)
    }
    told[request.requester_id] = await person(work, request.requester_id)
    for who in told.values():
        words = words_for(work, who)
        text = words(
            "evidence.damaged",
            request=request.name,
            camera=camera.name if camera else "–",
            sha256=clip.sha256 or "",
            moment=words.moment(work.now),
        )
        is_officer = who.id == request.requester_id
        open_it = button(words("request.open_button"), "req.show", request.id)
        message = Message(text=text, keyboard=column(open_it if is_officer else None))
        occasion = f"damaged:{clip.id}:{int(work.now.timestamp())}:{who.id}"
        await tell(work, who, message, occasion)
