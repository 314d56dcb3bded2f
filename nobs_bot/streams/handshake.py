"""Speaks to a camera before any decoder does, and tells one failure from another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nobs_bot.streams.address import StreamAddress
from nobs_bot.streams.connecting import connect
from nobs_bot.streams.digest import Challenge
from nobs_bot.streams.hls import MEDIA_TYPES, PLAYLIST_LIMIT, HlsSource, Vetter
from nobs_bot.streams.http import HttpReply, get
from nobs_bot.streams.report import Failure, Unusable
from nobs_bot.streams.rtsp import RtspLink, RtspMessage
from nobs_bot.streams.sdp import Description, read_description
from nobs_bot.streams.vetting import Vetted


@dataclass
class RtspWelcome:
    """A camera that described its stream; the connection stays open for the relay."""

    address: StreamAddress
    link: RtspLink
    reply: RtspMessage
    description: Description

    @property
    def codec(self) -> str | None:
        return self.description.codec

    def close(self) -> None:
        self.link.close()


@dataclass
class MjpegWelcome:
    """A camera that began to send JPEG pictures over HTTP."""

    reply: HttpReply

    @property
    def codec(self) -> str | None:
        return "mjpeg"

    def close(self) -> None:
        self.reply.close()


@dataclass
class HlsWelcome:
    """A playlist; what is in its segments is not known yet."""

    source: HlsSource

    @property
    def codec(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing stays open between two fetches."""


Welcome = RtspWelcome | MjpegWelcome | HlsWelcome


async def shake_hands(
    address: StreamAddress, vetted: Vetted, *, vet: Vetter, timeout_s: float
) -> Welcome:
    """
    Ask the camera for its stream: DESCRIBE over RTSP, GET over HTTP.

    Args:
        vet: Judges every further address that an HLS playlist names.
        timeout_s: For the connection, and again for the answers.

    Raises:
        Unusable: With the failure that tells the owner what to do.
    """
    if address.is_rtsp:
        return await _greet_rtsp(address, vetted, timeout_s)
    return await _greet_http(address, vetted, vet, timeout_s)


async def _greet_rtsp(address: StreamAddress, vetted: Vetted, timeout_s: float) -> RtspWelcome:
    link = await connect(lambda: RtspLink(address), address, vetted, timeout_s=timeout_s)
    try:
        return await _described(address, link, timeout_s)
    except Unusable as unusable:
        if link.challenge is None or unusable.failure is not Failure.NOT_A_CAMERA:
            raise
        challenge = link.challenge
    # Some cameras hang up after their challenge: answer it on a connection of its own.
    return await _greet_again(address, vetted, challenge, timeout_s)


async def _greet_again(
    address: StreamAddress, vetted: Vetted, challenge: Challenge, timeout_s: float
) -> RtspWelcome:
    link = await connect(lambda: RtspLink(address, challenge), address, vetted, timeout_s=timeout_s)
    return await _described(address, link, timeout_s)


async def _described(address: StreamAddress, link: RtspLink, timeout_s: float) -> RtspWelcome:
    try:
        async with asyncio.timeout(timeout_s):
            await link.ask("OPTIONS")
            reply = await link.ask("DESCRIBE", [("Accept", "application/sdp")])
        refuse_status(reply.status or 0, address)
        return RtspWelcome(address, link, reply, read_description(reply.body))
    except TimeoutError:
        link.close()
        raise Unusable(Failure.NO_ANSWER) from None
    except BaseException:
        link.close()
        raise


async def _greet_http(
    address: StreamAddress, vetted: Vetted, vet: Vetter, timeout_s: float
) -> MjpegWelcome | HlsWelcome:
    reply = await get(address, vetted, timeout_s=timeout_s)
    try:
        refuse_status(reply.status, address)
        if reply.media_type in {"multipart/x-mixed-replace", "multipart/mixed"}:
            return MjpegWelcome(reply)
        if reply.media_type in MEDIA_TYPES or address.path.partition("?")[0].endswith(".m3u8"):
            return await _opened_playlist(address, reply, vet, timeout_s)
        if reply.media_type.partition("/")[0] in {"image", "video", "audio"}:
            raise Unusable(Failure.UNSUPPORTED_CODEC, codec=reply.media_type[:40])
        raise Unusable(Failure.NOT_A_CAMERA)
    except BaseException:
        reply.close()
        raise


async def _opened_playlist(
    address: StreamAddress, reply: HttpReply, vet: Vetter, timeout_s: float
) -> HlsWelcome:
    content = await reply.whole(PLAYLIST_LIMIT, timeout_s=timeout_s)
    reply.close()
    source = HlsSource(address, vet, timeout_s=timeout_s)
    await source.open(content)
    return HlsWelcome(source)


def refuse_status(status: int, address: StreamAddress) -> None:
    """Turn what RTSP and HTTP answer into what the owner can do about it."""
    if status in {401, 403}:
        known = address.has_credentials
        raise Unusable(Failure.WRONG_PASSWORD if known else Failure.PASSWORD_NEEDED)
    if 400 <= status < 500:
        raise Unusable(Failure.NO_SUCH_PATH)
    if status >= 500:
        raise Unusable(Failure.NO_PICTURES)
    if status != 200:
        raise Unusable(Failure.NOT_A_CAMERA)
