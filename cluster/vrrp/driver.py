"""Drives the election: feeds it what happens, has its effects carried out, and keeps its time.

A backup takes over because it heard nobody, so it has to have listened. An engine that was kept from the processor
finds its timer expired and the master's adverts waiting in its sockets, in whatever order. Two rules keep it from
taking the role of a master that lives:

- whatever may let a backup's time run out comes after everything that has arrived, an old advert included: it may
  say that the master is worse, and the one behind it that this is past;
- who wakes up much too late gives the kernel a moment more, since what kept us may have kept the adverts too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp.events import TICK, HeardTogether
from cluster.vrrp.priority import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.vrrp.election import Election
    from cluster.vrrp.events import Effect, Event, Heard

OVERSLEPT = Nanoseconds(5_000_000)
"""Later than this is no matter of a busy loop: we were not running."""
GRACE = Nanoseconds(5_000_000)
"""In this time a kernel that runs again has handed over what came in meanwhile."""


class Driver:
    """The election among events, effects and time.

    Args:
        election: obeyed.
        act: carries out the effects of one event, in order.
        listen: reads every advert that waits in a socket, the newest last.
        clock: monotonic.

    Attributes:
        due: when to `tick`.
        backup: whether this node is backup; whoever acts says so when the role changes.
    """

    def __init__(
        self,
        election: Election,
        act: Callable[[list[Effect]], None],
        listen: Callable[[], list[Heard]],
        clock: Callable[[], Nanoseconds],
    ) -> None:
        self.due = NEVER
        self._election = election
        self._act = act
        self._listen = listen
        self._clock = clock
        self.backup = False
        self._excused: Nanoseconds | None = None

    def hear(self, adverts: list[Heard]) -> None:
        """Adverts were read: let the election decide on them, and on all that wait behind them if it is time."""
        now = self._clock()
        if self._runs_out(now):
            adverts += self._listen()
            now = self._clock()
        self._decide(HeardTogether(tuple(adverts)), now)

    def feed(self, event: Event) -> None:
        """Something else happened: let the election decide, and do what it asks for."""
        now = self._clock()
        if self._runs_out(now):
            adverts = self._listen()
            now = self._clock()
            if adverts:
                self._decide(HeardTogether(tuple(adverts)), now)
        self._decide(event, now)

    def tick(self, now: Nanoseconds) -> None:
        """It is due: let the election do what time asks for, in a moment if a backup overslept."""
        if not self.backup:
            self._decide(TICK, now)
        elif not self._excuse(now):
            self.feed(TICK)

    def _runs_out(self, now: Nanoseconds) -> bool:
        """Whether a backup takes over at the next event; asked of the election, since `due` may be in a moment."""
        return self.backup and (self._election.deadline or NEVER) <= now

    def _decide(self, event: Event, now: Nanoseconds) -> None:
        effects = self._election.handle(event, now)
        if effects:
            self._act(effects)
        self.due = self._election.deadline or NEVER

    def _excuse(self, now: Nanoseconds) -> bool:
        """Whether a backup that overslept waits a moment more; each silence is excused once."""
        wanted = self._election.deadline
        if wanted is None or now - wanted <= OVERSLEPT or wanted == self._excused:
            return False
        self._excused = wanted
        self.due = Nanoseconds(now + GRACE)
        return True
