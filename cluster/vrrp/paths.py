"""One HA interface as the election sees it: its link, debounced, and whom it hears there.

A link's word is believed only after it has held for a delay (UPDATE_TRIGGER_DELAY), in both directions; what
is still waiting is *pending*. A first word is believed at once: there is nothing it could flap against.

A *hearing* is the last advert of one sender on one interface. The partner has a different address on every
interface, so its hearings cannot be tied together by address; the election lets the newest one speak for the
partner everywhere. That would let a stranger on one interface take turns with the partner on another, so a
hearing may *stand alone*: it then counts for itself until it falls silent. Two senders heard on one interface
at the same time are two nodes, and both stand alone from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.units import NANOSECONDS_PER_SECOND, Centiseconds, Nanoseconds, Priority, Seconds
from cluster.vrrp.events import HaInterface, Heard, PathView
from cluster.vrrp.priority import FAREWELL, NEVER

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

MAX_SENDERS = 8
"""Senders remembered on one interface; a flood of invented addresses must not grow the engine."""

BACKUP_RECOVERY_EXTRA = NANOSECONDS_PER_SECOND
"""A backup counts a link's recovery this much later than a master does."""

INTERVALS_TO_SILENCE = 4
"""Advert intervals after which a sender counts as silent: above any Master_Down_Interval (3 plus the skew)."""

BURST_SPACING = NANOSECONDS_PER_SECOND
"""Announcements that answer somebody else's adverts: one burst in this time on an interface."""


class Instant:
    """When something was heard; adverts that came in together may share it.

    Attributes:
        at: the instant.
    """

    __slots__ = ("at",)

    def __init__(self, at: Nanoseconds) -> None:
        self.at = at


class Hearing:
    """The last advert of one sender on one interface.

    Attributes:
        source: the sender's address.
        priority: as on the wire; 0 is a farewell.
        interval: the sender's advert interval.
        stands_alone: it is known to be another node than the one heard elsewhere.
        overruled: we took the role although it claimed a priority no worse than ours, because news from
            elsewhere spoke for the partner; if we have to yield to it again, it was somebody else after all.
    """

    __slots__ = ("_instant", "_silence", "interval", "overruled", "priority", "source", "stands_alone")

    def __init__(self, source: int, priority: Priority, interval: Centiseconds, at: Nanoseconds) -> None:
        self.source = source
        self.stands_alone = False
        self.overruled = False
        self.speak(priority, interval, at)

    def speak(self, priority: Priority, interval: Centiseconds, at: Nanoseconds) -> None:
        """The sender was heard again, with this to say."""
        self.priority = priority
        self.interval = interval
        self._silence = INTERVALS_TO_SILENCE * interval.nanoseconds
        self.share(Instant(at))

    def share(self, instant: Instant) -> None:
        """It came in then, with others whose hearings have the same instant."""
        self._instant = instant

    @property
    def at(self) -> Nanoseconds:
        """When it came in."""
        return self._instant.at

    def silent(self, now: Nanoseconds) -> bool:
        """Whether the sender has been quiet for so long that it no longer counts."""
        return now - self.at >= self._silence


class Path:
    """One HA interface: link state, senders heard, and the state of answers to them.

    Attributes:
        interface: its configuration.
        usable: what counts, after the delay.
        pending: a change of `usable` waits for its delay.
        crowded: somebody who stands alone was heard here.
        hearings: the last advert of each sender, by source address.
        rival_since: start of the unbroken run of adverts from a master no better than ourselves, or None.
        rival_told: nobody is to be told any more that the run is that of a second master.
        answered: the number of our regular advert (Reign) after which a rival was answered last.
        burst_due: when the announcements that had to wait are sent.
    """

    __slots__ = (
        "_burst_at", "_farewell_at", "_rival_until", "_told", "_told_at", "answered", "burst_due", "crowded",
        "hearings", "interface", "last", "pending", "rival_since", "rival_told", "usable",
    )

    def __init__(self, interface: HaInterface, usable: bool | None) -> None:
        self.interface = interface
        self.usable = usable is not False
        self.hearings: dict[int, Hearing] = {}
        self.crowded = False
        self.last: Hearing | None = None
        self._told = usable
        self._told_at = Nanoseconds(0)
        self.pending = False
        self.rival_since: Nanoseconds | None = None
        self._rival_until = Nanoseconds(0)
        self.rival_told = True
        self.answered = -1
        self.burst_due = NEVER
        self._burst_at: Nanoseconds | None = None
        self._farewell_at: Nanoseconds | None = None

    # --- the link ---------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """What was last said of the link, undelayed."""
        return self._told is not False

    def tell(self, usable: bool, now: Nanoseconds, at_once: bool) -> None:
        """Note what is said of the link; the first word, or any word with `at_once`, counts immediately."""
        if at_once or self._told is None:
            self.usable = usable
        if usable != self._told:
            self._told_at = now
        self._told = usable
        self.pending = usable != self.usable

    def due(self, delay: Seconds, *, serving: bool) -> Nanoseconds:
        """When the pending change will count; `NEVER` if there is none.

        Args:
            delay: UPDATE_TRIGGER_DELAY.
            serving: this node is master.
        """
        if not self.pending:
            return NEVER
        extra = 0 if self.usable or serving else BACKUP_RECOVERY_EXTRA
        return Nanoseconds(self._told_at + delay.nanoseconds + extra)

    def settle(self) -> None:
        """Let the pending change count."""
        self.usable = not self.usable
        self.pending = False

    # --- whom it hears ----------------------------------------------------------------------------

    def hear(self, advert: Heard, now: Nanoseconds) -> Hearing:
        """Remember an advert; two senders heard at the same time stand alone from then on."""
        hearing = self.hearings.get(advert.source)
        if hearing is None or hearing.silent(now):
            self._make_room(now)
            hearing = Hearing(advert.source, advert.priority, advert.interval, now)
            self.hearings[advert.source] = hearing
        else:
            hearing.speak(advert.priority, advert.interval, now)
        if len(self.hearings) > 1:
            for other in self.hearings.values():
                if other is not hearing and other.priority != FAREWELL:
                    self.single_out(other)
                    self.single_out(hearing)
        self.last = hearing
        return hearing

    def single_out(self, hearing: Hearing) -> None:
        """This one is another node than the one heard elsewhere."""
        hearing.stands_alone = True
        self.crowded = True

    def _make_room(self, now: Nanoseconds) -> None:
        for source in [source for source, hearing in self.hearings.items() if hearing.silent(now)]:
            del self.hearings[source]
        if len(self.hearings) >= MAX_SENDERS:
            del self.hearings[min(self.hearings.values(), key=lambda hearing: hearing.at).source]

    def hears_equal(self, priority: Priority, now: Nanoseconds) -> bool:
        """Whether a sender with exactly this priority is heard here at present."""
        return any(
            hearing.priority == priority and not hearing.silent(now) for hearing in self.hearings.values()
        )

    # --- rivals of a master -------------------------------------------------------------------------

    def meet_rival(self, hearing: Hearing, now: Nanoseconds) -> Nanoseconds:
        """Note that a master no better than ourselves was heard; returns how long the run has lasted."""
        if self.rival_since is None or now >= self._rival_until:
            self.rival_since = now
            self.rival_told = False
        self._rival_until = Nanoseconds(now + INTERVALS_TO_SILENCE * hearing.interval.nanoseconds)
        return Nanoseconds(now - self.rival_since)

    def unheard(self, now: Nanoseconds, patience: Nanoseconds) -> bool:
        """Whether a rival that is heard here went on for so long that it cannot hear us here."""
        return self.rival_since is not None and now - self.rival_since >= patience

    def end_rivalry(self) -> None:
        """The other master gave up."""
        self.rival_since = None

    def forget_rivals(self) -> None:
        """Start a new term: nobody was met or answered yet."""
        self.rival_since = None
        self.burst_due = NEVER
        self._burst_at = None
        self._farewell_at = None

    def may_burst(self, now: Nanoseconds) -> bool:
        """Whether announcements may answer now; if not, `burst_due` says when they will."""
        if self._burst_at is not None and now - self._burst_at < BURST_SPACING:
            self.burst_due = Nanoseconds(self._burst_at + BURST_SPACING)
            return False
        self._burst_at = now
        self.burst_due = NEVER
        return True

    def may_answer_farewell(self, now: Nanoseconds) -> bool:
        """Whether a farewell is answered at once: the first within a second is, even right after a burst."""
        if self._farewell_at is not None and now - self._farewell_at < BURST_SPACING:
            return False
        self._farewell_at = self._burst_at = now
        self.burst_due = NEVER
        return True

    def view(self) -> PathView:
        """What `cluster status` shows of this interface."""
        last = self.last
        return PathView(
            self.interface.name,
            self.usable,
            self.pending,
            last.priority if last else None,
            last.at if last else None,
            last.source if last else None,
        )


class Paths(dict[str, Path]):
    """All HA interfaces of a node by name, in configured order.

    Args:
        paths: of the interfaces.

    Attributes:
        crowded: those where somebody who stands alone was heard, by name; nearly always none, and asking all 60 of
            them at every advert took longer than everything else.
    """

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        super().__init__((path.interface.name, path) for path in paths)
        self.crowded = {path.interface.name: path for path in self.values() if path.crowded}

    @classmethod
    def first(cls, interfaces: Iterable[HaInterface], usable: Container[str]) -> Paths:
        """As they are when the engine starts: what is said of the links counts at once."""
        return cls(Path(interface, interface.name in usable) for interface in interfaces)

    def reconfigured(self, interfaces: Iterable[HaInterface]) -> Paths:
        """The paths of another configuration; a path goes on unless it became another virtual router."""
        return Paths(self._continued(interface) for interface in interfaces)

    def hear(self, path: Path, advert: Heard, now: Nanoseconds) -> Hearing:
        """As `Path.hear`, on one of these paths."""
        hearing = path.hear(advert, now)
        if path.crowded:
            self.crowded[path.interface.name] = path
        return hearing

    def single_out(self, path: Path, hearing: Hearing) -> None:
        """As `Path.single_out`, on one of these paths."""
        path.single_out(hearing)
        self.crowded[path.interface.name] = path

    def _continued(self, interface: HaInterface) -> Path:
        path = self.get(interface.name)
        if path is None or path.interface.vrid != interface.vrid:
            return Path(interface, path.up if path else None)
        path.interface = interface
        return path

    @property
    def lost(self) -> int:
        """How many are not usable."""
        return sum(not path.usable for path in self.values())

    @property
    def lost_or_pending(self) -> int:
        """How many are not usable, or have a change waiting for its delay."""
        return sum(not path.usable or path.pending for path in self.values())

    def due(self, delay: Seconds, *, serving: bool) -> Nanoseconds:
        """When the first of them wants something: a pending link, or announcements that had to wait."""
        due = NEVER
        for path in self.values():
            if path.pending or path.burst_due < NEVER:
                due = min(due, path.due(delay, serving=serving), path.burst_due)
        return due
