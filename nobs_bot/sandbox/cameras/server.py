"""A small RTSP server on asyncio: several paths, each with its clip and its password."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from nobs_bot.sandbox.cameras import panorama, scenes
from nobs_bot.sandbox.cameras.clip import Clip, cached
from nobs_bot.sandbox.cameras.packets import Packetizer, description
from nobs_bot.streams.digest import answer_matches, parameters
from nobs_bot.streams.rtsp import NotRtsp, RtspMessage, RtspParser

REALM = "Demo camera"
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
_REASONS = {
    200: "OK",
    401: "Unauthorized",
    404: "Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
}
_SLOW_READER_BYTES = 2 * 1024 * 1024

CORNER = "corner"
FIRST_HEADING_DEG = 90.0

Auth = Literal["digest", "basic", "none"]


@dataclass(frozen=True)
class CameraInfo:
    """
    One demo camera.

    Attributes:
        key: Its scene: good, covered, black, or corner, which can be turned.
        url: Without credentials.
    """

    key: str
    url: str
    username: str
    password: str = field(repr=False)
    path: str
    port: int


@dataclass(frozen=True)
class Channel:
    """What one path serves, and to whom."""

    clip: Clip
    username: str
    password: str = field(repr=False)


class DemoCameras:
    """
    The demo's street: one server, a camera on each path, each with a password of its own.

    Args:
        auth: How the cameras ask for it.
    """

    def __init__(self, *, auth: Auth = "digest") -> None:
        self._auth = auth
        self._server: CameraServer | None = None
        self._cache_dir = Path()
        self._heading_deg = FIRST_HEADING_DEG

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, cache_dir: Path
    ) -> list[CameraInfo]:
        """Draw and encode what *cache_dir* does not hold yet, and listen; port 0 is a free one."""
        passwords = {
            "good": "melati 7/ruko",
            "covered": "kain#menutup",
            "black": "gelap@malam",
            CORNER: "sudut:jalan 8",
        }
        self._cache_dir = cache_dir
        clips = await asyncio.gather(
            *(asyncio.to_thread(_clip, cache_dir, key, self._heading_deg) for key in passwords)
        )
        channels = {
            f"/{key}": Channel(clip, "warga", password)
            for (key, password), clip in zip(passwords.items(), clips, strict=True)
        }
        self._server = CameraServer(channels, auth=self._auth)
        port = await self._server.start(host, port)
        return [
            CameraInfo(
                path[1:],
                f"rtsp://{host}:{port}{path}",
                channel.username,
                channel.password,
                path,
                port,
            )
            for path, channel in channels.items()
        ]

    def headings(self) -> dict[str, float]:
        """Where the cameras look that can be turned, degrees clockwise from north."""
        return {CORNER: self._heading_deg}

    async def turn(self, key: str, heading_deg: float) -> float:
        """
        Turn a camera; viewers see it from their next connection on.

        Returns:
            Where it looks now: to the nearest 5 degrees.

        Raises:
            KeyError: There is no such camera, or it cannot be turned.
        """
        if key != CORNER or self._server is None:
            raise KeyError(key)
        heading_deg = round(heading_deg / 5) * 5 % 360
        clip = await asyncio.to_thread(_clip, self._cache_dir, key, heading_deg)
        channels = self._server.channels
        channels[f"/{key}"] = replace(channels[f"/{key}"], clip=clip)
        self._heading_deg = heading_deg
        return heading_deg

    async def still(self, key: str) -> bytes:
        """
        What a camera that can be turned sees now, as a small JPEG.

        Raises:
            KeyError: There is no such camera.
        """
        if key != CORNER:
            raise KeyError(key)
        return await asyncio.to_thread(scenes.corner_still, self._heading_deg)

    async def stop(self) -> None:
        """Hang up on everybody and stop listening."""
        if self._server is not None:
            await self._server.stop()
            self._server = None


def _clip(cache_dir: Path, key: str, heading_deg: float) -> Clip:
    """The scene as it is drawn today: a change of the drawing makes the kept clip stale."""
    drawing = zlib.crc32(Path(scenes.__file__).read_bytes() + Path(panorama.__file__).read_bytes())
    if key == CORNER:
        name, pictures = f"{key}-{heading_deg:g}", scenes.corner(heading_deg)
    else:
        name, pictures = key, scenes.SCENES[key]()
    return cached(cache_dir, f"{name}-{drawing:08x}", pictures, fps=scenes.FPS)


class CameraServer:
    """Serves each path of *channels* to as many viewers as come."""

    def __init__(
        self, channels: dict[str, Channel], *, auth: Auth = "digest", algorithm: str = "MD5"
    ) -> None:
        self.channels = channels
        self.auth = auth
        self.algorithm = algorithm
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int = 0) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._welcome, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._sessions:
            task.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=2)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        session = _Session(self, writer)
        try:
            with contextlib.suppress(OSError, NotRtsp, asyncio.CancelledError):
                await session.serve(reader)
        finally:
            session.stop()
            writer.transport.abort()
            self._sessions.discard(task)


class _Session:
    """One viewer's connection."""

    def __init__(self, server: CameraServer, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._writer = writer
        self._nonce = secrets.token_hex(16)
        self._id = secrets.token_hex(8)
        self._channel_number: int | None = None
        self._playing: asyncio.Task[None] | None = None

    async def serve(self, reader: asyncio.StreamReader) -> None:
        parser = RtspParser()
        while data := await reader.read(64 * 1024):
            for item in parser.feed(data):
                if isinstance(item, RtspMessage) and item.status is None:
                    self._take(item)
            await self._writer.drain()

    def stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()

    def _take(self, request: RtspMessage) -> None:
        found = self._find(request)
        if request.method == "OPTIONS":
            self._reply(request, 200, [("Public", _METHODS)])
        elif found is None:
            self._reply(request, 404)
        elif not self._is_allowed(request, found):
            self._reply(request, 401, [("WWW-Authenticate", self._challenge())])
        else:
            self._answer(request, found)

    def _answer(self, request: RtspMessage, channel: Channel) -> None:
        match request.method:
            case "DESCRIBE":
                self._describe(request, channel)
            case "SETUP":
                self._set_up(request)
            case "PLAY":
                self._play(request, channel)
            case "GET_PARAMETER":
                self._reply(request, 200, self._session_header())
            case "TEARDOWN":
                self.stop()
                self._reply(request, 200, self._session_header())
            case _:
                self._reply(request, 501)

    def _find(self, request: RtspMessage) -> Channel | None:
        path = urlsplit(request.url).path.removesuffix("/track1").rstrip("/")
        return self._server.channels.get(path)

    def _challenge(self) -> str:
        if self._server.auth == "basic":
            return f'Basic realm="{REALM}"'
        return f'Digest realm="{REALM}", nonce="{self._nonce}", algorithm={self._server.algorithm}'

    def _is_allowed(self, request: RtspMessage, channel: Channel) -> bool:
        if self._server.auth == "none":
            return True
        answer = request.header("Authorization") or ""
        if not answer.lower().startswith(self._server.auth):
            return False
        if self._server.auth == "digest" and parameters(answer).get("nonce") != self._nonce:
            return False
        return answer_matches(answer, request.method, channel.username, channel.password)

    def _describe(self, request: RtspMessage, channel: Channel) -> None:
        host = self._writer.get_extra_info("sockname")[0]
        headers = [
            ("Content-Type", "application/sdp"),
            ("Content-Base", f"{request.url.rstrip('/')}/"),
        ]
        self._reply(request, 200, headers, description(channel.clip, host).encode())

    def _set_up(self, request: RtspMessage) -> None:
        transport = request.header("Transport") or ""
        if "RTP/AVP/TCP" not in transport:
            self._reply(request, 461)
            return
        self._channel_number = 0
        agreed = f"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc={secrets.token_hex(4)}"
        self._reply(request, 200, [("Transport", agreed), *self._session_header()])

    def _play(self, request: RtspMessage, channel: Channel) -> None:
        if self._channel_number is None:
            self._reply(request, 455)
            return
        self._reply(request, 200, [*self._session_header(), ("Range", "npt=now-")])
        if self._playing is None:
            packetizer = Packetizer(self._channel_number)
            self._playing = asyncio.create_task(self._send(channel.clip, packetizer))

    async def _send(self, clip: Clip, packetizer: Packetizer) -> None:
        """Send the loop at its own pace; each viewer's begins with a keyframe."""
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        number = 0
        while not self._writer.is_closing():
            units = clip.frames[number % len(clip.frames)]
            if number % clip.fps == 0:
                units = [clip.sps, clip.pps, *units]
            if self._writer.transport.get_write_buffer_size() < _SLOW_READER_BYTES:
                self._writer.write(packetizer.frame(units, number, clip.fps))
            number += 1
            await asyncio.sleep(started_at + number / clip.fps - loop.time())

    def _session_header(self) -> list[tuple[str, str]]:
        return [("Session", f"{self._id};timeout=60")]

    def _reply(
        self,
        request: RtspMessage,
        status: int,
        headers: list[tuple[str, str]] | None = None,
        body: bytes = b"",
    ) -> None:
        numbered = [("CSeq", request.header("CSeq") or "0"), *(headers or [])]
        reply = RtspMessage(f"RTSP/1.0 {status} {_REASONS[status]}", numbered, body)
        self._writer.write(reply.encode())
