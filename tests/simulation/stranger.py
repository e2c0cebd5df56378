"""A third router that nobody invited: RFC 9568 section 6.4, on one segment, with the same VRID."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cluster.units import Centiseconds


class Stranger:
    """A VRRP router as the RFC has it, preempting.

    Attributes:
        segment: index of its HA segment.
        advert_interval: as on the wire.
        due: when its only timer fires.
        master: its state.
    """

    __slots__ = (
        "_adopted", "advert_interval", "alive", "due", "interval", "master", "priority", "segment", "source",
    )

    def __init__(self, segment: int, priority: int, source: int, advert_interval: Centiseconds) -> None:
        interval = advert_interval.nanoseconds
        self.advert_interval = advert_interval
        self.segment = segment
        self.priority = priority
        self.source = source
        self.interval = interval
        self._adopted = interval
        self.alive = False
        self.master = False
        self.due = 0

    def _skew(self) -> int:
        return (256 - self.priority) * self._adopted // 256

    def start(self, now: int) -> None:
        """Begin as backup (section 6.4.1)."""
        self.alive = True
        self.master = False
        self._adopted = self.interval
        self.due = now + 3 * self._adopted + self._skew()

    def tick(self, now: int) -> int | None:
        """The timer fired; returns the priority of the advert to send."""
        self.master = True
        self.due = now + self.interval
        return self.priority

    def hear(self, priority: int, interval: int, source: int, now: int) -> int | None:
        """An advert came; returns the priority of the answer, or None."""
        if self.master:
            return self._hear_as_master(priority, interval, source, now)
        if priority == 0:
            self.due = now + self._skew()
        elif priority >= self.priority:
            self._adopted = interval
            self.due = now + 3 * interval + self._skew()
        return None

    def _hear_as_master(self, priority: int, interval: int, source: int, now: int) -> int | None:
        if priority > self.priority or (priority == self.priority and source > self.source):
            self.master = False
            self._adopted = interval
            self.due = now + 3 * interval + self._skew()
            return None
        self.due = now + self.interval
        return self.priority
