"""Cameras as sold in Indonesia: where their streams are, which passwords they ship with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from urllib.parse import quote

from nobs_bot.streams.address import StreamAddress, assemble


@dataclass(frozen=True)
class Make:
    """
    One make of camera.

    Attributes:
        main_path: The full picture; `{username}` and `{password}` stand where the make
            wants them in the path, and are filled in percent-encoded.
        sub_path: The small picture.
        factory_credentials: (user name, password) as shipped.
    """

    key: str
    label: str
    port: int
    main_path: str
    sub_path: str
    factory_credentials: tuple[tuple[str, str], ...] = ()


_XIONGMAI = "/user={username}&password={password}&channel=1&stream=%s.sdp?real_stream"

MAKES: Mapping[str, Make] = MappingProxyType(
    {
        make.key: make
        for make in (
            Make(
                "hikvision",
                "Hikvision",
                554,
                "/Streaming/Channels/101",
                "/Streaming/Channels/102",
                (("admin", "12345"), ("admin", "hikvision")),
            ),
            Make(
                "dahua",
                "Dahua",
                554,
                "/cam/realmonitor?channel=1&subtype=0",
                "/cam/realmonitor?channel=1&subtype=1",
                (("admin", "admin"), ("888888", "888888"), ("666666", "666666")),
            ),
            Make(
                "ezviz",
                "EZVIZ",
                554,
                "/Streaming/Channels/101",
                "/Streaming/Channels/102",
                (("admin", "12345"), ("admin", "ABCDEF")),
            ),
            Make("tapo", "TP-Link Tapo", 554, "/stream1", "/stream2", (("admin", "admin"),)),
            Make(
                "uniview",
                "Uniview",
                554,
                "/media/video1",
                "/media/video2",
                (("admin", "123456"), ("admin", "admin_123")),
            ),
            Make(
                "xiongmai",
                "Xiongmai (XMEye, iCSee)",
                554,
                _XIONGMAI % "0",
                _XIONGMAI % "1",
                (("admin", ""), ("admin", "tlJwpbo6"), ("default", "tluafed")),
            ),
            Make(
                "v380",
                "V380",
                554,
                "/live/ch00_0",
                "/live/ch00_1",
                (("admin", ""), ("admin", "admin"), ("admin", "123456")),
            ),
            Make(
                "reolink",
                "Reolink",
                554,
                "/h264Preview_01_main",
                "/h264Preview_01_sub",
                (("admin", ""),),
            ),
            Make(
                "axis",
                "Axis",
                554,
                "/axis-media/media.amp?videocodec=h264",
                "/axis-media/media.amp?videocodec=h264&resolution=640x360",
                (("root", "pass"), ("root", "root")),
            ),
        )
    }
)

_TRIVIAL = frozenset(
    """
    0000 00000 000000 1111 11111 111111 1234 12345 123456 1234567 12345678 123456789
    1234567890 654321 666666 888888 88888888 123123 112233 121212 abc123 abcd1234 a123456
    admin admin1 admin12 admin123 admin1234 admin12345 administrator root pass pass1234
    passwd password password1 password123 p@ssw0rd user guest default system supervisor
    service camera cctv cctv123 qwerty qwerty123 1q2w3e4r meinsm bismillah rahasia indonesia
    """.split()  # noqa: SIM905 - a list to read, not to parse
)


def build_address(
    make_key: str,
    host: str,
    port: int | None,
    username: str,
    password: str,
    *,
    stream: Literal["main", "sub"] = "main",
) -> StreamAddress:
    """
    The address of a stream of a camera whose make is known.

    Args:
        port: None for the make's own.

    Raises:
        KeyError: *make_key* is not one of `MAKES`.
        AddressFault: The host or port cannot be one.
    """
    make = MAKES[make_key]
    template = make.main_path if stream == "main" else make.sub_path
    path = template.format(username=quote(username, safe=""), password=quote(password, safe=""))
    return assemble("rtsp", host, port or make.port, path, username=username, password=password)


def is_factory_password(username: str, password: str, make_key: str | None = None) -> bool:
    """
    Whether anybody could guess this password from a list.

    True for what *make_key* (or, without one, any make) ships with, for trivial
    passwords, for the user name itself, and for a user without a password.
    No user and no password is an open camera, which is another matter: False.
    """
    if not username and not password:
        return False
    makes = [MAKES[make_key]] if make_key else MAKES.values()
    if any((username, password) in make.factory_credentials for make in makes):
        return True
    plain = password.casefold()
    return not plain or plain in _TRIVIAL or plain == username.casefold()
