"""
Addresses in words, looked up with a Nominatim server where one is set.

A look-up is a row that waits, since the server may be slow and wants one request a second; what
comes of it is told by a message with a button for each place found.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.errors import ExternalError
from nobs_bot.storage.base import Base, new_id, sealed
from nobs_bot.storage.leases import Job, backoff, claim, held, postpone
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
CACHE_DAYS = 30
_QUERY = "address_lookups.query"
_CACHED = "geocode_cache.places"


class AddressLookup(Job):
    """Somebody waits for the place of an address; `purpose` says which dialogue asked."""

    __tablename__ = "address_lookups"

    person_id: Mapped[int] = mapped_column(BigInteger)
    purpose: Mapped[str]
    query: Mapped[bytes] = sealed()


class CachedPlaces(Base):
    """What an address was found to be; the address itself is only a keyed digest."""

    __tablename__ = "geocode_cache"

    query_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    seal_id: Mapped[int] = mapped_column(BigInteger)
    places: Mapped[bytes] = sealed(by="seal_id")
    found_at: Mapped[datetime]


class Geocoder(Protocol):
    """Finds places by their address."""

    async def find(self, query: str) -> list[tuple[str, float, float]]:
        """
        (label, lat, lon) of up to three places.

        Raises:
            ExternalError: the server did not answer.
        """
        ...


Tell = Callable[[Work, AddressLookup, str, list[tuple[str, float, float]] | None], Awaitable[None]]


def look_up(work: Work, person_id: int, purpose: str, query: str) -> None:
    """Look an address up after this transaction; the answer comes as a message."""
    lookup_id = new_id()
    work.session.add(
        AddressLookup(
            id=lookup_id,
            person_id=person_id,
            purpose=purpose,
            query=work.vault.seal(_QUERY, lookup_id, query.encode()),
            due_at=work.now,
            attempts=0,
        )
    )


async def run_lookups(office: Office, geocoder: Geocoder, tell: Tell) -> int:
    """
    Work one waiting look-up off.

    Args:
        tell: Gives the person the places; None where the server could not be asked.

    Returns:
        How many were worked on.
    """
    async with office.work() as work:
        rows = await claim(work, AddressLookup, lease=timedelta(seconds=60), limit=1)
    for row in rows:
        query = office.vault.open(_QUERY, row.id, row.query).decode()
        try:
            places = await _find(office, geocoder, query)
        except ExternalError as exc:
            await _failed(office, row, query, exc, tell)
            continue
        async with office.work() as work:
            if current := await held(work, AddressLookup, row.id, row.attempts):
                await tell(work, current, query, places)
                await work.session.delete(current)
    return len(rows)


async def places_of(
    office: Office, geocoder: Geocoder, query: str
) -> list[tuple[str, float, float]]:
    """
    The places of an address at once, for somebody who looks at a page meanwhile.

    Raises:
        ExternalError: the server did not answer.
    """
    return await _find(office, geocoder, query)


async def _find(office: Office, geocoder: Geocoder, query: str) -> list[tuple[str, float, float]]:
    index = office.vault.blind_index("address", " ".join(query.casefold().split()))
    async with office.look() as work:
        cached = await work.session.get(CachedPlaces, index)
        if cached and cached.found_at > work.now - timedelta(days=CACHE_DAYS):
            known = work.vault.open_json(_CACHED, cached.seal_id, cached.places)
            return [(label, lat, lon) for label, lat, lon in known]
    places = await geocoder.find(query)
    async with office.work() as work:
        seal_id = new_id()
        sealed = work.vault.seal_json(_CACHED, seal_id, places)
        await work.session.merge(
            CachedPlaces(query_index=index, seal_id=seal_id, places=sealed, found_at=work.now)
        )
    return places


async def _failed(
    office: Office, row: AddressLookup, query: str, error: ExternalError, tell: Tell
) -> None:
    async with office.work() as work:
        current = await held(work, AddressLookup, row.id, row.attempts)
        if current is None:
            return
        if error.permanent or row.attempts >= MOST_ATTEMPTS:
            log.warning("the geocoder gave up: %s", error)
            await tell(work, current, query, None)
            await work.session.delete(current)
        else:
            postpone(work, current, backoff(row.attempts), str(error))
