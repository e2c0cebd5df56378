"""The world in which two elections meet: one heap of events, one random source, one truth.

Everything is decided by the seed. Time is the world's, in nanoseconds; each node sees it through a clock with an
offset of its own.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from cluster.units import Priority
from cluster.vrrp.events import Heard, PartnerReported, PartnerSilent, Resynchronised, Role
from tests.simulation.invariants import Bounds, Broken, Watch
from tests.simulation.network import STRANGER, Segment

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from cluster.vrrp.events import Settings
    from tests.simulation.node import Node
    from tests.simulation.stranger import Stranger

REPORT_EVERY = 1_000_000_000
HOTWIRE_DELAY = 2_000_000


class World:
    """Two nodes, their segments, perhaps a stranger and a hotwire."""

    def __init__(self, rng: Random, segments: list[Segment], lateness: int, trace: list[str] | None) -> None:
        self.rng = rng
        self.segments = segments
        self.lateness = lateness
        self.trace = trace
        self.now = 0
        self.end = 0
        self.nodes: list[Node] = []
        self.stranger: Stranger | None = None
        self.hotwire = False
        self.explained = 0
        self._priorities = 0, 0
        self.bounds = Bounds(0, 0, 0, 0, 0, 0, 0)
        self._index = {segment.name: segment for segment in segments}
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        self._watches: tuple[Watch, ...] = ()
        self._lonely: tuple[Watch, ...] = ()
        self._paths = False
        self._calm_since = 0
        self._unannounced: dict[tuple[int, str], int] = {}
        self._hears: list[bool] = [False, False]

    # --- time ---------------------------------------------------------------------------------------

    def at(self, instant: int, call: Callable[..., None], arguments: tuple[Any, ...] = ()) -> None:
        """Call something at an instant; calls of one instant come in the order they were made."""
        self._number += 1
        heappush(self._heap, (instant, self._number, call, arguments))

    def run(self, until: int) -> None:
        """Let everything happen up to an instant."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, call, arguments = heappop(heap)
            call(*arguments)
        self.now = until
        self.changed()

    def say(self, who: str, what: str) -> None:
        """A line of the transcript."""
        if self.trace is not None:
            self.trace.append(f"{self.now / 1e9:9.5f}  {who:<9} {what}")

    def later(self, delay: int, call: Callable[..., None], arguments: tuple[Any, ...] = ()) -> None:
        """Mend something after a delay, but before the disturbed part of the schedule ends."""
        self.at(min(self.now + delay, max(self.end, self.now)), call, arguments)

    # --- adverts --------------------------------------------------------------------------------------

    def send(self, sender: int, interface: str, priority: Priority, settings: Settings) -> None:
        """A node puts an advert on a segment."""
        segment = self._index[interface]
        source = next(one.source for one in settings.interfaces if one.name == interface)
        interval = settings.advert_interval
        heard = Heard(interface, priority, interval, source)
        for delay in segment.delays(sender, 1 - sender, self.rng):
            self.at(self.now + delay, self._arrive, (segment, sender, 1 - sender, heard))
        stranger = self.stranger
        if stranger is not None and stranger.alive and self.segments[stranger.segment] is segment:
            for delay in segment.delays(sender, STRANGER, self.rng):
                self.at(self.now + delay, self._reach_stranger, (priority, interval.nanoseconds, source))

    def _arrive(self, segment: Segment, sender: int, receiver: int, heard: Heard) -> None:
        if receiver not in segment.unplugged:
            self.nodes[receiver].hear(heard, sender)

    # --- the stranger ---------------------------------------------------------------------------------

    def start_stranger(self) -> None:
        """Somebody else plugs in a router."""
        self.disturbed(4)
        assert self.stranger is not None
        self.stranger.start(self.now)
        self.at(self.stranger.due, self._stranger_tick, (self.stranger.due,))

    def _stranger_tick(self, due: int) -> None:
        stranger = self.stranger
        if stranger is not None and stranger.alive and stranger.due == due:
            self._stranger_sends(stranger.tick(self.now))
            self.changed()
            self.at(stranger.due, self._stranger_tick, (stranger.due,))

    def _reach_stranger(self, priority: int, interval: int, source: int) -> None:
        stranger = self.stranger
        if stranger is None or not stranger.alive:
            return
        due = stranger.due
        self._stranger_sends(stranger.hear(priority, interval, source, self.now))
        self.changed()
        if stranger.due != due:
            self.at(stranger.due, self._stranger_tick, (stranger.due,))

    def _stranger_sends(self, priority: int | None) -> None:
        stranger = self.stranger
        if priority is None or stranger is None:
            return
        self.say("stranger", f"advertises {priority}")
        segment = self.segments[stranger.segment]
        heard = Heard(segment.name, Priority(priority), stranger.advert_interval, stranger.source)
        for receiver in (0, 1):
            for delay in segment.delays(STRANGER, receiver, self.rng):
                self.at(self.now + delay, self._arrive, (segment, STRANGER, receiver, heard))

    # --- the hotwire ------------------------------------------------------------------------------------

    def report(self) -> None:
        """Both tell each other over the hotwire what they hear, and do so again."""
        for node in self.nodes:
            self._report_of(node)
        self.at(self.now + REPORT_EVERY, self.report)

    def _report_of(self, node: Node) -> None:
        if not (self.hotwire and node.alive):
            return
        other = self.nodes[1 - node.number]
        fresh = 4 * max(one.settings.advert_interval.nanoseconds for one in self.nodes)
        gone = all(node.number in segment.unplugged for segment in self.segments)
        hears = frozenset(name for name, at in node.heard_at.items() if self.now - at < fresh)
        self.at(self.now + HOTWIRE_DELAY, other.deliver, (PartnerReported(node.role, hears, gone),))

    def cut_hotwire(self) -> None:
        """The hotwire falls silent."""
        self.hotwire = False
        for node in self.nodes:
            node.deliver(PartnerSilent())

    def resynchronise(self, node: Node) -> None:
        """After a start the connections arrive from the partner, mostly; sometimes never."""
        if self.rng.random() < 0.8:
            self.at(self.now + self.rng.randrange(1_000_000_000), node.deliver, (Resynchronised(),))

    # --- the truth ----------------------------------------------------------------------------------

    def watch(self, bounds: Bounds) -> None:
        """Begin to hold the invariants."""
        self.bounds = bounds
        self._watches = (
            Watch("two unequal nodes serve although there is a path between them", bounds.two_with_path),
            Watch("two nodes serve although there is a path between them", bounds.two_equals),
            Watch(f"two nodes serve although {self.nodes[0].name} can hear the other", bounds.two_one_way),
            Watch(f"two nodes serve although {self.nodes[1].name} can hear the other", bounds.two_one_way),
            Watch(f"{self.nodes[0].name} holds the addresses without the role", bounds.hold),
            Watch(f"{self.nodes[1].name} holds the addresses without the role", bounds.hold),
        )
        self._lonely = tuple(
            Watch(f"nobody serves although {node.name} could", bounds.none) for node in self.nodes
        )
        self.surroundings_changed()

    def watches(self) -> tuple[Watch, ...]:
        """All watches, for statistics."""
        return (*self._watches, *self._lonely)

    def delayed(self, jitter: int) -> None:
        """Frames may be under way for so long that a dead master is still heard."""
        for watch in self._lonely:
            watch.bound = max(watch.bound, self.bounds.none + jitter)

    def disturbed(self, changes: int = 2) -> None:
        """Something happened that explains so many role changes: one node gives the role, the other takes it."""
        self.explained += changes

    def surroundings_changed(self) -> None:
        """Cables, cuts, weather, or who is running changed."""
        self._calm_since = self.now
        self.disturbed()
        ready = [node.alive and self.now >= node.stalled_until for node in self.nodes]
        both = all(ready)
        self._paths = both and any(one.carries(0, 1) and one.carries(1, 0) for one in self.segments)
        self._hears = [
            both and any(one.carries(1 - number, number) for one in self.segments) for number in (0, 1)
        ]
        for watch in self._watches[2:4]:
            watch.restart(self.now)
        self.changed()

    def changed(self) -> None:
        """Look at every condition."""
        now = self.now
        first, second = self.nodes
        if not self._watches:
            return
        two = first.held and second.held
        unequal, path, one, other, hold0, hold1 = self._watches
        if self._priorities != (first.priority, second.priority):
            # Who is the better one was decided anew.
            self._priorities = first.priority, second.priority
            unequal.restart(now)
        unequal.see(two and self._paths and first.priority != second.priority, now)
        path.see(two and self._paths, now)
        one.see(two and self._hears[0], now)
        other.see(two and self._hears[1], now)
        hold0.see(self._holds_without_role(first), now)
        hold1.see(self._holds_without_role(second), now)
        stranger = self.stranger
        served = first.held or second.held or (stranger is not None and stranger.alive and stranger.master)
        for node, watch in zip(self.nodes, self._lonely, strict=True):
            able = node.alive and node.settings.enabled and not node.leaving and now >= node.stalled_until
            watch.see(not served and able, now)

    def removed(self, node: Node) -> None:
        """A node gave its addresses up: the other must tell the neighbours, wherever the farewell reaches it."""
        other = self.nodes[1 - node.number]
        if not (other.alive and other.role is Role.MASTER):
            return
        for segment in self.segments:
            if segment.carries(node.number, other.number):
                self._unannounced[other.number, segment.name] = self.now
                self.at(self.now + self.bounds.stranded, self._not_stranded, (other, segment.name, self.now))

    def announced(self, node: Node, interface: str) -> None:
        """A node told the neighbours on a segment that the addresses are its own."""
        self._unannounced.pop((node.number, interface), None)

    def _not_stranded(self, node: Node, interface: str, since: int) -> None:
        waiting = self._unannounced.get((node.number, interface)) == since
        if waiting and self._calm_since <= since and node.role is Role.MASTER:
            raise Broken(f"{node.name} has not announced on {interface} since the other left, {since / 1e9:.4f}")

    def _holds_without_role(self, node: Node) -> bool:
        return node.alive and node.held and node.role is not Role.MASTER and self.now >= node.stalled_until

    def sound(self) -> None:
        """Nobody sent more adverts or changed its role more often than what happened explains."""
        interval = min(node.settings.advert_interval.nanoseconds for node in self.nodes)
        changes = sum(node.changes for node in self.nodes)
        if changes > self.explained:
            raise Broken(f"{changes} role changes, but no more than {self.explained} are explained: flapping")
        for node in self.nodes:
            # Every interval one advert and one answer on each segment, whatever arrives.
            most = 3 * (self.now // interval + 2) * len(self.segments) + 40 * len(self.segments)
            if node.sent > most:
                raise Broken(f"{node.name} sent {node.sent} adverts, more than {most}: a storm")
