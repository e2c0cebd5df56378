"""What the kernel reports of links and addresses, and what follows from it.

A virtual address that somebody else removes (a DHCP client that flushes its interface does) is put back and
announced; two repairs of one interface keep a distance, so that nobody is drawn into a race of removals.
"""

from __future__ import annotations

import time
from _socket import AF_INET, inet_ntop
from typing import TYPE_CHECKING

from cluster.net.rtnetlink import AddressGone
from cluster.units import Nanoseconds
from cluster.vrrp.events import UsableChanged
from cluster.vrrp.ports import LinkChanged, SourceChanged, VirtualGone

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from cluster.net.rtnetlink import Monitor
    from cluster.vrrp.addresses import VirtualAddresses
    from cluster.vrrp.port import Port
    from cluster.vrrp.ports import Ports
    from cluster.vrrp.reporter import Reporter
    from cluster.vrrp.watch import Watches

REPAIR_SPACING = Nanoseconds(500_000_000)


class Kernel:
    """Follows the kernel's notifications.

    Args:
        monitor: where they come from.
        ports: the HA interfaces, kept true to them.
        addresses: the virtual addresses.
        watches: the watched hosts.
        reporter: who is told.

    Attributes:
        due: monotonic instant of the next repair; None while nothing is broken.
    """

    def __init__(
        self, monitor: Monitor, ports: Ports, addresses: VirtualAddresses, watches: Watches, reporter: Reporter
    ) -> None:
        self._monitor = monitor
        self._ports = ports
        self._addresses = addresses
        self._watches = watches
        self._reporter = reporter
        self.due: Nanoseconds | None = None
        self._repairs: dict[str, Nanoseconds] = {}
        self._repaired: dict[str, Nanoseconds] = {}

    @property
    def handle(self) -> int:
        """File descriptor to poll."""
        return self._monitor.fileno()

    def settle(self, now: Nanoseconds) -> None:
        """Interfaces or their configuration changed: prepare requests and watches for them."""
        self._addresses.configure(self._ports)
        self._watches.configure(self._ports, now)
        names = {port.settings.name for port in self._ports}
        self._repairs = {name: due for name, due in self._repairs.items() if name in names}
        self._repaired = {name: at for name, at in self._repaired.items() if name in names}
        self._set_due()

    def missing(self) -> None:
        """Report the HA interfaces that do not exist."""
        for port in self._ports:
            if port.link is None:
                name = port.settings.name
                text = f"{name} does not exist; it counts as lost until it does"
                self._reporter.tell("interface-missing", name, text)

    def follow(self, reconfigure: Callable[[], None]) -> Iterator[UsableChanged]:
        """Take over what the kernel reported.

        Args:
            reconfigure: called when the source address of an interface changed.

        Yields:
            What the election has to be told, in order.
        """
        changes = self._monitor.changes()
        if changes is None:
            yield from self._ask_anew()
            reconfigure()
            return
        expired = {change for change in changes if isinstance(change, AddressGone) and change.expired}
        for found in self._ports.apply(changes):
            if isinstance(found, LinkChanged):
                yield self._link_changed(found.port)
            elif isinstance(found, SourceChanged):
                reconfigure()
            else:
                self._virtual_gone(found, expired)

    def repair(self, now: Nanoseconds) -> None:
        """Put back what is due."""
        for name in [name for name, due in self._repairs.items() if due <= now]:
            del self._repairs[name]
            if self._addresses.holding:
                self._repaired[name] = now
                self._addresses.take(now)
                self._ports.by_name[name].announce()
        self._set_due()

    def _set_due(self) -> None:
        self.due = min(self._repairs.values(), default=None)

    def _ask_anew(self) -> Iterator[UsableChanged]:
        """The kernel had to drop notifications: everything may have changed."""
        self._ports.refresh()
        now = Nanoseconds(time.monotonic_ns())
        self.settle(now)
        self._repairs = {port.settings.name: now for port in self._ports}
        self._set_due()
        for port in self._ports:
            yield UsableChanged(port.settings.name, self._watches.usable(port))

    def _link_changed(self, port: Port) -> UsableChanged:
        now = Nanoseconds(time.monotonic_ns())
        self.settle(now)
        name = port.settings.name
        if port.link is None:
            text = f"{name} was removed; it counts as lost until it is back"
            self._reporter.tell("interface-missing", name, text)
        elif port.running and self._addresses.holding:
            # The interface may have been made anew, without any address.
            self._addresses.take(now)
        return UsableChanged(name, self._watches.usable(port))

    def _virtual_gone(self, found: VirtualGone, expired: Collection[AddressGone]) -> None:
        link = found.port.link
        if not self._addresses.holding or link is None:
            return
        name, address = found.port.settings.name, inet_ntop(AF_INET, found.address)
        if any((gone.ifindex, gone.address) == (link.ifindex, found.address) for gone in expired):
            text = f"the virtual address {address} expired on {name}: the engine stood still; it is put back"
        else:
            text = f"somebody else removed the virtual address {address} from {name}; it is put back"
        self._reporter.tell("address-removed", name, text)
        soonest = Nanoseconds(self._repaired.get(name, 0) + REPAIR_SPACING)
        self._repairs.setdefault(name, max(soonest, Nanoseconds(time.monotonic_ns())))
        self._set_due()
