"""
One process of several does what only one may do: it is elected, and stays so while it lives.

Whoever holds the office renews it well before it runs out; one that was killed is followed by
another when it has. What was written while a clock was ahead, and before it was set right, counts
for nothing: the dead would hold the office until then. On SQLite there is one process, which needs
no election.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from nobs_bot.storage.base import Base
from nobs_bot.storage.engine import AWAY
from nobs_bot.storage.work import Office, Work

log = logging.getLogger(__name__)

TERM = timedelta(seconds=15)
RENEWED_EVERY_S = 4.0
# nobody holds it for longer, if clocks are right; machines' own may differ by as much as a term
LONGEST = 2 * TERM
# longer than this without having renewed, and somebody else may hold it
SURE_FOR_S = 10.0


class HeldOffice(Base):
    """
    What only one process does, and which one.

    Args:
        name: What it is.
        holder: A word of the process that holds it; None where it gave it up.
        until: When somebody else may take it.
    """

    __tablename__ = "held_offices"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]
    until: Mapped[datetime]


class Election:
    """
    This process's candidacy.

    Args:
        office: Opens transactions.
        name: What only one process may do.
        every_s: How often the office is taken or renewed.
    """

    def __init__(self, office: Office, name: str, *, every_s: float = RENEWED_EVERY_S) -> None:
        self._office = office
        self._name = name
        self._every_s = every_s
        self._me = secrets.token_hex(8)
        self._renewed: float | None = None

    @property
    def is_won(self) -> bool:
        """Whether this process may do it now; to be asked before each piece of it."""
        if self._office.database.is_sqlite:
            return True
        return self._renewed is not None and time.monotonic() - self._renewed < SURE_FOR_S

    async def stand(self) -> None:
        """Take the office whenever it is free and keep it, until cancelled."""
        try:
            while True:
                if not self._office.database.is_sqlite:
                    await self._try()
                await asyncio.sleep(self._every_s)
        finally:
            await self._give_up()

    async def _try(self) -> None:
        # from before the question, as what is told to the database counts from within it
        began, was_won = time.monotonic(), self.is_won
        try:
            async with self._office.work() as work:
                is_taken = await self._take(work)
        except AWAY as exc:
            log.warning("%s: the office waits for the database: %s", self._name, type(exc))
            return
        self._renewed = began if is_taken else None
        if is_taken != was_won:
            log.info("%s is done by %s", self._name, "this process" if is_taken else "another one")

    async def _take(self, work: Work) -> bool:
        is_free = or_(
            HeldOffice.holder == self._me,
            HeldOffice.holder.is_(None),
            HeldOffice.until <= work.now,
            HeldOffice.until > work.now + LONGEST,
        )
        taken = (
            update(HeldOffice)
            .where(HeldOffice.name == self._name, is_free)
            .values(holder=self._me, until=work.now + TERM)
            .returning(HeldOffice.name)
            .execution_options(synchronize_session=False)
        )
        if (await work.session.execute(taken)).first():
            return True
        # nobody has ever held it, or somebody does
        made = (
            insert(HeldOffice)
            .values(name=self._name, holder=self._me, until=work.now + TERM)
            .on_conflict_do_nothing()
            .returning(HeldOffice.name)
        )
        return (await work.session.execute(made)).first() is not None

    async def _give_up(self) -> None:
        """Let another process go on at once, as this one ends."""
        if self._renewed is None:
            return
        self._renewed = None
        with suppress(*AWAY):
            async with self._office.work() as work:
                await work.session.execute(
                    update(HeldOffice)
                    .where(HeldOffice.name == self._name, HeldOffice.holder == self._me)
                    .values(holder=None)
                    .execution_options(synchronize_session=False)
                )
