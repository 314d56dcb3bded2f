"""
Who left, written down beside the database, so that no restore brings them back.

A backup holds everybody who was there when it was made. Whoever was erased since, and what was
withdrawn since, would be there again, and what knew of it is gone with the former database. So each
worker keeps a list of it in a file of its own; in a database that is older than the list, what it
names is erased again.

It has a line `ACT ID TIME MARK` for each: the id of a person or a camera, which says nothing to
anybody who does not have the backup, and a mark that nobody can make without the keys.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from nobs_bot.cameras.claim import note_refused
from nobs_bot.cameras.record import Camera, State
from nobs_bot.cameras.recording import erase_recording, locked_recording
from nobs_bot.cameras.rights import CameraHolder, withdraw
from nobs_bot.coverage.worklist import TurnHolder
from nobs_bot.footage.clips import FootageHolder
from nobs_bot.footage.live.rights import LiveHolder
from nobs_bot.footage.receiving import UploadHolder
from nobs_bot.people.persons import Person, person
from nobs_bot.people.privacy import erase
from nobs_bot.settings import Settings
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.crypto import Vault
from nobs_bot.storage.work import Office, Work
from nobs_bot.storage.writing import flush

log = logging.getLogger(__name__)

HOLDERS = (UploadHolder(), FootageHolder(), LiveHolder(), TurnHolder(), CameraHolder())
# far longer than a backup can be opened
KEPT = timedelta(days=30)
_MARK = "departures"
_ACTS = (Act.ERASED, Act.WITHDRAWN, Act.RECORDING_ERASED)
_AT_ONCE = 500


@dataclass(frozen=True)
class Departure:
    """
    Somebody or something that left.

    Args:
        act: ERASED, a person; WITHDRAWN, a camera; RECORDING_ERASED, a record that its owner
            refused.
        of: The id of that person or camera.
        at: When.
    """

    act: Act
    of: int
    at: datetime

    def __str__(self) -> str:
        return f"{self.act} {self.of} {self.at.isoformat()}"


def list_in(settings: Settings) -> Path:
    """Where the list is kept."""
    return settings.data_dir / "departures"


def read_list(path: Path, vault: Vault) -> list[Departure]:
    """What the list names; lines that were not written with one of these keys do not count."""
    return [each for each, mark in _lines(path).items() if _is_ours(vault, each, mark)]


class Departures:
    """Keeps the list, and has done again what a restored database does not know."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._path = list_in(office.settings)

    async def keep(self) -> int:
        """Erase again, then write down; returns how much that was."""
        return await self.erase_again() + await self._write_down()

    async def erase_again(self) -> int:
        """Erase whom and what this database still has; returns how many that were."""
        left = await asyncio.to_thread(read_list, self._path, self._office.vault)
        done = 0
        for first in range(0, len(left), _AT_ONCE):
            async with self._office.glance() as work:
                back = await _that_are_back(work, left[first : first + _AT_ONCE])
            for each in back:
                async with self._office.work() as work:
                    await _leave(work, each)
                done += 1
        if done:
            log.warning("%d left before this database was restored; they are erased again", done)
        return done

    async def _write_down(self) -> int:
        async with self._office.glance() as work:
            left = await _departures(work)
            before = work.now - KEPT
        vault = self._office.vault
        return await asyncio.to_thread(_add, self._path, vault, left, before)


async def _departures(work: Work) -> list[Departure]:
    query = select(AuditLine).where(AuditLine.act.in_(_ACTS), AuditLine.at > work.now - KEPT)
    lines = (await work.session.execute(query.order_by(AuditLine.id))).scalars()
    return [each for line in lines if (each := _departure(work, line)) is not None]


def _departure(work: Work, line: AuditLine) -> Departure | None:
    of = line.actor_id if line.act is Act.ERASED else line.camera_id
    if of is None:
        return None
    if line.act is Act.RECORDING_ERASED and not _was_refused(work, line):
        return None  # it has a term, by which it goes again
    return Departure(line.act, of, line.at)


def _was_refused(work: Work, line: AuditLine) -> bool:
    """By its owner; not given up by who wrote it down, and not over."""
    return line.actor_id not in (None, line.read_details(work).get("recorded_by"))


async def _that_are_back(work: Work, left: Sequence[Departure]) -> list[Departure]:
    ids = [each.of for each in left]
    persons = select(Person.id).where(Person.id.in_(ids), Person.erased_at.is_(None))
    cameras = select(Camera.id, Camera.state).where(Camera.id.in_(ids))
    known = set((await work.session.execute(persons)).scalars())
    states = {row.id: row.state for row in await work.session.execute(cameras)}
    return [each for each in left if _is_back(each, known, states)]


def _is_back(each: Departure, persons: set[int], cameras: dict[int, State]) -> bool:
    match each.act:
        case Act.ERASED:
            return each.of in persons
        case Act.WITHDRAWN:
            return cameras.get(each.of, State.WITHDRAWN) is not State.WITHDRAWN
        case _:
            return cameras.get(each.of) is State.RECORDED


async def _leave(work: Work, each: Departure) -> None:
    """As it was done then; nothing where another worker has just done it."""
    then = replace(work, now=each.at)
    if each.act is Act.ERASED:
        who = await work.session.get(Person, each.of, with_for_update={"key_share": True})
        if who is not None and who.erased_at is None:
            await erase(then, who, HOLDERS)
    elif each.act is Act.WITHDRAWN:
        camera = await work.session.get(Camera, each.of, with_for_update={"key_share": True})
        if camera is not None and camera.state is not State.WITHDRAWN:
            await withdraw(then, camera, await person(work, camera.owner_id))
    elif (recorded := await locked_recording(work, each.of)) is not None:
        await note_refused(then, recorded)
        await erase_recording(then, recorded)


def _add(path: Path, vault: Vault, left: Iterable[Departure], before: datetime) -> int:
    """Add what is not on the list, take off what is older than *before*; returns how many."""
    with _held(path.parent):
        lines = _lines(path)
        new = [each for each in left if not _is_ours(vault, each, lines.get(each))]
        lines |= {each: vault.mac(_MARK, str(each).encode()) for each in new}
        kept = {each: mark for each, mark in lines.items() if each.at >= before}
        text = "".join(f"{each} {mark.hex()}\n" for each, mark in kept.items())
        if text != _text(path):
            _write(path, text)
    return len(new)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """With every other worker of this folder held off."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_ours(vault: Vault, each: Departure, mark: bytes | None) -> bool:
    return vault.is_mac(_MARK, str(each).encode(), mark)


def _lines(path: Path) -> dict[Departure, bytes]:
    return dict(found for line in _text(path).splitlines() if (found := _read(line)) is not None)


def _text(path: Path) -> str:
    return path.read_text("ascii", "replace") if path.exists() else ""


def _read(line: str) -> tuple[Departure, bytes] | None:
    try:
        act, of, at, mark = line.split(" ")
        departure = Departure(Act(act), int(of), datetime.fromisoformat(at))
        return (departure, bytes.fromhex(mark)) if departure.at.tzinfo else None
    except ValueError:
        log.warning("%r is not a line of who left", line[:40])
        return None


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush(path, path.parent)
