"""Reads a request's parameters, however a client wrote them; files go to disk on the way."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import BodyPartReader, web

from nobs_bot.sandbox.files import Files
from nobs_bot.sandbox.wire import BotApiError, Params, Upload, bad_request


async def read_params(request: web.Request, files: Files, *, limit_bytes: int) -> Params:
    """
    Query and body of a request.

    Args:
        limit_bytes: What one uploaded file may have.

    Raises:
        BotApiError: 413 for a larger file, 400 for what cannot be read.
    """
    values: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        return Params(values | await _json(request))
    if request.content_type.startswith("multipart/"):
        return await _multipart(request, values, files, limit_bytes)
    return Params(values | dict(await request.post()))


async def _json(request: web.Request) -> dict[str, Any]:
    raw = await request.text()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as exc:
        raise bad_request("can't parse JSON object") from exc
    if not isinstance(body, dict):
        raise bad_request("object expected")
    return body


async def _multipart(
    request: web.Request, values: dict[str, Any], files: Files, limit_bytes: int
) -> Params:
    uploads: dict[str, Upload] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or not part.name:
            continue
        if part.filename is None:
            values[part.name] = await part.text()
        else:
            # Several files may share a name ("file", for an album): number them.
            name = part.name if part.name not in uploads else f"{part.name}#{len(uploads)}"
            uploads[name] = await _receive(part, files, limit_bytes)
    return Params(values, uploads)


async def _receive(part: BodyPartReader, files: Files, limit_bytes: int) -> Upload:
    path = files.new_upload()
    size = 0
    with await asyncio.to_thread(path.open, "wb") as out:
        while chunk := await part.read_chunk(1 << 16):
            size += len(chunk)
            if size <= limit_bytes:
                out.write(chunk)
    if size > limit_bytes:
        await asyncio.to_thread(path.unlink)
        raise BotApiError(413, "Request Entity Too Large")
    mime = part.headers.get("Content-Type", "").split(";")[0]
    generic = mime == "application/octet-stream"
    return Upload(path, size, part.filename or "file", "" if generic else mime)
