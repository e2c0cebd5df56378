"""The packet filter rules of a cluster, as text for nft(8), from the configuration alone. Pure.

One table of our own, in front of everybody else's (priority filter - 10). What it drops is gone; what it lets
through still meets the rules of others, since an accept is final only within its own table.

    hotwire device    TCP 22 and UDP 3780 from the partner's addresses to ours, replies to what this node began,
                      neighbour discovery where an address is IPv6 (ARP never comes by); nothing is forwarded
    HA interfaces     VRRP (protocol 112, IPv4 and IPv6); it is dropped everywhere else
    everywhere else   no UDP 3780, no TCP 22 to our hotwire address, this machine's own processes included:
                      conntrackd believes whatever reaches it

The engine's adverts do not depend on this table: its packet sockets see frames before any rule does and are bound
to one interface each (cluster/vrrp/sockets.py). The table keeps VRRP from whatever else listens on this machine.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

from cluster.errors import InvalidConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cluster.model import Config

TABLE = "utmcli_cluster"
HOTWIRE_PORT = 22
"""TCP: the two clusterd speak to each other."""
CONNTRACK_PORT = 3780
"""UDP: the two conntrackd do (conntrackd.conf(5))."""
VRRP = 112
"""RFC 9568 section 5.1.1.4."""

_DISCOVERY = "nd-neighbor-solicit, nd-neighbor-advert"


def ruleset(config: Config) -> str:
    """The table for a configuration.

    Args:
        config: the configuration in force.

    Returns:
        Text for ``nft -f``; empty where there shall be no table, because the cluster is off.

    Raises:
        InvalidConfigurationError: an interface has a name that nft cannot read.
    """
    if not config.cluster.enabled:
        return ""
    hotwire = _named(config, "HOTWIRE")
    chains = [_chain("input", _input(config, hotwire), hook="input")]
    if hotwire:
        chains.append(_chain("hotwire", _hotwire(config)))
        chains.append(_chain("forward", _forward(hotwire[0]), hook="forward"))
    return "\n".join([f"table inet {TABLE} {{", *chains, "}", ""])


def hotwire_addresses(config: Config) -> tuple[str, ...]:
    """Our addresses on the hotwire: the one that is chosen, else all that its interface is configured with."""
    if config.cluster.hotwire_local:
        return (config.cluster.hotwire_local,)
    devices = _named(config, "HOTWIRE")
    return tuple(
        str(ip_interface(entry.address).ip) for entry in config.addresses.values() if entry.device in devices
    )


def _named(config: Config, flag: str) -> list[str]:
    return [name for name, interface in config.interfaces.items() if flag in interface.flags]


def _chain(name: str, rules: Iterable[str], hook: str = "") -> str:
    base = f"\t\ttype filter hook {hook} priority filter - 10; policy accept;\n" if hook else ""
    return f"\tchain {name} {{\n{base}" + "".join(f"\t\t{rule}\n" for rule in rules) + "\t}"


def _input(config: Config, hotwire: list[str]) -> Iterator[str]:
    if hotwire:
        yield f"iifname {quoted(hotwire[0])} goto hotwire"
    ha = _named(config, "HA")
    elsewhere = f"iifname != {_set(map(quoted, ha))} " if ha else ""
    yield f'{elsewhere}meta l4proto {VRRP} counter drop comment "VRRP belongs on HA interfaces"'
    if hotwire:
        yield f'udp dport {CONNTRACK_PORT} counter drop comment "connections are told on the hotwire alone"'
        for address in hotwire_addresses(config):
            yield (
                f"{_family(address)} daddr {address} tcp dport {HOTWIRE_PORT} counter drop "
                'comment "the partner speaks on the hotwire alone"'
            )


def _hotwire(config: Config) -> Iterator[str]:
    yield 'ct direction reply ct state established,related accept comment "replies to this node"'
    local, remote = hotwire_addresses(config), config.cluster.hotwire_remote
    for family in ("ip", "ip6"):
        ours = [address for address in local if _family(address) == family]
        partners = [address for address in remote if _family(address) == family]
        if ours and partners:
            ends = f"{family} saddr {_set(partners)} {family} daddr {_set(ours)}"
            yield f"{ends} tcp dport {HOTWIRE_PORT} accept"
            yield f"{ends} udp dport {CONNTRACK_PORT} accept"
            if family == "ip6":
                # RFC 4861 section 7.1: a hop limit of 255 says that nobody forwarded it.
                yield f"ip6 hoplimit 255 icmpv6 type {{ {_DISCOVERY} }} accept"
    yield 'counter drop comment "nothing else is for the hotwire"'


def _forward(device: str) -> Iterator[str]:
    for direction in ("iifname", "oifname"):
        yield f'{direction} {quoted(device)} counter drop comment "the hotwire leads nowhere"'


def _family(address: str) -> str:
    return "ip6" if ip_address(address).version == 6 else "ip"


def _set(elements: Iterable[str]) -> str:
    return f"{{ {', '.join(elements)} }}"


def quoted(name: str) -> str:
    """An interface name as nft reads it: no quotation mark can stand in one, and a star at its end is a pattern."""
    if '"' in name or "\\" in name:
        raise InvalidConfigurationError(
            f"the interface name {name!r} cannot stand in a packet filter rule; allowed is one without quotation "
            "mark and backslash"
        )
    return f'"{name[:-1]}\\*"' if name.endswith("*") else f'"{name}"'

