"""Files whose rows are gone: named in the transaction that lets go of them, removed afterwards."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.files import FileStore
from nobs_bot.storage.leases import Job, claim
from nobs_bot.storage.work import Office, Work


class DoomedFile(Job):
    """A file to be removed from the store."""

    __tablename__ = "doomed_files"

    name: Mapped[str] = mapped_column()


def doom(work: Work, name: str | None) -> None:
    """Remove the file once this transaction is committed."""
    if name:
        work.session.add(DoomedFile(name=name, due_at=work.now, attempts=0))


async def remove_doomed(office: Office, files: FileStore, *, limit: int = 50) -> int:
    """Remove what is named; returns how many files went."""
    async with office.work() as work:
        rows = await claim(work, DoomedFile, lease=timedelta(minutes=5), limit=limit)
    for row in rows:
        await files.delete(row.name)
    async with office.work() as work:
        for row in rows:
            await work.session.delete(await work.session.merge(row))
    return len(rows)
