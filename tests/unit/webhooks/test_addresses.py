from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import pytest

from dragoman_runtime.addresses import (
    AddressForbidden,
    HostUnresolved,
    check_public,
    parse_networks,
    why_forbidden,
)

FORBIDDEN = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "fc00::1": "private",
    "fd12:3456::1": "private",
    "100.64.0.1": "shared",
    "100.127.255.255": "shared",
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "::": "unspecified",
    "169.254.0.1": "link-local",
    "169.254.169.254": "link-local",
    "fe80::1": "link-local",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "ff02::1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "192.0.2.1": "reserved",
    "198.51.100.1": "reserved",
    "203.0.113.1": "reserved",
    "198.18.0.1": "reserved",
    "192.88.99.1": "reserved",
    "fec0::1": "reserved",
    "2001:db8::1": "reserved",
    "3fff::1": "reserved",
    "4000::1": "reserved",
    "::ffff:127.0.0.1": "disguise",
    "::ffff:8.8.8.8": "disguise",
    "::127.0.0.1": "disguise",
    "::ffff:0:8.8.8.8": "disguise",
    "64:ff9b::7f00:1": "disguise",
    "64:ff9b:1::a00:1": "disguise",
    "2002:7f00:1::": "disguise",
    "2001:0:7f00:1::": "disguise",
    "168.63.129.16": "metadata",
    "100.100.100.200": "metadata",
    "192.0.0.192": "metadata",
    "fd00:ec2::254": "metadata",
}


@pytest.mark.parametrize(("address", "kind"), FORBIDDEN.items())
def test_an_address_that_is_not_public_is_refused_and_its_kind_is_told(address: str, kind: str) -> None:
    assert kind in str(why_forbidden(ip_address(address)))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert why_forbidden(ip_address(address)) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "100.64.1.1", "fd12::1"])
def test_private_addresses_can_be_allowed_all_at_once(address: str) -> None:
    assert why_forbidden(ip_address(address), allow_private=True) is None


NEVER_PRIVATE = ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fe80::1", "224.0.0.1", "0.0.0.0"]


@pytest.mark.parametrize("address", [*NEVER_PRIVATE, "::ffff:127.0.0.1", "64:ff9b::a00:1"])
def test_allowing_private_addresses_does_not_open_metadata_services_and_the_like(address: str) -> None:
    assert why_forbidden(ip_address(address), allow_private=True) is not None


def test_a_network_that_is_allowed_opens_its_own_addresses_only() -> None:
    allowed = parse_networks("10.1.0.0/16, fd12::/48 ,169.254.169.254")
    for address in ("10.1.255.255", "fd12::7", "169.254.169.254", "::ffff:10.1.0.1"):
        assert why_forbidden(ip_address(address), allowed=allowed) is None
    for address in ("10.2.0.1", "fd13::7", "169.254.169.253", "::ffff:10.2.0.1"):
        assert why_forbidden(ip_address(address), allowed=allowed) is not None


@pytest.mark.parametrize("text", ["10.1.0.1/16", "nowhere", "10.0.0.0/33"])
def test_a_network_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text.replace("/", ".")):
        parse_networks(text)


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1"])
async def test_spellings_of_loopback_are_seen_through(host: str) -> None:
    with pytest.raises(AddressForbidden) as caught:
        await check_public(host, 443, setting="DRAGOMAN_X_ALLOWED_NETWORKS")
    assert caught.value.code == "address_forbidden"
    assert "DRAGOMAN_X_ALLOWED_NETWORKS" in caught.value.remedy
    assert "127" not in caught.value.message  # what a name inside means is nothing to tell


async def test_what_is_allowed_is_given_back_as_addresses() -> None:
    assert await check_public("127.0.0.1", 443, allow_private=True) == [ip_address("127.0.0.1")]
    assert await check_public("93.184.216.34", 443) == [ip_address("93.184.216.34")]


async def test_a_name_with_one_public_and_one_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _answers(monkeypatch, "93.184.216.34", "10.0.0.1")
    with pytest.raises(AddressForbidden, match="private"):
        await check_public("both.example", 443)


async def test_the_zone_of_a_link_local_address_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, "fe80::1%eth0")
    with pytest.raises(AddressForbidden, match="link-local"):
        await check_public("near.example", 443)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "a..b", "\udcff"])
async def test_a_name_without_address_is_told_as_such_and_may_have_one_later(host: str) -> None:
    with pytest.raises(HostUnresolved) as caught:
        await check_public(host, 443)
    assert not caught.value.permanent


def _answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def getaddrinfo(host: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
