"""Addresses as people type them, and as they must never be shown."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nobs_bot.streams.address import (
    AddressFault,
    AddressProblem,
    StreamAddress,
    assemble,
    parse_address,
)

AWKWARD = "p@ss:w/rd%#?1"


def read(text: str) -> tuple[str, str, int, str, str, str]:
    found = parse_address(text)
    return found.scheme, found.host, found.port, found.path, found.username, found.password


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://10.0.0.5/a", ("rtsp", "10.0.0.5", 554, "/a", "", "")),
        (" RTSP://Kamera.Example:8554/a?b=1 ", ("rtsp", "kamera.example", 8554, "/a?b=1", "", "")),
        ("rtsps://10.0.0.5", ("rtsps", "10.0.0.5", 322, "", "", "")),
        ("https://[2001:DB8::1]:8443/x", ("https", "2001:db8::1", 8443, "/x", "", "")),
        ("http://nvr/x", ("http", "nvr", 80, "/x", "", "")),
        ("http://nvr?x=1", ("http", "nvr", 80, "/?x=1", "", "")),
        ("rtsp://u:p@10.0.0.5:/x", ("rtsp", "10.0.0.5", 554, "/x", "u", "p")),
        ("rtsp://u@10.0.0.5/x", ("rtsp", "10.0.0.5", 554, "/x", "u", "")),
        ("rtsp://10.0.0.5/joe@mail.com", ("rtsp", "10.0.0.5", 554, "/joe@mail.com", "", "")),
        ("rtsp://10.0.0.5/a b#c", ("rtsp", "10.0.0.5", 554, "/a%20b%23c", "", "")),
        ("rtsp://kamera.例え/x", ("rtsp", "kamera.xn--r8jz45g", 554, "/x", "", "")),
    ],
)
def test_well_formed(text: str, expected: tuple[object, ...]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "password",
    [
        AWKWARD,
        "a@b",
        "a/b",
        "12/34",
        "a?b",
        "a#b",
        "123#4",
        "100%",
        "%zz",
        "a:b",
        "a@b:1/c",
        "spasi ada",
    ],
)
@pytest.mark.parametrize(
    "host", ["192.168.1.64", "192.168.1.64:8554", "cam.example.com", "[::1]:554"]
)
def test_password_typed_raw(password: str, host: str) -> None:
    found = parse_address(f"rtsp://admin:{password}@{host}/Streaming/Channels/101")
    assert (found.username, found.password) == ("admin", password)
    assert found.path == "/Streaming/Channels/101"


def test_password_encoded_already() -> None:
    found = parse_address("rtsp://admin:p%40ss%3Aw%2Frd%25%23%3F1@10.0.0.5/s")
    assert (found.username, found.password) == ("admin", AWKWARD)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", AddressProblem.not_a_url),
        ("10.0.0.5:554/x", AddressProblem.not_a_url),
        ("rtsp:/10.0.0.5", AddressProblem.not_a_url),
        ("file:///etc/passwd", AddressProblem.unsupported_scheme),
        ("rtmp://10.0.0.5/x", AddressProblem.unsupported_scheme),
        ("rtsp:///x", AddressProblem.no_host),
        ("rtsp://u:p@/x", AddressProblem.no_host),
        ("rtsp://10.0.0.5:0/x", AddressProblem.bad_port),
        ("rtsp://10.0.0.5:65536/x", AddressProblem.bad_port),
        ("rtsp://10.0.0.5:abc/x", AddressProblem.bad_port),
        ("rtsp://a b/x", AddressProblem.bad_host),
        ("rtsp://[::1/x", AddressProblem.bad_host),
        ("rtsp://[fe80::1%25eth0]/x", AddressProblem.bad_host),
        ("rtsp://a..b/x", AddressProblem.bad_host),
        ("rtsp://10.0.0.5/" + "x" * 2048, AddressProblem.too_long),
        ("rtsp://10.0.0.5/x\r\nHost: y", AddressProblem.control_characters),
        ("rtsp://u:p%0d%0aX@10.0.0.5/x", AddressProblem.control_characters),
        ("rtsp://10.0.0.5/\u202ex", AddressProblem.control_characters),
    ],
)
def test_faults_have_kinds(text: str, kind: AddressProblem) -> None:
    with pytest.raises(AddressFault) as caught:
        parse_address(text)
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("text", "host"),
    [
        # whose password it is, a person sees; what is connected to is what was read here
        ("rtsp://8.8.8.8@127.0.0.1/x", "127.0.0.1"),
        ("rtsp://8.8.8.8:554@127.0.0.1:554/x", "127.0.0.1"),
        ("rtsp://8.8.8.8#@127.0.0.1/x", "8.8.8.8"),
        ("rtsp://8.8.8.8?@127.0.0.1/x", "8.8.8.8"),
        ("rtsp://8.8.8.8/@127.0.0.1/x", "8.8.8.8"),
        ("rtsp://u:8.8.8.8#@127.0.0.1/x", "127.0.0.1"),
        ("rtsp://u:p@8.8.8.8@127.0.0.1/x", "127.0.0.1"),
        ("rtsp://8.8.8.8\\@127.0.0.1/x", "127.0.0.1"),
        # other scripts' digits and full stops are digits and full stops (IDNA)
        ("rtsp://１２７.０.０.１/x", "127.0.0.1"),
        ("rtsp://127。0。0。1/x", "127.0.0.1"),
        ("rtsp://①②⑦.0.0.1/x", "127.0.0.1"),
        ("rtsp://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/x", "localhost"),
        ("rtsp://127.0.0.1./x", "127.0.0.1"),
        ("rtsp://[::ffff:7f00:1]/x", "::ffff:7f00:1"),
        ("rtsp://[0:0:0:0:0:ffff:127.0.0.1]/x", "::ffff:7f00:1"),
        ("rtsp://[64:ff9b::127.0.0.1]/x", "64:ff9b::7f00:1"),
    ],
)
def test_the_host_that_is_read_is_the_host_that_is_named(text: str, host: str) -> None:
    found = parse_address(text)
    assert found.host == host
    assert parse_address(found.url) == found


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://8.8.8.8 @127.0.0.1:554 @10.0.0.5 x/",
        "rtsp://127.0.0.1%2f@8.8.8.8%00/x",
        "rtsp://8.8.8.8%40127.0.0.1/x",
        "rtsp://[::1]8.8.8.8/x",
        "rtsp://xn--/x",
        "rtsp://xn--a-ecp.example\u200b/x",
        "rtsp://\u0661\u0662\u0667.0.0.1/x",
    ],
)
def test_what_reads_two_ways_is_refused(text: str) -> None:
    with pytest.raises(AddressFault):
        parse_address(text)


def test_fault_does_not_repeat_what_was_typed() -> None:
    with pytest.raises(AddressFault) as caught:
        parse_address("rtsp://admin:rahasia@host:99999/x")
    assert "rahasia" not in f"{caught.value!r} {caught.value} {caught.value.args}"


@pytest.mark.parametrize(
    "url",
    [
        f"rtsp://admin:{AWKWARD}@10.0.0.5/s",
        "rtsp://10.0.0.5/user=admin&password=rahasia&channel=1&stream=0.sdp?real_stream",
        "rtsp://10.0.0.5/user=admin_password=rahasia_channel=1_stream=0.sdp",
        "http://10.0.0.5/videostream.cgi?user=admin&pwd=rahasia",
        "http://10.0.0.5/video?loginuse=admin&loginpas=rahasia",
        "http://10.0.0.5/video?access_token=rahasia&x=1",
        "http://10.0.0.5/video?api_key=rahasia/%41",
    ],
)
def test_secrets_are_never_shown(url: str) -> None:
    address = parse_address(url)
    for shown in (address.public, str(address), repr(address), f"{address}", repr([address])):
        assert "10.0.0.5" in shown
        assert not {"rahasia", "admin", AWKWARD} & {
            w for w in ("rahasia", "admin", AWKWARD) if w in shown
        }


def test_what_is_no_secret_is_shown() -> None:
    address = parse_address("rtsp://u:p@10.0.0.5/cam/realmonitor?channel=1&subtype=0")
    assert address.public == "rtsp://10.0.0.5/cam/realmonitor?channel=1&subtype=0"


def test_other_credentials_leave_the_rest() -> None:
    address = parse_address("rtsp://u:p@10.0.0.5:8554/s").with_credentials("admin", AWKWARD)
    assert address == StreamAddress("rtsp", "10.0.0.5", 8554, "/s", "admin", AWKWARD)
    with pytest.raises(AddressFault):
        address.with_credentials("admin", "a\nb")


printable = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=30)
hosts = st.sampled_from(
    ["10.0.0.5", "cam.example.com", "nvr", "localhost", "2001:db8::1", "0x7f.1"]
)


@given(
    scheme=st.sampled_from(["rtsp", "rtsps", "http", "https"]),
    host=hosts,
    port=st.integers(1, 65535) | st.none(),
    path=printable,
    username=printable,
    password=printable,
)
def test_round_trip(
    scheme: str, host: str, port: int | None, path: str, username: str, password: str
) -> None:
    address = assemble(scheme, host, port, path, username=username, password=password)
    assert parse_address(address.url) == address
    assert pickle.loads(pickle.dumps(address)) == address


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        address = parse_address(f"rtsp://{text}")
    except AddressFault:
        return
    assert parse_address(address.url) == address


# a 7, since %1a would read as a control character, which no password holds
@given(
    password=st.text(st.sampled_from("ab7@:/?#%&= "), min_size=1, max_size=12),
    host=st.sampled_from(["192.168.1.64", "kamera.example.com"]),
)
def test_raw_password_of_awkward_characters(password: str, host: str) -> None:
    """Whatever is typed, it ends at the last "@", unless it reads as percent-encoded."""
    found = parse_address(f"rtsp://admin:{password}@{host}:554/stream")
    assert (found.host, found.path, found.username) == (host, "/stream", "admin")
    assert "%" in password or found.password == password


def test_an_address_that_is_too_long_once_encoded_is_refused_at_once() -> None:
    # else it would be stored, and could not be read back
    with pytest.raises(AddressFault, match="too_long"):
        parse_address("rtsp://warga:" + "é" * 1000 + "@192.0.2.1/1")
    with pytest.raises(AddressFault, match="too_long"):
        parse_address("rtsp://192.0.2.1/1").with_credentials("warga", "é" * 1000)
