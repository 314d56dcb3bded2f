"""What pages are made of: scripts, styles and pictures that come along with us, packed once."""

from __future__ import annotations

import asyncio
import gzip
from functools import cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from aiohttp import web

from nobs_bot.console.gate import allow_anybody

FOLDER = Path(__file__).parent / "assets"
_KINDS = {".css", ".js", ".mjs", ".svg", ".png", ".json", ".pbf", ".woff2"}
_PACKED = {".css", ".js", ".mjs", ".svg", ".json"}
# browsers run no module that is called anything else, and not every machine knows the ending
_TYPES = {".mjs": "text/javascript", ".js": "text/javascript"}
_MARK_CHARACTERS = 12
# its name changes with its content
_FOR_GOOD = "public, max-age=31536000, immutable"


@cache
def _mark() -> str:
    """One mark for all of them, so that a script finds its neighbours by relative paths."""
    digest = sha256()
    for name in sorted(_known()):
        digest.update(name.encode() + b"\0" + (FOLDER / name).read_bytes())
    return digest.hexdigest()[:_MARK_CHARACTERS]


def asset_name(name: str) -> str:
    """An asset's name with a mark of our assets' content, so that it may be kept for good."""
    return f"{_mark()}/{name}"


@cache
def _packed(name: str) -> bytes:
    return gzip.compress((FOLDER / name).read_bytes(), 9)


@cache
def _known() -> frozenset[str]:
    return frozenset(
        path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix in _KINDS
    )


@allow_anybody
async def serve(request: web.Request) -> web.StreamResponse:
    """An asset by its mark and name; without the right mark it is not kept by the browser."""
    name = request.match_info["name"]
    if name not in _known():
        raise web.HTTPNotFound
    is_current = request.match_info["mark"] == _mark()
    headers = {"Cache-Control": _FOR_GOOD if is_current else "no-cache"}
    path = FOLDER / name
    kind = _TYPES.get(path.suffix) or guess_type(name)[0] or "application/octet-stream"
    if path.suffix in _PACKED and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = await asyncio.to_thread(_packed, name)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    else:
        body = await asyncio.to_thread(path.read_bytes)
    return web.Response(body=body, content_type=kind, headers=headers)


def routes() -> list[web.RouteDef]:
    """Where assets are."""
    return [web.get(r"/aset/{mark:[0-9a-f]{12}}/{name:[\w./-]+}", serve)]
