"""
What an owner agreed to: which version of the words, when, and that they are of age.

UU PDP 27/2022, article 20 (explicit consent), 21 (what must be told), 22 (recorded, plain words),
23 (void otherwise), 24 (the controller shows proof).
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import BigInteger, ForeignKey, Index, select, update
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.people.persons import Person, words_for
from nobs_bot.storage.audit import Act, record
from nobs_bot.storage.base import Base, Identified, new_id
from nobs_bot.storage.work import Work

VERSION = "2026-12"


class Consent(Base, Identified):
    """One act of consent, kept as proof for as long as anything of the owner's is kept."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "person_id"),)

    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("persons.id"))
    version: Mapped[str]
    language: Mapped[str]
    text_sha256: Mapped[str]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


def consent_text(work: Work, who: Person) -> str:
    """The words that the person is asked to agree to."""
    settings = work.settings
    return words_for(work, who)(
        "consent.body", district=settings.district_name, contact=settings.district_contact
    )


async def current_consent(work: Work, who: Person) -> Consent | None:
    """The person's consent to the present version, unless it was withdrawn."""
    query = select(Consent).where(
        Consent.person_id == who.id, Consent.version == VERSION, Consent.withdrawn_at.is_(None)
    )
    return (await work.session.execute(query)).scalars().first()


async def give_consent(work: Work, who: Person) -> Consent:
    """Keep that the person, who says they are of age, agreed to the words as shown."""
    existing = await current_consent(work, who)
    if existing:
        return existing
    words = words_for(work, who)
    consent = Consent(
        id=new_id(),
        person_id=who.id,
        version=VERSION,
        language=words.language,
        text_sha256=sha256(consent_text(work, who).encode()).hexdigest(),
        given_at=work.now,
    )
    work.session.add(consent)
    record(work, Act.CONSENTED, actor_id=who.id, owner_id=who.id, version=VERSION)
    return consent


async def withdraw_consent(work: Work, who: Person) -> None:
    """Take every consent of the person back."""
    await work.session.execute(
        update(Consent)
        .where(Consent.person_id == who.id, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=work.now)
    )
