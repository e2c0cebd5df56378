"""IP addresses as a configuration writes them: those of hosts, with or without prefix length, and of networks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

IP = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class HostAddress(NamedTuple):
    """An address of an interface, with its prefix length in bits."""

    ip: IP
    prefix: int


def read_host(text: str) -> IP:
    """A plain address that one host can have.

    Raises:
        ValueError: it is none; the message is the end of a sentence beginning with the text.
    """
    if "%" in text:
        raise ValueError("names a zone; write the address without it")
    try:
        ip = ip_address(text)
    except ValueError:
        raise ValueError("is no IP address; write one such as 192.0.2.1, without a prefix length") from None
    if not _can_be_a_host(ip):
        raise ValueError("is no address of a single host in a network")
    return ip


def _can_be_a_host(ip: IP) -> bool:
    if isinstance(ip, IPv6Address):
        return not (ip.is_multicast or ip.is_unspecified or ip.is_loopback)
    # By the first octet, since ipaddress' own words take most of the time of checking 10,000 addresses: no
    # "this network", loopback, multicast, reserved (RFC 1122 section 3.2.1.3, RFC 1112).
    first = int(ip) >> 24
    return first not in {0, 127} and first < 224


def read_interface(text: str) -> HostAddress:
    """An address with its prefix length, such as ``10.0.0.1/24``.

    Raises:
        ValueError: it is none; the message is the end of a sentence beginning with the text.
    """
    address, slash, length = text.partition("/")
    if not slash:
        raise ValueError("lacks its prefix length; write one such as 10.0.0.1/24")
    try:
        ip = read_host(address)
    except ValueError as error:
        if "is no IP address" in str(error):
            raise ValueError("is no IP address with its prefix length; write one such as 10.0.0.1/24") from None
        raise
    if not (length.isascii() and length.isdigit() and 1 <= int(length) <= ip.max_prefixlen):
        raise ValueError(f"has no prefix length from 1 to {ip.max_prefixlen}; write one such as 10.0.0.1/24")
    _refuse_network(ip, int(length))
    return HostAddress(ip, int(length))


def _refuse_network(ip: IP, prefix: int) -> None:
    """IPv4 keeps the first and the last address of a network for itself, unless only two are in it (RFC 3021)."""
    host_bits = ip.max_prefixlen - prefix
    if ip.version == 6 or host_bits < 2:
        return
    ones = (1 << host_bits) - 1
    if int(ip) & ones == 0:
        raise ValueError("is the address of the network itself; choose one of its hosts")
    if int(ip) & ones == ones:
        raise ValueError("is the broadcast address of its network; choose one of its hosts")


def read_network(text: str) -> Network:
    """A network that packets are routed to or come from, such as ``10.8.0.0/24``.

    Raises:
        ValueError: it is none; the message is the end of a sentence beginning with the text.
    """
    address, slash, length = text.partition("/")
    if not slash:
        raise ValueError("lacks its prefix length; write a network such as 10.8.0.0/24")
    try:
        ip = ip_address(address)
    except ValueError:
        ip = None
    if ip is None or "%" in text or not (length.isascii() and length.isdigit() and len(length) <= 3):
        raise ValueError("is no network; write one such as 10.8.0.0/24")
    if int(length) > ip.max_prefixlen:
        raise ValueError(f"has no prefix length from 0 to {ip.max_prefixlen}; write a network such as 10.8.0.0/24")
    network = ip_network(f"{ip}/{length}", strict=False)
    if network.network_address != ip:
        raise ValueError(f"is an address within a network; the network itself is {network}")
    if network.prefixlen and (ip.is_multicast or ip.is_loopback or ip.is_link_local):
        raise ValueError("is no network that another one could route to")
    return network
