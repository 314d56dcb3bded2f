"""What must be there after a siege, once; everything that is not is a violation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import select

from benchmarks.siege.crowd import Deeds
from nobs_bot.app import Foundation
from nobs_bot.cameras.checks import Check
from nobs_bot.cameras.photos import Photo
from nobs_bot.cameras.record import Camera, State, contact_of
from nobs_bot.messaging.inbox import Progress, Received
from nobs_bot.messaging.outbox import Delivery, Outgoing
from nobs_bot.people.consent import Consent
from nobs_bot.people.persons import Person, person_of
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.work import Work

PHOTOS = 2


@dataclass(frozen=True)
class Evidence:
    """
    What the siege left behind.

    Args:
        deeds: What people did.
        told: The numbers told to each chat, in order.
        messages: Every message that the sandbox ever saw.
        log: Everything that the app wrote.
    """

    foundation: Foundation
    deeds: Deeds
    told: dict[int, list[int]]
    messages: list[dict[str, Any]]
    log: str
    kills: int


async def violations(evidence: Evidence) -> list[str]:
    """Everything lost, doubled, out of order or gone wrong, one line each."""
    found = [f"gave up: {line}" for line in evidence.deeds.gave_up]
    found += _in_the_log(evidence.log)
    found += _told(evidence)
    async with evidence.foundation.office.look() as work:
        found += await _updates(work)
        found += await _outbox(work)
        found += await _reviews(work, evidence.deeds)
        for account in evidence.deeds.submitted | evidence.deeds.drafts:
            found += [f"{account}: {line}" async for line in _owner(evidence, work, account)]
        found += await _files(evidence.foundation, work)
    return found


def _in_the_log(log: str) -> list[str]:
    return [line for line in log.splitlines() if " ERROR " in line or "Traceback" in line]


def _told(evidence: Evidence) -> Iterable[str]:
    """Each chat has its numbers in order; one that is there again stands beside itself."""
    heard: dict[int, list[int]] = {}
    for stored in sorted(evidence.messages, key=lambda each: each["body"]["message_id"]):
        text = stored["body"].get("text", "")
        # before their numbers they were greeted
        if stored["chat_id"] in evidence.told and text.startswith("{"):
            heard.setdefault(stored["chat_id"], []).append(json.loads(text)["number"])
    for chat_id, numbers in evidence.told.items():
        got = [number for number, _ in groupby(heard.get(chat_id, []))]
        if got != numbers:
            yield f"chat {chat_id} was told {numbers} and heard {got}"
        for number, times in Counter(heard.get(chat_id, [])).items():
            if times > 1 + evidence.kills:
                yield f"chat {chat_id} heard {number} {times} times"


async def _updates(work: Work) -> list[str]:
    """Every update that was ever given out is done; ids leave no gap."""
    rows = (await work.session.execute(select(Received.update_id, Received.state))).all()
    found = [f"update {each} is {state}" for each, state in rows if state is not Progress.DONE]
    ids = {each for each, _ in rows}
    missing = set(range(min(ids), max(ids) + 1)) - ids
    return found + [f"update {each} never came" for each in missing]


async def _outbox(work: Work) -> list[str]:
    fine = (Delivery.SENT, Delivery.REPLACED)
    query = select(Outgoing).where(Outgoing.state.not_in(fine))
    rows = (await work.session.execute(query)).scalars()
    return [f"message {row.dedupe_key} is {row.state}: {row.last_error}" for row in rows]


async def _reviews(work: Work, deeds: Deeds) -> list[str]:
    lines = await _lines(work, Act.APPROVED)
    cameras = Counter(line.camera_id for line in lines)
    found = [f"camera {each} approved {n} times" for each, n in cameras.items() if n != 1]
    if len(lines) != deeds.approvals:
        found.append(f"{deeds.approvals} approvals, {len(lines)} lines")
    return found


async def _owner(evidence: Evidence, work: Work, account: int) -> Any:
    """What one person's acts must have come to."""
    who = await person_of(work, account)
    if who is None:
        yield "the bot does not know them"
        return
    cameras = await _all(work, Camera, Camera.owner_id == who.id)
    if len(cameras) != 1:
        yield f"{len(cameras)} cameras"
        return
    [camera] = cameras
    if contact_of(work, camera).name != "Ibu Sari":
        yield f"the contact's name is {contact_of(work, camera).name!r}"
    consents = await _all(work, Consent, Consent.person_id == who.id)
    for line in [*_once("consents", consents), *await _acts(work, who, camera, evidence.deeds)]:
        yield line
    if account in evidence.deeds.drafts:
        if camera.state is not State.DRAFT:
            yield f"the draft is {camera.state}"
        return
    if camera.state not in (State.WAITING, State.APPROVED):
        yield f"the camera is {camera.state}"
    for line in await _parts(work, camera, evidence.deeds, account):
        yield line


async def _acts(work: Work, who: Person, camera: Camera, deeds: Deeds) -> list[str]:
    wanted = {Act.CONSENTED: 1}
    if who.telegram_id in deeds.submitted:
        wanted[Act.SUBMITTED] = 1
    counted = Counter(
        line.act
        for line in await _all(work, AuditLine, AuditLine.owner_id == who.id)
        if line.act in (Act.CONSENTED, Act.SUBMITTED)
    )
    return [] if counted == wanted else [f"audit lines {dict(counted)}"]


async def _parts(work: Work, camera: Camera, deeds: Deeds, account: int) -> list[str]:
    found = []
    photos = await _all(work, Photo, Photo.camera_id == camera.id)
    if len(photos) != PHOTOS or not all(photo.file_name for photo in photos):
        found.append(f"photos {[photo.file_name for photo in photos]}")
    heading = deeds.headings_deg.get(account)
    if heading is not None and camera.heading_deg != heading:
        found.append(f"looks to {camera.heading_deg} instead of {heading}")
    if account in deeds.streams:
        checks = await _all(work, Check, Check.camera_id == camera.id)
        found += _once("checks", checks)
        found += [
            f"check without a report: {check.last_error}" for check in checks if not check.report
        ]
        lines = [each for each in await _lines(work, Act.CHECKED) if each.camera_id == camera.id]
        found += _once("audit lines of the check", lines)
    return found


async def _files(foundation: Foundation, work: Work) -> list[str]:
    """Every file that a row names is there, whole."""
    found = []
    for photo in await _all(work, Photo, Photo.file_name.is_not(None)):
        try:
            await foundation.files.get(str(photo.file_name))
        except Exception as exc:
            found.append(f"{photo.file_name}: {type(exc).__name__}")
    return found


def _once(what: str, rows: Sequence[Any]) -> list[str]:
    return [] if len(rows) == 1 else [f"{len(rows)} {what}"]


async def _lines(work: Work, act: Act) -> Sequence[Any]:
    return await _all(work, AuditLine, AuditLine.act == act)


async def _all(work: Work, kind: Any, where: Any) -> Sequence[Any]:
    return (await work.session.execute(select(kind).where(where))).scalars().all()
