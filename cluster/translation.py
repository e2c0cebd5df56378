"""What the words of a rule mean in a configuration: which packets, and which virtual address hides them. Pure.

Securepoint's rules name network objects. Those that follow from a configuration are known here by the names they
have there: ``internal-network`` is what the interfaces of the zone internal are in, ``external-interface`` the
virtual address of the HA interface of the zone external.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, collapse_addresses, ip_interface
from typing import TYPE_CHECKING, NamedTuple

from cluster.networks import connected

if TYPE_CHECKING:
    from cluster.model import Config

ANYWHERE = ("any", "internet")
NETWORK, INTERFACE = "-network", "-interface"
_SERVICE = re.compile(r"any|icmp|(?P<protocol>tcp|udp)(/(?P<first>[0-9]{1,5})(-(?P<last>[0-9]{1,5}))?)?")
PORTS = range(1, 65536)


class Service(NamedTuple):
    """A kind of packets: any protocol where it is empty, any port where they are None (both inclusive)."""

    protocol: str
    ports: tuple[int, int] | None


class Hider(NamedTuple):
    """The virtual address that takes the place of a source, and the interface that packets leave by."""

    device: str
    address: str


def networks(config: Config, word: str) -> tuple[IPv4Network, ...]:
    """What a source or destination means; empty: everything.

    Raises:
        ValueError: it means nothing; the message is the end of a sentence beginning with the word.
    """
    if word in ANYWHERE:
        return ()
    if word.endswith(NETWORK):
        return _of_zone(config, word.removesuffix(NETWORK))
    address, slash, length = word.partition("/")
    try:
        network = IPv4Network(word)
    except ValueError:
        raise ValueError(
            "is neither any, internet, an IPv4 address or network such as 10.8.0.0/24, nor a zone's, such as "
            "internal-network"
        ) from None
    if slash and not (length.isascii() and length.isdigit()):
        raise ValueError(f"has no prefix length; write {network}")
    if str(network.network_address) != address:
        raise ValueError(f"is not as addresses are written; write {network}")
    return (network,)


def _of_zone(config: Config, zone: str) -> tuple[IPv4Network, ...]:
    _require_zone(config, zone)
    found = [
        network
        for network, device in connected(config).items()
        if isinstance(network, IPv4Network) and zone in config.interfaces[device].zones
    ]
    if not found:
        raise ValueError(f"is empty: no interface of the zone {zone} has an IPv4 address")
    return tuple(collapse_addresses(found))


def service(word: str) -> Service:
    """What a service means.

    Raises:
        ValueError: it means nothing; the message is the end of a sentence beginning with the word.
    """
    found = _SERVICE.fullmatch(word)
    if found is None:
        raise ValueError("is no service; allowed are any, icmp, tcp, udp, and ports: tcp/443, udp/5000-5010")
    if word == "any":
        return Service("", None)
    if found["first"] is None:
        return Service(word, None)
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if not (first in PORTS and last in PORTS and first <= last):
        raise ValueError("has no ports from 1 to 65535, the lower one first")
    return Service(found["protocol"], (first, last))


def hider(config: Config, word: str) -> Hider:
    """The virtual address that a ``nat_node`` means: of an interface with several, the one with the least id.

    Raises:
        ValueError: it means none; the message is the end of a sentence beginning with the word.
    """
    mine = _hiders(config)
    if word.endswith(INTERFACE):
        zone = word.removesuffix(INTERFACE)
        _require_zone(config, zone)
        fitting = [each for each in mine if zone in config.interfaces[each.device].zones]
        if not fitting:
            raise ValueError(f"has no virtual address: no HA interface of the zone {zone} has one")
        return fitting[0]
    fitting = [each for each in mine if word in each]
    if not fitting:
        known = ", ".join(dict.fromkeys(name for each in mine for name in each)) or "none"
        raise ValueError(f"is no virtual address, nor an HA interface that has one; known are {known}")
    return fitting[0]


def _hiders(config: Config) -> list[Hider]:
    """All that there are, by id; what is not well formed is named by the rules of virtual addresses."""
    found = []
    for _, each in sorted(config.virtual_addresses.items(), key=lambda item: (len(item[0]), item[0])):
        try:
            address = ip_interface(each.address).ip
        except ValueError:
            continue
        if each.device in config.interfaces:
            found.append(Hider(each.device, str(address)))
    return found


def zones(config: Config) -> tuple[str, ...]:
    """The zones of a configuration, in the order of its interfaces."""
    return tuple(dict.fromkeys(zone for interface in config.interfaces.values() for zone in interface.zones))


def _require_zone(config: Config, zone: str) -> None:
    if zone not in zones(config):
        raise ValueError(f"names no zone of an interface; zones are {', '.join(zones(config)) or 'none'}")
