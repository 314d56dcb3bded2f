"""
What leaving takes: everything of a person's, one camera, and that no restore brings them back.

A backup holds everybody who was there when it was made. Whoever was erased since, and what was
withdrawn or refused since, would be there again, and what knew of it is gone with the former
database; so would roles and keys of other systems be good again that were ended. So each worker
keeps a list beside the database (`storage/departures.py`); in a database that still has what is on
it, it is erased again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

from nobs_bot.cameras.claim import RefusedRecord, refuse_row
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.recording import erase_recording, give_up, locked_recording
from nobs_bot.cameras.rights import CameraHolder, withdraw
from nobs_bot.coverage.worklist import TurnHolder, erase_turns
from nobs_bot.footage.answers import let_go
from nobs_bot.footage.clips import FootageHolder
from nobs_bot.footage.live.rights import LiveHolder
from nobs_bot.footage.live.views import let_go_of
from nobs_bot.footage.receiving import UploadHolder
from nobs_bot.messaging import inbox
from nobs_bot.people.consent import Consent
from nobs_bot.people.discharging import discharge_again
from nobs_bot.people.persons import Person, person
from nobs_bot.people.privacy import erase
from nobs_bot.people.roles import Grant
from nobs_bot.people.tokens import ApiToken, end_token_again
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.departures import Departure, DepartureList, Kind
from nobs_bot.storage.engine import AWAY
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

HOLDERS = (UploadHolder(), FootageHolder(), LiveHolder(), TurnHolder(), CameraHolder())
# far longer than a backup can be opened
KEPT = timedelta(days=30)
# of what was written down already, in case of transactions that took long and clocks that differ
_ONCE_MORE = timedelta(hours=1)
_AT_ONCE = 500
# two numbers, since those of one are accounts
_LOCK = (1, 1)
T = TypeVar("T")


async def take_out(work: Work, camera: Camera, owner: Person) -> None:
    """Withdraw a camera, with what others have of it: turns, looks under way, what is asked."""
    await erase_turns(work, camera.id)
    await let_go_of(work, camera)
    await withdraw(work, camera, owner)
    # after it: who was about to ask for it has asked by now, or sees that it is withdrawn
    await work.session.flush()
    await let_go(work, [camera.id])


class Departures:
    """Keeps the list of who left, and has erased again what a restored database does not know."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.list = DepartureList(office.settings, office.vault)
        self._written_until: datetime | None = None
        self._as_we_left_it: object = ()
        self._carried_out: object = ()
        self._told: set[Departure] = set()

    async def keep(self) -> int:
        """Write down who left, then erase again; returns how much that was."""
        return await self._write_down() + await self.erase_again()

    async def _write_down(self) -> int:
        async with self._office.glance() as work:
            now, since = work.now, work.now - KEPT
            # one that another has put there may lack what we had written down
            if self._written_until is not None and self.list.mark() == self._as_we_left_it:
                since = self._written_until - _ONCE_MORE
            left = await _departures(work, since)
        added = await asyncio.to_thread(self.list.add, left, now - KEPT)
        self._written_until, self._as_we_left_it = now, self.list.mark()
        return added

    async def erase_again(self) -> int:
        """
        Erase what is on the list and still here; looks only where the list has changed.

        Returns:
            How many that were.

        Raises:
            OSError: the list cannot be read.
        """
        mark = self.list.mark()
        if mark == self._carried_out:
            return 0
        left, strange = await asyncio.to_thread(self.list.read)
        if strange:
            log.warning("%d lines of %s are not of this installation", strange, self.list.path)
        done = failed = 0
        for some in _some(left):
            async with self._office.glance() as work:
                back = await _that_are_back(work, some)
            for each in back:
                try:
                    done += await self._leave(each)
                except Exception as exc:
                    # to wait for the database would help none of it
                    if isinstance(exc, AWAY) and not isinstance(exc, IntegrityError):
                        raise
                    log.exception("a %s that left could not be erased again", each.kind)
                    failed += 1
        if done:
            log.warning("%d that left or ended before this restore were taken out again", done)
        if not failed:
            self._carried_out = mark
        return done

    async def _leave(self, each: Departure) -> bool:
        async with self._office.work() as work:
            if not work.is_sqlite:
                # one worker at a time, or each would write its line of the same
                await work.session.execute(select(func.pg_advisory_xact_lock(*_LOCK)))
            if await _came_back(work, each):
                if each not in self._told:
                    self._told.add(each)
                    log.warning("%s %s is on the list and came back since", each.kind, each.of)
                return False
            return await _LEAVE[each.kind](work, each)


async def _departures(work: Work, since: datetime) -> list[Departure]:
    """Who and what left after *since*, as this database knows it."""
    lines = AuditLine.at > since
    erased = select(AuditLine.actor_id, AuditLine.at).where(lines, AuditLine.act == Act.ERASED)
    persons = {row.actor_id: row.at for row in await work.session.execute(erased)}
    withdrawn = select(AuditLine.camera_id, AuditLine.at).where(
        lines,
        or_(
            AuditLine.act == Act.WITHDRAWN,
            # by somebody, not because its time was over: that comes again by itself
            (AuditLine.act == Act.RECORDING_ERASED) & AuditLine.actor_id.is_not(None),
        ),
        AuditLine.camera_id.is_not(None),
    )
    refused = select(RefusedRecord.source_index, RefusedRecord.refused_at)
    rows = await work.session.execute(refused.where(RefusedRecord.refused_at > since))
    roles = select(Grant.id, Grant.ended_at).where(Grant.ended_at > since)
    keys = select(ApiToken.id, ApiToken.ended_at).where(ApiToken.ended_at > since)
    return [
        *_each(Kind.PERSON, persons.items()),
        # their own lines went with them
        *_each(Kind.CAMERA, await _cameras_of(work, persons)),
        *_each(Kind.CAMERA, await work.session.execute(withdrawn)),
        *_each(Kind.ROW, ((row.source_index.hex(), row.refused_at) for row in rows)),
        *_each(Kind.KEY, await work.session.execute(keys)),
        *_each(Kind.ROLE, await work.session.execute(roles)),
    ]


def _some(all_of: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many at once as one question may name."""
    return (all_of[first : first + _AT_ONCE] for first in range(0, len(all_of), _AT_ONCE))


def _each(kind: Kind, found: Iterable[Any]) -> list[Departure]:
    return [Departure(kind, str(of), at.astimezone(UTC)) for of, at in found]


async def _cameras_of(work: Work, persons: dict[int, datetime]) -> list[tuple[int, datetime]]:
    found = []
    for some in _some(list(persons)):
        query = select(Camera.id, Camera.owner_id).where(Camera.owner_id.in_(some))
        rows = await work.session.execute(query)
        found += [(row.id, persons[row.owner_id]) for row in rows]
    return found


async def _that_are_back(work: Work, left: Sequence[Departure]) -> list[Departure]:
    """Those of *left* that this database has; people first, since their cameras go with them."""
    persons = select(Person.id).where(
        Person.id.in_(_ids(left, Kind.PERSON)), Person.erased_at.is_(None)
    )
    cameras = select(Camera.id).where(
        Camera.id.in_(_ids(left, Kind.CAMERA)), Camera.state != State.WITHDRAWN
    )
    digests = [bytes.fromhex(each.of) for each in left if each.kind is Kind.ROW]
    refused = select(RefusedRecord.source_index).where(RefusedRecord.source_index.in_(digests))
    known = {each.hex() for each in (await work.session.execute(refused)).scalars()}
    roles = select(Grant.id).where(Grant.id.in_(_ids(left, Kind.ROLE)), Grant.ended_at.is_(None))
    keys = select(ApiToken.id).where(
        ApiToken.id.in_(_ids(left, Kind.KEY)), ApiToken.ended_at.is_(None)
    )
    here = {Kind.ROW: {each.hex() for each in digests} - known}
    asked = {Kind.PERSON: persons, Kind.CAMERA: cameras, Kind.KEY: keys, Kind.ROLE: roles}
    for kind, query in asked.items():
        here[kind] = {str(each) for each in (await work.session.execute(query)).scalars()}
    return [each for kind in Kind for each in left if each.kind is kind and each.of in here[kind]]


def _ids(left: Iterable[Departure], kind: Kind) -> list[int]:
    return [int(each.of) for each in left if each.kind is kind]


async def _came_back(work: Work, each: Departure) -> bool:
    """
    Whether the owner has agreed anew after they had left.

    So it is where a list turns up late, and somebody has begun again on a restored database.
    """
    if each.kind not in (Kind.PERSON, Kind.CAMERA):
        return False
    owned = Camera.id if each.kind is Kind.CAMERA else Camera.owner_id
    # of a record nobody has agreed to anything
    touched = select(Camera.id).where(
        owned == int(each.of), Camera.touched_at > each.at, Camera.state != State.RECORDED
    )
    if (await work.session.execute(touched.limit(1))).first() is not None:
        return True
    agreed = select(Consent.id).where(Consent.person_id == int(each.of), Consent.given_at > each.at)
    is_person = each.kind is Kind.PERSON
    return is_person and (await work.session.execute(agreed.limit(1))).first() is not None


async def _person_leaves(work: Work, each: Departure) -> bool:
    who = await work.session.get(Person, int(each.of))
    if who is None or who.erased_at is not None:
        return False
    if who.telegram_id is not None:
        # what they had written before would be answered, and make their acquaintance anew
        await inbox.forget_lane(work, who.telegram_id, each.at)
    await erase(work, who, HOLDERS)
    return True


async def _camera_leaves(work: Work, each: Departure) -> bool:
    camera = await work.session.get(Camera, int(each.of))
    if camera is None or camera.state is State.WITHDRAWN:
        return False
    if camera.state is State.RECORDED:
        recorded = await locked_recording(work, camera.id)
        if recorded is not None:
            await erase_recording(work, recorded)
    elif camera.state is State.DRAFT:
        await give_up(work, camera, await person(work, camera.owner_id))
    else:
        await take_out(work, camera, await person(work, camera.owner_id))
    return True


async def _row_leaves(work: Work, each: Departure) -> bool:
    return await refuse_row(work, bytes.fromhex(each.of))


async def _key_ends(work: Work, each: Departure) -> bool:
    return await end_token_again(work, int(each.of))


async def _role_ends(work: Work, each: Departure) -> bool:
    return await discharge_again(work, int(each.of))


_LEAVE = {
    Kind.PERSON: _person_leaves,
    Kind.CAMERA: _camera_leaves,
    Kind.ROW: _row_leaves,
    Kind.KEY: _key_ends,
    Kind.ROLE: _role_ends,
}
