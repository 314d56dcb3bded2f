"""Checks of a camera's stream: asked for, run side by side, never two of one camera, kept."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import BigInteger, ForeignKey, Index, exists, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, aliased, mapped_column
from sqlalchemy.types import JSON

from nobs_bot.cameras.connection import stream_of
from nobs_bot.cameras.findings import progress_text, result_message
from nobs_bot.cameras.health import look_soon
from nobs_bot.cameras.record import Camera, State
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import person, tell, words_for
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.doomed import doom, doom_unless_kept, keep
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.leases import Job, backoff, claim, held, postpone, settle
from nobs_bot.storage.work import Office, Work
from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.check import CheckReport, Finding, Stage

log = logging.getLogger(__name__)

# longer than any check takes between two of its stages
LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 5
# well after sunset and well before sunrise at Jakarta's latitude, the year round
DARK_FROM_HOUR, DARK_UNTIL_HOUR = 19, 5
OnStage = Callable[[Stage], Awaitable[None]]


class Check(Job):
    """
    One look at one camera's stream.

    `report` is what `CheckReport.as_dict` gives, without any secret; `still_name` is the picture in
    the file store. While it waits or runs, `due_at` is set. One that is regular was asked for by
    the calendar, and its still is held against the enrolled one (see `drift`).
    """

    __tablename__ = "camera_checks"
    __table_args__ = (Index(None, "camera_id"),)

    camera_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cameras.id"))
    tell_owner: Mapped[bool]
    is_regular: Mapped[bool] = mapped_column(default=False)
    stage: Mapped[str | None]
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON().with_variant(JSONB, "postgresql"))
    still_name: Mapped[str | None]
    asked_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


# what is kept of a report besides it, in the transaction that keeps the report
Keep = Callable[[Work, Camera, Check], Awaitable[None]]
Then = Callable[[Check, CheckReport], Awaitable[Keep]]


class Checker(Protocol):
    """Looks at a stream (see `streams.check.StreamChecker`)."""

    async def check(self, address: StreamAddress, on_stage: OnStage | None = None) -> CheckReport:
        """The report; an unreachable camera is one too."""
        ...


async def ask_check(work: Work, camera: Camera, *, tell_owner: bool) -> Check:
    """Put a check into the queue; one that waits already serves."""
    query = select(Check).where(Check.camera_id == camera.id, Check.due_at.is_not(None))
    waiting = (await work.session.execute(query)).scalars().first()
    if waiting is not None and waiting.lease_until is None:
        waiting.tell_owner = waiting.tell_owner or tell_owner
        return waiting
    check = Check(
        id=new_id(),
        camera_id=camera.id,
        tell_owner=tell_owner,
        asked_at=work.now,
        due_at=work.now,
        attempts=0,
    )
    work.session.add(check)
    return check


async def last_check(work: Work, camera: Camera) -> Check | None:
    """The last check that came to an end."""
    return await work.session.get(Check, camera.last_check_id) if camera.last_check_id else None


async def is_being_checked(work: Work, camera_id: int) -> bool:
    """Whether a check of this camera waits or runs."""
    query = select(Check.id).where(Check.camera_id == camera_id, Check.due_at.is_not(None))
    return (await work.session.execute(query)).first() is not None


async def drop_checks(work: Work, camera_id: int) -> None:
    """Remove every check of a camera, with its pictures."""
    # locked: one that ends at this moment gets its picture first
    query = select(Check).where(Check.camera_id == camera_id).with_for_update()
    for check in (await work.session.execute(query)).scalars():
        doom(work, check.still_name)
        await work.session.delete(check)


async def claim_checks(work: Work, limit: int) -> list[Check]:
    """Take checks that are due, at most one of a camera, none of a camera that is being checked."""
    other = aliased(Check)
    is_running = exists().where(
        other.camera_id == Check.camera_id, other.id != Check.id, other.lease_until > work.now
    )
    has_elder = exists().where(
        other.camera_id == Check.camera_id, other.id < Check.id, other.due_at.is_not(None)
    )
    rows = await claim(work, Check, ~is_running, ~has_elder, lease=LEASE, limit=limit)
    return list(rows)


async def run_check(
    office: Office,
    files: FileStore,
    checker: Checker,
    check: Check,
    then: Then | None = None,
) -> None:
    """
    Look at the camera, keep what was seen and tell the owner.

    Args:
        then: Looks at the report of a regular check, or of any where the camera had drifted; what
            it returns keeps what it has found.
    """
    async with office.look() as work:
        camera = await work.session.get(Camera, check.camera_id)
        address = stream_of(work, camera) if camera else None
        # also one that the owner asked for once the camera was put right
        is_held = check.is_regular or (camera is not None and camera.drift is not None)
    if address is None:
        await _cancel(office, check)
        return
    try:
        report = await checker.check(address, _progress(office, check))
        still = await _write_still(office, files, check, report)
        keep_more = await then(check, report) if then is not None and is_held else None
    except Exception as exc:
        # the message may hold the address; its type is all that is safe to keep
        log.exception("check %s broke off", check.id)
        await _again(office, check, type(exc).__name__)
        return
    await _finish(office, check, address, (report, still), keep_more)


def _progress(office: Office, check: Check) -> OnStage:
    async def on_stage(stage: Stage) -> None:
        async with office.work() as work:
            current = await held(work, Check, check.id, check.attempts)
            if current is None:
                return
            current.stage = stage.value
            current.lease_until = work.now + LEASE
            if current.tell_owner:
                await _tell_stage(work, current, stage)

    return on_stage


async def _tell_stage(work: Work, check: Check, stage: Stage) -> None:
    camera = await work.session.get(Camera, check.camera_id)
    if camera is None:
        return
    owner = await person(work, camera.owner_id)
    message = Message(text=progress_text(words_for(work, owner), stage), slot=slot_of(check.id))
    await tell(work, owner, message, f"check:{check.id}:{check.attempts}:{stage.value}")


def slot_of(check_id: int) -> str:
    """The slot of the message that shows a check's progress."""
    return f"check:{check_id}"


@dataclass(frozen=True)
class _Still:
    """A picture in the store: its name, and the line by which it goes unless it is kept."""

    name: str
    doomed: int


async def _write_still(
    office: Office, files: FileStore, check: Check, report: CheckReport
) -> _Still | None:
    if report.still is None:
        return None
    name = f"stills/{check.camera_id}/{check.id}-{check.attempts}"
    async with office.work() as work:
        doomed = doom_unless_kept(work, name)
    await files.put(name, report.still)
    return _Still(name, doomed)


async def _finish(
    office: Office,
    check: Check,
    address: StreamAddress,
    seen: tuple[CheckReport, _Still | None],
    keep_more: Keep | None,
) -> None:
    report, still = seen
    office.meter.count("nobs_checks_total", outcome=report.verdict.value)
    async with office.work() as work:
        if still is not None:
            await keep(work, still.doomed)
        current = await held(work, Check, check.id, check.attempts)
        camera = await work.session.get(Camera, check.camera_id)
        # withdrawn, or given another address, while we were looking: what we saw is not kept
        if current is None or camera is None or stream_of(work, camera) != address:
            doom(work, still.name if still else None)
            if current is not None:
                settle(current)
                current.finished_at = work.now
            return
        settle(current)
        current.report = report.as_dict()
        current.still_name = still.name if still else None
        current.stage, current.finished_at = None, work.now
        camera.last_check_id, camera.checked_at = current.id, work.now
        _note_what_it_shows(work, camera, current, report)
        await look_soon(work, camera.id)
        if keep_more is not None:
            await keep_more(work, camera, current)
        record(
            work,
            Act.CHECKED,
            actor_id=None,
            owner_id=camera.owner_id,
            camera_id=camera.id,
            verdict=report.verdict.value,
        )
        if current.tell_owner:
            await _tell_result(work, current, camera)


def _note_what_it_shows(work: Work, camera: Camera, check: Check, report: CheckReport) -> None:
    """What later stills are held against, and whether the camera sees in the dark."""
    if check.still_name is None:
        return
    if camera.reference_check_id is None and camera.state is State.APPROVED:
        camera.reference_check_id = check.id
    hour = work.now.astimezone(work.settings.zone).hour
    if hour >= DARK_FROM_HOUR or hour < DARK_UNTIL_HOUR:
        camera.sees_at_night = Finding.BLACK not in report.findings


async def _tell_result(work: Work, check: Check, camera: Camera) -> None:
    owner = await person(work, camera.owner_id)
    words = words_for(work, owner)
    over = Message(text=words("check.over"), slot=slot_of(check.id))
    await tell(work, owner, over, f"check:{check.id}:over")
    message = result_message(words, camera.id, check.report or {}, check.still_name)
    await tell(work, owner, message, f"check:{check.id}:result")


async def _again(office: Office, check: Check, error: str) -> None:
    office.meter.count("nobs_checks_total", outcome="broke_off")
    async with office.work() as work:
        current = await held(work, Check, check.id, check.attempts)
        if current is None:
            return
        if current.attempts < MOST_ATTEMPTS:
            postpone(work, current, backoff(current.attempts), error)
            return
        settle(current)
        current.last_error, current.finished_at = error, work.now
        camera = await work.session.get(Camera, check.camera_id)
        if camera and current.tell_owner:
            await _tell_result(work, current, camera)


async def _cancel(office: Office, check: Check) -> None:
    async with office.work() as work:
        if current := await held(work, Check, check.id, check.attempts):
            settle(current)
            current.finished_at = work.now
