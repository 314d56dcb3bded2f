"""
Processes that share a PostgreSQL hear of one another at once: updates came, people are free, or
somebody has come to us who is in their hands.

Nobody relies on it. A ring that is lost, or a server that passes none on (a pooler in between),
costs the half second after which everybody looks by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

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

_WANTED = "?"


@dataclass(frozen=True)
class Ring:
    """
    What one process tells the others.

    Args:
        free: Lanes of which it has nothing in hand any more.
        wanted: Lanes that others have in hand, and of which it keeps the next update.
    """

    free: frozenset[int] = frozenset()
    wanted: frozenset[int] = frozenset()


# None: look for whatever is there
Hear = Callable[[Ring | None], None]


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

    async def ring(self, work: Work, ring: Ring | None) -> None:
        """Let the others hear, once *work* is committed; None where they are to look themselves."""
        if self._database.is_sqlite:
            return
        await work.session.execute(_RING, {"said": f"{self._ours} {_write(ring)}"})

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


def _write(ring: Ring | None) -> str:
    if ring is None or len(ring.free) + len(ring.wanted) > _MOST_LANES:
        return "*"
    free = map(str, sorted(ring.free))
    return " ".join((*free, *(f"{_WANTED}{lane}" for lane in sorted(ring.wanted))))


def _read(said: str) -> Ring | None:
    """What was rung; what we cannot read is of another version, and we look ourselves."""
    told = said.split()
    try:
        free = frozenset(int(each) for each in told if not each.startswith(_WANTED))
        wanted = frozenset(int(each[1:]) for each in told if each.startswith(_WANTED))
    except ValueError:
        return None
    return Ring(free, wanted) if told else None
