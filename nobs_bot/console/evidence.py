"""The pages of evidence: the public key, and exports by one-time links."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from nobs_bot.errors import Refusal
from nobs_bot.footage.exits import use_link
from nobs_bot.footage.export import Gathered, pack, stream
from nobs_bot.footage.form import fingerprint_of, pem_of
from nobs_bot.footage.manifest import signing_key
from nobs_bot.footage.orders import read_soon
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.work import Office
from nobs_bot.texts import plain

log = logging.getLogger(__name__)

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
# two of them read and hash as much as the disk gives
_AT_ONCE = 2
_STALLED_S = 60.0


class EvidencePages:
    """
    Publishes the key, hands exports out.

    Args:
        office: Opens transactions.
        files: Holds the originals.
    """

    def __init__(self, office: Office, files: FileStore) -> None:
        self._office = office
        self._files = files
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """Where the pages are; a HEAD must not use a link up."""
        return [
            web.get("/keys/evidence", self._key),
            web.get("/evidence/{token}", self._export, allow_head=False),
        ]

    async def _key(self, request: web.Request) -> web.Response:
        key = signing_key(self._office.vault).public_key()
        fingerprint = fingerprint_of(key)
        return web.Response(
            text=f"{fingerprint}\n\n{pem_of(key).decode()}",
            headers={"X-Content-Type-Options": "nosniff", "X-Key-Fingerprint": fingerprint},
        )

    async def _export(self, request: web.Request) -> web.StreamResponse:
        try:
            async with self._office.work() as work:
                gathered = await use_link(work, request.match_info["token"])
        except Refusal as refusal:
            return self._sorry(refusal, 404 if refusal.text_key == "evidence.link_over" else 403)
        async with self._slots:
            return await self._send(request, gathered)

    def _sorry(self, refusal: Refusal, status: int) -> web.Response:
        text = "\n\n".join(
            plain(words(refusal.text_key, **refusal.params)) for words in self._office.texts
        )
        return web.Response(text=text, status=status, headers=_HEADERS)

    async def _send(self, request: web.Request, gathered: Gathered) -> web.StreamResponse:
        # report and manifest are in Indonesian, whoever asks: they are for the case
        words = self._office.texts.of("id")
        package = await asyncio.to_thread(pack, gathered, self._office.vault, words)
        disposition = f'attachment; filename="{package.file_name}"'
        response = web.StreamResponse(headers=_HEADERS | {"Content-Disposition": disposition})
        response.content_type = "application/zip"
        await response.prepare(request)
        try:
            async for piece in stream(package, self._files):
                async with asyncio.timeout(_STALLED_S):
                    await response.write(piece)
        except (ConnectionError, TimeoutError):
            log.info("an export was broken off by its reader, or stood still")
            raise
        except Exception as exc:
            # what was sent has no end, so nobody takes it for whole
            log.error("an export broke off: %s: %s", type(exc).__name__, exc)
            await self._read_soon(gathered)
            if request.transport is not None:
                request.transport.abort()
            raise
        await response.write_eof()
        return response

    async def _read_soon(self, gathered: Gathered) -> None:
        async with self._office.work() as work:
            await read_soon(work, gathered.request_id)
