"""Which addresses a stranger's URL may lead to: only public ones, so that nobody reaches inside through us.

Server-side request forgery (https://cwe.mitre.org/data/definitions/918.html) is met where the name becomes an
address. Whoever calls connects to the addresses that were checked here and to no others: a name that is asked
again may have another answer by then (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from dragoman_contracts.errors import InvalidInput, Unavailable

RESOLVE_TIMEOUT_S = 5.0

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA = {
    # Where clouds tell a machine its secrets; most of them are link-local, these are not.
    ip_address("168.63.129.16"),
    ip_address("100.100.100.200"),
    ip_address("192.0.0.192"),
    ip_address("fd00:ec2::254"),
    ip_address("fd20:ce::254"),
}
_GLOBAL_UNICAST_6 = ip_network("2000::/3")
"""All of IPv6 that is given out (https://www.iana.org/assignments/ipv6-address-space/)."""
_PRIVATE = {
    name: tuple(ip_network(network) for network in networks)
    for name, networks in {
        "loopback": ("127.0.0.0/8", "::1/128"),
        "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
        "shared (carrier-grade NAT)": ("100.64.0.0/10",),
    }.items()
}
_NEVER = {
    name: tuple(ip_network(network) for network in networks)
    for name, networks in {
        "unspecified": ("0.0.0.0/8", "::/128"),
        "link-local": ("169.254.0.0/16", "fe80::/10"),
        "multicast": ("224.0.0.0/4", "ff00::/8"),
        # They lead to an IPv4 address, which may be any: mapped, compatible, NAT64, 6to4, Teredo.
        "an IPv4 address in disguise": (
            "::ffff:0:0/96",
            "::/96",
            "::ffff:0:0:0/96",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "2002::/16",
            "2001::/32",
        ),
        "reserved": ("192.88.99.0/24", "240.0.0.0/4", "3fff::/20", "fec0::/10"),
    }.items()
}


class AddressForbidden(InvalidInput):
    """The URL leads to an address that is not public, and no setting allows it."""

    code = "address_forbidden"
    default_remedy = "Give a URL with a public address, or have its network allowed by the server's settings."


class HostUnresolved(Unavailable):
    """The name has no address, or no name server answers."""

    code = "host_unresolved"
    default_remedy = "Check the host's name and the name servers of this machine."


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks of a comma-separated list such as ``10.1.0.0/16, fd12::/48``; an address is a network of one.

    Raises:
        ValueError: one of them is none.

    """
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


async def check_public(
    host: str,
    port: int,
    *,
    allowed: Sequence[Network] = (),
    allow_private: bool = False,
    setting: str = "",
) -> list[Address]:
    """The addresses of ``host``, in the order of preference, if one may connect to them.

    Args:
        host: a name or an address, without brackets.
        port: of TCP.
        allowed: networks that are allowed though they are not public.
        allow_private: allow loopback, private and shared addresses, though never link-local ones and those
            where clouds keep their secrets.
        setting: name of the setting that allows more, told in the error.

    Raises:
        AddressForbidden: one of the addresses is not public: a name that has both kinds is a trick.
        HostUnresolved: there is no address.

    """
    addresses = await _resolve(host, port)
    for address in addresses:
        if reason := why_forbidden(address, allowed=allowed, allow_private=allow_private):
            raise AddressForbidden(
                f"the host's address is not public: it is {reason}",
                remedy=f"Give a URL with a public address, or allow its network in {setting}."
                if setting
                else None,
            )
    return addresses


def why_forbidden(
    address: Address, *, allowed: Iterable[Network] = (), allow_private: bool = False
) -> str | None:
    """What the address is if one may not connect to it, else None."""
    # The kernel connects to the IPv4 address of a mapped one: it must be allowed by name, public or not.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if any(address in network or (mapped and mapped in network) for network in allowed):
        return None
    if address in _METADATA:
        return "a cloud's metadata service"
    if name := _kind(address, _PRIVATE):
        return None if allow_private else name
    if name := _kind(address, _NEVER):
        return name
    given_out = isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST_6
    return None if given_out and address.is_global else "reserved"


def _kind(address: Address, kinds: dict[str, tuple[Network, ...]]) -> str | None:
    for name, networks in kinds.items():
        if any(address in network for network in networks):
            return name
    return None


async def _resolve(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (TimeoutError, OSError, UnicodeError):
        raise HostUnresolved("the host's name has no address") from None
    # Without the zone of a link-local address: it is refused anyway.
    found = [ip_address(str(row[4][0]).partition("%")[0]) for row in rows]
    if not found:
        raise HostUnresolved("the host's name has no address")
    return list(dict.fromkeys(found))
