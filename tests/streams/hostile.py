"""Small servers that do what cameras, routers and attackers do."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nobs_bot.sandbox.cameras.clip import Clip
from nobs_bot.sandbox.cameras.server import CameraServer, Channel
from nobs_bot.streams.rtsp import RtspMessage, RtspParser

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
USER, PASSWORD = "admin", "p@ss:w/rd%#?1"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
)


@asynccontextmanager
async def serving(
    handler: Handler, *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve on a free port while the block lasts."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, host, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2)


class Canary:
    """Counts who comes by; nobody should."""

    def __init__(self) -> None:
        self.visits = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1


def saying(data: bytes) -> Handler:
    """Waits for a request, says *data*, hangs up."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0.2)

    return handler


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts and never answers."""
    await reader.read()
    await asyncio.sleep(3600)


def dripping(data: bytes) -> Handler:
    """Says *data* a byte at a time, ten a second."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in data:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0.1)

    return handler


def rtsp(**answers: tuple[int, list[tuple[str, str]], bytes]) -> Handler:
    """Speaks RTSP; *answers* gives status, headers and body by method; the rest is 200."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = RtspParser()
        while data := await reader.read(4096):
            for item in parser.feed(data):
                if isinstance(item, RtspMessage):
                    status, headers, body = answers.get(item.method, (200, [], b""))
                    numbered = [("CSeq", item.header("CSeq") or "0"), *headers]
                    writer.write(RtspMessage(f"RTSP/1.0 {status} X", numbered, body).encode())

    return handler


DESCRIBED = (200, [("Content-Type", "application/sdp")], SDP.encode())
SET_UP = (
    200,
    [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"), ("Session", "abc")],
    b"",
)


@asynccontextmanager
async def camera(clip: Clip, **options: str) -> AsyncIterator[int]:
    """A camera that behaves, at /stream."""
    server = CameraServer({"/stream": Channel(clip, USER, PASSWORD)}, **options)
    port = await server.start("127.0.0.1")
    try:
        yield port
    finally:
        await server.stop()


Meddler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def meddling(
    port: int, meddle: Meddler, *, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Stands before a camera; *meddle* passes on, as it likes, what the camera says."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        camera_reader, camera_writer = await asyncio.open_connection("127.0.0.1", port)

        async def forth() -> None:
            while data := await reader.read(4096):
                camera_writer.write(data)

        task = asyncio.create_task(forth())
        try:
            while data := await camera_reader.read(64 * 1024):
                await meddle(data, writer)
        finally:
            task.cancel()
            camera_writer.transport.abort()

    async with serving(handler, context=context) as own_port:
        yield own_port


def self_signed(folder: Path) -> ssl.SSLContext:
    """TLS as a camera speaks it: its own certificate, and that expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "IPC")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now - datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "both.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
