"""Units as types, so that no bare number crosses a module border.

They are subclasses of int: arithmetic gives a plain int again, which has to be named anew before it may
travel on. That is the point: holo and two FRR versions computed the skew as 0 by mixing seconds and
centiseconds.
"""

from __future__ import annotations

NANOSECONDS_PER_CENTISECOND = 10_000_000
NANOSECONDS_PER_SECOND = 1_000_000_000


class Nanoseconds(int):
    """A duration or a point on the monotonic clock, in nanoseconds."""

    __slots__ = ()

    @property
    def seconds(self) -> float:
        """The same in seconds, for people to read."""
        return self / NANOSECONDS_PER_SECOND


class Centiseconds(int):
    """A duration in hundredths of a second, the unit of VRRPv3 intervals (RFC 9568 section 5.2.7)."""

    __slots__ = ()

    @property
    def nanoseconds(self) -> Nanoseconds:
        """The same duration in nanoseconds, exactly."""
        return Nanoseconds(self * NANOSECONDS_PER_CENTISECOND)


class Seconds(int):
    """A duration in whole seconds."""

    __slots__ = ()

    @property
    def nanoseconds(self) -> Nanoseconds:
        """The same duration in nanoseconds, exactly."""
        return Nanoseconds(self * NANOSECONDS_PER_SECOND)


class Priority(int):
    """A VRRP priority on the wire: 0 (gives up the role) to 255 (RFC 9568 section 5.2.4)."""

    __slots__ = ()


class Vrid(int):
    """A virtual router identifier, 1 to 255 (RFC 9568 section 5.2.3)."""

    __slots__ = ()
