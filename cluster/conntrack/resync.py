"""When a backup knows the master's connections. Pure: the clock comes in as `now`.

conntrackd has no word for the end of a resynchronisation. What can be seen is its counters: entries put into the
kernel come at full speed while the partner sends everything, and at the pace of the traffic afterwards. The rules:

1. Until the partner's daemon was heard, nothing is known. It says something every second.
2. It falls silent when in three looks in a row hardly anything came: not more than `FEW` entries, or a fifth of
   what came between two looks at the best of times; not before `LEAST` has passed since it was heard or asked.
3. When it falls silent and as many came as it holds, that was all. It says how many over the hotwire, which is
   another way than this.
4. When it falls silent before that, everything is asked for (``-n``), three times at most: the request that our
   daemon made when it started may have gone nowhere, since a link takes its time to come up.
5. Where nobody says how many there are, everything is asked for once, as soon as the partner is heard.

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
MOST_ASKED = 3
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
        self._since: Nanoseconds | None = None
        self._asked = self._peak = self._quiet = 0

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
        self._quiet = self._quiet + 1 if came <= max(FEW, self._peak // SHARE) else 0
        if self._since is None:
            if seen.packets_received == self._before.packets_received:
                return Next.LOOK_AGAIN
            self._since, self._quiet = now, 0
            return self._ask(now) if expected is None else Next.LOOK_AGAIN
        if self._quiet < QUIET_LOOKS or now - self._since < LEAST:
            return Next.LOOK_AGAIN
        complete = self.entries >= expected if expected is not None else self._asked > 0
        return Next.DONE if complete or self._asked >= MOST_ASKED else self._ask(now)

    def _ask(self, now: Nanoseconds) -> Next:
        self._since = now
        self._asked += 1
        self._quiet = 0
        return Next.ASK


def _came(seen: Counters) -> int:
    return seen.injected + seen.inject_failed
