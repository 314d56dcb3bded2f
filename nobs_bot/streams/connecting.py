"""Opens connections to vetted addresses, and says why one could not be opened."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable
from typing import TypeVar

from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.report import Failure, Unusable
from nobs_bot.streams.vetting import Vetted

ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)
_BUFFER_LIMIT = 64 * 1024


def camera_tls() -> ssl.SSLContext:
    """
    TLS as cameras speak it: old versions too, the certificate taken as it comes.

    A camera signs its own certificate and has no name; there is nothing to verify it by.
    The report says so.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


async def connect(
    factory: Callable[[], ProtocolT], address: StreamAddress, vetted: Vetted, *, timeout_s: float
) -> ProtocolT:
    """
    Connect to *vetted*, with TLS where *address* says so.

    Raises:
        Unusable: Refused, no answer, or no TLS where it was promised.
    """
    context = camera_tls() if address.is_encrypted else None
    try:
        async with asyncio.timeout(timeout_s):
            _, protocol = await asyncio.get_running_loop().create_connection(
                factory,
                vetted.ip,
                vetted.port,
                ssl=context,
                server_hostname=_server_name(address, vetted) if context else None,
            )
    except ConnectionRefusedError:
        raise Unusable(Failure.REFUSED) from None
    except (ssl.SSLError, ConnectionResetError):
        raise Unusable(Failure.NOT_A_CAMERA) from None
    except OSError:  # TimeoutError is one
        raise Unusable(Failure.NO_ANSWER) from None
    return protocol


async def connect_streams(
    address: StreamAddress, vetted: Vetted, *, timeout_s: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """
    As `connect`, for reading and writing as streams.

    Raises:
        Unusable: As for `connect`.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_BUFFER_LIMIT, loop=loop)
    protocol = await connect(
        lambda: _Streams(reader, loop=loop), address, vetted, timeout_s=timeout_s
    )
    return reader, asyncio.StreamWriter(protocol.transport, protocol, reader, loop)


class _Streams(asyncio.StreamReaderProtocol):
    """Keeps its transport, which the standard library's keeps to itself."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport


def _server_name(address: StreamAddress, vetted: Vetted) -> str:
    try:
        ipaddress.ip_address(address.host)
    except ValueError:
        return address.host
    return vetted.ip
