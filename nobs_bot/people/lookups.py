"""Officers who open far more people's cameras than their work needs are noticed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import delivery_of
from nobs_bot.people.persons import Person, name_of, person, tell, words_for
from nobs_bot.people.roles import Role, grants_of, holders
from nobs_bot.storage.audit import Act, AuditLine
from nobs_bot.storage.work import Office, Work

WITHIN = timedelta(hours=24)
# what is opened one by one, because somebody wanted to see just that
_OPENED = (
    *(Act.CAMERA_OPENED, Act.OWNER_SHOWN, Act.RECORD_OPENED, Act.CONTACT_SHOWN),
    *(Act.CLIP_OPENED, Act.LIVE_OPENED),
)


async def tell_of_lookups(office: Office) -> int:
    """
    Tell the supervisors of an officer's areas, once a day, that the officer opened what belongs to
    more than `LOOKUPS_A_DAY` owners within a day; returns how many were told.
    """
    # only looked at first: nobody is to wait behind a search that mostly finds nothing
    async with office.look() as work:
        found = await _many(work)
    if not found:
        return 0
    told = 0
    async with office.work() as work:
        for officer_id, count in found.items():
            officer = await person(work, officer_id)
            for supervisor in await _supervisors(work, officer):
                told += await _tell(work, supervisor, officer, count)
    return told


async def _many(work: Work) -> dict[int, int]:
    """How many owners' each officer opened, by the officer's id, where that is too many."""
    owners = func.count(AuditLine.owner_id.distinct())
    query = (
        select(AuditLine.actor_id, owners)
        .where(
            AuditLine.act.in_(_OPENED),
            AuditLine.at > work.now - WITHIN,
            AuditLine.actor_id.is_not(None),
            AuditLine.owner_id != AuditLine.actor_id,
        )
        .group_by(AuditLine.actor_id)
        .having(owners > work.settings.lookups_a_day)
    )
    rows = (await work.session.execute(query)).all()
    return {officer_id: count for officer_id, count in rows if officer_id is not None}


async def _supervisors(work: Work, officer: Person) -> list[Person]:
    """Those of the officer's areas, but never the officer alone."""
    found: dict[int, Person] = {}
    for held in await grants_of(work, officer.id):
        for role in (Role.SUPERVISOR, Role.ADMINISTRATOR):
            found |= {each.id: each for each in await holders(work, role, held.area_code)}
    found.pop(officer.id, None)
    return list(found.values())


async def _tell(work: Work, supervisor: Person, officer: Person, count: int) -> int:
    day = work.now.astimezone(work.settings.zone).date().isoformat()
    occasion = f"lookups:{day}:{officer.id}:{supervisor.id}"
    if supervisor.telegram_id is None or await delivery_of(work, occasion) is not None:
        return 0
    words = words_for(work, supervisor)
    name = name_of(work, officer) or words("log.an_officer")
    text = words("lookups.many", name=name, count=count, limit=work.settings.lookups_a_day)
    await tell(work, supervisor, Message(text=text), occasion)
    return 1
