"""Whence a call comes: the word of our own proxies is taken, and nobody else's."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from nobs_bot.console.addresses import caller_of
from nobs_bot.settings import Settings
from tests.console.hall import Hall

PROXIES = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "named", "caller"),
    [
        # no proxy of ours called: what they say is worth nothing
        ("203.0.113.5", ["198.51.100.7"], "203.0.113.5"),
        ("203.0.113.5", [], "203.0.113.5"),
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        # what the caller wrote stands before what the proxy added
        ("127.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["1.1.1.1, 198.51.100.7, 10.0.0.9"], "198.51.100.7"),
        # a proxy that names nobody, or nonsense, stands for itself
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7, " + "x" * 4000], "127.0.0.1"),
        ("127.0.0.1", ["127.0.0.1, 10.0.0.3"], "127.0.0.1"),
        # a household has 2^64 addresses of IPv6, and is one caller
        ("::1", ["2001:db8:1:2:aaaa::1"], "2001:db8:1:2::/64"),
        ("::1", ["2001:db8:1:2:bbbb::2"], "2001:db8:1:2::/64"),
        # some proxies write ports
        ("127.0.0.1", ["198.51.100.7:51234"], "198.51.100.7"),
        ("127.0.0.1", ["[2001:db8:1:2::3]:51234"], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["[2001:db8:1:2::3]"], "2001:db8:1:2::/64"),
        ("::ffff:127.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("fe80::1%eth0", [], "fe80::/64"),
    ],
)
def test_whence_a_call_comes(peer: str, named: list[str], caller: str) -> None:
    headers = CIMultiDict([("X-Forwarded-For", each) for each in named])
    request = make_mocked_request("GET", "/konsol", headers).clone(remote=peer)
    assert caller_of(request, PROXIES) == caller


def test_a_caller_without_an_address_is_one_caller() -> None:
    request = make_mocked_request("GET", "/konsol", {"X-Forwarded-For": "1.1.1.1"})
    assert caller_of(request.clone(remote=""), PROXIES) == ""


@pytest.mark.usefixtures("paces_stand_still")
@pytest.mark.parametrize("is_trusted", [True, False])
async def test_one_stranger_behind_a_proxy_holds_up_no_other(
    hall: Hall, is_trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_trusted:
        given = Settings(trusted_proxies="127.0.0.0/8").trusted_proxies
        monkeypatch.setattr(hall.house.office.settings, "trusted_proxies", given)
    stranger = hall.stranger()
    loud = {"X-Forwarded-For": "198.51.100.7"}
    codes = [(await stranger.get("masuk", **loud))[0] for _ in range(200)]
    assert codes[-1] == 429
    quiet = {"X-Forwarded-For": "198.51.100.8"}
    assert ((await stranger.get("masuk", **quiet))[0] == 429) is not is_trusted
