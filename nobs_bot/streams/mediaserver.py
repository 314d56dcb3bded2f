"""
A district's own media server, which may hold the cameras' streams in place of our children.

It is given the address of our relay, never the camera's: what its API shows holds no password, and
nothing but `rtsp://` is ever given, so that no source of it can be a command. Whoever shows the
picture reads it back from the server by RTSP.

Sources: MediaMTX, API v3 (https://mediamtx.org/references/control-api); go2rtc, HTTP API
(https://github.com/AlexxIT/go2rtc/tree/master/internal/api).
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

_TIMEOUT_S = 4.0
_READY_EVERY_S, _READY_WITHIN_S = 0.1, 5.0


class Make(StrEnum):
    """Which media server it is."""

    MEDIAMTX = "mediamtx"
    GO2RTC = "go2rtc"


class MediaServerDown(Exception):  # noqa: N818 - a state
    """The media server does not take the stream."""


def is_near(url: str) -> bool:
    """Whether an address is this machine's or a private network's, by number or as localhost."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    return ip.is_loopback or (ip.is_private and not ip.is_unspecified and not ip.is_link_local)


class MediaServer:
    """
    Asks a media server by its API.

    Args:
        api_url: Where its API is; on this machine or in a private network (see `is_near`).
        rtsp_url: Where it serves what it holds.
    """

    def __init__(self, make: Make, api_url: str, rtsp_url: str) -> None:
        if not (is_near(api_url) and is_near(rtsp_url)):
            raise ValueError("a media server is on this machine or in a private network")
        self._make = make
        self._api = api_url.rstrip("/")
        # the child that reads it back may read no file of hosts
        self._rtsp = rtsp_url.rstrip("/").replace("//localhost", "//127.0.0.1", 1)

    def own_address(self) -> str:
        """The address of this machine at which the server reaches our relay."""
        parts = urlsplit(self._api)
        host = "127.0.0.1" if parts.hostname == "localhost" else str(parts.hostname)
        if ipaddress.ip_address(host).is_loopback:
            return "127.0.0.1"
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:  # sends nothing
            probe.connect((host, parts.port or 80))
            return str(probe.getsockname()[0])

    @asynccontextmanager
    async def holding(self, relay_url: str) -> AsyncIterator[str]:
        """
        Have the server hold the relay's stream for as long as the block takes.

        Yields:
            Where to read it back, once it is there; its name is chance and is used once.

        Raises:
            MediaServerDown: it refuses, or has nothing to show in time.
        """
        if not relay_url.startswith("rtsp://"):
            raise MediaServerDown("only streams of our relay are handed over")
        name = f"nobs-{secrets.token_hex(16)}"
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await self._add(session, name, relay_url)
            try:
                await self._until_ready(session, name)
                yield f"{self._rtsp}/{name}"
            finally:
                await asyncio.shield(self._remove(session, name))

    async def _add(self, session: aiohttp.ClientSession, name: str, relay_url: str) -> None:
        if self._make is Make.MEDIAMTX:
            about = {"source": relay_url, "rtspTransport": "tcp", "sourceOnDemand": False}
            await self._call(session, "POST", f"/v3/config/paths/add/{name}", json=about)
        else:
            params = {"name": name, "src": relay_url}
            await self._call(session, "PUT", "/api/streams", params=params)

    async def _until_ready(self, session: aiohttp.ClientSession, name: str) -> None:
        if self._make is Make.GO2RTC:
            return  # it fetches when somebody asks
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                while True:
                    state = await self._call(session, "GET", f"/v3/paths/get/{name}", may_miss=True)
                    if state.get("ready") is True:
                        return
                    await asyncio.sleep(_READY_EVERY_S)
        except TimeoutError:
            raise MediaServerDown("the media server has no picture") from None

    async def _remove(self, session: aiohttp.ClientSession, name: str) -> None:
        # whatever it is down with, the relay is closed, and nothing can come through it any more
        with suppress(MediaServerDown):
            if self._make is Make.MEDIAMTX:
                await self._call(session, "DELETE", f"/v3/config/paths/delete/{name}")
            else:
                await self._call(session, "DELETE", "/api/streams", params={"src": name})

    async def _call(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        *,
        may_miss: bool = False,
        params: dict[str, str] | None = None,
        json: dict[str, object] | None = None,
    ) -> dict[str, object]:
        try:
            async with session.request(
                method, self._api + path, params=params, json=json, allow_redirects=False
            ) as answer:
                if answer.status == 404 and may_miss:
                    return {}
                if answer.status != 200:
                    raise MediaServerDown(f"the media server answered {answer.status}")
                body = await answer.json(content_type=None) if method == "GET" else None
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            # the error holds the address that was called, and that the relay's token
            raise MediaServerDown(type(exc).__name__) from None
        return body if isinstance(body, dict) else {}
