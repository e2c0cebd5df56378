"""Points about what else runs on this machine: services, packet filters of others, programs. Pure."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

from cluster.check.nftrules import Packet
from cluster.check.setup import hotwire_of
from cluster.check.verdicts import failed, note, passed, unknown
from cluster.config.rules import ha_interfaces
from cluster.net.ruleset import CONNTRACK_PORT, HOTWIRE_PORT, VRRP, hotwire_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cluster.check.facts import Facts, Listener
    from cluster.rpc.messages import CheckPoint

_TCP, _UDP = 6, 17
_GROUP = "224.0.0.18"
"""Of adverts (RFC 9568 section 5.1.1.2)."""
_UNREADABLE = "the packet filter cannot be read", "install nftables (Debian package nftables)"
_ALL = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound to


def services(facts: Facts) -> CheckPoint:
    """No service waits at an address that stays behind when the role moves."""
    unique = {
        str(ip_interface(each.address).ip): each.device
        for each in facts.config.addresses.values()
        if each.device in ha_interfaces(facts.config)
    }
    bound = [
        f"{_named(each)} on {unique[each.address]}"
        for each in facts.machine.listeners
        if each.address in unique and not _is_client(each, facts.machine.client_ports)
    ]
    if bound:
        return failed(
            "services",
            f"bound to this node's own address: {', '.join(bound)}",
            "bind the service to the virtual address or to all addresses: clients follow the virtual one",
        )
    return passed("services", "no service is bound to this node's own address of an HA interface")


def _is_client(listener: Listener, client_ports: int) -> bool:
    """A UDP socket with a port out of the kernel's range waits for answers, not for clients."""
    return listener.transport == "udp" and listener.port >= client_ports


def ssh_port(facts: Facts) -> CheckPoint:
    """Nobody else has the hotwire's port. Our own SSH server shares it: the more exact address is served first."""
    addresses = {*hotwire_addresses(facts.config), *_ALL}
    others = [
        _named(each)
        for each in facts.machine.listeners
        if each.transport == "tcp" and each.port == HOTWIRE_PORT and each.address in addresses and not each.ours
    ]
    if others:
        return failed(
            "ssh-port",
            f"{', '.join(others)} keeps the hotwire from listening",
            "let it listen on other addresses (sshd_config: ListenAddress) or on another port",
        )
    return passed("ssh-port", f"TCP {HOTWIRE_PORT} of the hotwire is free or ours")


def _named(listener: Listener) -> str:
    address = f"[{listener.address}]" if ":" in listener.address else listener.address
    return f"{listener.process} ({listener.transport} {address}:{listener.port})"


# --- packet filters ------------------------------------------------------------------------------------


def rules_vrrp(facts: Facts) -> CheckPoint:
    """Nobody drops adverts."""
    packets = [Packet(4, VRRP, iifname=name, destination=_GROUP) for name in ha_interfaces(facts.config)]
    return _judged(
        facts,
        "rules-vrrp",
        f"VRRP (protocol {VRRP})",
        packets,
        "let protocol 112 in on HA interfaces; the engine hears adverts before any rule, other programs do not",
    )


def rules_link(facts: Facts) -> CheckPoint:
    """Nobody drops what the nodes tell each other."""
    return _judged(
        facts,
        "rules-hotwire",
        f"TCP {HOTWIRE_PORT} of the hotwire",
        _between_nodes(facts, _TCP, HOTWIRE_PORT),
        f"let TCP {HOTWIRE_PORT} between the nodes pass on the hotwire; an accept of ours cannot override a drop",
    )


def rules_connections(facts: Facts) -> CheckPoint:
    """Nobody drops the news of connections."""
    return _judged(
        facts,
        "rules-connections",
        f"UDP {CONNTRACK_PORT} of the hotwire",
        _between_nodes(facts, _UDP, CONNTRACK_PORT),
        f"let UDP {CONNTRACK_PORT} between the nodes pass on the hotwire; an accept of ours cannot override a drop",
    )


def _between_nodes(facts: Facts, protocol: int, port: int) -> Iterator[Packet]:
    device = hotwire_of(facts)
    for local in hotwire_addresses(facts.config) if device else ():
        for remote in facts.config.cluster.hotwire_remote:
            version = ip_address(local).version
            if ip_address(remote).version == version:
                either = Packet(version, protocol, port=port)
                yield either._replace(iifname=device, source=remote, destination=local)
                yield either._replace(oifname=device, source=local, destination=remote)


def _judged(facts: Facts, check: str, what: str, packets: Iterable[Packet], advice: str) -> CheckPoint:
    rules = facts.machine.rules
    if rules is None:
        return unknown(check, *_UNREADABLE)
    causes = dict.fromkeys(cause for packet in packets for cause in rules.causes(packet))
    if causes:
        return failed(check, f"{what} is dropped: {'; '.join(causes)}", advice)
    if facts.machine.legacy:
        return note(
            check,
            f"no nftables rule is known to drop {what}; those of iptables-legacy are in use and were not looked at",
            "iptables-legacy-save shows them",
        )
    return passed(check, f"no rule of others is known to drop {what}")


def sources(facts: Facts) -> CheckPoint:
    """Nobody gives what passes through this node an address that stays behind when the role moves."""
    rules = facts.machine.rules
    if rules is None:
        return unknown("rules-nat", *_UNREADABLE)
    own = {str(ip_interface(each.address).ip): each.device for each in facts.config.addresses.values()}
    found = [
        f"{rule} on {device}"
        for device in ha_interfaces(facts.config)
        for rule, source in rules.sources(device)
        if (source in own if source else device in own.values())
    ]
    if found:
        return note(
            "rules-nat",
            f"connections may get this node's own address, and then do not outlive a takeover: {'; '.join(found)}",
            "hide them behind a virtual address instead: rule new .. flags [ ACCEPT HIDENAT ] nat_node ..",
        )
    return passed("rules-nat", "no rule of others is known to hide connections behind this node's own address")


def connections(facts: Facts) -> CheckPoint:
    """Connections survive a takeover."""
    if "conntrackd" not in facts.machine.commands:
        return failed(
            "conntrackd",
            "conntrackd is not installed: connections through this node break when the role moves",
            "install it on both nodes (Debian package conntrackd)",
        )
    if facts.connections in _BROKEN or facts.connections_reason:
        reason = facts.connections_reason or "see cluster events"
        return failed("conntrackd", f"it is {facts.connections}: {reason}", "cluster status shows more of it")
    if facts.partner.conntrack in _BROKEN:
        return failed(
            "conntrackd",
            f"at the partner it is {facts.partner.conntrack}: connections break when the role moves there",
            "cluster check at the partner says why",
        )
    return passed("conntrackd", f"installed, {facts.connections or 'off'} here")


_BROKEN = frozenset({"missing", "unsupported", "unconfigured", "failing"})
"""Words of cluster/conntrack/supervisor.py for connections that do not reach the other node."""


ROOM = 32 << 20
"""Bytes that shall be left: a big configuration that arrives, and what is logged until somebody looks."""


def room(facts: Facts) -> CheckPoint:
    """What is saved or arrives can be kept."""
    free = facts.machine.free
    if free is None:
        return unknown("storage", "the free space of the state directory cannot be read", "see the log of clusterd")
    if free < ROOM:
        return failed(
            "storage",
            f"{free >> 20} MiB are left on the disk of the state directory",
            "make room there: a full disk keeps this node from saving and from being synchronized",
        )
    return passed("storage", "there is room on the disk of the state directory")
