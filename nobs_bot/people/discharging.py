"""
Ending a role: whoever had it is told, and is out of the command centre with the last one.

Keys of systems end with the administration of whoever made them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import Person, person, tell, words_for
from nobs_bot.people.roles import Grant, Role, end_grant, end_role, grants_of
from nobs_bot.people.sessions import end_without_role
from nobs_bot.people.tokens import end_orphaned
from nobs_bot.places.areas import Areas
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words

# (command, description) of what somebody with these roles may use
MenuFor = Callable[[Words, Iterable[Role]], list[tuple[str, str]]]


async def discharge(
    work: Work, grant_id: int, administrator: Person, areas: Areas, menu_for: MenuFor
) -> tuple[Grant, Person]:
    """
    End a role and tell whoever had it.

    Raises:
        Refusal: it is not this administrator's to end (see `roles.grant_under`).
    """
    held, who = await end_role(work, grant_id, administrator)
    await _shut_out(work, who, administrator)
    theirs = words_for(work, who)
    told = Message(
        text=theirs(
            "officers.told",
            role=theirs(f"role.{held.role}"),
            area=areas.name(held.area_code),
        ),
        menu=tuple(menu_for(theirs, [each.role for each in await grants_of(work, who.id)])),
    )
    await tell(work, who, told, f"role-ended:{held.id}")
    return held, who


async def discharge_again(work: Work, grant_id: int) -> bool:
    """
    End a role that had been ended before a backup brought it back; whoever had it was told then.

    Returns:
        Whether it was there.
    """
    held = await work.session.get(Grant, grant_id, with_for_update=True)
    if held is None or held.ended_at is not None:
        return False
    who = await person(work, held.person_id)
    end_grant(work, held, who, None)
    await _shut_out(work, who, None)
    return True


async def _shut_out(work: Work, who: Person, ended_by: Person | None) -> None:
    """What goes with a role that has just ended: sessions with the last one, and orphaned keys."""
    await work.session.flush()
    await end_without_role(work, who.id)
    await end_orphaned(work, who, ended_by)
