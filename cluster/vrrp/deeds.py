"""Carries out what the election asks for, strictly in the order given.

Adverts on all interfaces get their numbers at once: what is kept of them on the state page costs as much for sixty
as for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.vrrp import clock
from cluster.vrrp.events import (
    Advertise,
    AdvertiseEverywhere,
    Announce,
    DropAddresses,
    Noted,
    Role,
    RoleChanged,
    Stopped,
    TakeAddresses,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from cluster.units import Priority
    from cluster.vrrp.addresses import VirtualAddresses
    from cluster.vrrp.events import Effect
    from cluster.vrrp.ledger import Ledger
    from cluster.vrrp.page import Page
    from cluster.vrrp.port import Port
    from cluster.vrrp.ports import Ports
    from cluster.vrrp.reporter import Reporter


class Deeds:
    """The hands of the election.

    Args:
        ports: the HA interfaces.
        addresses: the virtual addresses.
        ledger: numbers the signatures.
        page: the state page.
        reporter: is told of every change.

    Attributes:
        finished: everything is said and done, the engine may exit.
        lost_the_role: the role was given up, and nobody asked about it yet.
        since: unix time in nanoseconds at which the role began.
        role_changed: called after each change of role.
    """

    def __init__(
        self, ports: Ports, addresses: VirtualAddresses, ledger: Ledger, page: Page, reporter: Reporter
    ) -> None:
        self.finished = False
        self.lost_the_role = False
        self.since = clock.unix()
        self.role_changed: Callable[[], None] = _nothing
        self._ports = ports
        self._addresses = addresses
        self._ledger = ledger
        self._page = page
        self._reporter = reporter
        self._actions: dict[type, Callable[[Any], None]] = {
            AdvertiseEverywhere: self._advertise_everywhere,
            Advertise: self._advertise,
            Announce: self._announce,
            TakeAddresses: self._take_addresses,
            DropAddresses: self._drop_addresses,
            RoleChanged: self._change_role,
            Noted: self._note,
            Stopped: self._stop,
        }

    def carry_out(self, effects: Iterable[Effect]) -> None:
        """Do all of it."""
        for effect in effects:
            self._actions[type(effect)](effect)

    def _advertise_everywhere(self, effect: AdvertiseEverywhere) -> None:
        self._send(effect.priority, self._ports.by_name.values())

    def _advertise(self, effect: Advertise) -> None:
        self._send(effect.priority, self._port(effect))

    def _send(self, priority: Priority, ports: Collection[Port]) -> None:
        if not ports:
            return
        unix = clock.unix()
        number = self._ledger.numbers(len(ports), unix)
        served = False
        for port in ports:
            if port.advertise(priority, number, unix):
                served = True
            number += 1
        if served and priority:
            self._page.advertised()

    def _announce(self, effect: Announce) -> None:
        for port in self._port(effect):
            port.announce()

    def _port(self, effect: Advertise | Announce) -> Collection[Port]:
        """Where; nowhere when the interface was just removed and the election is told in a moment."""
        port = self._ports.by_name.get(effect.interface)
        return () if port is None else (port,)

    def _take_addresses(self, _effect: TakeAddresses) -> None:
        self._addresses.take(clock.monotonic())

    def _drop_addresses(self, _effect: DropAddresses) -> None:
        self._addresses.drop(self._ports)

    def _change_role(self, effect: RoleChanged) -> None:
        self._reporter.role_changed(effect)
        self.lost_the_role = effect.new is Role.BACKUP
        self.since = clock.unix()
        self.role_changed()

    def _note(self, effect: Noted) -> None:
        self._reporter.tell(effect.kind, effect.interface, effect.text)

    def _stop(self, _effect: Stopped) -> None:
        self.finished = True


def _nothing() -> None:
    """Before anybody wants to know."""
