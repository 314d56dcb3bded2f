"""
Stickers from the printer to the wall.

Officers print a batch for the cameras that take part and have none, take it along, give each to its
owner, and a photo of it on the wall closes the step. Whoever scans one reads how it stands now:
nothing of that is kept anywhere but in the camera's own row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import func, select

from nobs_bot.buttons import button, column
from nobs_bot.cameras.photos import add_sticker_photo, drop_sticker_photo
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.review import within
from nobs_bot.cameras.sticker import (
    LabelSize,
    Sticker,
    StickerBatch,
    StickerState,
    code_of,
    read_code,
)
from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.people.roles import Role, acting_as, areas_of, covers, grants_of, holds
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.counters import next_number
from nobs_bot.storage.tallies import Counting
from nobs_bot.storage.work import Work

# four sheets of the smallest labels: a walk's worth, and drawn in about a second
MOST_IN_BATCH = 96
MOST_LISTED = 8
PRINTERS = (Role.FIELD_OFFICER, Role.SUPERVISOR)
# who may open a camera's record by its sticker
READERS = (Role.FIELD_OFFICER, Role.REVIEWER, Role.INVESTIGATOR, Role.SUPERVISOR)


class Standing(StrEnum):
    """What anybody may know of a sticker: no more than whether it counts."""

    VALID = "valid"
    IN_REVIEW = "in_review"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Scan:
    """A sticker that was scanned; camera and sticker only where the code is one of ours."""

    standing: Standing
    camera: Camera | None = None
    sticker: Sticker | None = None


async def scan(work: Work, code: str) -> Scan:
    """How a sticker stands at this moment."""
    read = read_code(work.vault, code)
    if read is None:
        return Scan(Standing.UNKNOWN)
    query = (
        select(Sticker, Camera)
        .join(Camera, Camera.id == Sticker.camera_id)
        .where(Camera.number == read.number, Sticker.version == read.version)
    )
    found = (await work.session.execute(query)).one_or_none()
    if found is None:
        # signed by us once; its row went with the camera, or with a backup that was put back
        return Scan(Standing.EXPIRED)
    sticker, camera = found
    return Scan(_standing(sticker, camera), camera, sticker)


def _standing(sticker: Sticker, camera: Camera) -> Standing:
    if sticker.state is StickerState.EXPIRED:
        return Standing.EXPIRED
    if camera.state in (State.WAITING, State.CHANGE_ASKED):
        return Standing.IN_REVIEW
    return Standing.VALID if camera.state is State.APPROVED else Standing.EXPIRED


async def may_read(work: Work, who: Person, camera: Camera) -> Role | None:
    """The role in which an officer may open this camera's record; None where in none."""
    if camera.area_code is None or camera.state is State.WITHDRAWN:
        return None
    roles = {
        grant.role
        for grant in await grants_of(work, who.id)
        if covers(grant.area_code, camera.area_code)
    }
    return next((role for role in READERS if role in roles), None)


def note_opened(work: Work, officer: Person, role: Role, camera: Camera) -> None:
    """The owner reads that the record was opened."""
    if camera.owner_id != officer.id:
        _note(work, Act.RECORD_OPENED, camera, officer, role)


# printing


@dataclass(frozen=True)
class Stock:
    """How many cameras of an area have no sticker, and how many stickers stand where."""

    lacking: int = 0
    printed: int = 0
    handed: int = 0
    placed: int = 0


async def areas_printed(work: Work, officer: Person) -> list[str]:
    """
    The areas for which an officer may print stickers.

    Raises:
        Refusal: for none.
    """
    codes: set[str] = set()
    for role in PRINTERS:
        codes.update(await areas_of(work, officer.id, role))
    if not codes:
        raise Refusal("roles.needed")
    return sorted(
        code for code in codes if not any(other != code and covers(other, code) for other in codes)
    )


async def stock(work: Work, codes: Sequence[str]) -> dict[str, Stock]:
    """The stock of each kelurahan of these areas in which a camera takes part."""
    found = await STOCK.counts(work)
    return {area: each for area, each in found.items() if any(covers(code, area) for code in codes)}


async def _stock(work: Work) -> dict[str, Stock]:
    query = (
        select(Camera.area_code, Sticker.state, func.count())
        .outerjoin(
            Sticker,
            (Sticker.camera_id == Camera.id) & (Sticker.state != StickerState.EXPIRED),
        )
        .where(Camera.state == State.APPROVED)
        .group_by(Camera.area_code, Sticker.state)
    )
    counts: dict[str, dict[str, int]] = {}
    for area, state, count in (await work.session.execute(query)).all():
        counts.setdefault(area or "", {})["lacking" if state is None else state.value] = count
    return {area: Stock(**each) for area, each in sorted(counts.items())}


STOCK: Counting[dict[str, Stock]] = Counting(
    name="stock",
    count=_stock,
    as_json=lambda found: {area: asdict(each) for area, each in found.items()},
    from_json=lambda kept: {area: Stock(**each) for area, each in kept.items()},
)


async def print_batch(work: Work, officer: Person, area_code: str, size: LabelSize) -> StickerBatch:
    """
    Stickers for the cameras of an area that have none, up to `MOST_IN_BATCH`.

    Raises:
        Refusal: the area is not the officer's, or every camera has one.
    """
    role = await _require(work, officer, area_code)
    query = (
        select(Camera)
        .where(Camera.state == State.APPROVED, within([area_code]))
        .order_by(Camera.id)
        .with_for_update()
    )
    # under the lock, so that two who print at once do not print the same
    cameras = (await work.session.execute(query)).scalars().all()
    has_one = select(Sticker.camera_id).where(Sticker.state != StickerState.EXPIRED)
    supplied = set((await work.session.execute(has_one)).scalars())
    lacking = [camera for camera in cameras if camera.id not in supplied]
    if not lacking:
        raise Refusal("sticker.none_lacking")
    lacking.sort(key=lambda camera: (camera.area_code or "", camera.number or 0))
    chosen = lacking[:MOST_IN_BATCH]
    return await _print(work, officer, role, chosen, area_code=area_code, size=size)


async def reprint(work: Work, officer: Person, sticker_id: int, size: LabelSize) -> StickerBatch:
    """
    One sticker anew, because it is lost or damaged; the former one expires at once.

    Raises:
        Refusal: not the officer's, or it has expired already.
    """
    sticker, camera, role = await sticker_for(work, sticker_id, officer)
    if camera.state is not State.APPROVED:
        raise Refusal("sticker.not_taking_part", camera=camera.name)
    await _expire(work, sticker)
    await work.session.flush()
    assert camera.area_code is not None
    return await _print(work, officer, role, [camera], area_code=camera.area_code, size=size)


async def _print(
    work: Work,
    officer: Person,
    role: Role,
    cameras: Sequence[Camera],
    *,
    area_code: str,
    size: LabelSize,
) -> StickerBatch:
    batch = StickerBatch(
        id=new_id(),
        number=await next_number(work, "sticker_batch"),
        area_code=area_code,
        size=size,
        count=len(cameras),
        printed_by=officer.id,
        printed_at=work.now,
    )
    work.session.add(batch)
    await work.session.flush()
    ids = [camera.id for camera in cameras]
    query = (
        select(Sticker.camera_id, func.max(Sticker.version))
        .where(Sticker.camera_id.in_(ids))
        .group_by(Sticker.camera_id)
    )
    versions = {row[0]: row[1] for row in (await work.session.execute(query)).all()}
    for camera in cameras:
        work.session.add(
            Sticker(
                id=new_id(),
                batch_id=batch.id,
                camera_id=camera.id,
                version=versions.get(camera.id, 0) + 1,
                state=StickerState.PRINTED,
                printed_at=work.now,
            )
        )
        _note(work, Act.STICKER_PRINTED, camera, officer, role)
    await work.session.flush()
    return batch


async def _require(work: Work, officer: Person, area_code: str) -> Role:
    """The role in which somebody deals with the stickers of an area."""
    for role in PRINTERS:
        if await holds(work, officer.id, role, area_code):
            return role
    raise Refusal("roles.not_here")


# what was printed


async def batches(work: Work, officer: Person) -> Sequence[StickerBatch]:
    """The newest batches of the officer's areas, the newest first."""
    codes = await areas_printed(work, officer)
    query = select(StickerBatch).order_by(StickerBatch.number.desc())
    rows = (await work.session.execute(query)).scalars()
    mine = (each for each in rows if any(covers(code, each.area_code) for code in codes))
    return [batch for batch, _ in zip(mine, range(MOST_LISTED), strict=False)]


async def batch_for(work: Work, batch_id: int, officer: Person) -> StickerBatch:
    """
    A batch of the officer's areas, locked.

    Raises:
        Refusal: there is none such; whether it is of another area is not told.
    """
    query = select(StickerBatch).where(StickerBatch.id == batch_id).with_for_update()
    batch = (await work.session.execute(query)).scalar_one_or_none()
    if batch is None:
        raise Refusal("sticker.no_batch")
    await _require(work, officer, batch.area_code)
    return batch


async def stickers_in(work: Work, batch: StickerBatch) -> list[tuple[Sticker, Camera]]:
    """
    A batch's stickers with their cameras, in the order in which they were printed.

    Cameras that have moved to another area since are no business of this one's officers.
    """
    query = (
        select(Sticker, Camera)
        .join(Camera, Camera.id == Sticker.camera_id)
        .where(Sticker.batch_id == batch.id, within([batch.area_code]))
        .order_by(Camera.area_code, Camera.number)
    )
    return [(sticker, camera) for sticker, camera in (await work.session.execute(query)).all()]


async def receive(work: Work, batch_id: int, officer: Person) -> StickerBatch:
    """
    The officer takes a batch along, and answers for it from now on.

    Raises:
        Refusal: not the officer's, or somebody else has taken it.
    """
    batch = await batch_for(work, batch_id, officer)
    if batch.received_by not in (None, officer.id):
        raise Refusal("sticker.batch_taken", batch=batch.name)
    if batch.received_by is None:
        batch.received_by, batch.received_at = officer.id, work.now
        record(
            work,
            Act.STICKERS_RECEIVED,
            actor_id=officer.id,
            actor_role=await acting_as(work, officer.id, batch.area_code),
            batch=batch.name,
        )
    return batch


# one sticker


async def live_sticker(work: Work, camera_id: int) -> Sticker | None:
    """The sticker of a camera that counts."""
    query = select(Sticker).where(
        Sticker.camera_id == camera_id, Sticker.state != StickerState.EXPIRED
    )
    return (await work.session.execute(query)).scalars().one_or_none()


async def sticker_for(work: Work, sticker_id: int, officer: Person) -> tuple[Sticker, Camera, Role]:
    """
    A sticker that counts, locked, its camera, and the role in which the officer deals with it.

    Raises:
        Refusal: it has expired, or is none of the officer's areas.
    """
    sticker, camera = await _locked(work, sticker_id)
    return sticker, camera, await _require(work, officer, camera.area_code or "")


async def _locked(work: Work, sticker_id: int) -> tuple[Sticker, Camera]:
    query = (
        select(Sticker)
        .where(Sticker.id == sticker_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    sticker = (await work.session.execute(query)).scalar_one_or_none()
    camera = await work.session.get(Camera, sticker.camera_id) if sticker else None
    if sticker is None or camera is None or sticker.state is StickerState.EXPIRED:
        raise Refusal("sticker.over")
    return sticker, camera


def code_for(work: Work, sticker: Sticker, camera: Camera) -> str:
    """The code that the sticker shows."""
    assert camera.number is not None
    return code_of(work.vault, camera.number, sticker.version)


async def hand(work: Work, sticker_id: int, officer: Person) -> tuple[Sticker, Camera]:
    """
    The officer has given the sticker to its owner, who is told and may send the photo.

    Raises:
        Refusal: as `sticker_for`.
    """
    sticker, camera, role = await sticker_for(work, sticker_id, officer)
    if sticker.state is not StickerState.PRINTED:
        return sticker, camera
    sticker.state = StickerState.HANDED
    sticker.handed_by, sticker.handed_at = officer.id, work.now
    _note(work, Act.STICKER_HANDED, camera, officer, role)
    if camera.owner_id != officer.id:
        owner = await person(work, camera.owner_id)
        words = words_for(work, owner)
        message = Message(
            text=words("sticker.told.handed", camera=camera.name),
            keyboard=column(button(words("sticker.photo_button"), "stk.photo", sticker.id)),
        )
        stamp = int(work.now.timestamp() * 1000)
        await tell(work, owner, message, f"sticker-handed:{sticker.id}:{stamp}")
    return sticker, camera


async def take_back(work: Work, sticker_id: int, officer: Person) -> tuple[Sticker, Camera]:
    """
    It was not given to the owner after all.

    Raises:
        Refusal: as `sticker_for`, or it is on the wall already.
    """
    sticker, camera, role = await sticker_for(work, sticker_id, officer)
    if sticker.state is StickerState.PLACED:
        raise Refusal("sticker.on_the_wall")
    if sticker.state is StickerState.HANDED:
        sticker.state = StickerState.PRINTED
        sticker.handed_by = sticker.handed_at = None
        _note(work, Act.STICKER_TAKEN_BACK, camera, officer, role)
    return sticker, camera


async def placeable(work: Work, sticker_id: int, who: Person) -> tuple[Sticker, Camera]:
    """
    A sticker of which *who* may send the photo: its owner, or an officer of the area.

    Raises:
        Refusal: neither of them, or it has expired.
    """
    sticker, camera = await _locked(work, sticker_id)
    if camera.owner_id != who.id:
        await _require(work, who, camera.area_code or "")
    return sticker, camera


async def place(
    work: Work, sticker_id: int, who: Person, file_id: str, unique_id: str
) -> tuple[Sticker, Camera]:
    """
    It is on the wall, as a photo shows; a further photo takes the place of the former.

    Args:
        file_id, unique_id: Telegram's names of the photo.

    Raises:
        Refusal: as `placeable`.
    """
    sticker, camera = await placeable(work, sticker_id, who)
    await drop_sticker_photo(work, sticker.id)
    add_sticker_photo(work, camera.id, sticker.id, file_id, unique_id)
    sticker.state, sticker.code_read = StickerState.PLACED, None
    sticker.placed_by, sticker.placed_at = who.id, work.now
    role = await acting_as(work, who.id, camera.area_code or "")
    _note(work, Act.STICKER_PLACED, camera, who, role if camera.owner_id != who.id else None)
    return sticker, camera


async def _expire(work: Work, sticker: Sticker) -> None:
    await drop_sticker_photo(work, sticker.id)
    sticker.state, sticker.expired_at = StickerState.EXPIRED, work.now


async def expire_stickers(work: Work, camera_id: int) -> None:
    """A camera leaves: none of its stickers counts any more, and the photos of them go."""
    for sticker in await stickers_of(work, camera_id):
        if sticker.state is not StickerState.EXPIRED:
            await _expire(work, sticker)


async def stickers_of(work: Work, camera_id: int) -> Sequence[Sticker]:
    """Every sticker that a camera ever had, the first one first."""
    query = select(Sticker).where(Sticker.camera_id == camera_id).order_by(Sticker.version)
    return (await work.session.execute(query)).scalars().all()


def _note(work: Work, act: Act, camera: Camera, actor: Person, role: Role | None) -> None:
    record(
        work,
        act,
        actor_id=actor.id,
        actor_role=role,
        owner_id=camera.owner_id,
        camera_id=camera.id,
    )
