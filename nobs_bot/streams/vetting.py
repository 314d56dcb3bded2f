"""Resolves a host once and decides whether this machine may connect there."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nobs_bot.streams.report import Failure

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where a camera at home sits: its owner can do something about it.
_HOME = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # behind the provider's own NAT (RFC 6598)
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
    )
)
# Where no camera is, and where a request could do harm.
_FORBIDDEN = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.169.254/32",  # a cloud machine's own secrets
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "64:ff9b::/96",  # NAT64, and below 6to4 and Teredo: they carry an IPv4 address inside
        "64:ff9b:1::/48",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True)
class Vetted:
    """An address that may be connected to; nothing is resolved again after this."""

    ip: str
    port: int


class Resolver(Protocol):
    """Turns a host name into the IP addresses it stands for, best first."""

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """
        Raises:
            OSError: The name cannot be resolved.
        """
        ...


async def system_resolver(host: str, port: int) -> list[str]:
    """Ask the machine's own resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def vet(
    host: str,
    port: int,
    *,
    allowed_networks: Sequence[Network] = (),
    resolver: Resolver = system_resolver,
    timeout_s: float = 4.0,
) -> Vetted | Failure:
    """
    Resolve *host* once and pick the first address that may be connected to.

    Decimal, octal and hexadecimal forms of an address are judged by what they resolve
    to. Public addresses may be connected to, but for those of this machine itself, whose
    firewall would take the call for one of its own; any other only inside *allowed_networks*.
    """
    try:
        async with asyncio.timeout(timeout_s):
            texts = await resolver(host, port)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return Failure.NAME_NOT_RESOLVED
    addresses = [_unmapped(ipaddress.ip_address(text.partition("%")[0])) for text in texts]
    # Home cameras are reached over IPv4; IPv6 comes after it where a name has both.
    addresses.sort(key=lambda address: address.version)
    failures = [_objection(address, allowed_networks) for address in addresses]
    for address, failure in zip(addresses, failures, strict=True):
        if failure is None:
            return Vetted(str(address), port)
    return failures[0] if failures and failures[0] else Failure.NAME_NOT_RESOLVED


def _unmapped(address: Address) -> Address:
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _objection(address: Address, allowed: Sequence[Network]) -> Failure | None:
    if _in_any(address, allowed):
        return None
    if _in_any(address, _FORBIDDEN):
        return Failure.FORBIDDEN_ADDRESS
    if _in_any(address, _HOME):
        return Failure.PRIVATE_ADDRESS
    if address.version == 6 and address not in _GLOBAL_IPV6:
        return Failure.FORBIDDEN_ADDRESS
    return Failure.FORBIDDEN_ADDRESS if is_own(address) else None


def is_own(address: Address) -> bool:
    """Whether this machine has *address* itself: nobody can listen on somebody else's."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _in_any(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == net.version and address in net for net in networks)
