"""What has to be looked after now and then: repairs, renewals, watched hosts, copies on disk, memory.

Most turns of the loop find nothing of it due, and compare one number to know that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp import realtime
from cluster.vrrp.priority import AT_ONCE, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.vrrp.addresses import VirtualAddresses
    from cluster.vrrp.aside import Aside
    from cluster.vrrp.kernel import Kernel
    from cluster.vrrp.ledger import Ledger
    from cluster.vrrp.port import Port
    from cluster.vrrp.ports import Ports
    from cluster.vrrp.watch import Watches

LATE = Nanoseconds(260_000_000)
"""How long a renewal waits for a turn that is made anyway: a little more than the default advert interval."""
LOCK_MEMORY_AFTER = Nanoseconds(1_000_000_000)
MEND_EVERY = Nanoseconds(2_000_000_000)


class Upkeep:
    """Does what is due.

    Args:
        kernel: repairs.
        watches: the watched hosts.
        ports: the HA interfaces, some of which may lack a socket.
        addresses: the virtual addresses, renewed while this node holds them.
        ledger: keeps copies on disk.
        aside: where memory is locked; tells of what failed there.

    Attributes:
        real_time: a phrase for `cluster status`.
        due: monotonic instant from which `run` is called in the next turn that is made anyway.
        wake_at: monotonic instant at which a turn is made for it.
    """

    def __init__(
        self,
        kernel: Kernel,
        watches: Watches,
        ports: Ports,
        addresses: VirtualAddresses,
        *,
        ledger: Ledger,
        aside: Aside,
    ) -> None:
        self.real_time = realtime.schedule()
        self._kernel = kernel
        self._watches = watches
        self._ports = ports
        self._addresses = addresses
        self._ledger = ledger
        self._aside = aside
        self._lock_memory_at = Nanoseconds(time.monotonic_ns() + LOCK_MEMORY_AFTER)
        self._mend_at = AT_ONCE
        self.due = self.wake_at = AT_ONCE
        aside.failed = self.reconsider

    def reconsider(self) -> None:
        """Something happened that may have given it work; may be said on any thread."""
        self.due = AT_ONCE

    def run(self, now: Nanoseconds) -> Iterator[Port]:
        """Do what is due.

        Args:
            now: the monotonic clock.

        Yields:
            The interfaces whose watched hosts all failed to answer just now.
        """
        if self._kernel.due is not None and self._kernel.due <= now:
            self._kernel.repair(now)
        if self._watches.due is not None and self._watches.due <= now:
            yield from self._watches.ask(now)
        self._aside.report()
        if self._lock_memory_at <= now:
            self._lock_memory_at = NEVER
            self._aside.do(self._lock_memory, self._memory_not_locked)
        if self._mend_at <= now and self._ports.broken:
            self._mend_at = Nanoseconds(now + MEND_EVERY)
            self._ports.mend()
        if self._ledger.due <= now:
            self._ledger.save(now)
        if self._addresses.holding and self._addresses.refresh_at <= now:
            self._addresses.renew(now)
        self._plan()

    def _plan(self) -> None:
        soonest = min(NEVER if due is None else due for due in (self._kernel.due, self._watches.due))
        renewal = self._addresses.refresh_at if self._addresses.holding else NEVER
        mend_at = self._mend_at if self._ports.broken else NEVER
        self.wake_at = min(soonest, Nanoseconds(renewal + LATE))
        self.due = min(soonest, renewal, self._lock_memory_at, mend_at, self._ledger.due)
        if self._aside.failing:
            # Since the report above: what it said of it was overwritten just now.
            self.reconsider()

    def _lock_memory(self) -> None:
        self.real_time = f"{self.real_time}, {realtime.lock_memory()}"

    def _memory_not_locked(self, problem: OSError) -> None:
        self.real_time = f"{self.real_time}, memory cannot be locked ({problem})"
