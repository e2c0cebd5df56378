"""Everything the engine says: a line on standard error, an event for the managers, a number on the state page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp.events import Role
from cluster.vrrp.journal import Journal
from cluster.vrrp.ratelimit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from cluster.vrrp.control_server import ControlServer
    from cluster.vrrp.events import RoleChanged
    from cluster.vrrp.log import Log
    from cluster.vrrp.page import Page

ROUTINE = frozenset({"resumed", "handover-started", "link-back"})
"""Kinds of events that are as they should be; all others deserve a look."""


class Reporter:
    """Tells administrators and managers what happens.

    Args:
        log: standard error.
        page: keeps the number of the last event across a crash.

    Attributes:
        role: the present role; every event carries it.
        audience: the managers, as soon as they can connect.
    """

    def __init__(self, log: Log, page: Page) -> None:
        self.role = Role.OFFLINE
        self.audience: ControlServer | None = None
        self._log = log
        self._page = page
        self._journal = Journal(page.event)
        self._limit = RateLimit()

    def backlog(self) -> Iterator[bytes]:
        """What a manager that connects has missed."""
        return self._journal.packets(time.time())

    def tell(self, kind: str, interface: str, text: str) -> None:
        """Something happened that changes no role.

        Args:
            kind: stable word for `cluster events`.
            interface: where, or empty.
            text: a sentence for the administrator.
        """
        (self._log.info if kind in ROUTINE else self._log.warning)(text)
        self._publish(kind, interface, text, {"role": self.role.value})

    def tell_once(self, key: Hashable, kind: str, interface: str, text: str) -> None:
        """The same, but once a minute for each `key`; says how many were held back meanwhile."""
        held_back = self._limit.admit(key, Nanoseconds(time.monotonic_ns()))
        if held_back is not None:
            more = f" ({held_back} more since the last report)" if held_back else ""
            self.tell(kind, interface, text + more)

    def role_changed(self, change: RoleChanged) -> None:
        """The role changed; `cause` says why."""
        self.role = change.new
        self._log.info(f"{change.old.value} -> {change.new.value}: {change.cause}")
        self._publish("role", "", change.cause, {"role": change.new.value, "old": change.old.value})

    def failed(self, text: str) -> None:
        """Something asked of the engine could not be done; nobody but the log needs to know."""
        self._log.error(text)

    def _publish(self, kind: str, interface: str, text: str, more: dict[str, str]) -> None:
        packet = self._journal.add(time.time(), kind, interface, text, **more)
        self._page.event = self._journal.last
        if self.audience is not None:
            self.audience.tell(packet)
