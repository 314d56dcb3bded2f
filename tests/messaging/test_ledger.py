"""What many write down at a moment is one transaction, and each gets what is theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from nobs_bot.messaging import inbox
from nobs_bot.messaging.bell import Bell, Ring
from nobs_bot.messaging.handover import Handover
from nobs_bot.messaging.inbox import Claimed, Progress
from nobs_bot.messaging.ledger import Entry, Ledger
from nobs_bot.storage.work import Work
from tests.cast import House
from tests.messaging.updates import BUDI, SARI, WAYAN, row, update


class Book:
    """A ledger whose entries are all written together, and what it rang."""

    def __init__(self, house: House) -> None:
        bell = Bell(house.office.database)
        self.house = house
        self.handover = Handover(bell)
        self.ledger = Ledger(house.office, self.handover)
        self.rung: list[Ring | None] = []

        async def ring(work: Work, said: Ring | None) -> None:
            self.rung.append(said)

        bell.ring = ring  # type: ignore[method-assign,assignment]

    async def write(self, *entries: Entry) -> list[list[int]]:
        """The ids that each entry took in hand."""
        taken = await asyncio.gather(*map(self.ledger.write, entries))
        return [[each.update_id for each in rows] for rows in taken]

    async def take(self, number: int, person: int) -> Claimed:
        """An update that we have answered, and that is not written down as done."""
        [[taken]] = [await self.ledger.write(Entry(kept=[update(number, person)], lanes=[person]))]
        self.handover.took(person)
        async with self.house.office.work() as work:
            await inbox.mark_applied(work, taken, [{"text": "a"}])
        self.rung.clear()
        return taken

    async def states(self, *numbers: int) -> list[Progress]:
        return [(await row(self.house, number)).state for number in numbers]


@pytest.fixture
def book(any_house: House) -> Book:
    return Book(any_house)


def ring(free: Iterable[int] = (), wanted: Iterable[int] = ()) -> Ring:
    return Ring(frozenset(free), frozenset(wanted))


async def test_each_gets_what_is_theirs(book: Book) -> None:
    first = await book.take(1, SARI)
    taken = await book.write(
        Entry(kept=[update(2, BUDI), update(3, WAYAN), update(4, BUDI)], lanes=[BUDI, WAYAN]),
        Entry(done=first, lanes=[SARI]),
        Entry(kept=[update(5, 905)]),
    )
    assert taken == [[2, 3], [], []]
    assert await book.states(1, 2, 3, 4, 5) == [Progress.DONE, *[Progress.WAITING] * 4]
    assert book.rung == [ring(free=[SARI])]


@pytest.mark.parametrize("order", [1, -1])
async def test_who_was_through_with_somebody_goes_on_with_them(book: Book, order: int) -> None:
    first = await book.take(1, SARI)
    entries = [Entry(kept=[update(2)], lanes=[SARI]), Entry(done=first, lanes=[SARI])][::order]
    taken = await book.write(*entries)
    assert taken == [[], [2]][::order]
    assert book.rung == []


async def test_who_is_wanted_elsewhere_is_let_go(book: Book) -> None:
    first = await book.take(1, SARI)
    await book.write(Entry(kept=[update(2)]))
    assert await book.write(Entry(done=first)) == [[]]
    assert book.rung == [ring(free=[SARI])]
    assert (await row(book.house, 2)).lease_until is None


async def test_who_is_in_other_hands_is_asked_for(book: Book) -> None:
    others = Book(book.house)
    await others.take(1, SARI)
    entries = [Entry(kept=[update(2), update(3, BUDI)], lanes=[SARI, BUDI])]
    assert await book.write(*entries) == [[3]]
    assert book.rung == [ring(wanted=[SARI])]


async def test_who_is_in_our_own_hands_is_not_asked_for(book: Book) -> None:
    await book.take(1, SARI)
    assert await book.write(Entry(kept=[update(2)], lanes=[SARI])) == [[]]
    assert book.rung == []


async def test_who_is_in_our_hands_twice_is_not_free_after_one(book: Book) -> None:
    """An update without answers is done before that is written down; the next is taken already."""
    first = await book.take(1, SARI)
    book.handover.took(SARI)
    await book.write(Entry(done=first))
    assert book.rung == []
    book.handover.gave_up(SARI)
    book.handover.hear(ring(wanted=[SARI]))
    assert book.handover.is_wanted(SARI)
    book.handover.gave_up(SARI)
    assert not book.handover.is_wanted(SARI)


async def test_what_is_left_to_others_is_rung(book: Book) -> None:
    await book.write(Entry(kept=[update(1)], are_left=True))
    assert book.rung == [None]
    assert await book.write(Entry(most=5)) == [[1]]


async def test_a_bad_entry_does_not_take_its_neighbours_along(book: Book) -> None:
    async def breaks(work: Work) -> None:
        raise ValueError("no")

    first = await book.take(1, SARI)
    entries: list[Any] = [
        Entry(kept=[update(2, BUDI)], lanes=[BUDI]),
        Entry(also=breaks),
        Entry(done=first, lanes=[SARI]),
    ]
    found = await asyncio.gather(*map(book.ledger.write, entries), return_exceptions=True)
    assert [type(each) for each in found] == [list, ValueError, list]
    assert await book.states(1, 2) == [Progress.DONE, Progress.WAITING]
    assert (await row(book.house, 2)).lease_until is not None


async def test_what_comes_twice_in_any_order_is_kept_once(any_house: House) -> None:
    """Two processes that keep the same updates wait for one another in one order only."""
    ledgers = [Book(any_house) for _ in range(4)]
    updates = [update(number, 900 + number) for number in range(1, 41)]
    await asyncio.gather(
        *(
            book.write(Entry(kept=updates[::order]))
            for book, order in zip(ledgers, (1, -1, 1, -1), strict=True)
        )
    )
    [taken] = await ledgers[0].write(Entry(most=100))
    assert taken == list(range(1, 41))
