"""What every page of ours is sent with, and how often one link may call."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from aiohttp import web

from nobs_bot.errors import Refusal
from nobs_bot.storage.base import LARGEST_ID

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal of aiohttp's, called for every response before it goes."""
    response.headers.update(HEADERS)


def row_id(request: web.Request, name: str) -> int:
    """
    A row's id from the address.

    Raises:
        HTTPNotFound: no row can have it.
    """
    given = int(request.match_info[name])
    if given > LARGEST_ID:
        raise web.HTTPNotFound
    return given


def page_number(request: web.Request) -> int:
    """Which page of a list `?halaman=2` asks for, from 0; what is no number is the first."""
    given = request.query.get("halaman", "")
    return max(0, int(given) - 1) if given.isascii() and given.isdigit() and len(given) < 6 else 0


class Pace:
    """
    So many calls at once and then so many a second, for each of the latest callers.

    It is kept in this process alone: it keeps one link from wearing the house out and guards no
    secret, so that several processes allow several times as much.
    """

    def __init__(self, *, burst: float, per_second: float, most_callers: int = 10_000) -> None:
        self._burst = burst
        self._per_second = per_second
        self._most_callers = most_callers
        self._left: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def call(self, caller: object) -> None:
        """Count one call; raises `Refusal` where it is one too many."""
        now = asyncio.get_running_loop().time()
        left, at = self._left.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        self._left[caller] = (max(0.0, left - 1), now)
        if len(self._left) > self._most_callers:
            self._left.popitem(last=False)
        if left < 1:
            raise Refusal("upload.too_often")
