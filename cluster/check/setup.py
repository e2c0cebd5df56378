"""Points about the configuration and the interfaces of this machine. Pure."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import TYPE_CHECKING

from cluster.check.verdicts import failed, note, passed
from cluster.config import authentication
from cluster.config.rules import ha_interfaces
from cluster.engine.settings import virtual_addresses
from cluster.net.ruleset import hotwire_addresses
from cluster.networks import placed
from cluster.vrrp.events import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cluster.check.facts import Facts
    from cluster.model import Config
    from cluster.rpc.messages import CheckPoint

ETHERNET_NEEDED = 3


def hotwire_of(facts: Facts) -> str:
    """The interface with the flag HOTWIRE, empty without one."""
    return next((name for name, each in facts.config.interfaces.items() if "HOTWIRE" in each.flags), "")


def _joined(words: Iterable[str]) -> str:
    return ", ".join(words)


def interfaces(facts: Facts) -> CheckPoint:
    """At least three Ethernet interfaces, and all of them there."""
    there = {state.name for state in facts.machine.states if state.present}
    ethernet = [name for name, each in facts.config.interfaces.items() if each.type == "ETHERNET"]
    missing = [name for name in facts.config.interfaces if name not in there]
    if missing:
        return failed(
            "interfaces",
            f"this machine has no interface {_joined(missing)}",
            "plug the card, or take the interface out of the configuration",
        )
    if len(ethernet) < ETHERNET_NEEDED:
        return failed(
            "interfaces",
            f"{len(ethernet)} Ethernet interfaces are configured ({_joined(ethernet) or 'none'})",
            f"a cluster needs {ETHERNET_NEEDED}: outside, inside and hotwire; interface new adds one",
        )
    return passed("interfaces", f"{len(ethernet)} Ethernet interfaces: {_joined(ethernet)}")


def ha(facts: Facts) -> CheckPoint:
    """At least one HA interface, each with a virtual address."""
    names = list(ha_interfaces(facts.config))
    bare = [name for name in names if not virtual_addresses(facts.config, name)]
    if not names:
        return failed(
            "ha-interfaces",
            "no interface is an HA interface",
            'interface set name .. flags [ "HA" ] options [ "vrid=.." ] makes one, cluster wizard leads through it',
        )
    if bare:
        return failed(
            "ha-interfaces",
            f"{_joined(bare)} has no virtual address and takes no part in the election",
            "interface virtual new device .. address .. gives it one",
        )
    return passed("ha-interfaces", f"{len(names)} with virtual addresses: {_joined(names)}")


def hotwire(facts: Facts) -> CheckPoint:
    """A hotwire with addresses, there, and with link."""
    device = hotwire_of(facts)
    if not device:
        return failed("hotwire", "no interface is the hotwire", "cluster hotwire set interface .. chooses one")
    if not (hotwire_addresses(facts.config) and facts.config.cluster.hotwire_remote):
        return failed(
            "hotwire",
            f"{device} has no addresses of both ends",
            "cluster hotwire set local_addr .. remote_addr [ .. ] gives them",
        )
    held = {str(ip_interface(each.address).ip) for each in facts.machine.placed if each.device == device}
    lacking = [address for address in hotwire_addresses(facts.config) if address not in held]
    if lacking:
        return failed(
            "hotwire",
            f"{device} does not have our address {_joined(lacking)}",
            "interface address new gives it the address, system update interface puts it",
        )
    state = next((state for state in facts.machine.states if state.name == device), None)
    if state is None or not (state.up and state.carrier):
        return failed("hotwire", f"{device} has no link", "connect both nodes with one cable, without a switch")
    return passed("hotwire", f"{device}, {_joined(hotwire_addresses(facts.config))}, has link")


def exclusive(facts: Facts) -> CheckPoint:
    """The hotwire is for the two nodes alone."""
    device = hotwire_of(facts)
    if not device:
        return failed("hotwire-exclusive", "no interface is the hotwire", "cluster hotwire set interface chooses")
    faults = [*_uses_in_configuration(facts, device), *_uses_in_kernel(facts, device)]
    if faults:
        return failed(
            "hotwire-exclusive",
            f"{device} {_joined(faults)}",
            "the hotwire is one cable between the two nodes; give it no other use",
        )
    return passed("hotwire-exclusive", f"{device} is for the partner alone")


def _uses_in_configuration(facts: Facts, device: str) -> Iterable[str]:
    config = facts.config
    flags = [flag for flag in config.interfaces[device].flags if flag != "HOTWIRE"]
    if flags:
        yield f"has the flags {_joined(flags)} besides"
    if config.interfaces[device].type != "ETHERNET":
        yield f"is of type {config.interfaces[device].type}"
    if config.interfaces[device].zones:
        yield f"is in the zones {_joined(config.interfaces[device].zones)}"
    carried = [name for name, each in config.interfaces.items() if each.vlan_parent == device]
    if carried:
        yield f"carries the VLANs {_joined(carried)}"
    if device in config.cluster.backup_disable_interfaces:
        yield "goes down in backup"
    yield from _networks_shared(config, device)


def _networks_shared(config: Config, device: str) -> Iterable[str]:
    inside = [network for name, _, network in placed(config) if name == device]
    for name, address, network in placed(config):
        if name != device and any(one.version == network.version and one.overlaps(network) for one in inside):
            yield f"shares its network with {address} on {name}"


def _uses_in_kernel(facts: Facts, device: str) -> Iterable[str]:
    if device in facts.machine.default_routes:
        yield "has a default route"
    leased = [each.address for each in facts.machine.placed if each.device == device and not each.permanent]
    if leased:
        yield f"holds {_joined(leased)}, leased by DHCP or virtual"
    own = {each.address for each in facts.config.addresses.values() if each.device == device}
    known = {str(ip_interface(address).ip) for address in own} | set(hotwire_addresses(facts.config))
    foreign = [
        each.address
        for each in facts.machine.placed
        if each.device == device and each.permanent and not _is_local(each.address)
        if str(ip_interface(each.address).ip) not in known
    ]
    if foreign:
        yield f"holds {_joined(foreign)}, which is not configured"


def _is_local(address: str) -> bool:
    """A link-local IPv6 address, which every interface has by itself."""
    ip = ip_interface(address).ip
    return ip.version == 6 and ip.is_link_local


def dhcp(facts: Facts) -> CheckPoint:
    """An HA interface has a fixed address, or none."""
    flagged = [
        name for name, each in ha_interfaces(facts.config).items() if {"DHCP_CLIENT", "DYNAMIC"} & {*each.flags}
    ]
    virtual = {each.address for each in facts.config.virtual_addresses.values()}
    virtual |= {each.address for each in facts.applied.virtual_addresses.values()}
    leased = [
        f"{each.device} ({each.address})"
        for each in facts.machine.placed
        if not each.permanent and ip_interface(each.address).version == 4
        if each.device in ha_interfaces(facts.config) and each.device not in flagged and each.address not in virtual
    ]
    if flagged or leased:
        return failed(
            "dhcp",
            f"a DHCP client runs on the HA interface {_joined([*flagged, *leased])}",
            "give the interface a fixed address; a lease belongs to one node and does not follow the role",
        )
    return passed("dhcp", "no DHCP client on an HA interface")


def own_addresses(facts: Facts) -> CheckPoint:
    """HA interfaces without an address of their own work, with consequences."""
    with_own = {each.device for each in facts.config.addresses.values()}
    without = [name for name in ha_interfaces(facts.config) if name not in with_own]
    if without:
        return note(
            "own-addresses",
            f"{_joined(without)} has no address of its own: adverts come from its virtual address, and this node "
            "is not reachable there while it is backup",
            "interface address new gives it one, if the network has an address to spare",
        )
    return passed("own-addresses", "every HA interface has an address of its own")


def virtual_networks(facts: Facts) -> CheckPoint:
    """A virtual address outside of its interface's networks is allowed, and documented so."""
    outside = []
    for entry in facts.config.virtual_addresses.values():
        virtual = ip_interface(entry.address)
        networks = [
            ip_interface(own.address).network
            for own in facts.config.addresses.values()
            if own.device == entry.device and ip_interface(own.address).version == virtual.version
        ]
        if networks and not any(virtual.ip in network for network in networks):
            outside.append(f"{entry.address} on {entry.device}")
    if outside:
        return note(
            "virtual-addresses",
            f"{_joined(outside)} is in no network of the interface's own addresses",
            "right where clients use that network; otherwise check the address and its prefix length",
        )
    return passed("virtual-addresses", "every virtual address is in a network of its interface")


def left_behind(facts: Facts) -> CheckPoint:
    """Only the master holds virtual addresses. The engine's expire by themselves; those put by hand do not."""
    virtual = {ip_interface(each.address).ip for each in facts.applied.virtual_addresses.values()}
    held = [
        each
        for each in facts.machine.placed
        if each.permanent and each.device in ha_interfaces(facts.applied)
        if ip_interface(each.address).ip in virtual
    ]
    if held and facts.role != Role.MASTER.value:
        found = _joined(f"{each.address} on {each.device}" for each in held)
        orders = "; ".join(f"ip address delete {each.address} dev {each.device}" for each in held)
        return failed(
            "duplicate-addresses",
            f"this node is {facts.role}, and yet somebody else put {found}: the master may have the same address",
            f"take it away, also where the system sets it at boot: {orders}",
        )
    return passed("duplicate-addresses", "no virtual address stays at a node that is not master")


def vrids(facts: Facts) -> CheckPoint:
    """One virtual router id an interface, and nobody else's."""
    owners: dict[int, list[str]] = {}
    for name, each in ha_interfaces(facts.config).items():
        if each.vrid is not None:
            owners.setdefault(each.vrid, []).append(name)
    twice = [f"{vrid} ({_joined(names)})" for vrid, names in owners.items() if len(names) > 1]
    if twice:
        return failed("vrids", f"the VRID {_joined(twice)} is used twice", "give each HA interface one of its own")
    # Where both nodes have the same VRIDs, others belong to routers that have nothing to do with this cluster.
    strange = _STRANGE if facts.partner.sync_state == "synchronized" else (*_STRANGE, "unknown-vrid")
    foreign = [
        f"{each.name}: {_joined(f'{count} {reason}' for reason, count in counted.items())}"
        for each in facts.adverts
        if (counted := {reason: each.rejected[reason] for reason in strange if each.rejected.get(reason)})
    ]
    if foreign:
        return failed(
            "vrids",
            f"since the engine started adverts of somebody else arrived, or the partner has other VRIDs or keys "
            f"({'; '.join(foreign)})",
            "cluster capture interface .. shows who sends them; another cluster in that network needs other VRIDs",
        )
    return passed("vrids", f"in use, each once: {_joined(map(str, sorted(owners))) or 'none'}")


_STRANGE = ("no-trailer", "unknown-key", "bad-tag", "reflected", "version-mismatch")
"""Reasons for which adverts are dropped (cluster/vrrp/reject.py) that another sender with our VRID, or the partner
with another configuration, brings about."""


def passphrase(facts: Facts) -> CheckPoint:
    """Adverts are authenticated."""
    if not authentication.keys(facts.config):
        return failed(
            "passphrase",
            "no passphrase is set: everybody in these networks can take the addresses over",
            "cluster set passphrase .., the same on both nodes",
        )
    if facts.config.cluster.auth_policy != "enforce":
        return note(
            "passphrase",
            f"set, but with the policy {facts.config.cluster.auth_policy} unsigned adverts are believed",
            "cluster set auth_policy enforce, once both nodes sign",
        )
    return passed("passphrase", "set, and enforced")
