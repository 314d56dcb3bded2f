"""The makes' paths and passwords."""

from __future__ import annotations

import pytest

from nobs_bot.streams.address import AddressFault, parse_address
from nobs_bot.streams.makes import MAKES, build_address, is_factory_password


@pytest.mark.parametrize("key", sorted(MAKES))
@pytest.mark.parametrize("stream", ["main", "sub"])
def test_each_make_builds_an_address_that_reads_back(key: str, stream: str) -> None:
    address = build_address(key, "10.0.0.5", None, "admin", "p@ss:w/rd%#?1", stream=stream)
    assert (address.scheme, address.port) == ("rtsp", MAKES[key].port)
    assert parse_address(address.url) == address
    assert "p@ss" not in address.public
    assert "p%40ss" not in address.public


def test_the_nine_makes_are_there() -> None:
    expected = "axis dahua ezviz hikvision reolink tapo uniview v380 xiongmai"
    assert sorted(MAKES) == expected.split()


def test_main_and_sub_differ_for_each_make() -> None:
    for make in MAKES.values():
        assert make.main_path != make.sub_path


def test_xiongmai_carries_credentials_in_the_path() -> None:
    address = build_address("xiongmai", "10.0.0.5", 8554, "admin", "a&b", stream="sub")
    path = "/user=admin&password=a%26b&channel=1&stream=1.sdp?real_stream"
    assert (address.path, address.port) == (path, 8554)
    assert address.public == (
        "rtsp://10.0.0.5:8554/user=***&password=***&channel=1&stream=1.sdp?real_stream"
    )


def test_unknown_make_and_bad_host_are_refused() -> None:
    with pytest.raises(KeyError):
        build_address("nokia", "10.0.0.5", None, "", "")
    with pytest.raises(AddressFault):
        build_address("axis", "a b", None, "", "")


@pytest.mark.parametrize(
    ("username", "password", "make", "expected"),
    [
        ("admin", "12345", "hikvision", True),
        ("admin", "", "axis", True),
        ("root", "pass", "axis", True),
        ("admin", "tlJwpbo6", None, True),
        ("admin", "tlJwpbo6", "axis", False),
        ("888888", "888888", "dahua", True),
        ("joko", "JOKO", None, True),
        ("admin", "Password", None, True),
        ("", "", None, False),
        ("admin", "kopi-tubruk-71", None, False),
        ("admin", "p@ss:w/rd%#?1", "hikvision", False),
    ],
)
def test_factory_passwords(username: str, password: str, make: str | None, expected: bool) -> None:
    assert is_factory_password(username, password, make) is expected
