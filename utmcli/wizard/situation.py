"""What the assistant finds on an appliance before it asks, and what it makes of it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.model import Config, Interface

CARDS = ("ETHERNET", "VLAN", "BRIDGE")
"""Types of interfaces that can be HA: those on which multicast reaches the partner."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Situation:
    """The appliance.

    Attributes:
        config: its running configuration, with its secrets: the passphrase goes into the block.
        key: its public key for the hotwire, ``kind base64``.
    """

    config: Config
    key: str

    @property
    def hotwire(self) -> str:
        """The present hotwire interface, or empty."""
        return next(iter(self.flagged("HOTWIRE")), "")

    @property
    def is_clustered(self) -> bool:
        """Whether it was made part of a cluster before: what it then has is meant, also where it is nothing."""
        return bool(self.hotwire and self.flagged("HA"))

    @property
    def names(self) -> tuple[str, ...]:
        """All interfaces, in the order of their numbers."""
        interfaces = self.config.interfaces
        return tuple(sorted(interfaces, key=lambda name: interfaces[name].id))

    def interface(self, name: str) -> Interface:
        """The interface of this name."""
        return self.config.interfaces[name]

    def flagged(self, flag: str) -> tuple[str, ...]:
        """Interfaces with this flag."""
        return tuple(name for name in self.names if flag in self.interface(name).flags)

    def addresses(self, name: str) -> tuple[str, ...]:
        """Own addresses of an interface, with prefix length, in the order of their numbers."""
        found = ((int(key), each.address) for key, each in self.config.addresses.items() if each.device == name)
        return tuple(address for _, address in sorted(found))

    def virtual(self, name: str) -> tuple[str, ...]:
        """Virtual addresses of an interface, in the order of their numbers."""
        addresses = self.config.virtual_addresses.items()
        found = ((int(key), each.address) for key, each in addresses if each.device == name)
        return tuple(address for _, address in sorted(found))

    def networks(self, besides: str) -> Iterator[tuple[str, Network]]:
        """The networks of all interfaces but one, with the interface."""
        for each in self.config.addresses.values():
            if each.device != besides:
                yield each.device, ipaddress.ip_interface(each.address).network

    def about(self, name: str) -> str:
        """An interface for people: its type, zones and addresses."""
        interface = self.interface(name)
        return " ".join((interface.type, *interface.zones, *self.addresses(name)))


def host(address: str) -> str:
    """The address without its prefix length."""
    return address.partition("/")[0]
