"""Keeps the page and its control interface to this machine and to its own page."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOCAL_NAMES = {"127.0.0.1", "localhost", "[::1]"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Refuse whoever comes from elsewhere, by address, by name or through another site.

    The Bot API has its token and is let through; everything else can act as any person.
    """
    if request.path.startswith(("/bot", "/file/bot")):
        return await handler(request)
    complaint = _complaint(request)
    if complaint:
        return web.json_response({"error": complaint}, status=403, headers=HEADERS)
    try:
        response = await handler(request)
    except web.HTTPException as exc:
        exc.headers.update(HEADERS)
        raise
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def _complaint(request: web.Request) -> str:
    if not _is_loopback(request.remote or ""):
        return "only from this machine"
    host = request.headers.get("Host", "")
    if host.rpartition(":")[0] not in LOCAL_NAMES and host not in LOCAL_NAMES:
        # A foreign name that was made to point here (DNS rebinding).
        return "unknown host"
    site = request.headers.get("Sec-Fetch-Site", "none")
    navigates = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if site not in ("none", "same-origin") and not (navigates and request.path == "/"):
        return "not from another site"
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        return "not from another site"
    return ""


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
