"""What has to be looked after now and then: repairs, watched hosts, copies on disk, memory.

Most turns of the loop find nothing of it due, and compare two numbers to know that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp import realtime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.vrrp.aside import Aside
    from cluster.vrrp.kernel import Kernel
    from cluster.vrrp.ledger import Ledger
    from cluster.vrrp.port import Port
    from cluster.vrrp.ports import Ports
    from cluster.vrrp.watch import Watches

LOCK_MEMORY_AFTER = Nanoseconds(1_000_000_000)
ROUND_EVERY = Nanoseconds(1_000_000_000)


class Upkeep:
    """Does what is due.

    Args:
        kernel: repairs.
        watches: the watched hosts.
        ports: the HA interfaces, some of which may lack a socket.
        ledger: keeps copies on disk.
        aside: where memory is locked.

    Attributes:
        real_time: a phrase for `cluster status`.
    """

    def __init__(self, kernel: Kernel, watches: Watches, ports: Ports, ledger: Ledger, aside: Aside) -> None:
        self.real_time = realtime.schedule()
        self._kernel = kernel
        self._watches = watches
        self._ports = ports
        self._ledger = ledger
        self._aside = aside
        now = time.monotonic_ns()
        self._lock_memory_at: int | None = now + LOCK_MEMORY_AFTER
        self._round_at = now

    @property
    def due(self) -> Nanoseconds | None:
        """When to wake up for it; what has time waits for a turn that is made anyway."""
        kernel, watches = self._kernel.due, self._watches.due
        if kernel is None or (watches is not None and watches < kernel):
            return watches
        return kernel

    def run(self, now: Nanoseconds) -> Iterator[Port]:
        """Do what is due.

        Args:
            now: the monotonic clock.

        Yields:
            The interfaces whose watched hosts all failed to answer just now.
        """
        due = self.due
        if due is not None and due <= now:
            yield from self._run_due(now)
        if self._round_at <= now:
            self._round_at = now + ROUND_EVERY
            self._make_round(now)

    def _run_due(self, now: Nanoseconds) -> Iterator[Port]:
        if self._kernel.due is not None and self._kernel.due <= now:
            self._kernel.repair(now)
        if self._watches.due is not None and self._watches.due <= now:
            yield from self._watches.ask(now)

    def _make_round(self, now: Nanoseconds) -> None:
        if self._lock_memory_at is not None and self._lock_memory_at <= now:
            self._lock_memory_at = None
            self._aside.do(self._lock_memory, self._memory_not_locked)
        if self._ports.broken:
            self._ports.mend()
        if self._ledger.due <= now:
            self._ledger.save(now)

    def _lock_memory(self) -> None:
        self.real_time = f"{self.real_time}, {realtime.lock_memory()}"

    def _memory_not_locked(self, problem: OSError) -> None:
        self.real_time = f"{self.real_time}, memory cannot be locked ({problem})"
