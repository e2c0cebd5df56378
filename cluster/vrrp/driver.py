"""Drives the election: feeds it what happens, has its effects carried out, and keeps its time.

A backup takes over because it heard nobody, so it has to have listened. An engine that was kept from the processor
finds its timer expired and the master's adverts waiting in its sockets, in whatever order. Two rules keep it from
taking the role of a master that lives:

- whatever may let a backup's time run out comes after everything that has arrived;
- who wakes up much too late gives the kernel a moment more, since what kept us may have kept the adverts too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp.events import Heard, HeardTogether, Role, RoleChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.vrrp.election import Election
    from cluster.vrrp.events import Effect, Event

OVERSLEPT = Nanoseconds(5_000_000)
"""Later than this is no matter of a busy loop: we were not running."""
GRACE = Nanoseconds(5_000_000)
"""In this time a kernel that runs again has handed over what came in meanwhile."""


class Driver:
    """The election among events, effects and time.

    Args:
        election: obeyed.
        act: carries out the effects of one event, in order.
        listen: feeds every advert that waits in a socket.
        clock: monotonic.

    Attributes:
        due: when to ask whether the time is `ripe`; None for never.
        backup: whether this node is backup.
    """

    def __init__(
        self,
        election: Election,
        act: Callable[[list[Effect]], None],
        listen: Callable[[], None],
        clock: Callable[[], Nanoseconds],
    ) -> None:
        self.due: Nanoseconds | None = None
        self._election = election
        self._act = act
        self._listen = listen
        self._clock = clock
        self.backup = False
        self._excused: Nanoseconds | None = None

    def feed(self, event: Event) -> None:
        """Something happened: let the election decide, and do what it asks for."""
        now = self._clock()
        late = self.backup and self.due is not None and self.due <= now
        if late and not isinstance(event, (Heard, HeardTogether)):
            self._listen()
            now = self._clock()
        effects = self._election.handle(event, now)
        if effects:
            for effect in effects:
                if isinstance(effect, RoleChanged):
                    self.backup = effect.new is Role.BACKUP
            self._act(effects)
        self.due = self._election.deadline

    def ripe(self, now: Nanoseconds) -> bool:
        """Whether it is time to feed `Tick`."""
        if self.due is None or self.due > now:
            return False
        if not self.backup:
            return True
        wanted = self._election.deadline
        if wanted is not None and now - wanted > OVERSLEPT and wanted != self._excused:
            self._excused = wanted
            self.due = Nanoseconds(now + GRACE)
            return False
        return True
