"""One-time links to an export: for one officer, for ten minutes."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import select, update

from nobs_bot.errors import Refusal
from nobs_bot.footage.export import Gathered, gather
from nobs_bot.footage.handover import ExportLink
from nobs_bot.footage.request import FootageRequest
from nobs_bot.people.persons import Person, person
from nobs_bot.storage.base import new_id
from nobs_bot.storage.work import Work

LINK_MINUTES = 10
_INDEX = "export_links.token"
_TOKEN_BYTES = 32
_TOKEN_CHARACTERS = 43


def make_link(work: Work, request: FootageRequest, officer: Person) -> str | None:
    """
    The address of a request's export, good once and for ten minutes; None without pages.

    The request must be one that this officer may see (`request_for`).
    """
    if work.settings.pages is None:
        return None
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    work.session.add(
        ExportLink(
            id=new_id(),
            request_id=request.id,
            officer_id=officer.id,
            token_index=work.vault.blind_index(_INDEX, token),
            created_at=work.now,
            expires_at=work.now + timedelta(minutes=LINK_MINUTES),
        )
    )
    return f"{work.settings.pages}/evidence/{token}"


async def use_link(work: Work, token: str) -> Gathered:
    """
    What a link leads to. It is used up by this, and the officer's role is looked at again.

    Raises:
        Refusal: there is no such link, it is over or was used, or the role has ended.
    """
    if len(token) != _TOKEN_CHARACTERS:
        raise Refusal("evidence.link_over")
    # one statement, so that of two who come at once one only gets through
    used = (
        update(ExportLink)
        .where(
            ExportLink.token_index == work.vault.blind_index(_INDEX, token),
            ExportLink.used_at.is_(None),
            ExportLink.expires_at > work.now,
        )
        .values(used_at=work.now)
        .returning(ExportLink.request_id, ExportLink.officer_id)
        .execution_options(synchronize_session=False)
    )
    found = (await work.session.execute(used)).one_or_none()
    if found is None:
        raise Refusal("evidence.link_over")
    officer = await person(work, found.officer_id)
    return await gather(work, found.request_id, officer, "link")


async def forget_links(work: Work) -> None:
    """Remove links that are over; who took an export stands in the audit log."""
    over = select(ExportLink).where(ExportLink.expires_at <= work.now)
    for link in (await work.session.execute(over.limit(100))).scalars():
        await work.session.delete(link)
