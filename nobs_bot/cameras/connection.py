"""How to reach a camera's stream: sealed, found again only by a keyed digest."""

from __future__ import annotations

from nobs_bot.cameras.record import Camera
from nobs_bot.errors import Refusal
from nobs_bot.storage.work import Work
from nobs_bot.streams.address import AddressFault, StreamAddress, parse_address
from nobs_bot.streams.makes import is_factory_password

_STREAM = "cameras.stream"


def read_address(text: str) -> StreamAddress:
    """
    The stream address that somebody typed.

    Raises:
        Refusal: it is none; the sentence says what is wrong and shows how it should look.
    """
    try:
        return parse_address(text)
    except AddressFault as fault:
        raise Refusal(f"stream.address.{fault.kind.value}") from None


def refuse_factory_password(address: StreamAddress, make_key: str | None = None) -> None:
    """Raises `Refusal` where the camera still has the password that everybody knows."""
    if is_factory_password(address.username, address.password, make_key):
        raise Refusal("stream.factory_password")


def set_stream(work: Work, camera: Camera, address: StreamAddress) -> None:
    """Keep the address, sealed, and its digest for finding the same stream again."""
    camera.stream = work.vault.seal(_STREAM, camera.id, address.url.encode())
    camera.stream_index = work.vault.blind_index("stream", _identity(address))
    camera.stream_declined = False


def stream_of(work: Work, camera: Camera) -> StreamAddress | None:
    """The camera's stream address; None where it has none."""
    if camera.stream is None:
        return None
    return parse_address(work.vault.open(_STREAM, camera.id, camera.stream).decode())


def forget_stream(camera: Camera) -> None:
    """Erase the secrets, and what needs a stream is shared no more."""
    camera.stream = camera.stream_index = None
    camera.share_stills = camera.share_live = False


def _identity(address: StreamAddress) -> str:
    # the same camera under another user's name is still the same camera
    return f"{address.host.lower()}:{address.port}{address.path}"
