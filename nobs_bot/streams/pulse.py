"""
A camera's pulse: does it answer, and do pictures come? Nothing is decoded, nothing is kept.

The way there is that of a check: one resolution, the same vetting, the same handshake and link. No
child is needed, since no decoder ever sees a byte.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network

from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.handshake import (
    HlsWelcome,
    MjpegWelcome,
    RtspWelcome,
    Welcome,
    refuse_status,
    shake_hands,
)
from nobs_bot.streams.hls import PLAYLIST_NAME
from nobs_bot.streams.keyframes import KeyframeWatch
from nobs_bot.streams.report import Failure, Unusable
from nobs_bot.streams.rtsp import RtspMessage
from nobs_bot.streams.vetting import Network, Resolver, system_resolver, vet

_MOST_JPEG_BYTES = 8 * 1024 * 1024
# some seconds of the best cameras; whoever sends more without a picture wants to keep us busy
_MOST_MEDIA_BYTES = 32 * 1024 * 1024
_CONTROL = re.compile(r"^a=control:(\S+)", re.MULTILINE)
_CHANNEL = re.compile(r"interleaved=(\d{1,3})")
_TRANSPORT = "RTP/AVP/TCP;unicast;interleaved=0-1"


@dataclass(frozen=True)
class Pulse:
    """
    What came of one look.

    Attributes:
        failure: Why there were no pictures; None where there were.
        network: The neighbourhood of the address, which fails as one when a provider does:
            a stretch of IP addresses, or the domain of a name that was not found.
    """

    failure: Failure | None
    network: str


async def take_pulse(
    address: StreamAddress,
    *,
    allowed_networks: Sequence[Network] = (),
    connect_timeout_s: float = 4.0,
    deadline_s: float = 12.0,
    resolver: Resolver = system_resolver,
) -> Pulse:
    """
    Look whether a camera answers with pictures; whatever it does, there is a pulse.

    Args:
        connect_timeout_s: For the connection, and again for the first answers.
        deadline_s: For the whole; a camera sends a keyframe every few seconds.
    """
    judge = partial(
        vet, allowed_networks=allowed_networks, resolver=resolver, timeout_s=connect_timeout_s
    )
    vetted = await judge(address.host, address.port)
    if isinstance(vetted, Failure):
        return Pulse(vetted, neighbourhood(address.host))
    network = neighbourhood(vetted.ip)
    is_greeted = False
    try:
        async with asyncio.timeout(deadline_s):
            welcome = await shake_hands(address, vetted, vet=judge, timeout_s=connect_timeout_s)
            is_greeted = True
            try:
                await _await_picture(welcome)
            finally:
                welcome.close()
    except TimeoutError:
        return Pulse(Failure.NO_PICTURES if is_greeted else Failure.NO_ANSWER, network)
    except Unusable as unusable:
        return Pulse(unusable.failure, network)
    except (OSError, asyncio.IncompleteReadError):
        return Pulse(Failure.NO_PICTURES, network)
    return Pulse(None, network)


def neighbourhood(host: str) -> str:
    """What shares its fate with a host: 36.68.0.0/16, 2001:448a::/32, or *.ddns.net."""
    try:
        address = ip_address(host)
    except ValueError:
        return "*." + ".".join(host.lower().rstrip(".").split(".")[-2:])
    bits = 16 if address.version == 4 else 32
    return str(ip_network(f"{address}/{bits}", strict=False))


async def _await_picture(welcome: Welcome) -> None:
    match welcome:
        case RtspWelcome():
            await _await_keyframe(welcome)
        case MjpegWelcome():
            await _await_jpeg(welcome)
        case HlsWelcome():
            await _await_segment(welcome)


async def _await_keyframe(welcome: RtspWelcome) -> None:
    """SETUP, PLAY, the first keyframe, TEARDOWN: cameras keep few sessions."""
    base = _base_of(welcome)
    reply = await _ask(welcome, "SETUP", _track_of(welcome, base), [("Transport", _TRANSPORT)])
    session = (reply.header("Session") or "").partition(";")[0].strip()
    found = _CHANNEL.search(reply.header("Transport") or "")
    watch = KeyframeWatch(welcome.description.codec, int(found[1]) if found else 0)
    seen = asyncio.get_running_loop().create_future()
    taken_bytes = 0

    def look(frames: bytes) -> None:
        nonlocal taken_bytes
        taken_bytes += len(frames)
        if seen.done():
            return
        watch.feed(frames)
        if watch.is_satisfied:
            seen.set_result(None)
        elif taken_bytes > _MOST_MEDIA_BYTES:
            seen.set_exception(Unusable(Failure.NO_PICTURES))

    def end(failure: Failure | None) -> None:
        if not seen.done():
            seen.set_exception(Unusable(failure or Failure.NO_PICTURES))

    headers = [("Session", session)] if session else []
    welcome.link.on_media = look
    try:
        await _ask(welcome, "PLAY", base, [*headers, ("Range", "npt=0.000-")])
        welcome.link.on_end = end
        await seen
    finally:
        welcome.link.on_end = lambda _: None
        welcome.link.send("TEARDOWN", base, headers, b"", lambda _: None)
        if seen.done() and not seen.cancelled():
            seen.exception()


async def _ask(
    welcome: RtspWelcome, method: str, url: str, headers: list[tuple[str, str]]
) -> RtspMessage:
    answered: asyncio.Future[RtspMessage] = asyncio.get_running_loop().create_future()

    def take(reply: RtspMessage) -> None:
        if not answered.done():
            answered.set_result(reply)

    def give_up(failure: Failure | None) -> None:
        if not answered.done():
            answered.set_exception(Unusable(failure or Failure.NO_PICTURES))

    welcome.link.on_end = give_up
    welcome.link.send(method, url, headers, b"", take)
    reply = await answered
    refuse_status(reply.status or 0, welcome.address)
    return reply


def _base_of(welcome: RtspWelcome) -> str:
    reply = welcome.reply
    told = reply.header("Content-Base") or reply.header("Content-Location")
    # a name inside the connection that is open already: it leads nowhere else
    return told.strip() if told else welcome.address.request_url


def _track_of(welcome: RtspWelcome, base: str) -> str:
    """The address of the one track that was kept of the description (RFC 2326, C.1.1)."""
    text = welcome.description.text.decode("utf-8", "replace")
    controls = _CONTROL.findall(text[text.find("m=video") :])
    control = controls[0] if controls else "*"
    if control == "*":
        return base
    if re.match(r"rtsps?://", control, re.IGNORECASE):
        return str(control)
    return f"{base}{'' if base.endswith('/') else '/'}{control}"


async def _await_jpeg(welcome: MjpegWelcome) -> None:
    """One whole JPEG of a stream of them."""
    data = b""
    while True:
        start = data.find(b"\xff\xd8")
        if start >= 0 and data.find(b"\xff\xd9", start) > 0:
            return
        block = await welcome.reply.reader.read(64 * 1024)
        if not block:
            raise Unusable(Failure.NO_PICTURES)
        data += block
        if len(data) > _MOST_JPEG_BYTES:
            raise Unusable(Failure.TOO_LARGE)


async def _await_segment(welcome: HlsWelcome) -> None:
    """The newest segment of a playlist."""
    playlist = (await welcome.source.read(PLAYLIST_NAME)).decode()
    names = [line for line in playlist.splitlines() if line and not line.startswith("#")]
    if not names or not await welcome.source.read(names[-1]):
        raise Unusable(Failure.NO_PICTURES)
