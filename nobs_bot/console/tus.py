"""
Resumable uploads: tus 1.0 with creation, creation-with-upload, termination, expiration, checksum.

Source: the tus resumable upload protocol 1.0.0, https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import format_datetime

from aiohttp import ClientError, StreamReader, web
from aiohttp.http import HttpProcessingError

from nobs_bot.console.safety import Pace, row_id
from nobs_bot.errors import Refusal
from nobs_bot.footage import receiving
from nobs_bot.footage.links import Entry, let_in
from nobs_bot.footage.receiving import MOST_BYTES, Checksum, CutOff
from nobs_bot.footage.upload import Upload, UploadState
from nobs_bot.people.persons import words_for
from nobs_bot.storage.files import FileStore, NoRoom
from nobs_bot.storage.work import Office, Work

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"
DIGESTS = {"sha256": hashlib.sha256, "sha1": lambda: hashlib.sha1(usedforsecurity=False)}
OFFSET_STREAM = "application/offset+octet-stream"
# a line that brings nothing for so long is cut; its sender goes on with another
SILENCE_S = 20.0
AT_ONCE = 4
_NAMES = ("filename", "filetype", "modified")
_MOST_VALUE_CHARACTERS = 300

_STATUS = {
    "upload.empty": 400,
    "upload.malformed": 400,
    "upload.too_much": 400,
    "upload.not_let_in": 403,
    "clip.too_many": 403,
    "upload.no_such_file": 404,
    "upload.unknown": 404,
    "upload.wrong_offset": 409,
    "upload.whole_already": 409,
    "upload.over": 410,
    "upload.ended": 410,
    "upload.expired": 410,
    "ask.closed": 410,
    "ask.not_yours": 410,
    "upload.wrong_version": 412,
    "upload.too_large": 413,
    "upload.wrong_type": 415,
    "upload.busy": 423,
    "upload.too_often": 429,
    "upload.wrong_checksum": 460,
    "upload.no_room": 507,
}
_REASONS = {460: "Checksum Mismatch"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Tus:
    """
    The protocol's side of the upload page.

    Args:
        cookie_of: Finds the cookie that lets a request into a link.
    """

    def __init__(
        self, office: Office, files: FileStore, cookie_of: Callable[[web.Request, int], str]
    ) -> None:
        self._office = office
        self._files = files
        self._cookie_of = cookie_of
        self._pace = Pace(burst=240, per_second=8)
        self._running: Counter[int] = Counter()
        self._arriving: set[StreamReader] = set()

    def routes(self) -> list[web.RouteDef]:
        """One place for a link's files, one for each of them."""
        files, file = r"/{link:\d{1,19}}/berkas/", r"/{link:\d{1,19}}/berkas/{upload:\d{1,19}}"
        return [
            web.options(files, self._options),
            web.options(file, self._options),
            web.post(files, self._guarded(self._create)),
            web.head(file, self._guarded(self._head)),
            web.patch(file, self._guarded(self._patch)),
            web.delete(file, self._guarded(self._delete)),
            web.post(file, self._guarded(self._overridden)),
        ]

    async def wind_up(self, app: web.Application) -> None:
        """The server ends: what is on its way is kept as far as it has come."""
        for content in self._arriving:
            content.set_exception(ConnectionResetError("the server ends"))

    # the frame of every call

    def _guarded(self, handle: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                if request.headers.get("Tus-Resumable") != VERSION:
                    raise Refusal("upload.wrong_version")
                self._pace.call(request.match_info["link"])
                response = await handle(request)
            except Refusal as refusal:
                response = await self._refused(request, refusal)
            except NoRoom:
                response = await self._refused(request, Refusal("upload.no_room"))
            response.headers["Tus-Resumable"] = VERSION
            return response

        return guarded

    async def _refused(self, request: web.Request, refusal: Refusal) -> web.Response:
        """Why not, in the owner's words where we know who it is."""
        async with self._office.look() as work:
            try:
                words = words_for(work, (await self._entry(work, request)).owner)
            except Refusal:
                words = work.texts.of(None)
        status = status_of(refusal)
        text = words(refusal.text_key, **refusal.params)
        response = web.Response(status=status, text=text, reason=_REASONS.get(status))
        if status == 412:
            response.headers["Tus-Version"] = VERSION
        if status == 429:
            response.headers["Retry-After"] = "5"
        return response

    async def _entry(self, work: Work, request: web.Request) -> Entry:
        link_id = row_id(request, "link")
        return await let_in(work, link_id, self._cookie_of(request, link_id))

    async def _options(self, request: web.Request) -> web.Response:
        return web.Response(
            status=204,
            headers={
                "Tus-Resumable": VERSION,
                "Tus-Version": VERSION,
                "Tus-Extension": EXTENSIONS,
                "Tus-Max-Size": str(MOST_BYTES),
                "Tus-Checksum-Algorithm": ",".join(DIGESTS),
            },
        )

    # the calls

    async def _create(self, request: web.Request) -> web.StreamResponse:
        size_bytes = _whole_number(request, "Upload-Length")
        about = _metadata(request.headers.get("Upload-Metadata", ""))
        free_bytes = await self._files.free_bytes()
        async with self._office.work() as work:
            entry = await self._entry(work, request)
            upload = await receiving.begin(
                work, entry, size_bytes=size_bytes, about=about, free_bytes=free_bytes
            )
        # relative, so that it is right behind any proxy
        headers = {"Location": str(upload.id), **_expires(upload)}
        if request.content_type == OFFSET_STREAM and request.can_read_body:
            headers["Upload-Offset"] = str(await self._receive(request, upload.id, 0))
        return web.Response(status=201, headers=headers)

    async def _head(self, request: web.Request) -> web.StreamResponse:
        async with self._office.look() as work:
            upload = await self._upload(work, request)
        headers = {
            "Upload-Offset": str(upload.received_bytes),
            "Upload-Length": str(upload.size_bytes),
            **_expires(upload),
        }
        return web.Response(headers=headers)

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != OFFSET_STREAM:
            raise Refusal("upload.wrong_type")
        offset = _whole_number(request, "Upload-Offset")
        upload_id = row_id(request, "upload")
        offset = await self._receive(request, upload_id, offset)
        async with self._office.look() as work:
            upload = await work.session.get(Upload, upload_id)
        headers = {"Upload-Offset": str(offset)} | (_expires(upload) if upload else {})
        return web.Response(status=204, headers=headers)

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        async with self._office.work() as work:
            entry = await self._entry(work, request)
            await receiving.end(work, entry, row_id(request, "upload"))
        return web.Response(status=204)

    async def _overridden(self, request: web.Request) -> web.StreamResponse:
        """For clients that can only POST; the protocol has it so."""
        method = request.headers.get("X-HTTP-Method-Override", "").upper()
        known = {"PATCH": self._patch, "DELETE": self._delete, "HEAD": self._head}
        if method not in known:
            raise web.HTTPMethodNotAllowed("POST", known)
        return await known[method](request)

    async def _upload(self, work: Work, request: web.Request) -> Upload:
        entry = await self._entry(work, request)
        return await receiving.upload_of(work, entry, row_id(request, "upload"))

    async def _receive(self, request: web.Request, upload_id: int, offset: int) -> int:
        checksum = _checksum(request.headers.get("Upload-Checksum"))
        async with self._office.work() as work:
            entry = await self._entry(work, request)
            link_id = entry.link.id
            if self._running[link_id] >= AT_ONCE:
                raise Refusal("upload.too_often")
            taken = await receiving.take(work, entry, upload_id, offset)
        if (request.content_length or 0) > taken.size_bytes - offset:
            await receiving.give_back(self._office, taken)
            raise Refusal("upload.too_much")
        self._running[link_id] += 1
        self._arriving.add(request.content)
        try:
            return await receiving.receive(
                self._office,
                self._files,
                taken,
                _reading(request.content),
                checksum=checksum,
                promised_bytes=request.content_length,
            )
        finally:
            self._arriving.discard(request.content)
            self._running[link_id] -= 1
            if not self._running[link_id]:
                del self._running[link_id]


def status_of(refusal: Refusal) -> int:
    """The HTTP status that says the same."""
    return _STATUS.get(refusal.text_key, 400)


def _reading(content: StreamReader) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        try:
            async with asyncio.timeout(SILENCE_S):
                while True:
                    # block by block as they came, which `readany` would copy together first
                    block, _ = await content.readchunk()
                    if block or content.at_eof():
                        return block
        except (OSError, TimeoutError, ClientError, HttpProcessingError) as exc:
            raise CutOff from exc

    return read


def _whole_number(request: web.Request, header: str) -> int:
    given = request.headers.get(header, "")
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise Refusal("upload.malformed", header=header)
    return int(given)


def _metadata(given: str) -> dict[str, str]:
    """The pairs of `Upload-Metadata` that we know; the others are not kept."""
    told = {}
    for pair in given.split(","):
        name, _, encoded = pair.strip().partition(" ")
        if name in _NAMES:
            try:
                value = base64.b64decode(encoded, validate=True).decode()
            except ValueError:
                raise Refusal("upload.malformed", header="Upload-Metadata") from None
            told[name] = value[:_MOST_VALUE_CHARACTERS]
    return told


def _checksum(given: str | None) -> Checksum | None:
    if given is None:
        return None
    name, _, encoded = given.partition(" ")
    try:
        return Checksum(DIGESTS[name](), base64.b64decode(encoded, validate=True))
    except (KeyError, ValueError):
        raise Refusal("upload.malformed", header="Upload-Checksum") from None


def _expires(upload: Upload) -> dict[str, str]:
    if upload.state is not UploadState.OPEN or upload.due_at is None:
        return {}
    return {"Upload-Expires": format_datetime(upload.due_at.astimezone(UTC), usegmt=True)}
