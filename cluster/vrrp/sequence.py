"""The sequence number of signed adverts: always greater than every one before, whatever the clock does.

Its 64 bits are UTC seconds (32), a binary fraction of a second (16) and a counter (16). The next value is the
clock, or the last value plus one where the clock does not suffice; the counter carries into the fraction.

A crash must not lose the last value, and writing each one to disk would be too slow. So a value some seconds
ahead is reserved on disk, once, and a sender that starts anew begins behind it.
"""

from __future__ import annotations

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds, Seconds

AHEAD = Seconds(10)
"""How far ahead to reserve. After a crash the sequence is ahead of the clock by as much at most, so a freshness
window shorter than this could call it stale."""


def from_clock(now: Nanoseconds) -> int:
    """The sequence that a moment stands for.

    Args:
        now: nanoseconds since 1970, UTC.
    """
    return ((now << 16) // NANOSECONDS_PER_SECOND & 0xFFFF_FFFF_FFFF) << 16


class Sequence:
    """Hands out strictly growing sequence numbers.

    One for the whole node is enough: what grows for all senders together grows for each source, VRID and family.

    The owner's duty, before each advert::

        if (value := sequence.reservation(now)) is not None:
            keep value on disk
            sequence.reserved(value)
        trailer = signer.trailer(sequence.next(now))

    Args:
        floor: the last reservation found on disk, or the last value itself where it is known; 0 at the first start.
        ahead: how far to reserve.

    Attributes:
        last: the greatest value handed out, or the floor.
    """

    __slots__ = ("_ahead", "_reserved", "last")

    def __init__(self, floor: int = 0, ahead: Seconds = AHEAD) -> None:
        self.last = floor
        self._reserved = floor
        self._ahead = int(ahead) << 32

    def reservation(self, now: Nanoseconds) -> int | None:
        """What has to be kept before the next value is used, or None while the present reservation suffices.

        It is asked for again when half of it is used up, so a slow disk has time.

        Args:
            now: nanoseconds since 1970, UTC.
        """
        upcoming = max(from_clock(now), self.last + 1)
        if upcoming + self._ahead // 2 <= self._reserved:
            return None
        return upcoming + self._ahead

    def reserved(self, value: int) -> None:
        """The reservation is on disk."""
        self._reserved = max(self._reserved, value)

    def next(self, now: Nanoseconds, count: int = 1) -> int:
        """A value greater than all before: the first of `count` in a row, all of which are used up.

        Args:
            now: nanoseconds since 1970, UTC; may jump either way.
            count: how many.
        """
        first = from_clock(now)
        if first <= self.last:
            first = self.last + 1
        self.last = first + count - 1
        return first
