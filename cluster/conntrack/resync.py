"""When a backup knows the master's connections. Pure: the clock comes in as `now`.

conntrackd has no word for the end of a resynchronisation. What can be seen is its counters: entries put into the
kernel come at full speed while the partner sends everything, and at the pace of the traffic afterwards. The rules:

1. Until the partner's daemon was heard, nothing is known. It says something every second.
2. If nothing was put into the kernel `LEAST` after that, everything is asked for (``-n``): the request that our
   daemon made when it started may have gone nowhere. Where entries came, it went somewhere.
3. It is over when in two looks in a row hardly anything came: not more than `FEW` entries, or a fifth of what came
   between two looks at the best of times. Not before `LEAST` has passed since something came or was asked for.

On a firewall so busy that its traffic alone comes at a fifth of full speed this never sees the end; whoever waits
for it has a limit of its own.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from cluster.conntrack.counters import Counters

LEAST = Nanoseconds(NANOSECONDS_PER_SECOND // 2)
FEW = 20
QUIET_LOOKS = 2
SHARE = 5


class Next(Enum):
    """What to do now."""

    LOOK_AGAIN = auto()
    ASK = auto()
    """Ask the partner for everything (``-n``), and look again."""
    DONE = auto()


class Resync:
    """One resynchronisation, seen through the counters of our daemon.

    Args:
        before: the counters when it began.
    """

    def __init__(self, before: Counters) -> None:
        self._before = self._last = before
        self._heard: Nanoseconds | None = None
        self._under_way: Nanoseconds | None = None
        self._peak = self._quiet = 0

    @property
    def entries(self) -> int:
        """How many entries came so far."""
        return self._last.injected - self._before.injected

    def look(self, seen: Counters, now: Nanoseconds) -> Next:
        """The counters at `now`, read some tenths of a second after the last ones.

        Returns:
            What to do now.
        """
        came = seen.injected - self._last.injected
        self._last = seen
        if self._heard is None and seen.packets_received > self._before.packets_received:
            self._heard = now
        if self._under_way is None:
            return self._begin(now)
        self._peak = max(self._peak, came)
        self._quiet = self._quiet + 1 if came <= max(FEW, self._peak // SHARE) else 0
        over = self._quiet >= QUIET_LOOKS and now - self._under_way >= LEAST
        return Next.DONE if over else Next.LOOK_AGAIN

    def _begin(self, now: Nanoseconds) -> Next:
        """Is anything under way? If not, and the partner's daemon is there, ask."""
        if self.entries:
            self._under_way = now
        elif self._heard is not None and now - self._heard >= LEAST:
            self._under_way = now
            return Next.ASK
        return Next.LOOK_AGAIN
