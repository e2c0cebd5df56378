"""The networks that the interfaces of a configuration are in, and who in them leads on. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.model import Address, Config, Route, VirtualAddress

IP = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def gateway(route: Route) -> IP | None:
    """The address of a route's router; None where an interface leads there, or what is written is neither."""
    try:
        return ip_address(route.router)
    except ValueError:
        return None


def connected(config: Config) -> dict[Network, str]:
    """The networks that interfaces of this node are in, or will be as master, each with its interface."""
    return {network: device for device, _, network in placed(config)}


def own(config: Config) -> frozenset[IP]:
    """The addresses of this node, and those that it has as master."""
    return frozenset(address for _, address, _ in placed(config))


def device_to(router: IP, networks: dict[Network, str]) -> str:
    """The interface whose network a router is in, the narrowest if it is in several; empty: in none.

    Args:
        router: its address.
        networks: as `connected` gave them.
    """
    fitting = [network for network in networks if router.version == network.version and router in network]
    return networks[max(fitting, key=lambda network: network.prefixlen)] if fitting else ""


def placed(config: Config) -> Iterator[tuple[str, IP, Network]]:
    """Interface, address and network of what is well formed and refers to an interface that there is."""
    both: list[Address | VirtualAddress] = [*config.virtual_addresses.values(), *config.addresses.values()]
    for each in both:
        if each.device not in config.interfaces:
            continue
        try:
            found = ip_interface(each.address)
        except ValueError:
            continue
        yield each.device, found.ip, found.network
