"""Was it turned? The new still is held against the enrolled one, and the record follows."""

from __future__ import annotations

import logging
from datetime import timedelta

from nobs_bot.cameras.checks import Check
from nobs_bot.cameras.record import Camera
from nobs_bot.coverage.surveyor import Surveyor, standing
from nobs_bot.coverage.turn import Turn, TurnState
from nobs_bot.coverage.worklist import confirm, tell_officer, tell_owner
from nobs_bot.errors import ExternalError
from nobs_bot.storage.crypto import KeyProblem
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.leases import claim, held, holding, postpone, settle
from nobs_bot.storage.work import Office, Work
from nobs_bot.streams.children import Children
from nobs_bot.streams.comparison import Change, Comparison, compare_in_child

log = logging.getLogger(__name__)

# so near to what was asked for is as asked: nobody turns a camera by hand to the degree
AS_ASKED_DEG = 15.0
_LEASE = timedelta(minutes=3)
_CHECK_AGAIN = timedelta(seconds=1)
# a check that does not come to an end in so many looks has broken off for good
_MOST_LOOKS = 600


async def verify_turns(
    office: Office, files: FileStore, children: Children, surveyor: Surveyor
) -> int:
    """Look whether one camera was turned; returns how many were looked at."""
    async with office.work() as work:
        rows = await claim(work, Turn, Turn.state == TurnState.TURNED, lease=_LEASE, limit=1)
    for row in rows:
        async with holding(office, Turn, row.id, row.attempts, _LEASE):
            try:
                await _verify(office, files, children, surveyor, row)
            except (ExternalError, KeyProblem, FileNotFoundError) as exc:
                log.warning("a turn could not be looked at: %s", type(exc).__name__)
                await _look_by_eye(office, row)
    return len(rows)


async def _verify(
    office: Office, files: FileStore, children: Children, surveyor: Surveyor, row: Turn
) -> None:
    async with office.work() as work:
        turn = await held(work, Turn, row.id, row.attempts)
        check = await work.session.get(Check, row.check_id) if row.check_id else None
        if turn is None:
            return
        if check is not None and check.due_at is not None and turn.attempts < _MOST_LOOKS:
            postpone(work, turn, _CHECK_AGAIN)  # it is still being checked
            return
        pictures = await _stills(work, turn, check)
        width_deg = await _width(work, turn)
    if pictures is None:
        await _look_by_eye(office, row)
        return
    before, after = [await files.get(name) for name in pictures]
    seen = await compare_in_child(children, before, after, width_deg)
    await _conclude(office, surveyor, row, seen)


async def _stills(work: Work, turn: Turn, check: Check | None) -> tuple[str, str] | None:
    """Names of the enrolled still and the new one; None where one is missing."""
    camera = await work.session.get(Camera, turn.camera_id)
    if camera is None or camera.reference_check_id is None or check is None:
        return None
    reference = await work.session.get(Check, camera.reference_check_id)
    if reference is None or reference.still_name is None or check.still_name is None:
        return None
    return reference.still_name, check.still_name


async def _width(work: Work, turn: Turn) -> float:
    camera = await work.session.get(Camera, turn.camera_id)
    return camera.width.degrees if camera and camera.width else 80.0


async def _conclude(office: Office, surveyor: Surveyor, row: Turn, seen: Comparison) -> None:
    if seen.change is Change.SAME:
        await _back(office, row, "turn.told.same", 0.0)
        return
    if seen.change is not Change.TURNED or seen.yaw_deg is None or row.from_deg is None:
        await _look_by_eye(office, row)
        return
    heading_deg = round(row.from_deg + seen.yaw_deg) % 360
    off_deg = abs((heading_deg - row.to_deg + 180) % 360 - 180)
    if off_deg > AS_ASKED_DEG:
        await _back(office, row, "turn.told.otherwise", seen.yaw_deg)
        return
    # what it has brought is reckoned for where it looks now, which is seldom quite as asked
    async with office.look() as work:
        stand = await standing(work)
    if all(camera_id != row.camera_id for camera_id, *_ in stand.cameras):
        await _look_by_eye(office, row)  # paused or covered meanwhile
        return
    brought = await surveyor.ask("gain", stand, camera=row.camera_id, to_deg=float(heading_deg))
    async with office.work() as work:
        turn = await held(work, Turn, row.id, row.attempts)
        camera = await work.session.get(Camera, row.camera_id)
        if turn is None or camera is None or not camera.is_active:
            return
        turn.moved_deg, turn.gain_m, turn.worth = seen.yaw_deg, brought["gain_m"], brought["worth"]
        turn.about = {name: brought[name] for name in ("roads", "gained", "lost")}
        await confirm(work, turn, camera, heading_deg, by=None)


async def _back(office: Office, row: Turn, key: str, moved_deg: float) -> None:
    """It was not turned, or elsewhere: the owner hears what the picture shows, and may go on."""
    async with office.work() as work:
        turn = await held(work, Turn, row.id, row.attempts)
        camera = await work.session.get(Camera, row.camera_id)
        if turn is None or camera is None:
            return
        settle(turn)
        turn.state, turn.moved_deg = TurnState.AGREED, moved_deg
        await tell_owner(work, turn, camera, key)


async def _look_by_eye(office: Office, row: Turn) -> None:
    """The pictures do not tell: an officer is asked to look."""
    async with office.work() as work:
        turn = await held(work, Turn, row.id, row.attempts)
        camera = await work.session.get(Camera, row.camera_id)
        if turn is None or camera is None:
            return
        settle(turn)
        await tell_owner(work, turn, camera, "turn.told.unclear")
        await tell_officer(work, turn, camera, "turn.told.look", look=True)
