"""Whence a call comes, also where a proxy of ours stands before us."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

from nobs_bot.settings import Network

# whoever has one address of IPv6 has at least all of its network
_ONE_HOUSEHOLD = 64


def caller_of(request: web.Request, proxies: Sequence[Network]) -> str:
    """
    The address of whoever calls; of IPv6, the network that one household has.

    A proxy adds to `X-Forwarded-For` from where it was called. Anybody can write there, so it is
    read from its end, and no further than proxies of ours have written.

    Args:
        proxies: Where proxies stand whose word is taken.
    """
    address = _read(request.remote or "")
    named = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    while named and address is not None and any(address in network for network in proxies):
        before = _read(named.pop())
        if before is None:
            break
        address = before
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _ONE_HOUSEHOLD), strict=False))
    return str(address or request.remote)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: also with a port, and that of IPv6 in brackets."""
    bare, _, _ = text.strip().removeprefix("[").partition("]")
    if bare.count(":") == 1:
        bare, _, _ = bare.partition(":")
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
