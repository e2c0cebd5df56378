"""The effective priority, and the times that follow from it (RFC 9568 section 6.1), exact to the nanosecond."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.units import Centiseconds, Nanoseconds, Priority

if TYPE_CHECKING:
    from cluster.vrrp.events import Settings

BEST = 254
"""Of a node without any loss, configured high; 255 would claim to own the addresses (RFC 9568 section 5.2.4)."""
PER_LOST_INTERFACE = 3
"""More than all ranks together: links dominate the configured priority."""
RANK_HIGH = 0
RANK_LOW = 1
RANK_HANDED_OVER = 2
MAINTENANCE_HIGH = Priority(2)
MAINTENANCE_LOW = Priority(1)
LEAVING = Priority(1)
"""The lowest that still serves."""
FAREWELL = Priority(0)
"""The role is given up (RFC 9568 section 5.2.4)."""

AT_ONCE = Nanoseconds(0)
"""Not later than any instant of a monotonic clock."""
NEVER = Nanoseconds(1 << 63)
"""Later than any instant of a monotonic clock: what a timer holds that is not set."""


def effective(settings: Settings, lost: int, handed_over: bool) -> Priority:
    """The effective priority of a node that is not leaving.

    Args:
        settings: the configured priority, and maintenance, which overrides everything.
        lost: unusable HA interfaces.
        handed_over: the role is being, or was, handed to the partner.
    """
    if settings.maintenance:
        return MAINTENANCE_HIGH if settings.high else MAINTENANCE_LOW
    rank = RANK_HANDED_OVER if handed_over else RANK_HIGH if settings.high else RANK_LOW
    return Priority(BEST - PER_LOST_INTERFACE * lost - rank)


def rank_of(priority: Priority) -> int | None:
    """The rank in a partner's effective priority; None in maintenance, when leaving, and for a farewell."""
    return (BEST - priority) % PER_LOST_INTERFACE if priority > MAINTENANCE_HIGH else None


def lost_of(priority: Priority) -> int:
    """The lost interfaces in a partner's effective priority; none where it does not say."""
    return (BEST - priority) // PER_LOST_INTERFACE if priority > MAINTENANCE_HIGH else 0


def skew(priority: Priority, interval: Centiseconds) -> Nanoseconds:
    """Skew_Time: the better the priority, the sooner."""
    return Nanoseconds((256 - priority) * interval.nanoseconds // 256)


def master_down_interval(priority: Priority, interval: Centiseconds) -> Nanoseconds:
    """Master_Down_Interval: how long a backup waits for an advert."""
    return Nanoseconds(3 * interval.nanoseconds + skew(priority, interval))
