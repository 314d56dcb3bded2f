"""A person, as the bot knows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.errors import Refusal
from nobs_bot.messaging.message import Message
from nobs_bot.messaging.outbox import enqueue, enqueue_each
from nobs_bot.storage.base import Base, Identified, new_id, sealed
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words

_NAME = "persons.name"
_SERVICE_NAME = "persons.service_name"
_PHONE = "persons.phone"
SEEN_STEP = timedelta(hours=1)
MOST_NAME_CHARACTERS = 80


class Person(Base, Identified):
    """
    Somebody who has spoken to the bot. Names and phone are sealed.

    `name` is what they call themselves. An officer has a `service_name` too, which came with the
    invitation and is what owners read in their logs; it stays when the person is erased, so that
    who looked can be told for as long as the look itself.

    A private chat has the id of its person, so `telegram_id` is also where messages go; it is None
    once the person was erased, and of one who stands for an owner whom nobody has met yet.
    """

    __tablename__ = "persons"

    telegram_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    language: Mapped[str | None]
    name: Mapped[bytes | None] = sealed()
    service_name: Mapped[bytes | None] = sealed()
    phone: Mapped[bytes | None] = sealed()
    phone_verified: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


# runs at every update, so it is built once
_OF_ACCOUNT = select(Person).where(Person.telegram_id == bindparam("account"))
_HELD = _OF_ACCOUNT.with_for_update(key_share=True)


async def person_of(work: Work, telegram_id: int) -> Person | None:
    """The person behind a Telegram account, where we know them."""
    found = await work.session.execute(_OF_ACCOUNT, {"account": telegram_id})
    return found.scalar_one_or_none()


async def hold(work: Work, telegram_id: int) -> Person | None:
    """
    As `person_of`; until the transaction ends, no other one holds the same person.

    Two updates of one person can be run at once when they came in the wrong order. Nothing is
    locked against rows that refer to the person, so that others can go on about theirs.
    """
    account = {"account": telegram_id}
    found = (await work.session.execute(_HELD, account)).scalar_one_or_none()
    if found is not None or work.is_sqlite:
        return found  # on SQLite only one writes at a time
    # somebody new has no row that could be locked; when it is our turn there may be one
    await work.session.execute(select(func.pg_advisory_xact_lock(telegram_id)))
    return (await work.session.execute(_HELD, account)).scalar_one_or_none()


def note_seen(work: Work, who: Person) -> None:
    """Remember that the person is here, to the hour: a write at every message tells no more."""
    if work.now - who.seen_at >= SEEN_STEP:
        who.seen_at = work.now


def meet(work: Work, telegram_id: int, language: str | None) -> Person:
    """Make the acquaintance of somebody new; nothing but the account's number is kept."""
    person = Person(
        id=new_id(),
        telegram_id=telegram_id,
        language=language,
        phone_verified=False,
        created_at=work.now,
        seen_at=work.now,
    )
    work.session.add(person)
    return person


def nobody_yet(work: Work) -> Person:
    """Somebody who stands for an owner until that owner comes; gets no messages."""
    stand_in = Person(
        id=new_id(), telegram_id=None, phone_verified=False, created_at=work.now, seen_at=work.now
    )
    work.session.add(stand_in)
    return stand_in


async def person(work: Work, person_id: int) -> Person:
    """
    The person of this id.

    Raises:
        LookupError: there is none.
    """
    found = await work.session.get(Person, person_id)
    if found is None:
        raise LookupError(f"no person {person_id}")
    return found


async def persons_of(work: Work, ids: Iterable[int]) -> dict[int, Person]:
    """The persons of these ids, by id."""
    query = select(Person).where(Person.id.in_(list(ids)))
    return {each.id: each for each in (await work.session.execute(query)).scalars()}


def set_name(work: Work, who: Person, name: str) -> None:
    """Keep the person's name, sealed."""
    who.name = sealed_name(work, who.id, name)


def sealed_name(work: Work, person_id: int, name: str) -> bytes:
    """A name as it is kept in the person's row."""
    return work.vault.seal(_NAME, person_id, name.encode())


def name_of(work: Work, who: Person) -> str:
    """The person's name; empty where we do not know it."""
    return opened_name(work, who.id, who.name)


def opened_name(work: Work, person_id: int, sealed: bytes | None) -> str:
    """A name as it is kept in the person's row; empty where none is."""
    return work.vault.open(_NAME, person_id, sealed).decode() if sealed else ""


def read_name(text: str) -> str:
    """
    A name as somebody typed it.

    Raises:
        Refusal: nothing that could be a name.
    """
    clean = " ".join(text.split())
    if not 2 <= len(clean) <= MOST_NAME_CHARACTERS or not any(map(str.isalpha, clean)):
        raise Refusal("enrol.name.wrong", most=MOST_NAME_CHARACTERS)
    return clean


def set_service_name(work: Work, who: Person, name: str) -> None:
    """Keep the name by which others read of what an officer does, sealed."""
    who.service_name = work.vault.seal(_SERVICE_NAME, who.id, name.encode())


def service_name_of(work: Work, who: Person) -> str:
    """The name that an officer was given; empty where none was."""
    return opened_officer_name(work, who.id, who.service_name, None)


def officer_name(work: Work, who: Person) -> str:
    """By what name others read of an officer; their own where they were given none."""
    return opened_officer_name(work, who.id, who.service_name, who.name)


def opened_officer_name(
    work: Work, person_id: int, service_name: bytes | None, name: bytes | None
) -> str:
    """The same, of the two columns of the person's row."""
    if service_name is None:
        return opened_name(work, person_id, name)
    return work.vault.open(_SERVICE_NAME, person_id, service_name).decode()


def set_phone(work: Work, who: Person, number: str, *, verified: bool) -> None:
    """Keep the person's phone number (E.164), sealed."""
    who.phone = sealed_phone(work, who.id, number)
    who.phone_verified = verified


def sealed_phone(work: Work, person_id: int, number: str) -> bytes:
    """A number as it is kept in the person's row."""
    return work.vault.seal(_PHONE, person_id, number.encode())


def phone_of(work: Work, who: Person) -> str:
    """The person's phone number; empty where we do not know it."""
    return work.vault.open(_PHONE, who.id, who.phone).decode() if who.phone else ""


def words_for(work: Work, who: Person) -> Words:
    """The words of the person's language."""
    return work.texts.of(who.language)


async def tell(work: Work, who: Person, message: Message, occasion: str) -> None:
    """Send a message to a person once this transaction is committed; erased ones get none."""
    if who.telegram_id is not None:
        await enqueue(work, who.telegram_id, message, occasion)


async def tell_each(work: Work, letters: Sequence[tuple[Person, Message, str]]) -> None:
    """The same for many, in one trip; none of the messages has a slot."""
    known = [
        (who.telegram_id, message, occasion)
        for who, message, occasion in letters
        if who.telegram_id is not None
    ]
    if known:
        await enqueue_each(work, known)
