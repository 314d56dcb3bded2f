"""Each of the ten complains where there is reason to, and nowhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from nobs_bot.cameras import enrolment
from nobs_bot.cameras.record import Camera, State
from nobs_bot.footage.request import Ask, Clip, FootageRequest, set_words, words_of
from nobs_bot.messaging.inbox import Progress, Received, store
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import Delivery, Outgoing, enqueue
from nobs_bot.people.consent import give_consent
from nobs_bot.people.persons import Person
from nobs_bot.people.privacy import erase
from nobs_bot.storage.audit import Act, AuditLine, record
from nobs_bot.storage.doomed import DoomedFile
from tests.cast import House
from tests.faults.crowd import MoreDeeds
from tests.faults.invariants import violations
from tests.faults.scene import Scene, dumped
from tests.faults.teller import PREFIX
from tests.footage.recordings import asked, send_clip
from tests.footage.requests import close

SARI, BUDI, DEWI, RAHMAT, CITRA, LISTENER, BLOCKER = (
    *(710_000_001, 710_000_002, 710_000_004, 710_000_005, 710_000_007),
    *(720_000_001, 720_000_002),
)
TOLD = 3
PASSWORD = "melati-tujuh"


@pytest.fixture
async def scene(house: House, tmp_path: Path) -> Scene:
    """A case from the camera to the outcome, and three numbers told: all is as it must be."""
    deeds = MoreDeeds()
    request_id = await asked(house, "Sari")
    clip = b"\x00\x00\x00\x18ftypmp42" + b"v" * 4000
    await send_clip(house, request_id, clip)
    digest = hashlib.sha256(clip).hexdigest()
    deeds.sent, deeds.receipted, deeds.requests = {digest}, {digest}, 1
    deeds.submitted, deeds.closed = {SARI}, {"R-1001"}
    await close(house, request_id)
    async with house.office.work() as work:
        camera = (await work.session.execute(select(Camera))).scalar_one()
        for act in (Act.REVIEW_OPENED, Act.APPROVED):
            ids = {"owner_id": camera.owner_id, "camera_id": camera.id}
            record(work, act, actor_id=house.ids["Dewi"], **ids)
        await store(work, [{"update_id": 1, "message": {"from": {"id": SARI}}}])
        await work.session.execute(update(Received).values(state=Progress.DONE, payload=None))
        for number in range(1, TOLD + 1):
            await enqueue(work, LISTENER, Message(text=f"{number}"), f"{PREFIX}{number}")
        # what is only shown once, in a place of its own, need not be sent for this
        await work.session.execute(update(Outgoing).values(slot=None))
    deeds.approvals = 1
    messages = await _sent(house)
    async with house.office.look() as work:
        dump = await dumped(work)
    return Scene(
        office=house.office,
        files=house.files,
        deeds=deeds,
        told={LISTENER: [1, 2, 3]},
        messages=messages,
        given=range(1, 2),
        log="all is well",
        dump=dump,
        commands="python bot.py",
        secrets={"the password": PASSWORD},
        pages=[("/konsol/peta", 401, "Masuk lewat bot")],
        stranger=CITRA,
        blockers=frozenset({BLOCKER}),
        folder=tmp_path / "files",
    )


async def _sent(house: House) -> list[dict[str, Any]]:
    """Settle every message as sent; the sandbox's record of it."""
    shown = []
    async with house.office.work() as work:
        rows = (await work.session.execute(select(Outgoing).order_by(Outgoing.number))).scalars()
        for number, row in enumerate(rows, start=1):
            body: dict[str, Any] = {"message_id": number, "text": "tentang R-1001"}
            if row.dedupe_key.startswith(PREFIX):
                body["text"] = json.dumps({"number": int(row.dedupe_key.removeprefix(PREFIX))})
            shown.append(_stored(row.chat_id, body))
            row.state, row.message_id, row.settled_at = Delivery.SENT, number, work.now
            row.payload = None
    return shown


def _stored(chat_id: int, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    stored = {"chat_id": chat_id, "from_bot": True, "deleted": False, "versions": [], "body": body}
    return stored | more


async def _numbers(scene: Scene) -> set[int]:
    """Which of the ten complain."""
    return {int(line.partition(".")[0]) for line in await violations(scene)}


async def test_where_all_is_well_nothing_is_said(scene: Scene) -> None:
    assert await violations(scene) == []


Doctor = Callable[[Scene], object]


def _heard(scene: Scene, *numbers: int) -> None:
    rest = [each for each in scene.messages if each["chat_id"] != LISTENER]
    scene.messages = rest + [
        _stored(LISTENER, {"message_id": 100 + at, "text": json.dumps({"number": number})})
        for at, number in enumerate(numbers)
    ]


def _says(scene: Scene, chat_id: int, text: str, **more: Any) -> None:
    scene.messages.append(_stored(chat_id, {"message_id": 999, "text": text}, **more))


@pytest.mark.parametrize(
    ("number", "doctor"),
    [
        (1, lambda scene: setattr(scene, "given", range(1, 3))),
        (1, lambda scene: setattr(scene, "log", "ERROR update 7 met a bug, reference A1")),
        (1, lambda scene: scene.ends.append("the bot ended by itself with 1")),
        (1, lambda scene: scene.deeds.gave_up.append("_enrol: no new message with 'Foto'")),
        (1, lambda scene: scene.deeds.headings_deg.update({SARI: 90})),
        (1, lambda scene: setattr(scene.deeds, "approvals", 2)),
        (1, lambda scene: setattr(scene.deeds, "requests", 2)),
        (1, lambda scene: scene.deeds.submitted.add(BUDI)),
        (2, lambda scene: _heard(scene, 1, 3)),
        (2, lambda scene: _heard(scene, 1, 3, 2)),
        (2, lambda scene: _heard(scene, 1, 2, 2, 3)),
        (2, lambda scene: _heard(scene, 1, 2, 3, 4)),
        (3, lambda scene: setattr(scene, "log", f"rtsp://sari:{PASSWORD}@toko")),
        (3, lambda scene: setattr(scene, "dump", scene.dump + PASSWORD.encode())),
        (3, lambda scene: setattr(scene, "commands", f"ffmpeg rtsp://x:{PASSWORD}@toko")),
        (3, lambda scene: _says(scene, SARI, f"kata sandi: {PASSWORD}")),
        (3, lambda scene: _says(scene, SARI, f"rtsp://a:{PASSWORD}@toko", from_bot=False)),
        (4, lambda scene: scene.touched.append("DESCRIBE rtsp://127.9.9.9/1")),
        (5, lambda scene: _says(scene, CITRA, "K-1001 di Duri Selatan")),
        (7, lambda scene: scene.deeds.sent.clear()),
        (7, lambda scene: scene.deeds.receipted.add("0" * 64)),
        (7, lambda scene: scene.evidence.update({1: "0" * 64})),
        (8, lambda scene: scene.pages.append(("/konsol/peta/butaan", 200, "{}"))),
        (8, lambda scene: scene.pages.append(("/konsol/peta", 403, "K-1001"))),
        (9, lambda scene: scene.deeds.erased.add(DEWI)),
        (10, lambda scene: scene.deeds.closed.add("R-1002")),
    ],
)
async def test_a_record_that_is_doctored_is_found_out(
    scene: Scene, number: int, doctor: Doctor
) -> None:
    doctor(scene)
    assert await _numbers(scene) == {number}


async def test_a_password_that_was_typed_and_deleted_is_no_violation(scene: Scene) -> None:
    _says(scene, SARI, f"rtsp://a:{PASSWORD}@toko", from_bot=False, deleted=True)
    assert await violations(scene) == []


async def test_a_message_to_who_blocks_the_bot_may_fail_with_its_reason(scene: Scene) -> None:
    async with scene.office.work() as work:
        await enqueue(work, BLOCKER, Message(text="4"), f"{PREFIX}4")
        failed = update(Outgoing).where(Outgoing.dedupe_key == f"{PREFIX}4")
        await work.session.execute(failed.values(state=Delivery.FAILED, last_error="Forbidden"))
    scene.told[BLOCKER] = [4]
    assert await violations(scene) == []
    async with scene.office.work() as work:
        await work.session.execute(failed.values(last_error=None))
    assert await _numbers(scene) == {2}


CHANGES = [
    (1, update(Received).values(state=Progress.APPLIED)),
    (1, delete(Received)),
    (1, update(Camera).values(state=State.DRAFT)),
    (1, delete(AuditLine).where(AuditLine.act == Act.SUBMITTED)),
    (2, update(Outgoing).where(Outgoing.chat_id == LISTENER).values(state=Delivery.PENDING)),
    (2, update(Outgoing).where(Outgoing.chat_id == LISTENER).values(message_id=7)),
    (2, update(Outgoing).where(Outgoing.chat_id == LISTENER).values(message_id=None)),
    (5, delete(AuditLine).where(AuditLine.act == Act.REVIEW_OPENED)),
    (5, delete(AuditLine).where(AuditLine.act == Act.ASKED)),
    (6, update(FootageRequest).values(radius_m=5000)),
    (6, update(FootageRequest).values(radius_m=5000, agreed_by=FootageRequest.requester_id)),
    (7, update(Clip).values(sha256="0" * 64)),
    (7, update(Clip).values(file_name="evidence/no/such")),
    (9, update(Person).where(Person.telegram_id == BUDI).values(erased_at=Person.seen_at)),
    (10, delete(Outgoing).where(Outgoing.dedupe_key.startswith("outcome:"))),
]


@pytest.mark.parametrize(("number", "change"), CHANGES, ids=range(len(CHANGES)))
async def test_a_database_that_is_doctored_is_found_out(
    scene: Scene, number: int, change: Any
) -> None:
    scene.evidence.clear()
    async with scene.office.work() as work:
        await work.session.execute(change)
    assert number in await _numbers(scene)


async def test_a_second_camera_of_one_enrolment_is_found_out(scene: Scene, house: House) -> None:
    async with house.acting("Sari") as (work, who):
        await give_consent(work, who)
        await enrolment.begin(work, who)
    assert await _numbers(scene) == {1}


@pytest.mark.parametrize("wrong", [{"case_number": ""}, {"place": " "}])
async def test_a_request_without_its_particulars_is_found_out(
    scene: Scene, wrong: dict[str, str]
) -> None:
    async with scene.office.work() as work:
        request = (await work.session.execute(select(FootageRequest))).scalar_one()
        words = words_of(work, request)
        for name, value in wrong.items():
            setattr(words, name, value)
        set_words(work, request, words)
    assert await _numbers(scene) == {6}


async def test_a_byte_of_evidence_that_changed_is_found_out(scene: Scene) -> None:
    assert await violations(scene) == []
    assert scene.folder is not None
    [stored] = [each for each in scene.folder.rglob("*") if each.is_file()]
    whole = bytearray(stored.read_bytes())
    whole[-20] ^= 1
    stored.write_bytes(whole)
    assert await _numbers(scene) == {7}


async def test_evidence_that_is_gone_is_found_out(scene: Scene) -> None:
    assert await violations(scene) == []
    async with scene.office.work() as work:
        await work.session.execute(delete(Clip))
    # its file, which nothing names now, would also stay for ever
    assert await _numbers(scene) == {7, 9}


async def test_who_was_erased_leaves_no_file_behind(scene: Scene, house: House) -> None:
    await house.files.put("photos/1/2-1", b"a picture")
    assert await _numbers(scene) == {9}
    async with house.office.work() as work:
        work.session.add(DoomedFile(name="photos/1/2-1", due_at=work.now, attempts=0))
    assert await violations(scene) == []


async def test_who_was_erased_may_not_be_written_to(scene: Scene, house: House) -> None:
    async with house.acting("Budi") as (work, who):
        await erase(work, who, [])
    scene.deeds.erased.add(BUDI)
    assert await violations(scene) == []
    async with house.office.work() as work:
        await enqueue(work, BUDI, Message(text="masih di sini?"), "too-late")
        sent = update(Outgoing).where(Outgoing.dedupe_key == "too-late")
        await work.session.execute(sent.values(state=Delivery.SENT, message_id=5000))
    assert await _numbers(scene) == {9}


async def test_an_outcome_that_only_the_database_knows_of_is_found_out(scene: Scene) -> None:
    async with scene.office.look() as work:
        ask = (await work.session.execute(select(Ask))).scalar_one()
        owner = await work.session.get(Person, ask.owner_id)
    assert owner is not None
    scene.messages = [each for each in scene.messages if each["chat_id"] != owner.telegram_id]
    assert await _numbers(scene) == {10}
