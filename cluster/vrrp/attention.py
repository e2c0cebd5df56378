"""What the engine waits for: everything, or of the HA interfaces only the last one of a round.

A master sends its round of adverts on one interface after the other. Waiting for all of them wakes a backup at the
first advert, and the rest come while it is awake; waiting for the last one wakes it once, when all are there. With
60 interfaces that is a quarter of an idle backup's time. News on the others is told by an alarm, and a round whose
last advert is late ends the narrow watch.
"""

from __future__ import annotations

from select import EPOLLIN, epoll
from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp.alarm import Alarm
from cluster.vrrp.priority import NEVER

if TYPE_CHECKING:
    from cluster.vrrp.events import Heard
    from cluster.vrrp.ports import Ports

WHOLE_ROUNDS = 3
"""In a row, with nothing between them: then the next one is expected to be whole."""
ROUNDS_UNTIL_PROOF = 64
"""A packet filter that is loaded meanwhile would silence the alarm: so often it has to show again that it works."""
ROUNDS_UNTIL_RETRY = 300
"""What silences the alarm, a packet filter for example, seldom goes away."""


class Attention:
    """Waits for everything, or narrowly while rounds are whole.

    Args:
        besides: polls all that is no HA interface; it is watched in either case.

    Attributes:
        everything: polls `besides` and the sockets of all HA interfaces, which are registered there.
        poller: polls what the engine waits for now.
        late_at: when the round that is waited for is late; NEVER while everything is watched.
    """

    def __init__(self, besides: epoll) -> None:
        self._besides = besides
        self.everything = self._new()
        self.poller = self.everything
        self.late_at = NEVER
        self._alarm: Alarm | None = None
        self._rounds = 0

    @property
    def narrow(self) -> bool:
        """Whether only the last HA interface of a round is watched."""
        return self.poller is not self.everything

    def whole(self, last: Heard, ports: Ports, now: Nanoseconds) -> None:
        """A round was read that had one advert of every HA interface; a wide watch saw nothing else since the last.

        Args:
            last: its last advert.
            ports: the interfaces.
            now: the present instant.
        """
        self._rounds += 1
        if not self.narrow:
            try:
                self._narrow_down(last, ports)
            except OSError as problem:
                next(iter(ports)).failed(problem)
                self._give_up()
        elif self._rounds > ROUNDS_UNTIL_PROOF:
            self._rounds = WHOLE_ROUNDS
            self.widen()
        if self.narrow:
            self.late_at = Nanoseconds(now + last.interval.nanoseconds * 5 // 4)

    def broken(self) -> None:
        """Something else was heard than whole rounds: watch everything until some of them came again."""
        self.widen()
        self._rounds = min(self._rounds, 0)

    def widen(self) -> None:
        """Watch everything, until the next whole round."""
        self.late_at = NEVER
        if self.narrow:
            self.poller.close()
            self.poller = self.everything
        if self._alarm is not None:
            self._alarm.close()
            self._alarm = None

    def attend(self, ready: list[tuple[int, int]]) -> None:
        """Widen if the alarm is among these events of the poller."""
        if self._alarm is not None and any(handle == self._alarm.fileno() for handle, _ in ready):
            self.broken()

    def anything_left(self) -> bool:
        """Whether an HA interface has more to read."""
        besides = self._besides.fileno()
        return any(handle != besides for handle, _ in self.everything.poll(0, 2))

    def _narrow_down(self, last: Heard, ports: Ports) -> None:
        """One step after each whole round."""
        *_, port = ports
        if self._rounds < WHOLE_ROUNDS:
            return
        if self._alarm is None:
            self._alarm = Alarm()  # the next round shows whether it works
            return
        if port.handle < 0 or not self._alarm.expect(last.priority, len(ports)):
            self._give_up()
            return
        # Made anew each time: sockets come and go, and what became of one here would have to be followed.
        poller = self._new()
        poller.register(port.handle, EPOLLIN)
        poller.register(self._alarm.fileno(), EPOLLIN)
        self.poller = poller

    def _give_up(self) -> None:
        self.widen()
        self._rounds = WHOLE_ROUNDS - ROUNDS_UNTIL_RETRY

    def _new(self) -> epoll:
        new = epoll()
        new.register(self._besides.fileno(), EPOLLIN)
        return new
