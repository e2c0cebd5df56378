"""The rules for where OpenVPN listens. See rules.py.

Instances belong to both nodes, so an address must be one that whoever is master has: a virtual one. An address that
only this node has is accepted for appliances that are no cluster, and the partner of a cluster will refuse it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cluster.config.addresses import IP, read_host, read_interface
from cluster.config.shape import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cluster.model import Address, Config, OpenvpnInstance, VirtualAddress

MAX_INSTANCES = 64
_ID = re.compile(r"[1-9][0-9]{0,5}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What is a file's name, and an instance of a systemd unit, without any quoting."""
_APPLICATION = frozenset({"openvpn", "ssl-vpn"})
"""The application by its name and by its title, as `cluster backup_disable` may say it."""


def check(config: Config) -> Iterator[Problem]:
    """Every rule about instances of OpenVPN that the configuration breaks."""
    if len(config.openvpn) > MAX_INSTANCES:
        yield Problem(("openvpn",), f"there are {len(config.openvpn)}; at most {MAX_INSTANCES} are allowed")
    names: dict[str, str] = {}
    for key, instance in config.openvpn.items():
        if not _ID.fullmatch(key):
            yield Problem(("openvpn", key), "instances are numbered: the key must be a whole number of at least 1")
        yield from _name(key, instance, names.setdefault(instance.name, key))
        yield from _address(config, key, instance)
    yield from _sockets(config)


def _name(key: str, instance: OpenvpnInstance, owner: str) -> Iterator[Problem]:
    path = ("openvpn", key, "name")
    if not _NAME.fullmatch(instance.name):
        yield Problem(
            path,
            f"{instance.name!r} names no file of OpenVPN; letters, digits, underscore, dot and hyphen are allowed, "
            "64 at most, the first one a letter or a digit",
        )
    elif owner != key:
        yield Problem(path, f"{instance.name} is the name of the one with id {owner}; every name is used once")


def _address(config: Config, key: str, instance: OpenvpnInstance) -> Iterator[Problem]:
    path = ("openvpn", key, "local_addr")
    if not instance.local_addr:
        return
    try:
        ip = read_host(instance.local_addr)
    except ValueError as error:
        yield Problem(path, f"{instance.local_addr!r} {error}")
        return
    if ip not in _held(config.virtual_addresses.values()) | _held(config.addresses.values()):
        yield Problem(path, f"{ip} is neither a virtual address nor one of this machine; choose one of those")


def _held(addresses: Iterable[Address | VirtualAddress]) -> frozenset[IP]:
    found = set()
    for each in addresses:
        try:
            found.add(read_interface(each.address).ip)
        except ValueError:
            continue  # named by the rule of addresses
    return frozenset(found)


def _sockets(config: Config) -> Iterator[Problem]:
    """Nobody listens where somebody else does; of what only OpenVPN's own file says, nothing is known here."""
    before: list[tuple[str, OpenvpnInstance]] = []
    for key, instance in config.openvpn.items():
        path, where = ("openvpn", key, "local_port"), f"{instance.local_addr or 'any address'}, port"
        if config.ssh.enabled and (instance.proto, instance.local_port) == ("tcp", config.ssh.port):
            yield Problem(path, f"TCP port {config.ssh.port} is the SSH server's; choose another one")
        for owner, other in before:
            if _meet(instance, other):
                taken = f"{where} {instance.local_port} is taken by {other.name}, with id {owner}"
                yield Problem(path, f"{taken}; choose another address, port or proto")
        before.append((key, instance))


def _meet(one: OpenvpnInstance, other: OpenvpnInstance) -> bool:
    """Whether both want the same socket: without an address it is of all, without a proto it may be of either."""
    same_port = one.local_port is not None and one.local_port == other.local_port
    same_proto = None in {one.proto, other.proto} or one.proto == other.proto
    return same_port and same_proto and ("" in {one.local_addr, other.local_addr} or _same(one, other))


def _same(one: OpenvpnInstance, other: OpenvpnInstance) -> bool:
    try:
        return read_host(one.local_addr) == read_host(other.local_addr)
    except ValueError:
        return False  # named by the rule of addresses


def warnings(config: Config) -> tuple[str, ...]:
    """What is allowed and will not work on both nodes, as sentences."""
    virtual, own = _held(config.virtual_addresses.values()), _held(config.addresses.values())
    on_master_only = any(word.casefold() in _APPLICATION for word in config.cluster.backup_disable_applications)
    found = []
    for key, instance in config.openvpn.items():
        listens = f"openvpn {key} ({instance.name}) listens on {instance.local_addr}"
        if not instance.local_addr:
            continue
        if read_host(instance.local_addr) in virtual:
            if not on_master_only:
                down = "name SSL-VPN in cluster backup_disable, so that a backup does not try in vain"
                found.append(f"{listens}, which only the master has: {down}")
        elif virtual and read_host(instance.local_addr) in own:
            found.append(f"{listens}, which only this node has: the partner refuses it; choose a virtual address")
    return tuple(found)
