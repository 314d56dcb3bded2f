"""
Processes that share a PostgreSQL hear of one another at once: updates came, or people are free.

Nobody relies on it. A ring that is lost, or a server that passes none on (a pooler in between),
costs the half second after which everybody looks by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection
from contextlib import aclosing

from sqlalchemy import bindparam, func, select

from nobs_bot.storage.engine import Database
from nobs_bot.storage.notices import NoticesLostError, notices
from nobs_bot.storage.work import Work

log = logging.getLogger(__name__)

CHANNEL = "nobs_inbox"
RETRY_S = 1.0
# more would not fit into the 8000 bytes that PostgreSQL passes on
_MOST_LANES = 300
_RING = select(func.pg_notify(CHANNEL, bindparam("said")))

# lanes that are free again; None: look for whatever is there
Hear = Callable[[frozenset[int] | None], None]


class Bell:
    """
    One process's: rings for the others, and hears them. On SQLite, which has no others, silent.

    Attributes:
        is_heard: Whether rings of others reach us now.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ours = secrets.token_hex(4)
        self.is_heard = False

    async def ring(self, work: Work, free: Collection[int] | None = None) -> None:
        """
        Let the others hear, once *work* is committed.

        Args:
            free: Lanes of which we have nothing in hand any more; None where updates wait that we
                do not take.
        """
        if self._database.is_sqlite:
            return
        is_told = free is not None and len(free) <= _MOST_LANES
        said = " ".join(map(str, sorted(free or ()))) if is_told else "*"
        await work.session.execute(_RING, {"said": f"{self._ours} {said}"})

    async def listen(self, hear: Hear) -> None:
        """Pass on what others ring, until cancelled; what was missed meanwhile is looked for."""
        if self._database.is_sqlite:
            return
        while True:
            try:
                await self._listen(hear)
            except NoticesLostError as exc:
                log.warning("other processes are not heard: %s", exc)
            except Exception:
                log.exception("other processes are not heard")
            finally:
                self.is_heard = False
            await asyncio.sleep(RETRY_S)

    async def _listen(self, hear: Hear) -> None:
        async with aclosing(notices(self._database, CHANNEL)) as told:
            async for said in told:
                self.is_heard = True
                whose, _, lanes = said.partition(" ")
                if whose != self._ours:
                    hear(_read(lanes))


def _read(lanes: str) -> frozenset[int] | None:
    """Lanes that were rung; what we cannot read is of another version, and we look ourselves."""
    try:
        return frozenset(map(int, lanes.split())) or None
    except ValueError:
        return None
