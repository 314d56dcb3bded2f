"""
Whose data was exposed, what of it, and when: what the law wants told within three days.

Source: UU 27/2022 on personal data, article 46: the persons concerned and the agency are told in
writing, within 3 x 24 hours, which data were disclosed, when and how, and what is done about it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from io import StringIO

from sqlalchemy import select

from nobs_bot.cameras.record import Camera
from nobs_bot.footage.trail import as_cell
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, name_of, persons_of, phone_of, tell, words_for
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words, plain

WITHIN = timedelta(hours=72)
_AT_ONCE = 500


class Kind(StrEnum):
    """Kinds of personal data."""

    PLACE = "place"
    ACCOUNT = "account"
    NAME = "name"
    PICTURES = "pictures"
    CREDENTIALS = "credentials"


# what an officer sees with each act
_SEEN = {
    Act.COVERAGE_SEEN: (Kind.PLACE,),
    Act.SEEN_NEARBY: (Kind.PLACE,),
    Act.CAMERAS_EXPORTED: (Kind.PLACE,),
    Act.HEALTH_SEEN: (Kind.PLACE,),
    Act.CAMERA_OPENED: (Kind.PLACE,),
    Act.FOUND_BY_REQUEST: (Kind.PLACE,),
    Act.GROUND_ASKED: (Kind.PLACE,),
    Act.API_READ: (Kind.PLACE,),
    Act.REVIEW_OPENED: (Kind.PLACE, Kind.NAME, Kind.PICTURES),
    Act.RECORD_OPENED: (Kind.PLACE, Kind.NAME),
    Act.OWNER_SHOWN: (Kind.NAME,),
    Act.CONTACT_SHOWN: (Kind.NAME,),
    Act.CLIP_OPENED: (Kind.PICTURES,),
    Act.EVIDENCE_EXPORTED: (Kind.PICTURES,),
    Act.LIVE_OPENED: (Kind.PICTURES,),
}
_IN_A_COPY = (Kind.PLACE, Kind.ACCOUNT)
_WITH_KEYS = (Kind.NAME, Kind.PICTURES, Kind.CREDENTIALS)


@dataclass
class Affected:
    """A person, and what of theirs was exposed; the numbers of cameras as people say them."""

    who: Person
    kinds: set[Kind] = field(default_factory=set)
    cameras: list[str] = field(default_factory=list)

    @property
    def told_kinds(self) -> list[Kind]:
        """The kinds in the order in which they are told."""
        return [kind for kind in Kind if kind in self.kinds]


async def seen_by(work: Work, actor_id: int, since: datetime, until: datetime) -> list[Affected]:
    """Whose data one officer saw between two instants, from the audit log."""
    query = select(AuditLine.owner_id, AuditLine.camera_id, AuditLine.act).where(
        AuditLine.actor_id == actor_id,
        AuditLine.act.in_(_SEEN),
        AuditLine.at >= since,
        AuditLine.at <= until,
        AuditLine.owner_id.is_not(None),
        AuditLine.owner_id != actor_id,
    )
    kinds: dict[int, set[Kind]] = {}
    cameras: dict[int, set[int]] = {}
    for owner_id, camera_id, act in (await work.session.execute(query)).all():
        assert owner_id is not None
        kinds.setdefault(owner_id, set()).update(_SEEN[act])
        if camera_id is not None:
            cameras.setdefault(owner_id, set()).add(camera_id)
    return await _affected(work, kinds, cameras)


async def in_a_copy(work: Work, at: datetime, *, with_keys: bool) -> list[Affected]:
    """Whose data a copy of the database of that instant holds; all of it where the keys went."""
    query = select(Person.id).where(Person.created_at <= at, Person.erased_at.is_(None))
    ids = (await work.session.execute(query)).scalars().all()
    exposed = {*_IN_A_COPY, *(_WITH_KEYS if with_keys else ())}
    owned: dict[int, set[int]] = {}
    rows = await work.session.execute(
        select(Camera.owner_id, Camera.id).where(Camera.created_at <= at)
    )
    for owner_id, camera_id in rows:
        owned.setdefault(owner_id, set()).add(camera_id)
    kinds = {
        each: exposed if each in owned else exposed - {Kind.PLACE, Kind.PICTURES, Kind.CREDENTIALS}
        for each in ids
    }
    return await _affected(work, kinds, owned)


async def _affected(
    work: Work, kinds: dict[int, set[Kind]], cameras: dict[int, set[int]]
) -> list[Affected]:
    ids = sorted(kinds)
    people: dict[int, Person] = {}
    for first in range(0, len(ids), _AT_ONCE):
        people |= await persons_of(work, ids[first : first + _AT_ONCE])
    numbered = select(Camera.id, Camera.number).where(Camera.number.is_not(None))
    numbers = {
        camera_id: f"K-{number}" for camera_id, number in await work.session.execute(numbered)
    }
    return [
        Affected(
            people[each],
            kinds[each],
            sorted(numbers[camera] for camera in cameras.get(each, ()) if camera in numbers),
        )
        for each in ids
        if each in people and people[each].erased_at is None
    ]


@dataclass(frozen=True)
class Incident:
    """What is told of it; times are instants, the rest is as the operator wrote it."""

    since: datetime
    until: datetime
    found_at: datetime
    how: str
    measures: str


async def tell_affected(work: Work, incident: Incident, affected: Sequence[Affected]) -> int:
    """A message to each of them who can be reached; telling the same twice tells once."""
    what = sha256(incident.how.encode()).hexdigest()[:16]
    told = 0
    for each in affected:
        if each.who.telegram_id is None:
            continue
        words = words_for(work, each.who)
        times = f"{incident.since.isoformat()}:{incident.until.isoformat()}"
        occasion = f"breach:{times}:{what}:{each.who.id}"
        await tell(work, each.who, Message(text=_letter(work, words, incident, each)), occasion)
        told += 1
    return told


def _letter(work: Work, words: Words, incident: Incident, each: Affected) -> str:
    return words(
        "breach.letter",
        district=work.settings.district_name,
        window=words.window(incident.since, incident.until),
        kinds=_kinds(words, each.told_kinds),
        how=incident.how,
        measures=incident.measures,
        contact=work.settings.district_contact,
    )


def _kinds(words: Words, kinds: Iterable[Kind]) -> str:
    return ", ".join(plain(words(f"breach.kind.{kind}")) for kind in kinds)


def report(work: Work, words: Words, incident: Incident, affected: Sequence[Affected]) -> str:
    """The report to the agency, as text in the district's language."""
    counts = {kind: sum(kind in each.kinds for each in affected) for kind in Kind}
    return plain(
        words(
            "breach.report",
            district=work.settings.district_name,
            found=words.moment(incident.found_at),
            deadline=words.moment(incident.found_at + WITHIN),
            window=words.window(incident.since, incident.until),
            count=len(affected),
            reachable=sum(each.who.telegram_id is not None for each in affected),
            kinds="\n".join(
                f"- {plain(words(f'breach.kind.{kind}'))}: {words.number(count)}"
                for kind, count in counts.items()
                if count
            ),
            how=incident.how,
            measures=incident.measures,
            contact=work.settings.district_contact,
        )
    )


def as_table(work: Work, words: Words, affected: Sequence[Affected]) -> bytes:
    """Everybody concerned, for letters to those whom no message reaches: CSV, UTF-8 with a mark."""
    out = StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    columns = ("name", "phone", "reachable", "cameras", "kinds")
    writer.writerow([plain(words(f"breach.column.{each}")) for each in columns])
    for each in affected:
        row = (
            name_of(work, each.who),
            phone_of(work, each.who),
            plain(words("breach.yes" if each.who.telegram_id is not None else "breach.no")),
            ", ".join(each.cameras),
            _kinds(words, each.told_kinds),
        )
        writer.writerow([as_cell(value) for value in row])
    return out.getvalue().encode("utf-8-sig")
