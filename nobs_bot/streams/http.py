"""One GET to a vetted address: no redirect followed, nothing over its limit."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.connecting import connect_streams
from nobs_bot.streams.digest import Challenge, strongest_challenge
from nobs_bot.streams.report import Failure, Unusable
from nobs_bot.streams.vetting import Vetted

HEAD_LIMIT = 64 * 1024
_STATUS = re.compile(r"(?:HTTP/1\.[01]|ICY) (\d{3})(?: .*)?")
_CHUNK_SIZE = re.compile(r"[0-9A-Fa-f]{1,8}")
_LENGTH = re.compile(r"[0-9]{1,15}")


@dataclass
class HttpReply:
    """A reply whose head has been read; the body waits in *reader*."""

    status: int
    headers: list[tuple[str, str]]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def header(self, name: str) -> str:
        """The header's first value, "" where it is missing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.header("Transfer-Encoding").lower()

    async def whole(self, limit: int, *, timeout_s: float) -> bytes:
        """
        The whole body.

        Raises:
            Unusable: It is longer than *limit* bytes (`too_large`), broken
                (`not_a_camera`), or not there in time (`no_answer`).
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._body(limit)
        except TimeoutError:
            raise Unusable(Failure.NO_ANSWER) from None
        except (OSError, ValueError, asyncio.IncompleteReadError):
            raise Unusable(Failure.NOT_A_CAMERA) from None

    async def _body(self, limit: int) -> bytes:
        if self.is_chunked:
            return await self._chunks(limit)
        length = self.header("Content-Length")
        if not _LENGTH.fullmatch(length):
            return await _read_to_end(self.reader, limit)
        if int(length) > limit:
            raise Unusable(Failure.TOO_LARGE)
        return await self.reader.readexactly(int(length))

    async def _chunks(self, limit: int) -> bytes:
        data = bytearray()
        while True:
            line = (await self.reader.readline()).decode("latin-1")
            size = line.partition(";")[0].strip()
            if not _CHUNK_SIZE.fullmatch(size):
                raise Unusable(Failure.NOT_A_CAMERA)
            if len(data) + int(size, 16) > limit:
                raise Unusable(Failure.TOO_LARGE)
            if int(size, 16) == 0:
                return bytes(data)
            data += await self.reader.readexactly(int(size, 16))
            await self.reader.readline()

    def close(self) -> None:
        self.writer.transport.abort()


async def get(address: StreamAddress, vetted: Vetted, *, timeout_s: float) -> HttpReply:
    """
    Ask for *address* at *vetted*, answering one challenge with its credentials.

    The reply may have any status but a redirect.

    Raises:
        Unusable: No connection, no answer, no HTTP, or a redirect.
    """
    reply = await _get_once(address, vetted, None, timeout_s)
    for _ in range(2):
        if reply.status != 401 or not address.has_credentials:
            return reply
        values = [value for key, value in reply.headers if key.lower() == "www-authenticate"]
        challenge = strongest_challenge(values)
        if challenge is None:
            return reply
        reply.close()
        reply = await _get_once(address, vetted, challenge, timeout_s)
        again = [value for key, value in reply.headers if key.lower() == "www-authenticate"]
        fresh = strongest_challenge(again)
        if fresh is None or not fresh.stale:
            return reply
    return reply


async def _get_once(
    address: StreamAddress, vetted: Vetted, challenge: Challenge | None, timeout_s: float
) -> HttpReply:
    reader, writer = await connect_streams(address, vetted, timeout_s=timeout_s)
    try:
        async with asyncio.timeout(timeout_s):
            writer.write(_request(address, challenge))
            status, headers = await _read_head(reader)
    except TimeoutError:
        writer.transport.abort()
        raise Unusable(Failure.NO_ANSWER) from None
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        writer.transport.abort()
        raise Unusable(Failure.NOT_A_CAMERA) from None
    except BaseException:
        writer.transport.abort()
        raise
    if 300 <= status < 400:
        writer.transport.abort()
        raise Unusable(Failure.REDIRECTED)
    return HttpReply(status, headers, reader, writer)


def _request(address: StreamAddress, challenge: Challenge | None) -> bytes:
    target = address.path or "/"
    authority = address.request_url.split("://")[1].removesuffix(address.path)
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {authority}",
        "User-Agent: NoBlindspot",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    if challenge is not None:
        answer = challenge.answer("GET", target, address.username, address.password)
        lines.append(f"Authorization: {answer}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, list[tuple[str, str]]]:
    line = (await reader.readuntil(b"\n")).decode("latin-1").strip()
    found = _STATUS.fullmatch(line)
    if found is None:
        raise Unusable(Failure.NOT_A_CAMERA)
    headers: list[tuple[str, str]] = []
    size = 0
    while True:
        raw = await reader.readuntil(b"\n")
        size += len(raw)
        if size > HEAD_LIMIT:
            raise Unusable(Failure.NOT_A_CAMERA)
        name, _, value = raw.decode("latin-1").strip().partition(":")
        if not name:
            return int(found[1]), headers
        headers.append((name.strip(), value.strip()))


async def _read_to_end(reader: asyncio.StreamReader, limit: int) -> bytes:
    data = bytearray()
    while part := await reader.read(64 * 1024):
        data += part
        if len(data) > limit:
            raise Unusable(Failure.TOO_LARGE)
    return bytes(data)
