"""
Drift: a camera that no longer shows what it was enrolled with.

Regular checks, for which the owner has shared stills, hold the new still against the enrolled one.
The owner is asked first, and an officer only hears of it after three days.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from nobs_bot.buttons import Keyboard, button, column
from nobs_bot.cameras.checks import Check, ask_check
from nobs_bot.cameras.health import health_of
from nobs_bot.cameras.record import Camera, Drift, State
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.persons import person, tell, words_for
from nobs_bot.people.roles import Role, holders
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.crypto import KeyProblem
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.work import Office, Work
from nobs_bot.streams.children import ForkserverBroken
from nobs_bot.streams.comparison import Change, Comparison
from nobs_bot.streams.report import CheckReport, Finding
from nobs_bot.texts import Words

OFFICER_AFTER = timedelta(days=3)
# an owner's cleaning cloth or a gust moves a camera by less, and a heading is no better known
TOLERATED_DEG = 10.0
# between these hours of the district's day a black picture is nothing that the night explains
DAY_FROM_HOUR, DAY_UNTIL_HOUR = 7, 17

# (enrolled still, new still, width in degrees): how they differ
Compare = Callable[[bytes, bytes, float], Awaitable[Comparison]]


async def ask_regular_checks(work: Work, *, limit: int = 5) -> int:
    """Put cameras that were not looked at for long into the queue; returns how many."""
    before = work.now - timedelta(days=work.settings.check_days)
    waits = select(Check.camera_id).where(Check.due_at.is_not(None))
    query = (
        select(Camera)
        .where(
            Camera.state == State.APPROVED,
            Camera.paused_at.is_(None),
            Camera.share_stills.is_(True),
            Camera.stream.is_not(None),
            or_(Camera.checked_at.is_(None), Camera.checked_at < before),
            Camera.id.not_in(waits),
        )
        .order_by(Camera.checked_at.nulls_first())
        .limit(limit)
    )
    cameras = (await work.session.execute(query)).scalars().all()
    for camera in cameras:
        (await ask_check(work, camera, tell_owner=False)).is_regular = True
    return len(cameras)


async def drift_of(
    office: Office, files: FileStore, compare: Compare, check: Check, report: CheckReport
) -> Drift | None:
    """How a regular check's picture differs from the enrolled one; None where it does not."""
    if report.still is None:
        return Drift.DEAD
    if _is_covered(office, report):
        return Drift.COVERED
    async with office.look() as work:
        camera = await work.session.get(Camera, check.camera_id)
        reference_id = camera.reference_check_id if camera else None
        reference = await work.session.get(Check, reference_id) if reference_id else None
    if camera is None or reference is None or reference.still_name is None:
        return None
    if camera.is_panning:
        # it looks elsewhere all the time
        return None
    try:
        enrolled = await files.get(reference.still_name)
        width_deg = camera.width.degrees if camera.width else 80.0
        seen = await compare(enrolled, report.still, width_deg)
    except (FileNotFoundError, KeyProblem, ForkserverBroken, TimeoutError):
        return None  # nothing to hold it against today
    is_turned = seen.change is Change.TURNED and abs(seen.yaw_deg or 0) > TOLERATED_DEG
    return Drift.MOVED if is_turned or seen.change is Change.ELSEWHERE else None


def _is_covered(office: Office, report: CheckReport) -> bool:
    hour = office.clock.now().astimezone(office.settings.zone).hour
    is_day = DAY_FROM_HOUR <= hour < DAY_UNTIL_HOUR
    return Finding.COVERED in report.findings or (is_day and Finding.BLACK in report.findings)


async def note_drift(work: Work, camera: Camera, check: Check, drift: Drift | None) -> None:
    """Keep what a regular check has shown; the owner is asked when it is new."""
    if drift is None:
        camera.drift = camera.drift_since = camera.drift_told_at = None
        return
    if camera.drift is not None:
        camera.drift = drift
        return
    camera.drift, camera.drift_since, camera.drift_told_at = drift, work.now, None
    record(
        work,
        Act.DRIFTED,
        actor_id=None,
        owner_id=camera.owner_id,
        camera_id=camera.id,
        drift=drift.value,
    )
    health = await health_of(work, camera.id)
    if drift is Drift.DEAD and health is not None and health.told_at is not None:
        # whoever was told that it does not answer need not hear it again
        return
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    message = Message(
        text=words(f"drift.ask.{drift}", camera=camera.name),
        keyboard=_ways_out(words, camera, drift),
        pictures=await _pictures(work, camera, check),
    )
    await tell(work, owner, message, f"drift:{check.id}")


def _ways_out(words: Words, camera: Camera, drift: Drift) -> Keyboard:
    again = button(words("drift.again_button"), "cam.check", camera.id)
    change = {
        Drift.MOVED: button(words("drift.view_button"), "enrol.edit", camera.id, "view"),
        Drift.DEAD: button(words("drift.stream_button"), "enrol.edit", camera.id, "stream"),
    }.get(drift)
    pause = button(words("drift.pause_button"), "cam.pause", camera.id)
    return column(again, change, pause)


async def _pictures(work: Work, camera: Camera, check: Check) -> tuple[Picture, ...]:
    """The enrolled still and the new one, so that the owner sees what is meant."""
    names = [check.still_name]
    if camera.reference_check_id:
        reference = await work.session.get(Check, camera.reference_check_id)
        names.insert(0, reference.still_name if reference else None)
    return tuple(Picture(kind=PictureKind.FILE, name=name) for name in names if name)


async def tell_officers(work: Work, *, limit: int = 20) -> int:
    """Field officers hear of drift that has lasted for three days; returns of how many cameras."""
    query = (
        select(Camera)
        .where(
            Camera.drift.is_not(None),
            Camera.drift_told_at.is_(None),
            Camera.drift_since < work.now - OFFICER_AFTER,
            Camera.state == State.APPROVED,
            Camera.paused_at.is_(None),
        )
        .limit(limit)
    )
    cameras = (await work.session.execute(query)).scalars().all()
    for camera in cameras:
        camera.drift_told_at = work.now
        for officer in await holders(work, Role.FIELD_OFFICER, camera.area_code or ""):
            if officer.id == camera.owner_id:
                continue
            words = words_for(work, officer)
            text = words(
                f"drift.told.{camera.drift}", camera=camera.name, since=words.date(_since(camera))
            )
            occasion = f"drift:{camera.id}:{_since(camera).timestamp():.0f}:{officer.id}"
            await tell(work, officer, Message(text=text, protected=True), occasion)
    return len(cameras)


def _since(camera: Camera) -> datetime:
    assert camera.drift_since is not None
    return camera.drift_since
