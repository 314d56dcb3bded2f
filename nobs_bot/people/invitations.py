"""Links that give a role: for one use, for one area, for a few days."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, LargeBinary, update
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.errors import Refusal
from nobs_bot.people.persons import MOST_NAME_CHARACTERS, Person, set_service_name
from nobs_bot.people.renaming import name_officer
from nobs_bot.people.roles import Grant, Role, grant, holds
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import Base, Identified, choice, new_id, sealed
from nobs_bot.storage.work import Work

START_PREFIX = "inv_"
_NAME = "invitations.name"


class Invitation(Base, Identified):
    """
    An invitation; of its token only a keyed digest is kept.

    `name` is how others will read of whoever takes it (see `persons.officer_name`), sealed.
    """

    __tablename__ = "invitations"

    token_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    role: Mapped[Role] = mapped_column(choice(Role))
    name: Mapped[bytes | None] = sealed()
    area_code: Mapped[str]
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_by: Mapped[int | None] = mapped_column(BigInteger)
    used_at: Mapped[datetime | None]


def invite(
    work: Work, role: Role, area_code: str, *, created_by: int | None, name: str | None = None
) -> str:
    """
    Make an invitation and return what comes after `?start=` in its link.

    Args:
        name: How owners and colleagues will read of whoever takes it (see `persons.read_name`);
            None where nobody knows them yet, and their account's name must do.
    """
    token = secrets.token_urlsafe(24)
    invitation = Invitation(
        id=new_id(),
        token_index=_index(work, token),
        role=role,
        area_code=area_code,
        created_by=created_by,
        created_at=work.now,
        expires_at=work.now + timedelta(hours=work.settings.invitation_hours),
    )
    if name is not None:
        invitation.name = work.vault.seal(_NAME, invitation.id, name.encode())
    work.session.add(invitation)
    record(work, Act.INVITED, actor_id=created_by, role=role, area=area_code, name=name)
    return START_PREFIX + token


async def redeem(work: Work, who: Person, start: str, *, account_name: str = "") -> Grant:
    """
    Give *who* the role that a link promises, and the name that came with it.

    Args:
        account_name: What their account calls itself, for an invitation without a name.

    Raises:
        Refusal: the link is unknown, used or expired, or who made it may invite there no more.
    """
    used = (
        update(Invitation)
        .where(
            Invitation.token_index == _index(work, start.removeprefix(START_PREFIX)),
            Invitation.used_at.is_(None),
            Invitation.expires_at > work.now,
        )
        .values(used_by=who.id, used_at=work.now)
        .returning(Invitation)
        .execution_options(synchronize_session=False)
    )
    invitation = (await work.session.execute(used)).scalar_one_or_none()
    if invitation is None or not await _stands(work, invitation):
        raise Refusal("invitation.not_valid")
    # an administrator who takes their own invitation names nobody: that is for another
    if invitation.created_by != who.id:
        _name(work, who, invitation, account_name)
    invitation.name = None
    return await grant(
        work, who, invitation.role, invitation.area_code, granted_by=invitation.created_by
    )


def _name(work: Work, who: Person, invitation: Invitation, account_name: str) -> None:
    if given := _name_in(work, invitation):
        name_officer(
            work,
            who,
            given[:MOST_NAME_CHARACTERS],
            area_code=invitation.area_code,
            named_by=invitation.created_by,
        )
    elif account_name and not who.service_name:
        # nobody gave it, so the log has nothing to tell
        set_service_name(work, who, account_name[:MOST_NAME_CHARACTERS])


def _name_in(work: Work, invitation: Invitation) -> str:
    if invitation.name is None:
        return ""
    return work.vault.open(_NAME, invitation.id, invitation.name).decode()


async def _stands(work: Work, invitation: Invitation) -> bool:
    """Whether its giver is administrator there still; who has a shell always is."""
    giver = invitation.created_by
    if giver is None:
        return True
    return await holds(work, giver, Role.ADMINISTRATOR, invitation.area_code)


def _index(work: Work, token: str) -> bytes:
    return work.vault.blind_index("invitation", token)
