"""Where this machine may connect to, and where not."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import pytest

from nobs_bot.streams import vetting
from nobs_bot.streams.report import Failure
from nobs_bot.streams.vetting import Vetted, is_own, vet


def resolver_to(*ips: str):
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ips

    return resolve


@pytest.mark.parametrize(
    ("ip", "failure"),
    [
        ("10.1.2.3", Failure.PRIVATE_ADDRESS),
        ("172.16.0.1", Failure.PRIVATE_ADDRESS),
        ("172.31.255.255", Failure.PRIVATE_ADDRESS),
        ("192.168.1.64", Failure.PRIVATE_ADDRESS),
        ("100.64.0.1", Failure.PRIVATE_ADDRESS),
        ("100.127.255.254", Failure.PRIVATE_ADDRESS),
        ("169.254.1.1", Failure.PRIVATE_ADDRESS),
        ("fd00::1", Failure.PRIVATE_ADDRESS),
        ("fe80::1", Failure.PRIVATE_ADDRESS),
        ("fe80::1%eth0", Failure.PRIVATE_ADDRESS),
        ("::ffff:192.168.1.1", Failure.PRIVATE_ADDRESS),
        ("169.254.169.254", Failure.FORBIDDEN_ADDRESS),
        ("127.0.0.1", Failure.FORBIDDEN_ADDRESS),
        ("127.8.9.1", Failure.FORBIDDEN_ADDRESS),
        ("0.0.0.0", Failure.FORBIDDEN_ADDRESS),
        ("0.1.2.3", Failure.FORBIDDEN_ADDRESS),
        ("224.0.0.251", Failure.FORBIDDEN_ADDRESS),
        ("240.0.0.1", Failure.FORBIDDEN_ADDRESS),
        ("255.255.255.255", Failure.FORBIDDEN_ADDRESS),
        ("192.0.2.1", Failure.FORBIDDEN_ADDRESS),
        ("198.18.0.1", Failure.FORBIDDEN_ADDRESS),
        ("::", Failure.FORBIDDEN_ADDRESS),
        ("::1", Failure.FORBIDDEN_ADDRESS),
        ("::ffff:127.0.0.1", Failure.FORBIDDEN_ADDRESS),
        ("::127.0.0.1", Failure.FORBIDDEN_ADDRESS),
        ("64:ff9b::7f00:1", Failure.FORBIDDEN_ADDRESS),
        ("64:ff9b::808:808", Failure.FORBIDDEN_ADDRESS),
        ("64:ff9b:1::1", Failure.FORBIDDEN_ADDRESS),
        ("2002:7f00:1::", Failure.FORBIDDEN_ADDRESS),
        ("2001::1", Failure.FORBIDDEN_ADDRESS),
        ("ff02::1", Failure.FORBIDDEN_ADDRESS),
        ("2001:db8::1", Failure.FORBIDDEN_ADDRESS),
    ],
)
async def test_special_addresses_are_refused_unless_allowed(ip: str, failure: Failure) -> None:
    resolver = resolver_to(ip)
    assert await vet("x", 554, resolver=resolver) is failure
    plain = ipaddress.ip_address(ip.partition("%")[0])
    plain = getattr(plain, "ipv4_mapped", None) or plain
    network = ipaddress.ip_network(plain)
    allowed = await vet("x", 554, allowed_networks=[network], resolver=resolver)
    assert allowed == Vetted(str(plain), 554)


@pytest.mark.parametrize("ip", ["8.8.8.8", "103.10.66.1", "172.32.0.1", "2400:9800::1"])
async def test_public_addresses_may_be_connected_to(ip: str) -> None:
    assert await vet("x", 554, resolver=resolver_to(ip)) == Vetted(ip, 554)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "017700000001", "127.1", "0177.0.0.1"]
)
async def test_other_spellings_of_loopback_are_seen_through(host: str) -> None:
    assert await vet(host, 554) is Failure.FORBIDDEN_ADDRESS


async def test_name_with_a_public_and_a_private_address_leads_to_the_public_one() -> None:
    resolver = resolver_to("192.168.1.1", "8.8.8.8", "2400:9800::1")
    assert await vet("x", 554, resolver=resolver) == Vetted("8.8.8.8", 554)


async def test_name_is_resolved_once() -> None:
    answers = [["8.8.8.8"], ["127.0.0.1"]]

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    assert await vet("x", 554, resolver=rebinding) == Vetted("8.8.8.8", 554)
    assert len(answers) == 1


async def test_name_that_does_not_resolve() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def slow(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(3600)
        return []

    for resolver in (unknown, slow, resolver_to()):
        assert await vet("x", 554, resolver=resolver, timeout_s=0.05) is Failure.NAME_NOT_RESOLVED


@pytest.mark.parametrize(("ip", "ours"), [("127.0.0.1", True), ("8.8.8.8", False), ("::5", False)])
def test_the_machine_knows_its_own_addresses(ip: str, ours: bool) -> None:
    assert is_own(ipaddress.ip_address(ip)) is ours


async def test_the_machines_own_public_address_is_no_camera(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = ipaddress.ip_address("103.10.66.1")
    monkeypatch.setattr(vetting, "is_own", lambda address: address == ours)
    assert await vet("x", 554, resolver=resolver_to(str(ours))) is Failure.FORBIDDEN_ADDRESS
    assert await vet("x", 554, resolver=resolver_to("103.10.66.2")) == Vetted("103.10.66.2", 554)
    allowed = await vet(
        "x", 554, allowed_networks=[ipaddress.ip_network(ours)], resolver=resolver_to(str(ours))
    )
    assert allowed == Vetted(str(ours), 554)
