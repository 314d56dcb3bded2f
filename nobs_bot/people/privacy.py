"""A person's rights over what is kept about them: a copy, and to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import delete, select

from nobs_bot.messaging.chats import Slot
from nobs_bot.messaging.conversation import Standing
from nobs_bot.messaging.outbox import erase_chat
from nobs_bot.people.consent import Consent, withdraw_consent
from nobs_bot.people.persons import Person, name_of, phone_of, service_name_of
from nobs_bot.people.roles import grants_of
from nobs_bot.people.sessions import forget_person as forget_sessions
from nobs_bot.people.tokens import end_orphaned
from nobs_bot.storage.audit import Act, forget_owner, lines_about, record
from nobs_bot.storage.work import Work


class Holder(Protocol):
    """A wing that keeps something about persons."""

    name: str

    async def export(self, work: Work, person_id: int) -> Any:
        """What it keeps about the person, as JSON."""
        ...

    async def erase(self, work: Work, person_id: int) -> None:
        """Remove it, or cut what must stay (evidence of a case) loose from the person."""
        ...


async def export(work: Work, who: Person, holders: Sequence[Holder]) -> dict[str, Any]:
    """Everything that is kept about *who*, as JSON; the act itself is logged."""
    consents = await work.session.execute(select(Consent).where(Consent.person_id == who.id))
    whole: dict[str, Any] = {
        "person": {
            "telegram_id": who.telegram_id,
            "name": name_of(work, who),
            "service_name": service_name_of(work, who),
            "phone": phone_of(work, who),
            "phone_verified": who.phone_verified,
            "language": who.language,
            "first_seen": who.created_at.isoformat(),
        },
        "consents": [
            {
                "version": each.version,
                "text_sha256": each.text_sha256,
                "given_at": each.given_at.isoformat(),
                "withdrawn_at": each.withdrawn_at.isoformat() if each.withdrawn_at else None,
            }
            for each in consents.scalars()
        ],
        "roles": [
            {"role": each.role, "area": each.area_code, "since": each.granted_at.isoformat()}
            for each in await grants_of(work, who.id)
        ],
        "access_log": [
            {"at": line.at.isoformat(), "act": line.act, **line.read_details(work)}
            for line in await lines_about(work, who.id, limit=10_000)
        ],
    }
    for holder in holders:
        whole[holder.name] = await holder.export(work, who.id)
    record(work, Act.DATA_EXPORTED, actor_id=who.id, owner_id=who.id)
    return whole


async def erase(work: Work, who: Person, holders: Sequence[Holder]) -> None:
    """Forget *who* at once; that somebody was erased, and when, is all that stays."""
    for holder in holders:
        await holder.erase(work, who.id)
    await withdraw_consent(work, who)
    for role in await grants_of(work, who.id):
        role.ended_at = work.now
    await work.session.flush()
    await end_orphaned(work, who, who)
    await forget_sessions(work, who.id)
    # the chain of the log has a place for each line, so it must say which of them are gone
    gone = await forget_owner(work, who.id)
    record(work, Act.ERASED, actor_id=who.id, gone=gone)
    if who.telegram_id is not None:
        await work.session.execute(delete(Standing).where(Standing.lane == who.telegram_id))
        await work.session.execute(delete(Slot).where(Slot.chat_id == who.telegram_id))
        await erase_chat(work, who.telegram_id)
    # the service name stays: owners may still ask who looked
    who.telegram_id = who.name = who.phone = None
    who.phone_verified = False
    who.erased_at = work.now
