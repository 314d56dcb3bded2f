"""What a person may do, and where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import BigInteger, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person, opened_officer_name
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import Base, Identified, choice, new_id
from nobs_bot.storage.work import Work


class Role(StrEnum):
    """The officers' roles; an owner needs none."""

    FIELD_OFFICER = "field_officer"
    REVIEWER = "reviewer"
    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


class Grant(Base, Identified):
    """One person's role in one area, until it ends."""

    __tablename__ = "grants"
    __table_args__ = (Index(None, "person_id"), Index(None, "role", "area_code"))

    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    role: Mapped[Role] = mapped_column(choice(Role))
    area_code: Mapped[str]
    granted_by: Mapped[int | None] = mapped_column(BigInteger)
    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


def covers(area_code: str, place_code: str) -> bool:
    """Whether an area holds a place; codes are dotted paths such as 31.73.04.1001."""
    return place_code == area_code or place_code.startswith(f"{area_code}.")


async def grants_of(work: Work, person_id: int) -> Sequence[Grant]:
    """The person's roles that have not ended."""
    query = select(Grant).where(Grant.person_id == person_id, Grant.ended_at.is_(None))
    return (await work.session.execute(query)).scalars().all()


async def areas_of(work: Work, person_id: int, role: Role) -> list[str]:
    """Codes of the areas in which the person has this role."""
    grants = await grants_of(work, person_id)
    return [grant.area_code for grant in grants if grant.role is role]


async def holds(work: Work, person_id: int, role: Role, place_code: str) -> bool:
    """Whether the person has this role for this place."""
    return any(covers(area, place_code) for area in await areas_of(work, person_id, role))


async def acting_as(work: Work, person_id: int, place_code: str) -> Role | None:
    """In which role somebody acts at a place, for the log: the first they have there, or None."""
    held = {
        each.role for each in await grants_of(work, person_id) if covers(each.area_code, place_code)
    }
    return next((role for role in Role if role in held), None)


async def require(work: Work, person_id: int, role: Role) -> list[str]:
    """
    The areas in which the person has this role.

    Raises:
        Refusal: in none.
    """
    areas = await areas_of(work, person_id, role)
    if not areas:
        raise Refusal("roles.needed")
    return areas


async def require_at(work: Work, person_id: int, role: Role, place_code: str) -> None:
    """Raises `Refusal` where the person does not have this role for this place."""
    if not await holds(work, person_id, role, place_code):
        raise Refusal("roles.not_here")


async def grant(
    work: Work, who: Person, role: Role, area_code: str, *, granted_by: int | None
) -> Grant:
    """Give a role; one that the person already has stays as it is."""
    for existing in await grants_of(work, who.id):
        if existing.role is role and existing.area_code == area_code:
            return existing
    fresh = Grant(
        id=new_id(),
        person_id=who.id,
        role=role,
        area_code=area_code,
        granted_by=granted_by,
        granted_at=work.now,
    )
    work.session.add(fresh)
    record(
        work,
        Act.ROLE_GRANTED,
        actor_id=granted_by,
        role=role,
        area=area_code,
        person=who.id,
    )
    return fresh


class Held(NamedTuple):
    """A role that somebody has; the names are the person's, sealed (see `held_by`)."""

    id: int
    role: Role
    area_code: str
    granted_at: datetime
    person_id: int
    service_name: bytes | None
    own_name: bytes | None


def held_by(work: Work, held: Held) -> str:
    """By what name others read of whoever has a role; empty where we know none."""
    return opened_officer_name(work, held.person_id, held.service_name, held.own_name)


async def grants_in(work: Work, areas: Sequence[str]) -> list[Held]:
    """Every role in these areas that has not ended, with who holds it; the newest last."""
    return [
        held
        for held in await open_grants(work)
        if any(covers(area, held.area_code) for area in areas)
    ]


# of columns: a district has hundreds, and a list of them needs no objects
_grants, _persons = Grant.__table__, Person.__table__
_OPEN = (
    select(
        *(_grants.c.id, _grants.c.role, _grants.c.area_code, _grants.c.granted_at),
        *(_grants.c.person_id, _persons.c.service_name, _persons.c.name),
    )
    .join_from(_grants, _persons, _persons.c.id == _grants.c.person_id)
    .where(_grants.c.ended_at.is_(None))
    .order_by(_grants.c.id)
)


async def open_grants(work: Work) -> list[Held]:
    """Every role that has not ended, with who holds it; the newest last."""
    return [Held(*row) for row in (await work.session.execute(_OPEN)).all()]


async def grant_under(work: Work, grant_id: int, administrator: Person) -> tuple[Grant, Person]:
    """
    A role that this administrator may end, locked, with who holds it.

    Raises:
        Refusal: there is none such in the administrator's areas, or it is their own
            administration: whoever ends that could leave nobody in charge.
    """
    query = select(Grant).where(Grant.id == grant_id, Grant.ended_at.is_(None)).with_for_update()
    held = (await work.session.execute(query)).scalar_one_or_none()
    if held is None:
        raise Refusal("roles.ended_already")
    await require_at(work, administrator.id, Role.ADMINISTRATOR, held.area_code)
    if held.person_id == administrator.id and held.role is Role.ADMINISTRATOR:
        raise Refusal("roles.own")
    who = await work.session.get(Person, held.person_id)
    assert who is not None
    return held, who


async def end_role(work: Work, grant_id: int, administrator: Person) -> tuple[Grant, Person]:
    """End a role; it is of no use from the next update on (see `grant_under`)."""
    held, who = await grant_under(work, grant_id, administrator)
    end_grant(work, held, who, administrator)
    return held, who


def end_grant(work: Work, held: Grant, who: Person, ended_by: Person | None) -> None:
    """End a role of *who*; None: by nobody, it had been ended before a backup brought it back."""
    held.ended_at = work.now
    record(
        work,
        Act.ROLE_ENDED,
        actor_id=ended_by.id if ended_by else None,
        actor_role=Role.ADMINISTRATOR if ended_by else None,
        role=held.role,
        area=held.area_code,
        person=who.id,
    )


async def holders(work: Work, role: Role, place_code: str) -> list[Person]:
    """Everybody who has this role for this place."""
    parts = place_code.split(".")
    areas = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    query = (
        select(Person)
        .join(Grant, Grant.person_id == Person.id)
        .where(Grant.role == role, Grant.area_code.in_(areas), Grant.ended_at.is_(None))
        .order_by(Person.id)
        .distinct()
    )
    return list((await work.session.execute(query)).scalars())


async def everyone_with(work: Work, role: Role) -> list[int]:
    """Ids of all who have this role anywhere."""
    query = select(Grant.person_id).where(Grant.role == role, Grant.ended_at.is_(None)).distinct()
    return list((await work.session.execute(query.order_by(Grant.person_id))).scalars())
