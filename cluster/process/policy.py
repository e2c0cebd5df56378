"""When a child that ended is started again. Pure: the clock comes in as `now`.

The rules:

1. A child that had become healthy is started again at once, however often it ends: a killed engine must be
   back inside the partner's Master_Down_Interval, the twentieth time as well as the first.
2. A child that ends before it was ever healthy is started again at once the first time (the cause may be gone
   with it), then after a delay that doubles from `first_delay` up to `longest_delay`.
3. Health pays all debts: the next failure counts as the first again.
"""

from __future__ import annotations

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

FIRST_DELAY = Nanoseconds(NANOSECONDS_PER_SECOND // 10)
LONGEST_DELAY = Nanoseconds(5 * NANOSECONDS_PER_SECOND)


class RestartPolicy:
    """Decides the instant of the next start of one child.

    Args:
        first_delay: before the second restart in a row of a child that never became healthy.
        longest_delay: the delay never grows beyond it.
    """

    def __init__(self, first_delay: Nanoseconds = FIRST_DELAY, longest_delay: Nanoseconds = LONGEST_DELAY) -> None:
        self._first_delay = first_delay
        self._longest_delay = longest_delay
        self._failures = 0

    @property
    def failures(self) -> int:
        """How often in a row the child ended before it was healthy."""
        return self._failures

    @property
    def is_news(self) -> bool:
        """Whether the last end deserves a word: each of a healthy child, of the others the 1st, 2nd, 4th, 8th, ...

        A child that can never live shall not push everything else out of the list of events.
        """
        return self._failures & (self._failures - 1) == 0

    def ended(self, *, was_healthy: bool, now: Nanoseconds) -> Nanoseconds:
        """The child ended, or could not even be started.

        Args:
            was_healthy: whether it had done its work before (the engine: a heartbeat was seen).
            now: instant of the end.

        Returns:
            The instant at which to start it again; `now` for at once.
        """
        if was_healthy:
            self._failures = 0
            return now
        self._failures += 1
        if self._failures == 1:
            return now
        doublings = min(self._failures - 2, self._longest_delay.bit_length())
        return Nanoseconds(now + min(self._first_delay << doublings, self._longest_delay))
