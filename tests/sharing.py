"""
What the tests of a process share, which an installation makes once and every test would make anew.

Each test has a database of its own, and with it engines of its own. SQLAlchemy keeps what it has
compiled with the engine, so every test would compile every statement again, which costs more than
running it. Likewise each HTTP client reads the list of certificate authorities, 20 ms at a time,
though no test speaks to one whose certificate they have signed. And each app loads OpenCV for its
checks, though few tests check a stream.

What was imported and collected stays to the end; the garbage collector need not go over it again.
"""

from __future__ import annotations

import gc
import os
import ssl
from functools import cache
from typing import Any

from sqlalchemy import URL, Dialect, Engine, Pool
from sqlalchemy.util import LRUCache

from nobs_bot.streams import children
from tests.forkservers import Lender

STATEMENTS = 4000
# psycopg's two, with and without asyncio, have the same name
_dialects: dict[type[Dialect], Dialect] = {}
_compiled: LRUCache[Any, Any] = LRUCache(STATEMENTS)
_made_alone = Engine.__init__
_context_alone = ssl.create_default_context


def _made_alike(  # create_engine reads the names of these
    self: Engine,
    pool: Pool,
    dialect: Dialect,
    url: URL,
    logging_name: str | None = None,
    echo: Any = None,
    query_cache_size: int = 500,
    execution_options: Any = None,
    hide_parameters: bool = False,
) -> None:
    alike = _dialects.setdefault(type(dialect), dialect)
    _made_alone(
        self,
        pool,
        alike,
        url,
        logging_name,
        echo,
        query_cache_size,
        execution_options,
        hide_parameters,
    )
    self._compiled_cache = _compiled


@cache
def _usual_context(authorities: str) -> ssl.SSLContext:
    return _context_alone(cafile=authorities)


def _context(*args: Any, **more: Any) -> ssl.SSLContext:
    # the machine may name authorities of its own
    is_usual = not args and more.keys() == {"cafile"}
    return _usual_context(more["cafile"]) if is_usual else _context_alone(*args, **more)


def share_what_is_dear() -> None:
    """Engines of a dialect share what is compiled, HTTP clients whom they trust, apps OpenCV."""
    Engine.__init__ = _made_alike  # type: ignore[method-assign]
    ssl.create_default_context = _context
    if hasattr(os, "pidfd_open"):  # Linux
        children._start_process = Lender().start  # type: ignore[assignment]


def pytest_collection_finish() -> None:
    """Set aside what is there; what tests make is looked at less often than a server's."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
