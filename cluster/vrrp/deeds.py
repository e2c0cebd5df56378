"""Carries out what the election asks for, strictly in the order given.

All adverts of a moment get their numbers at once: what is kept of them on the state page costs as much for sixty
interfaces as for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.vrrp import clock
from cluster.vrrp.events import (
    Advertise,
    Announce,
    DropAddresses,
    Noted,
    Role,
    RoleChanged,
    Stopped,
    TakeAddresses,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cluster.vrrp.addresses import VirtualAddresses
    from cluster.vrrp.events import Effect
    from cluster.vrrp.ledger import Ledger
    from cluster.vrrp.page import Page
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
            Announce: self._announce,
            TakeAddresses: self._take_addresses,
            DropAddresses: self._drop_addresses,
            RoleChanged: self._change_role,
            Noted: self._note,
            Stopped: self._stop,
        }

    def carry_out(self, effects: Sequence[Effect]) -> None:
        """Do all of it."""
        unix = clock.unix()
        number = 0
        served = False
        for effect in effects:
            if not isinstance(effect, Advertise):
                self._actions[type(effect)](effect)
                continue
            interface, priority = effect
            if not number:
                number = self._ledger.numbers(len(effects), unix)
            if self._ports.by_name[interface].advertise(priority, number, unix) and priority:
                served = True
            number += 1
        if served:
            self._page.advertised()

    def _announce(self, effect: Announce) -> None:
        self._ports.by_name[effect.interface].announce()

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
