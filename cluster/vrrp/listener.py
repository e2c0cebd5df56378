"""Reads what arrived on the HA interfaces, and tells of what is not to be believed.

What a node says on one interface it says on all. A backup that is woken by the first advert of a round therefore
waits a moment for the others, and reads them all, rather than wake up for each. That is for rounds: what comes
before the next one is due, or says something else than the last, is news and decided on at once. After some whole
rounds the backup is woken by the last advert of a round instead of the first (attention.py), and need not wait.
"""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp import clock
from cluster.vrrp.events import Heard
from cluster.vrrp.port import Differing, Dropped
from cluster.vrrp.priority import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cluster.units import Centiseconds, Priority
    from cluster.vrrp.attention import Attention
    from cluster.vrrp.port import Port
    from cluster.vrrp.ports import Ports
    from cluster.vrrp.reporter import Reporter

ADVERTS_PER_TURN = 32
"""Of one interface: a flood must not keep the loop from its timers."""
LINGER = Nanoseconds(4_000_000)
"""How long a backup waits for the rest of a round, at most."""
LINGER_SHARE = 64
"""Nor longer than this part of the advert interval: what comes meanwhile is heard that much later."""
LINGER_MINIMUM = Nanoseconds(500_000)
"""A shorter pause is not worth its system call."""


class Listener:
    """Listens for the election.

    Args:
        ports: the HA interfaces.
        reporter: is told of adverts that were dropped, and of other virtual addresses.
        attention: is told of rounds that were whole, and of what was not.
    """

    def __init__(self, ports: Ports, reporter: Reporter, attention: Attention) -> None:
        self._ports = ports
        self._reporter = reporter
        self._attention = attention
        self._pause = 0.0
        self._next_round = AT_ONCE
        self._said: Priority | None = None

    def keep_time(self, interval: Centiseconds, interfaces: int) -> None:
        """Follow the advert interval in force, and the number of HA interfaces."""
        pause = min(LINGER, Nanoseconds(interval.nanoseconds // LINGER_SHARE))
        self._pause = pause / 1_000_000_000 if pause >= LINGER_MINIMUM and interfaces > 1 else 0.0

    def hear_round(self, ready: list[Port], until: Nanoseconds) -> list[Heard]:
        """As `hear`, for a backup: when a round is due, of all interfaces, as soon as it is there.

        Only what is to be believed and brings no news is worth waiting: a flood of anything else is read at once.

        Args:
            ready: the interfaces on which something waits.
            until: when something else is due.
        """
        if self._attention.narrow:
            return self._hear_rest(())
        heard = self.hear(ready[:1])
        if heard and self._pause:
            now, first = clock.monotonic(), heard[0]
            due, self._next_round = self._next_round, Nanoseconds(now + first.interval.nanoseconds * 3 // 4)
            news, self._said = first.priority != self._said, first.priority
            if now >= due and not news and until - now > 2 * LINGER:
                sleep(self._pause)
                return heard + self._hear_rest(ready[:1])
        self._attention.broken()
        return heard + self.hear(ready[1:])

    def _hear_rest(self, done: Collection[Port]) -> list[Heard]:
        """The next advert of every other interface; a round is whole if each had one, and none has another."""
        heard = self.hear([port for port in self._ports if port not in done] if done else self._ports)
        if len(done) + len(heard) == len(self._ports) and not self._attention.anything_left():
            self._attention.whole(heard[-1], self._ports, clock.monotonic())
        else:
            self._attention.broken()
        return heard

    def hear(self, ports: Iterable[Port]) -> list[Heard]:
        """The next advert of each of these interfaces that is to be believed.

        Whoever is to be believed seldom sends two at once; if so, the poller says it again.
        """
        heard: list[Heard] = []
        unix = clock.unix()
        for port in ports:
            what = port.receive(unix)
            if isinstance(what, Heard):
                heard.append(what)
            elif what is not None:
                self._read_on(port, what, unix, heard)
        return heard

    def hear_out(self) -> list[Heard]:
        """All that waits, an advert of each interface in turn: what fell silent earlier does not come last."""
        heard: list[Heard] = []
        for _ in range(ADVERTS_PER_TURN):
            more = self.hear(self._ports)
            if not more:
                break
            heard += more
        return heard

    def _read_on(self, port: Port, first: Differing | Dropped, unix: Nanoseconds, heard: list[Heard]) -> None:
        """Something else than a plain advert came: say so, and look for one behind what is to be dropped."""
        what: Heard | Differing | Dropped | None = first
        dropped = 0
        while isinstance(what, Dropped):
            if what.reason.suspicious:
                self._suspicious(port.settings.name, what)
            dropped += 1
            if dropped == ADVERTS_PER_TURN:
                return
            what = port.receive(unix)
        if isinstance(what, Differing):
            self._differing(port.settings.name, what)
            what = what.heard
        if what is not None:
            heard.append(what)

    def _suspicious(self, name: str, what: Dropped) -> None:
        sender = what.source or "an unknown sender"
        text = f"an advert from {sender} on {name} was dropped: {what.reason.explanation}"
        # Once a minute for a source, whatever it sends: nobody shall fill the list of events with forged adverts.
        self._reporter.tell_once(("dropped", what.source), "advert-dropped", name, text)

    def _differing(self, name: str, what: Differing) -> None:
        addresses = ", ".join(sorted(".".join(map(str, address)) for address in what.addresses))
        text = f"{what.source} on {name} advertises other virtual addresses; they differ in {addresses}"
        self._reporter.tell_once((what.source, name), "addresses-differ", name, text)
