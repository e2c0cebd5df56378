"""What must hold at every instant of every schedule, and within which bounds.

All bounds are formulae of the schedule's own parameters, in nanoseconds:

    I   the longest advert interval of the two nodes
    M   4 x I, above every Master_Down_Interval (3 x I and a skew below I)
    D   the longest delay of a frame on a healthy segment; where a storm's matters, it is added
    L   how late a timer may fire
    H   20 ms, by which addresses outlive the role

One watch per condition: it notes since when the condition has been true without a break, and breaks the run when
that is longer than its bound.
"""

from __future__ import annotations

from typing import NamedTuple

HOLD = 20_000_000


class Broken(AssertionError):  # noqa: N818 - what is broken is an invariant, not a program
    """An invariant does not hold; the message says which and since when."""


class Bounds(NamedTuple):
    """The bounds of one schedule.

    Attributes:
        two_with_path: both hold the addresses although a whole path lies between them.
        two_equals: the same, with equal priorities.
        two_one_way: both hold them although one hears the other somewhere.
        none: nobody is master although somebody could be.
        stranded: after one of two holders removed the addresses, the other has not announced them on a segment.
        hold: addresses are held without the role.
        settle: after the last disturbance no role changes any more.
    """

    two_with_path: int
    two_equals: int
    two_one_way: int
    none: int
    stranded: int
    hold: int
    settle: int


def bounds(
    *, interval: int, delay: int, lateness: int, trigger_delay: int, resync_limit: int, reports: int
) -> Bounds:
    """The formulae.

    Args:
        interval: I.
        delay: D.
        lateness: L.
        trigger_delay: of links.
        resync_limit: how long a preemption waits at most.
        reports: between two words of the partner over the hotwire, 0 without one.
    """
    down = 4 * interval
    slack = 2 * (delay + lateness)
    # The worse one hears an advert of the better one: after one regular interval, or two when its own priority
    # moves meanwhile; when one moves, this counts anew. Equals first let the lower VRIDs have their say, and until
    # they have forgotten each other there.
    two_with_path = 2 * interval + slack + HOLD
    two_equals = two_with_path + interval + down
    # The better one must have heard the worse one for a Master_Down_Interval, then once more. The hotwire may say
    # that it is heard for as long as the partner remembers its last advert.
    two_one_way = down + interval + slack + HOLD + (reports and down + reports)
    none = down + slack
    settle = trigger_delay + 1_000_000_000 + resync_limit + two_equals + two_one_way + none + 2 * down
    # The farewell arrives, and announcements come once a second.
    stranded = 1_000_000_000 + slack
    return Bounds(two_with_path, two_equals, two_one_way, none, stranded, HOLD + 2 * lateness, settle)


class Watch:
    """Since when a condition has been true without a break."""

    __slots__ = ("bound", "longest", "name", "since")

    def __init__(self, name: str, bound: int) -> None:
        self.name = name
        self.bound = bound
        self.since: int | None = None
        self.longest = 0

    def see(self, condition: bool, now: int) -> None:
        """The condition is true or false from now on."""
        if self.since is not None:
            lasted = now - self.since
            self.longest = max(self.longest, lasted)
            if lasted > self.bound:
                raise Broken(
                    f"{self.name} for {lasted / 1e9:.4f} s, allowed are {self.bound / 1e9:.4f} s "
                    f"(since {self.since / 1e9:.4f})"
                )
        if not condition:
            self.since = None
        elif self.since is None:
            self.since = now

    def restart(self, now: int) -> None:
        """Count from here: the surroundings changed, if the condition still holds it holds anew."""
        if self.since is not None:
            self.see(True, now)
            self.since = now
