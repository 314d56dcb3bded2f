"""Giving an officer another name: the one that owners and colleagues read."""

from __future__ import annotations

from typing import Any

from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import (
    Person,
    read_name,
    service_name_of,
    set_service_name,
    tell,
    words_for,
)
from nobs_bot.people.roles import Role, grant_under
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import Work


def name_officer(
    work: Work, who: Person, name: str, *, area_code: str, named_by: int | None
) -> None:
    """Call an officer *name* from now on; the log keeps what service name they had before."""
    former = service_name_of(work, who)
    if former == name:
        return
    set_service_name(work, who, name)
    # what they call themselves goes when they are erased, and the log stays
    before: dict[str, Any] = {"former": former} if former else {}
    record(
        work,
        Act.OFFICER_NAMED,
        actor_id=named_by,
        actor_role=Role.ADMINISTRATOR if named_by is not None else None,
        person=who.id,
        area=area_code,
        name=name,
        **before,
    )


async def rename(work: Work, grant_id: int, administrator: Person, text: str) -> Person:
    """
    Name whoever has a role, from now on and in what was logged before; they are told.

    Raises:
        Refusal: it is no name, it is the administrator's own, or the role is not theirs to end
            (see `roles.grant_under`).
    """
    name = read_name(text)
    held, who = await grant_under(work, grant_id, administrator)
    if who.id == administrator.id:
        raise Refusal("roles.own_name")
    name_officer(work, who, name, area_code=held.area_code, named_by=administrator.id)
    told = Message(text=words_for(work, who)("officers.named_told", name=name))
    await tell(work, who, told, f"named:{who.id}:{new_id()}")
    return who
