"""Giving an officer another name: the one that owners and colleagues read."""

from __future__ import annotations

from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import (
    Person,
    officer_name,
    read_name,
    set_service_name,
    tell,
    words_for,
)
from nobs_bot.people.roles import Role, grant_under
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import Work


async def rename(work: Work, grant_id: int, administrator: Person, text: str) -> Person:
    """
    Name whoever has a role, from now on and in what was logged before; they are told.

    Raises:
        Refusal: it is no name, or the role is not this administrator's to end (see
            `roles.grant_under`): nobody who is administrator names themselves.
    """
    name = read_name(text)
    held, who = await grant_under(work, grant_id, administrator)
    former = officer_name(work, who)
    set_service_name(work, who, name)
    record(
        work,
        Act.OFFICER_NAMED,
        actor_id=administrator.id,
        actor_role=Role.ADMINISTRATOR,
        person=who.id,
        area=held.area_code,
        name=name,
        former=former,
    )
    told = Message(text=words_for(work, who)("officers.named_told", name=name))
    await tell(work, who, told, f"named:{who.id}:{new_id()}")
    return who
