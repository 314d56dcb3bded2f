"""Links with which owners take over what was recorded of their cameras, or have it erased."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.cameras.record import Camera, State
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person
from nobs_bot.storage.base import Base, Identified, new_id
from nobs_bot.storage.work import Work

START_PREFIX = "klaim_"


class Claim(Base, Identified):
    """
    One link; of its token only a keyed digest is kept.

    `owner_id` is the person who stands for the owner until somebody comes; `opened_by` is who
    opened the link last, and alone may act on it.
    """

    __tablename__ = "camera_claims"
    __table_args__ = (Index(None, "owner_id"),)

    owner_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    token_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_by: Mapped[int | None] = mapped_column(BigInteger)


class RefusedRecord(Base, Identified):
    """A row of a list whose owner wants no record; only its keyed digest is kept."""

    __tablename__ = "refused_records"

    source_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    refused_at: Mapped[datetime]


async def note_refused(work: Work, camera: Camera) -> None:
    """Remember that this row of a list must not be recorded again."""
    if camera.source_index is not None:
        await refuse_row(work, camera.source_index)


async def refuse_row(work: Work, source_index: bytes) -> bool:
    """The same of a row by its keyed digest; whether that is new."""
    query = select(RefusedRecord.id).where(RefusedRecord.source_index == source_index)
    if (await work.session.execute(query)).first() is not None:
        return False
    work.session.add(RefusedRecord(id=new_id(), source_index=source_index, refused_at=work.now))
    return True


def offer(work: Work, camera: Camera) -> str:
    """Make a link for the owner of a recorded camera; returns what comes after `?start=`."""
    assert camera.recorded_at is not None
    token = secrets.token_urlsafe(24)
    work.session.add(
        Claim(
            id=new_id(),
            owner_id=camera.owner_id,
            token_index=_index(work, token),
            created_at=work.now,
            expires_at=camera.recorded_at + timedelta(days=work.settings.recording_days),
        )
    )
    return START_PREFIX + token


async def open_claim(work: Work, who: Person, start: str) -> tuple[Claim, Sequence[Camera]]:
    """
    What a link offers, to whoever opened it.

    Raises:
        Refusal: the link is unknown, used or over; or it is the officer's own record, since nobody
            consents in an owner's place.
    """
    query = select(Claim).where(
        Claim.token_index == _index(work, start.removeprefix(START_PREFIX)),
        Claim.expires_at > work.now,
    )
    claim = (await work.session.execute(query)).scalar_one_or_none()
    cameras = await recorded_for(work, claim.owner_id) if claim else []
    if claim is None or not cameras:
        raise Refusal("claim.not_valid")
    if any(camera.recorded_by == who.id for camera in cameras):
        raise Refusal("claim.own_record")
    claim.opened_by = who.id
    return claim, cameras


async def opened(work: Work, who: Person, claim_id: int) -> Sequence[Camera]:
    """
    The recorded cameras of a link that *who* has opened, locked.

    Raises:
        Refusal: it is over, or somebody else's.
    """
    claim = await work.session.get(Claim, claim_id)
    if claim is None or claim.opened_by != who.id or claim.expires_at <= work.now:
        raise Refusal("claim.not_valid")
    cameras = await recorded_for(work, claim.owner_id)
    if not cameras:
        raise Refusal("claim.not_valid")
    return cameras


async def recorded_for(work: Work, owner_id: int, *, unfinished: bool = False) -> Sequence[Camera]:
    """
    The recorded cameras of one owner, locked.

    Args:
        unfinished: Also those that the officer has not handed over.
    """
    await lock_stand_in(work, owner_id)
    query = (
        select(Camera)
        .where(Camera.owner_id == owner_id, Camera.state == State.RECORDED)
        .order_by(Camera.id)
        .execution_options(populate_existing=True)
    )
    if not unfinished:
        query = query.where(Camera.handed_over_at.is_not(None))
    return (await work.session.execute(query)).scalars().all()


async def lock_stand_in(work: Work, owner_id: int) -> None:
    """
    Let nobody else at an owner's records until this transaction ends.

    Owners, by whichever of their links, the officer and the calendar all change and remove the
    same rows; whoever comes first to this one goes first with all of them.
    """
    await work.session.execute(select(Person.id).where(Person.id == owner_id).with_for_update())


def _index(work: Work, token: str) -> bytes:
    return work.vault.blind_index("claim", token)
