"""The virtual addresses in the kernel: put there with a short life, renewed while this node holds them.

If everything dies, nothing may keep a virtual address: the kernel removes each one `LIFETIME` after the last
renewal. Renewals come often enough that one of them may be lost and the next one late.

They are made by another thread (aside.py), which would go on with them beside a loop that is stuck. So it looks at
the loop's heartbeat before each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.net.rtnetlink import error_name, put_address, remove_address
from cluster.units import Seconds
from cluster.vrrp.aside import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cluster.net.rtnetlink import Address, Requests
    from cluster.vrrp.aside import Aside
    from cluster.vrrp.port import Port
    from cluster.vrrp.settings import VirtualAddress

LIFETIME = Seconds(5)
RENEW_EVERY = 2.0
"""Seconds."""
LOOK_AGAIN = 0.1
"""Seconds after which a loop that was found without a heartbeat is looked at anew."""

_NOT_THERE = {"EADDRNOTAVAIL", "ENODEV"}


class VirtualAddresses:
    """Puts, renews and removes the virtual addresses of all HA interfaces.

    Args:
        requests: the socket to ask the kernel with.
        aside: where the kernel may keep a renewal waiting.
        alive: tells, on any thread, whether the loop's heart beats.

    Attributes:
        holding: whether this node has them.
        errors: requests the kernel refused, by symbol.
    """

    def __init__(self, requests: Requests, aside: Aside, alive: Callable[[], bool]) -> None:
        self.holding = False
        self.errors: dict[str, int] = {}
        self._requests = requests
        self._aside = aside
        self._alive = alive
        self._renewing = False
        self._puts: list[bytes] = []

    def configure(self, ports: Iterable[Port]) -> None:
        """Remember the requests for all interfaces that exist; call again whenever one comes, goes or changes."""
        self._puts = [
            put_address(port.link.ifindex, virtual.address, virtual.prefix, LIFETIME)
            for port in ports
            if port.link is not None
            for virtual in port.settings.addresses
        ]

    def take(self) -> None:
        """Put all of them; harmless when they are there already. To `keep` them is another matter."""
        self.holding = True
        self._send(self._puts)

    def keep(self) -> None:
        """Have those that are held renewed until they are dropped; harmless when that was asked for already."""
        if self.holding and not self._renewing:
            self._renewing = True
            self._aside.begin(self._renew)

    def drop(self, ports: Iterable[Port]) -> None:
        """Remove all of them; harmless when they are gone already."""
        self.holding = self._renewing = False
        self._send(
            remove_address(port.link.ifindex, virtual.address, virtual.prefix)
            for port in ports
            if port.link is not None
            for virtual in port.settings.addresses
        )

    def remove(self, stale: Iterable[Address]) -> None:
        """Remove addresses found in the kernel."""
        self._send(remove_address(found.ifindex, found.address, found.prefix) for found in stale)

    def remove_virtual(self, gone: Iterable[tuple[int, VirtualAddress]]) -> None:
        """Remove virtual addresses that are no longer configured, each given with its interface's index."""
        self._send(remove_address(index, virtual.address, virtual.prefix) for index, virtual in gone)

    def _renew(self) -> float:
        if not self.holding:
            return FOREVER
        if not self._alive():
            return LOOK_AGAIN
        try:
            self._send(self._still_held())
        except OSError as problem:
            self._count(problem.errno or 0)
        return RENEW_EVERY

    def _still_held(self) -> Iterator[bytes]:
        """Looked up when it is the renewal's turn: after a removal that came first, there is nothing to renew."""
        if self.holding:
            yield from self._puts

    def _send(self, requests: Iterable[bytes]) -> None:
        for number in self._requests.send(requests):
            self._count(number)

    def _count(self, number: int) -> None:
        name = error_name(number)
        if name not in _NOT_THERE:
            self.errors[name] = self.errors.get(name, 0) + 1
