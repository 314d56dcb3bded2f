"""What every page of ours is sent with, and how often one link may call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from nobs_bot import pace
from nobs_bot.errors import Refusal
from nobs_bot.storage.base import LARGEST_ID

_MOST_FORM_BYTES = 16 * 1024
_FORM_WITHIN_S = 10.0

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


class Pace(pace.Pace):
    """As `nobs_bot.pace.Pace`, for calls of a browser."""

    def call(self, caller: object) -> None:
        """Count one call; raises `Refusal` where it is one too many."""
        if self.is_exceeded(caller):
            raise Refusal("upload.too_often")


async def form_of(request: web.Request) -> Mapping[str, str]:
    """
    The fields of a small form that anybody may send.

    Raises:
        HTTPRequestEntityTooLarge: it says that it is large.
        HTTPBadRequest: it is none.
        HTTPRequestTimeout: it does not come.
    """
    if (request.content_length or 0) > _MOST_FORM_BYTES:
        raise web.HTTPRequestEntityTooLarge(_MOST_FORM_BYTES, request.content_length or 0)
    try:
        async with asyncio.timeout(_FORM_WITHIN_S):
            fields = await request.post()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (LookupError, ValueError):
        raise web.HTTPBadRequest from None
    return {name: value for name, value in fields.items() if isinstance(value, str)}
