"""Lets managers keep duplicates of our packet sockets, so that a killed engine is gone at once.

The kernel waits some 15 ms for every packet socket that is closed for good, before it tells anybody that the
process ended: with 60 HA interfaces almost a second, in which nobody starts the engine again. A socket of which
somebody else holds a duplicate is not closed, and the next engine is given it back (sockets.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cluster.vrrp.control_server import ControlServer
    from cluster.vrrp.ports import Ports


class Keepers:
    """The managers that keep our sockets.

    Args:
        ports: whose sockets they are.
        server: through which they are passed.
    """

    def __init__(self, ports: Ports, server: ControlServer) -> None:
        self._ports = ports
        self._server = server
        self._managers: set[int] = set()
        self._passed = 0

    def ask(self, manager: int) -> None:
        """A manager wants to keep the sockets from now on."""
        self._managers.add(manager)
        self._server.quiet.add(manager)
        self._passed = 0

    def forget(self, manager: int) -> None:
        """A manager is gone."""
        self._managers.discard(manager)

    def renew(self) -> None:
        """Pass them, all anew, when one was opened since the last time."""
        if not self._managers or self._passed == self._ports.opened:
            return
        self._passed = self._ports.opened
        handles = [port.handle for port in self._ports if port.handle >= 0]
        for manager in self._managers:
            self._server.hand_over(manager, handles)
