"""All HA interfaces of this node, kept true to the kernel's view of links and addresses."""

from __future__ import annotations

import os
from select import EPOLLIN
from typing import TYPE_CHECKING, NamedTuple

from cluster.net.rtnetlink import Address, AddressGone, Link, LinkGone
from cluster.vrrp.port import Port

if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Iterable, Iterator
    from select import epoll

    from cluster.net.rtnetlink import Change, Requests
    from cluster.vrrp.settings import InterfaceSettings, VirtualAddress
    from cluster.vrrp.wire import Guard, Wire


class LinkChanged(NamedTuple):
    """An HA interface gained or lost its link, came, went, or was made anew."""

    port: Port


class SourceChanged(NamedTuple):
    """The address our adverts come from changed on an HA interface."""

    port: Port


class VirtualGone(NamedTuple):
    """Somebody else removed a virtual address, or the kernel did because it was not renewed in time."""

    port: Port
    address: bytes


Consequence = LinkChanged | SourceChanged | VirtualGone


class Ports:
    """The HA interfaces.

    Args:
        requests: asks the kernel for links and addresses.
        poller: where the interfaces' sockets are registered.
        given: packet sockets of an earlier engine, by interface; what fits is used, once, the rest closed.

    Attributes:
        by_name: all of them, in configured order.
        by_handle: those that have a socket, by its file descriptor.
        opened: how many sockets were opened until now.
    """

    def __init__(self, requests: Requests, poller: epoll, given: dict[str, socket] | None = None) -> None:
        self.opened = 0
        self._given = given or {}
        self._requests = requests
        self._poller = poller
        self.by_name: dict[str, Port] = {}
        self.by_handle: dict[int, Port] = {}
        self._addresses: dict[int, list[Address]] = {}

    def __iter__(self) -> Iterator[Port]:
        return iter(self.by_name.values())

    def __len__(self) -> int:
        return len(self.by_name)

    def configure(self, interfaces: Iterable[InterfaceSettings], wire: Wire, guard: Guard | None) -> None:
        """Replace the configuration: interfaces that stay keep their sockets and counters, others are closed."""
        before = self.by_name
        self.by_name = {}
        for settings in interfaces:
            port = before.pop(settings.name, None)
            if port is None:
                port = Port(settings, wire, guard)
            else:
                port.configure(settings, wire, guard)
            self.by_name[settings.name] = port
        for port in before.values():
            self._unwatch(port)
            port.close()
        self.refresh()

    def refresh(self) -> None:
        """Ask the kernel for everything anew: at start, on a new configuration, and after missed notifications."""
        links = {name: self._requests.link(name) for name in self.by_name}
        indices = {link.ifindex for link in links.values() if link is not None}
        self._addresses = {index: [] for index in indices}
        for address in self._requests.addresses():
            if address.ifindex in indices:
                self._addresses[address.ifindex].append(address)
        for name, link in links.items():
            self._attach(self.by_name[name], link)
        for unused in self._given.values():
            unused.close()
        self._given = {}

    def close(self) -> None:
        """Close all sockets."""
        for port in self:
            port.close()
        self.by_handle.clear()

    @property
    def broken(self) -> bool:
        """Whether an interface is there whose socket could not be opened."""
        return any(port.link is not None and port.handle < 0 for port in self)

    def mend(self) -> None:
        """Try again to open the sockets that could not be opened."""
        for port in self:
            if port.link is not None and port.handle < 0:
                self._attach(port, port.link)

    def virtual_present(self) -> list[Address]:
        """The virtual addresses that the kernel has now: those configured and those that carry our mark."""
        return [
            address
            for port in self
            if port.link is not None
            for address in self._addresses.get(port.link.ifindex, ())
            if _is_virtual(port, address)
        ]

    def virtual_configured(self) -> set[tuple[int, VirtualAddress]]:
        """All configured virtual addresses of interfaces that exist, each with its interface's index."""
        return {(port.link.ifindex, v) for port in self if port.link is not None for v in port.settings.addresses}

    def apply(self, changes: Iterable[Change]) -> list[Consequence]:
        """Take over what the kernel reports.

        Returns:
            What that means for the HA interfaces, in order.
        """
        found: list[Consequence] = []
        for change in changes:
            if isinstance(change, Link):
                found += self._link(change)
            elif isinstance(change, LinkGone):
                found += self._link_gone(change.ifindex)
            else:
                found += self._address(change)
        return found

    def _link(self, link: Link) -> list[Consequence]:
        found: list[Consequence] = []
        for port in self:
            if port.link is not None and port.link.ifindex == link.ifindex and link.name != port.settings.name:
                found += self._link_gone(link.ifindex)
        named = self.by_name.get(link.name)
        if named is None or named.link == link:
            return found
        if named.link is None or named.link.ifindex != link.ifindex:
            self._addresses[link.ifindex] = [a for a in self._requests.addresses() if a.ifindex == link.ifindex]
        self._attach(named, link)
        return [*found, LinkChanged(named)]

    def _link_gone(self, index: int) -> list[Consequence]:
        self._addresses.pop(index, None)
        gone = [port for port in self if port.link is not None and port.link.ifindex == index]
        for port in gone:
            self._attach(port, None)
        return [LinkChanged(port) for port in gone]

    def _address(self, change: Address | AddressGone) -> list[Consequence]:
        known = self._addresses.get(change.ifindex)
        port = next((p for p in self if p.link is not None and p.link.ifindex == change.ifindex), None)
        if known is None or port is None:
            return []
        same = [a for a in known if a[1:3] == change[1:3]]
        found: list[Consequence] = []
        if isinstance(change, Address):
            if same:
                return []
            known.append(change)
        else:
            for address in same:
                known.remove(address)
            if any((v.address, v.prefix) == (change.address, change.prefix) for v in port.settings.addresses):
                found.append(VirtualGone(port, change.address))
        before = port.own_address
        self._attach(port, port.link)
        return found if port.own_address == before else [*found, SourceChanged(port)]

    def _attach(self, port: Port, link: Link | None) -> None:
        known = () if link is None else self._addresses.get(link.ifindex, ())
        own = next((a.address for a in known if not _is_virtual(port, a)), None)
        given = None if link is None else self._given.pop(link.name, None)
        self._unwatch(port)
        opened = port.attach(link, own, given)
        if port.handle >= 0:
            self._poller.register(port.handle, EPOLLIN)
            self.by_handle[port.handle] = port
        if opened:
            self.opened += 1
            _keep_secondaries(port)

    def _unwatch(self, port: Port) -> None:
        """Before its socket may be closed: a poller goes on with one that somebody else holds open as well."""
        if self.by_handle.pop(port.handle, None) is not None:
            self._poller.unregister(port.handle)


def _keep_secondaries(port: Port) -> None:
    """Let the kernel keep the other addresses of a subnet when the first one is removed.

    Whichever of our own address and a virtual one in the same subnet was there first would otherwise take
    the other one with it.
    """
    setting = f"/proc/sys/net/ipv4/conf/{port.settings.name}/promote_secondaries"
    try:
        handle = os.open(setting, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as problem:
        port.failed(problem)
        return
    try:
        os.write(handle, b"1")
    finally:
        os.close(handle)


def _is_virtual(port: Port, address: Address) -> bool:
    return address.ours or any((v.address, v.prefix) == address[1:3] for v in port.settings.addresses)
