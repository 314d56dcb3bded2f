"""
Files whose rows are gone: named in the transaction that lets go of them, removed afterwards.

A file that is only about to be written is named here too, before its first byte: whoever writes it
strikes it off in the transaction that gives it a row. So a kill between leaves nothing for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

from sqlalchemy import Index, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import new_id
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.leases import Job, claim
from nobs_bot.storage.work import Office, Work

# longer than any writing takes
UNCLAIMED_FOR = timedelta(days=1)

Wanted = Callable[[Work, Collection[str]], Awaitable[set[str]]]


class DoomedFile(Job):
    """A file to be removed from the store once `due_at` has come."""

    __tablename__ = "doomed_files"
    __table_args__ = (Index(None, "name"),)

    name: Mapped[str] = mapped_column()


def doom(work: Work, name: str | None, *, after: timedelta = timedelta(0)) -> None:
    """Remove the file once this transaction is committed, and *after* has passed."""
    if name:
        work.session.add(DoomedFile(name=name, due_at=work.now + after, attempts=0))


def doom_unless_kept(work: Work, name: str) -> int:
    """
    Name a file that is about to be written; it is removed in a day unless it is kept.

    Returns:
        What `keep` takes.
    """
    row = DoomedFile(id=new_id(), name=name, due_at=work.now + UNCLAIMED_FOR, attempts=0)
    work.session.add(row)
    return row.id


async def keep(work: Work, doomed_id: int) -> None:
    """The file has a row now: strike it off."""
    row = await work.session.get(DoomedFile, doomed_id)
    if row is not None:
        await work.session.delete(row)


async def is_being_removed(work: Work, name: str) -> bool:
    """Whether somebody may be removing the file at this very moment."""
    query = select(DoomedFile.id).where(DoomedFile.name == name, DoomedFile.lease_until > work.now)
    return (await work.session.execute(query.limit(1))).first() is not None


async def nobody_wants(work: Work, names: Collection[str]) -> set[str]:
    """No name is wanted: for files of which each has one row only."""
    return set()


async def remove_doomed(
    office: Office, files: FileStore, wanted: Wanted = nobody_wants, *, limit: int = 50
) -> int:
    """
    Remove what is named; returns how many files went.

    Args:
        wanted: Of some names, those that a row still refers to. Equal content is one file, so what
            one row let go of another may need.
    """
    async with office.work() as work:
        rows = await claim(work, DoomedFile, lease=timedelta(minutes=5), limit=limit)
        spared = await _spared(work, rows, wanted)
        going = [row for row in rows if row.name not in spared]
        for row in rows:
            if row.name in spared:
                await work.session.delete(row)
    for row in going:
        await files.delete(row.name)
    async with office.work() as work:
        for row in going:
            await work.session.delete(await work.session.merge(row))
    return len(going)


async def _spared(work: Work, rows: Collection[DoomedFile], wanted: Wanted) -> set[str]:
    """
    Names that stay: somebody is about to write them, or a row refers to them.

    In this order: a writer strikes its line off and writes its row in one transaction, so that
    whoever looks for the line first and for the row second never misses both.
    """
    names = {row.name for row in rows}
    if not names:
        return set()
    others = select(DoomedFile.name).where(
        DoomedFile.name.in_(names),
        DoomedFile.id.not_in([row.id for row in rows]),
        # who holds a lease is removing the file too, and nobody would be left to do it
        or_(DoomedFile.lease_until.is_(None), DoomedFile.lease_until <= work.now),
    )
    awaited = set((await work.session.execute(others)).scalars())
    return awaited | await wanted(work, names - awaited)
