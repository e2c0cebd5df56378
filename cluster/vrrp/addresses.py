"""The virtual addresses in the kernel: put there with a short life, renewed while this node holds them.

If everything dies, nothing may keep a virtual address: the kernel removes each one `LIFETIME` after the last
renewal. Renewals come often enough that one of them may be lost and the next one late.

The loop asks for each of them, and another thread does it (aside.py). That thread has no clock of its own: it would
go on renewing beside a loop that is stuck, and to wake up apart from the loop, with cold caches, costs it twice as
much as to be woken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.net.rtnetlink import error_name, put_address, remove_address
from cluster.units import Nanoseconds, Seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cluster.net.rtnetlink import Address, Requests
    from cluster.vrrp.aside import Aside
    from cluster.vrrp.port import Port
    from cluster.vrrp.settings import VirtualAddress

LIFETIME = Seconds(5)
REFRESH_EVERY = Nanoseconds(1_990_000_000)
"""A little less than eight default advert intervals, so that the turn of the eighth does it."""

_NOT_THERE = {"EADDRNOTAVAIL", "ENODEV"}


class VirtualAddresses:
    """Puts, renews and removes the virtual addresses of all HA interfaces.

    Args:
        requests: the socket to ask the kernel with.
        aside: where the kernel may keep a renewal waiting.

    Attributes:
        holding: whether this node has them.
        refresh_at: monotonic instant of the next renewal.
        errors: requests the kernel refused, by symbol.
    """

    def __init__(self, requests: Requests, aside: Aside) -> None:
        self.holding = False
        self.refresh_at = Nanoseconds(0)
        self.errors: dict[str, int] = {}
        self._requests = requests
        self._aside = aside
        self._puts: list[bytes] = []

    def configure(self, ports: Iterable[Port]) -> None:
        """Remember the requests for all interfaces that exist; call again whenever one comes, goes or changes."""
        self._puts = [
            put_address(port.link.ifindex, virtual.address, virtual.prefix, LIFETIME)
            for port in ports
            if port.link is not None
            for virtual in port.settings.addresses
        ]

    def take(self, now: Nanoseconds) -> None:
        """Put all of them; harmless when they are there already."""
        self.holding = True
        self.refresh_at = Nanoseconds(now + REFRESH_EVERY)
        self._send(self._puts)

    def renew(self, now: Nanoseconds) -> None:
        """Have all of them put again, without waiting for it."""
        self.refresh_at = Nanoseconds(now + REFRESH_EVERY)
        self._aside.do(self._renew, self._failed)

    def drop(self, ports: Iterable[Port]) -> None:
        """Remove all of them; harmless when they are gone already."""
        self.holding = False
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

    def _renew(self) -> None:
        self._send(self._still_held())

    def _still_held(self) -> Iterator[bytes]:
        """Looked up when it is the renewal's turn: after a removal that came first, there is nothing to renew."""
        if self.holding:
            yield from self._puts

    def _send(self, requests: Iterable[bytes]) -> None:
        for number in self._requests.send(requests):
            self._count(number)

    def _failed(self, problem: OSError) -> None:
        self._count(problem.errno or 0)

    def _count(self, number: int) -> None:
        name = error_name(number)
        if name not in _NOT_THERE:
            self.errors[name] = self.errors.get(name, 0) + 1
