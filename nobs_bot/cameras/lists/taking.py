"""Taking a whole list over: what each row would do, and doing it in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from shapely import STRtree, box, points
from sqlalchemy import insert, select

from nobs_bot.cameras.claim import RefusedRecord
from nobs_bot.cameras.lists.columns import Columns
from nobs_bot.cameras.lists.entry import BadRow, Entry, read_entry
from nobs_bot.cameras.lists.table import Table
from nobs_bot.cameras.record import Camera, Contact, State, contact_of, sealed_contact
from nobs_bot.people.persons import Person, sealed_name, sealed_phone
from nobs_bot.places.areas import Areas
from nobs_bot.places.geodesy import angle_between_deg, distance_m
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import Work

# nearer than a phone can tell two places apart, and looking the same way: one camera
SAME_PLACE_M = 5.0
SAME_HEADING_DEG = 45.0
_MARGIN_DEG = SAME_PLACE_M / 100_000
_AT_ONCE = 500

Progress = Callable[[int, int], None]


class Fate(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    KNOWN = "known"
    REPEATED = "repeated"
    REFUSED = "refused"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    One row and what becomes of it.

    Args:
        entry: What it says; None where it cannot be read.
        why: The reason, for people; of a NEW one what was mended.
    """

    line: int
    fate: Fate
    why: str = ""
    entry: Entry | None = None


@dataclass
class Plan:
    """What a list would do, row by row, in its order."""

    verdicts: list[Verdict] = field(default_factory=list)

    def count(self, fate: Fate) -> int:
        """How many rows have this fate."""
        return sum(each.fate is fate for each in self.verdicts)

    @property
    def mended(self) -> int:
        """How many rows that are taken were mended."""
        return sum(bool(each.why) for each in self.verdicts if each.fate is Fate.NEW)


def read_entries(
    table: Table, columns: Columns, areas: Areas, progress: Progress = lambda done, of: None
) -> list[Entry | Verdict]:
    """Every row as an entry, or as the verdict that it cannot be read."""
    found: list[Entry | Verdict] = []
    for done, (line, cells) in enumerate(table.rows, start=1):
        try:
            found.append(read_entry(line, cells, columns, areas))
        except BadRow as bad:
            found.append(Verdict(line, Fate.BAD, str(bad)))
        if done % 100 == 0 or done == len(table.rows):
            progress(done, len(table.rows))
    return found


async def plan(work: Work, read: Sequence[Entry | Verdict]) -> Plan:
    """What the rows would do now; nothing is written."""
    taken = await _taken(work)
    refused = set((await work.session.execute(select(RefusedRecord.source_index))).scalars())
    near = await _Near.load(work)
    result = Plan()
    seen: dict[object, int] = {}
    for each in read:
        if isinstance(each, Verdict):
            result.verdicts.append(each)
            continue
        index = source_index(work, each)
        before = seen.get(index) or (seen.get(each.view) if each.view else None)
        if before:
            verdict = Verdict(each.line, Fate.REPEATED, f"the same as line {before}", each)
        elif index in taken:
            verdict = Verdict(each.line, Fate.KNOWN, "is in the register already", each)
        elif index in refused:
            verdict = Verdict(each.line, Fate.REFUSED, "its owner had it erased", each)
        elif twin := near.twin_of(work, each):
            verdict = Verdict(each.line, Fate.REPEATED, f"the same place and view as {twin}", each)
        else:
            verdict = Verdict(each.line, Fate.NEW, "; ".join(each.mended), each)
        seen.setdefault(index, each.line)
        seen.setdefault(each.view, each.line)
        result.verdicts.append(verdict)
    return result


def source_index(work: Work, entry: Entry) -> bytes:
    """By which a row is known again; tells a thief nothing of it."""
    return work.vault.blind_index("list row", entry.identity)


async def _taken(work: Work) -> set[bytes]:
    query = select(Camera.source_index).where(Camera.source_index.is_not(None))
    return {index for index in (await work.session.execute(query)).scalars() if index}


class _Near:
    """The cameras that are in the register, by their places."""

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self._cameras = cameras
        places = np.array([(each.lon, each.lat) for each in cameras]).reshape(-1, 2)
        self._tree = STRtree(np.asarray(points(places)))

    @classmethod
    async def load(cls, work: Work) -> _Near:
        query = select(Camera).where(
            Camera.lat.is_not(None), Camera.state.not_in((State.DRAFT, State.REJECTED))
        )
        return cls((await work.session.execute(query)).scalars().all())

    def twin_of(self, work: Work, entry: Entry) -> str:
        """What is taken for the same camera; empty where nothing is."""
        around = box(
            entry.lon - _MARGIN_DEG,
            entry.lat - _MARGIN_DEG,
            entry.lon + _MARGIN_DEG,
            entry.lat + _MARGIN_DEG,
        )
        for at in self._tree.query(around):
            camera = self._cameras[int(at)]
            if self._is_same(work, camera, entry):
                return camera.name if camera.number else "a record that waits for its owner"
        return ""

    @staticmethod
    def _is_same(work: Work, camera: Camera, entry: Entry) -> bool:
        assert camera.lat is not None
        assert camera.lon is not None
        if distance_m(camera.lat, camera.lon, entry.lat, entry.lon) > SAME_PLACE_M:
            return False
        if camera.heading_deg is not None and entry.heading_deg is not None:
            off = angle_between_deg(camera.heading_deg, entry.heading_deg)
            return off <= SAME_HEADING_DEG
        # a shop may have several at its door; without directions only the list's own word counts
        contact = contact_of(work, camera)
        return camera.source_index is None and bool(entry.phone and contact.phone == entry.phone)


async def carry_out(work: Work, plan: Plan, progress: Progress = lambda done, of: None) -> int:
    """
    Record every new row; returns how many.

    Rows with one telephone number are one owner's, who takes them over together.
    """
    entries = [each.entry for each in plan.verdicts if each.fate is Fate.NEW and each.entry]
    owners: dict[str, int] = {}
    done = 0
    for start in range(0, len(entries), _AT_ONCE):
        some = entries[start : start + _AT_ONCE]
        persons = list(_new_owners(work, some, owners))
        if persons:
            await work.session.execute(insert(Person), persons)
        rows = [_row(work, entry, owners) for entry in some]
        await work.session.execute(insert(Camera), rows)
        done += len(rows)
        progress(done, len(entries))
    if entries:
        record(work, Act.RECORDED, actor_id=None, rows=len(entries))
    return len(entries)


def _key(entry: Entry) -> str:
    return entry.phone or f"line {entry.line}"


def _new_owners(
    work: Work, entries: Iterable[Entry], owners: dict[str, int]
) -> Iterator[dict[str, Any]]:
    for entry in entries:
        if _key(entry) in owners:
            continue
        owner_id = owners[_key(entry)] = new_id()
        yield {
            "id": owner_id,
            "telegram_id": None,
            "name": sealed_name(work, owner_id, entry.name) if entry.name else None,
            "phone": sealed_phone(work, owner_id, entry.phone) if entry.phone else None,
            "phone_verified": False,
            "created_at": work.now,
            "seen_at": work.now,
        }


def _row(work: Work, entry: Entry, owners: dict[str, int]) -> dict[str, Any]:
    camera_id = new_id()
    contact = Contact(entry.name, entry.phone, address=entry.address)
    return {
        "id": camera_id,
        "owner_id": owners[_key(entry)],
        "state": State.RECORDED,
        "place_kind": entry.kind,
        "contact": sealed_contact(work, camera_id, contact),
        "lat": entry.lat,
        "lon": entry.lon,
        "area_code": entry.area_code,
        "heading_deg": entry.heading_deg,
        "heading_unknown": False,
        "width": entry.width,
        "range_m": entry.range_m,
        "retention_days": entry.retention_days,
        "created_at": work.now,
        "touched_at": work.now,
        "recorded_at": work.now,
        "handed_over_at": work.now,
        "source_index": source_index(work, entry),
    }
