"""
The ten things that must never happen, looked for in a scene at which nothing is under way.

Each looks by itself and says in a line what it found; nothing said means that all is well.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import groupby, pairwise
from typing import Any

from sqlalchemy import select

from nobs_bot.cameras.record import Camera, State, contact_of
from nobs_bot.footage.request import (
    Ask,
    Clip,
    ClipState,
    FootageRequest,
    Reply,
    RequestState,
    words_of,
)
from nobs_bot.messaging.conversation import Standing
from nobs_bot.messaging.inbox import Progress, Received
from nobs_bot.messaging.outbox import Delivery, Outgoing
from nobs_bot.people.consent import Consent
from nobs_bot.people.persons import Person, person_of
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.work import Work
from tests.faults.keeping import left_behind
from tests.faults.scene import Scene
from tests.faults.teller import PREFIX

Found = AsyncIterator[str]
PERSONAL = re.compile(r"Ibu Sari|\bK-\d{4}|\+?62812\d+|-6\.1[45]\d")


async def lost_or_doubled(scene: Scene, work: Work) -> Found:
    """1. An update is lost or takes effect twice."""
    for end in scene.ends:
        yield end
    for line in scene.log.splitlines():
        if "met a bug" in line:
            yield f"an update had no effect: {line[:300]}"
    for line in scene.deeds.gave_up:
        yield f"gave up: {line[:600]}"
    rows = await _all(work, Received, Received.update_id >= scene.given.start)
    states = {row.update_id: row.state for row in rows}
    for update_id in scene.given:
        if states.get(update_id) is not Progress.DONE:
            yield f"update {update_id} is {states.get(update_id, 'not there')}"
    async for line in _effects(scene, work):
        yield line


async def _effects(scene: Scene, work: Work) -> Found:
    deeds = scene.deeds
    for account in deeds.submitted | deeds.drafts:
        who = await person_of(work, account)
        if who is None:
            yield f"nobody knows {account}"
            continue
        async for line in _of_owner(scene, work, who):
            yield f"{account}: {line}"
    approved = Counter(line.camera_id for line in await _lines(work, Act.APPROVED))
    for camera, times in approved.items():
        if times > 1:
            yield f"camera {camera} was approved {times} times"
    # whoever has everything erased takes the lines along
    erased = await _all(work, Person, Person.erased_at.is_not(None))
    if sum(approved.values()) + len(erased) < deeds.approvals:
        yield f"{deeds.approvals} cameras were approved, {sum(approved.values())} lines say so"
    requests = await _all(work, FootageRequest)
    if not deeds.requests <= len(requests) <= deeds.requests + 1:
        yield f"{deeds.requests} requests were sent, {len(requests)} are there"


async def _of_owner(scene: Scene, work: Work, who: Person) -> Found:
    deeds, account = scene.deeds, who.telegram_id or 0
    cameras = await _all(work, Camera, Camera.owner_id == who.id)
    consents = await _all(work, Consent, Consent.person_id == who.id)
    submitted = [line for line in await _lines(work, Act.SUBMITTED) if line.owner_id == who.id]
    if len(consents) != 1:
        yield f"{len(consents)} consents"
    if len(submitted) != (account in deeds.submitted):
        yield f"sent {len(submitted)} times"
    if len(cameras) != 1:
        yield f"{len(cameras)} cameras"
        return
    [camera] = cameras
    if contact_of(work, camera).name != "Ibu Sari":
        yield f"the contact is {contact_of(work, camera).name!r}"
    wanted = (State.DRAFT,) if account in deeds.drafts else (State.WAITING, State.APPROVED)
    if camera.state not in wanted:
        yield f"the camera is {camera.state}"
    heading = deeds.headings_deg.get(account)
    if heading is not None and camera.heading_deg != heading:
        yield f"looks to {camera.heading_deg} instead of {heading}"


async def dropped_or_overtaken(scene: Scene, work: Work) -> Found:
    """2. A message is dropped silently or overtakes an earlier one in its chat."""
    rows = await _all(work, Outgoing)
    for row in rows:
        if row.state is Delivery.PENDING:
            yield f"message {row.dedupe_key} is still to be sent: {row.last_error}"
        elif row.state is Delivery.FAILED and row.chat_id not in scene.blockers:
            yield f"message {row.dedupe_key} failed: {row.last_error}"
        elif row.state is Delivery.FAILED and not row.last_error:
            yield f"message {row.dedupe_key} failed without a reason"
        elif row.state is Delivery.SENT and row.message_id is None:
            yield f"message {row.dedupe_key} is sent, and nobody knows where"
    sent = [row for row in rows if row.state is Delivery.SENT and row.slot is None]
    for chat_id, group in groupby(sorted(sent, key=_by_chat), key=lambda row: row.chat_id):
        for elder, younger in pairwise(group):
            if (elder.message_id or 0) >= (younger.message_id or 0):
                yield f"{younger.dedupe_key} overtook {elder.dedupe_key} in {chat_id}"
    states = {row.dedupe_key: row.state for row in rows}
    for line in _told(scene, states):
        yield line


def _by_chat(row: Outgoing) -> tuple[int, int]:
    return row.chat_id, row.number


def _told(scene: Scene, states: dict[str, Delivery]) -> Iterator[str]:
    """Each listener heard its numbers in order, copies aside."""
    for chat_id, numbers in scene.told.items():
        heard = [
            int(json.loads(body["text"])["number"])
            for body in scene.chat(chat_id)
            if str(body.get("text", "")).startswith("{")
        ]
        failed = {
            number for number in numbers if states.get(f"{PREFIX}{number}") is Delivery.FAILED
        }
        # a call that was refused may have been carried out before
        wanted = [number for number in numbers if number not in failed or number in heard]
        # a copy may come late, from somebody who lost the lease while the clock was stepped
        got = list(dict.fromkeys(heard))
        if got != wanted:
            yield f"chat {chat_id}: {_difference(wanted, got)}"
        for number, times in Counter(heard).items():
            if times > scene.most_copies:
                yield f"chat {chat_id} heard {number} {times} times"


def _difference(wanted: list[int], got: list[int]) -> str:
    at = next(
        (at for at, pair in enumerate(zip(wanted, got, strict=False)) if len(set(pair)) > 1),
        min(len(wanted), len(got)),
    )
    return f"was told …{wanted[max(0, at - 1) : at + 3]} and heard …{got[max(0, at - 1) : at + 3]}"


async def secret_in_clear(scene: Scene, work: Work) -> Found:
    """3. A password or the token stands anywhere in clear."""
    chats = json.dumps(
        [
            [each["body"], each["versions"] if each["from_bot"] else []]
            for each in scene.messages
            if each["from_bot"] or not each["deleted"]
        ],
        ensure_ascii=False,
    )
    shown = "\n".join(body for _, _, body in scene.pages)
    places = {"a log": scene.log, "a command line": scene.commands, "a page": shown}
    for what, secret in scene.secrets.items():
        for place, text in {**places, "a chat": chats}.items():
            if secret in text:
                at = text.index(secret)
                yield f"{what} stands in {place}: {text[max(0, at - 80) : at]!r}"
        if secret.encode() in scene.dump:
            yield f"{what} stands in the database"


async def unvetted_address(scene: Scene, work: Work) -> Found:
    """4. A check connects to an address that was not vetted, or that a camera named."""
    for said in scene.touched:
        yield f"somebody came to the canary: {said[:100]!r}"


async def seen_without_role_or_line(scene: Scene, work: Work) -> Found:
    """5. A camera is seen without a role, or without a line that its owner can read."""
    opened = {line.camera_id for line in await _lines(work, Act.REVIEW_OPENED)}
    for line in await _lines(work, Act.APPROVED):
        if line.camera_id not in opened:
            yield f"camera {line.camera_id} was approved, but no line says that it was opened"
    asked = {(line.request_id, line.owner_id) for line in await _lines(work, Act.ASKED)}
    erased = set(
        (await work.session.execute(select(Person.id).where(Person.erased_at.is_not(None))))
        .scalars()
        .all()
    )
    for ask in await _all(work, Ask):
        if (ask.request_id, ask.owner_id) not in asked and ask.owner_id not in erased:
            yield f"owner {ask.owner_id} was asked, but no line says so"
    for body in scene.chat(scene.stranger):
        if found := PERSONAL.search(str(body.get("text") or body.get("caption") or "")):
            yield f"the stranger was shown {found[0]!r}"


async def request_without_reason(scene: Scene, work: Work) -> Found:
    """6. A request goes out without its particulars, or beyond the limits on one's own."""
    settings = scene.settings
    asked = Counter(ask.request_id for ask in await _all(work, Ask))
    for request in await _all(work, FootageRequest):
        if not asked[request.id]:
            continue
        words = words_of(work, request)
        if not re.fullmatch(settings.case_number_pattern, words.case_number):
            yield f"{request.name} went out with case number {words.case_number!r}"
        if not words.place.strip():
            yield f"{request.name} went out without a place"
        if request.ends_at <= request.starts_at or request.purpose is None:
            yield f"{request.name} went out without a window or a purpose"
        hours = (request.ends_at - request.starts_at).total_seconds() / 3600
        is_beyond = (
            request.radius_m > settings.request_max_radius_m
            or hours > settings.request_max_hours
            or asked[request.id] > settings.request_max_owners
        )
        is_agreed = request.agreed_by not in (None, request.requester_id)
        if is_beyond and not is_agreed and not request.is_emergency:
            yield f"{request.name} went out beyond the limits, and nobody else agreed"


async def evidence_changed(scene: Scene, work: Work) -> Found:
    """7. A byte of evidence changes after it arrived."""
    deeds, stored = scene.deeds, set()
    for clip in await _all(work, Clip):
        if clip.state is not ClipState.STORED or clip.file_name is None:
            yield f"clip {clip.id} is {clip.state}: {clip.last_error}"
            continue
        try:
            digest = hashlib.sha256(await scene.files.get(clip.file_name)).hexdigest()
        except Exception as exc:
            yield f"clip {clip.id} cannot be read: {type(exc).__name__}"
            continue
        stored.add(digest)
        if digest != clip.sha256:
            yield f"clip {clip.id} is not what its row says"
        if digest not in deeds.sent:
            yield f"clip {clip.id} is nothing that was sent"
        if scene.evidence.setdefault(clip.id, digest) != digest:
            yield f"clip {clip.id} was something else before"
    for digest in deeds.receipted - stored:
        yield f"for {digest[:12]}… there was a receipt, and it is not there"
    for clip_id in scene.evidence.keys() - {clip.id for clip in await _all(work, Clip)}:
        yield f"clip {clip_id} is gone"


async def map_for_anyone(scene: Scene, work: Work) -> Found:
    """8. The map reaches anyone but officers."""
    for path, status, body in scene.pages:
        if status not in (401, 403, 404):
            yield f"{path} was shown to somebody without a session ({status})"
        elif found := PERSONAL.search(body):
            yield f"{path} was refused, and showed {found[0]!r}"


async def still_there_after_leaving(scene: Scene, work: Work) -> Found:
    """9. Somebody who left is still processed, or their data are still there."""
    for account in scene.deeds.erased:
        if await person_of(work, account) is not None:
            yield f"{account} is still known"
        if await _all(work, Outgoing, Outgoing.chat_id == account):
            yield f"{account} still has messages"
        if await _all(work, Standing, Standing.lane == account):
            yield f"{account} still stands in a dialogue"
    for who in await _all(work, Person, Person.erased_at.is_not(None)):
        if (who.telegram_id, who.name, who.phone) != (None, None, None):
            yield f"person {who.id} was erased and has a name"
        for camera in await _all(work, Camera, Camera.owner_id == who.id):
            kept = (camera.contact, camera.stream, camera.lat, camera.lon)
            if camera.state is not State.WITHDRAWN or kept != (None,) * 4:
                yield f"camera {camera.id} of person {who.id} is still there"
    async for line in left_behind(scene, work):
        yield line


async def asked_and_never_told(scene: Scene, work: Work) -> Found:
    """10. An owner is asked and never hears what came of it."""
    over = (RequestState.CLOSED, RequestState.EXPIRED)
    requests = {each.id: each for each in await _all(work, FootageRequest)}
    names = {each.name for each in requests.values() if each.state in over}
    for name in scene.deeds.closed - names:
        yield f"{name} was closed, and is not"
    for ask in await _all(work, Ask, Ask.reply != Reply.GONE):
        request = requests[ask.request_id]
        owner = await work.session.get(Person, ask.owner_id)
        if request.state not in over or owner is None or owner.telegram_id is None:
            continue
        key = f"outcome:{request.id}:{owner.id}"
        told = await _all(work, Outgoing, Outgoing.dedupe_key == key)
        if [row.state for row in told] != [Delivery.SENT]:
            yield f"{owner.telegram_id} was asked for {request.name}, and never told the outcome"
        elif not _heard(scene, owner.telegram_id, told[0].message_id, request.name):
            yield f"{owner.telegram_id} never heard what came of {request.name}"


def _heard(scene: Scene, chat_id: int, message_id: int | None, name: str) -> bool:
    return any(
        body["message_id"] == message_id and name in str(body.get("text"))
        for body in scene.chat(chat_id)
    )


Invariant = Callable[[Scene, Work], Found]
INVARIANTS: tuple[Invariant, ...] = (
    lost_or_doubled,
    dropped_or_overtaken,
    secret_in_clear,
    unvetted_address,
    seen_without_role_or_line,
    request_without_reason,
    evidence_changed,
    map_for_anyone,
    still_there_after_leaving,
    asked_and_never_told,
)


async def violations(scene: Scene) -> list[str]:
    """Everything that must never happen and has, one line each, with its number."""
    found = []
    async with scene.office.look() as work:
        for number, invariant in enumerate(INVARIANTS, start=1):
            found += [f"{number}. {line}" async for line in invariant(scene, work)]
    return found


async def _lines(work: Work, act: Act) -> list[Any]:
    return await _all(work, AuditLine, AuditLine.act == act)


async def _all(work: Work, kind: Any, *where: Any) -> list[Any]:
    return list((await work.session.execute(select(kind).where(*where))).scalars())
