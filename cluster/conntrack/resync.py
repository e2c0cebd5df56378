"""When a backup knows the master's connections. Pure: the clock comes in as `now`.

conntrackd has no word for the end of a resynchronisation. What can be seen is its counters: entries put into the
kernel come at full speed while the partner sends everything, and at the pace of the traffic afterwards. The rules:

1. Until the partner's daemon was heard, nothing is known. It says something every second.
2. Then everything is asked for (``-n``): the request that our daemon made when it started may have gone nowhere,
   for a link takes its time to come up, and what comes may be no more than the traffic of the moment.
3. It is over when in three looks in a row hardly anything came: not more than `FEW` entries, or a fifth of what
   came between two looks at the best of times. Not before `LEAST` has passed since 2, and not before as many
   came as the partner holds, where it says how many (over the hotwire, by another way than this).

On a firewall so busy that its traffic alone comes at a fifth of full speed this never sees the end; whoever waits
for it has a limit of its own.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from cluster.conntrack.counters import Counters

LEAST = Nanoseconds(NANOSECONDS_PER_SECOND)
FEW = 20
QUIET_LOOKS = 3
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
        self._asked: Nanoseconds | None = None
        self._peak = self._quiet = 0

    @property
    def entries(self) -> int:
        """How many entries came so far; those that the kernel did not take came, too."""
        return _came(self._last) - _came(self._before)

    def look(self, seen: Counters, now: Nanoseconds, expected: int | None = None) -> Next:
        """The counters at `now`, read some tenths of a second after the last ones.

        Args:
            seen: the counters.
            now: the present instant.
            expected: how many connections the partner holds; None where it does not say.

        Returns:
            What to do now.
        """
        came = _came(seen) - _came(self._last)
        self._last = seen
        self._peak = max(self._peak, came)
        if self._asked is None:
            if seen.packets_received == self._before.packets_received:
                return Next.LOOK_AGAIN
            self._asked = now
            return Next.ASK
        self._quiet = self._quiet + 1 if came <= max(FEW, self._peak // SHARE) else 0
        complete = expected is None or self.entries >= expected
        over = complete and self._quiet >= QUIET_LOOKS and now - self._asked >= LEAST
        return Next.DONE if over else Next.LOOK_AGAIN


def _came(seen: Counters) -> int:
    return seen.injected + seen.inject_failed
