"""One appliance of the simulation: the real election, and around it what its kernel and its cables remember."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp.election import Election
from cluster.vrrp.events import (
    Advertise,
    AdvertiseEverywhere,
    Announce,
    DropAddresses,
    Event,
    Heard,
    HeardTogether,
    Role,
    RoleChanged,
    Settings,
    Started,
    Stopped,
    TakeAddresses,
    Tick,
)
from tests.simulation.invariants import Broken
from tests.simulation.network import STRANGER

if TYPE_CHECKING:
    from tests.simulation.world import World


class Node:
    """An appliance.

    Attributes:
        role: as the effects told it.
        priority: as it last advertised.
        held: the virtual addresses are in its kernel.
        held_since_yield: when it stopped being master while still holding them, or None.
        eligible_since: since when it could be master: running, enabled, not leaving; or None.
        offset: its monotonic clock minus the world's; anew after every boot.
        linger: how long a backup waits for more adverts, to hear them together; 0: it does not.
    """

    def __init__(self, world: World, number: int, settings: Settings) -> None:
        self.world = world
        self.number = number
        self.name = f"UTM{number + 1}"
        self.settings = settings
        self.election = Election()
        self.alive = False
        self.role = Role.OFFLINE
        self.held = False
        self.held_since_yield: int | None = None
        self.eligible_since: int | None = None
        self.leaving = False
        self.offset = 0
        self.handed_over = False
        self.priority = 0
        self.last_advert = -(10**12)
        self.heard_at: dict[str, int] = {}
        self.changes = 0
        self.sent = 0
        self.handled = 0
        self.life = 0
        self.stalled_until = 0
        self.linger = 0
        self._round: list[Heard] = []
        self._backlog: list[Event] = []
        self._wanted: int | None = None
        self._scheduled: int | None = None

    # --- life -------------------------------------------------------------------------------------

    def start(self, resume: bool = False) -> None:
        """The engine starts; `resume` as its shell decided from the state page."""
        world = self.world
        self.alive = True
        self.leaving = False
        self.life += 1
        self._round.clear()
        self.offset = world.rng.randrange(10**15)
        self.election = Election()
        self.role = Role.OFFLINE
        self._wanted = self._scheduled = None
        usable = frozenset(
            segment.name for segment in world.segments if self.number not in segment.unplugged
        )
        self.deliver(Started(self.settings, usable, resume, self.handed_over))
        if resume:
            self.role = Role.MASTER
        world.changed()

    def die(self, power: bool) -> None:
        """The engine is gone; without power the addresses are, too."""
        self.alive = False
        self.life += 1
        self._round.clear()
        self._backlog.clear()
        self.stalled_until = 0
        self.eligible_since = None
        if power:
            self.held = False
        self.role = Role.OFFLINE

    def clock(self) -> Nanoseconds:
        """What the node's own clock says."""
        return Nanoseconds(self.world.now + self.offset)

    # --- events -------------------------------------------------------------------------------------

    def deliver(self, event: Event) -> None:
        """Hand an event to the election, now or when the process runs again, and carry out its effects."""
        if not self.alive:
            return
        world = self.world
        if self._round and not isinstance(event, Heard | HeardTogether):
            # What waits in its sockets is read before anything that may let its time run out.
            self._hear_round(self.life)
        if world.now < self.stalled_until:
            self._backlog.append(event)
            return
        if isinstance(event, Heard):
            event = HeardTogether((event,))
        if world.trace is not None:
            world.say(self.name, f"< {event}")
        self.handled += 1
        now = world.now + self.offset
        effects = self.election.handle(event, Nanoseconds(now))
        if effects:
            self._carry_out(effects)
        if self.alive:
            self._arm(now)

    def wake(self) -> None:
        """The process runs again: what waited in its sockets comes first, then the clock."""
        backlog, self._backlog = self._backlog, []
        for adverts, run in groupby(backlog, lambda event: isinstance(event, Heard)):
            waiting = list(run)
            if adverts and len(waiting) > 1:
                self.deliver(HeardTogether(tuple(waiting)))
            else:
                for event in waiting:
                    self.deliver(event)
        self.deliver(Tick())

    def tick(self, at: int) -> None:
        """The timer of the world fired for us; early when the deadline moved meanwhile."""
        if at != self._scheduled:
            return
        self._scheduled = None
        if self.world.now < self.stalled_until:
            return
        if self._wanted is not None and self._wanted <= self.world.now:
            self.deliver(Tick())
        else:
            self._schedule()

    def _arm(self, now: int) -> None:
        deadline = self.election.deadline
        if deadline is None:
            self._wanted = None
            return
        if deadline <= now:
            raise Broken(f"{self.name} wants to be woken {now - deadline} ns ago: a busy loop")
        self._wanted = deadline - self.offset
        self._schedule()

    def _schedule(self) -> None:
        world = self.world
        if self._wanted is None:
            return
        if self._scheduled is None or self._wanted < self._scheduled:
            self._scheduled = self._wanted + int(world.rng.random() * world.lateness)
            world.at(self._scheduled, self._tick_of_life, (self.life, self._scheduled))

    def _tick_of_life(self, life: int, at: int) -> None:
        if life == self.life:
            self.tick(at)

    # --- effects --------------------------------------------------------------------------------------

    def _carry_out(self, effects: list) -> None:
        world = self.world
        dropped = False
        before = (self.role, self.held, self.priority)
        for effect in effects:
            kind = type(effect)
            if kind in (Advertise, AdvertiseEverywhere):
                self._advertise(effect, dropped)
                continue
            if world.trace is not None:
                world.say(self.name, f"> {effect}")
            if kind is Announce:
                if not self.held:
                    raise Broken(f"{self.name} announces addresses it does not hold on {effect.interface}")
                world.announced(self, effect.interface)
            elif kind is TakeAddresses:
                self.held = True
            elif kind is DropAddresses:
                self._remove()
                dropped = True
            elif kind is RoleChanged:
                if effect.old is not self.role or effect.new is self.role:
                    raise Broken(f"{self.name} was {self.role.value}, not as told: {effect}")
                self.role = effect.new
                self.changes += effect.new is not Role.OFFLINE
            elif kind is Stopped:
                self.alive = False
        if self.role is Role.MASTER and not self.held:
            raise Broken(f"{self.name} is master without its addresses")
        if (self.role, self.held, self.priority) != before:
            world.changed()

    def _remove(self) -> None:
        if self.held and self.role is not Role.OFFLINE:
            self.world.removed(self)
        self.held = False

    def _advertise(self, effect: Advertise | AdvertiseEverywhere, dropped: bool) -> None:
        world, priority = self.world, effect.priority
        if priority == 0:
            if not dropped or self.held:
                raise Broken(f"{self.name} says farewell while it holds the addresses")
        elif not self.held:
            raise Broken(f"{self.name} advertises {priority} without holding the addresses")
        else:
            self.priority = priority
        self.last_advert = world.now
        everywhere = [one.name for one in self.settings.interfaces]
        for interface in [effect.interface] if isinstance(effect, Advertise) else everywhere:
            self.sent += 1
            world.send(self.number, interface, priority, self.settings)

    def hear(self, heard: Heard, sender: int) -> None:
        """A frame arrived at our network card."""
        world = self.world
        if sender != STRANGER and heard.priority:
            self.heard_at[heard.interface] = world.now
        if not self._round and (self.role is not Role.BACKUP or not self.linger):
            self.deliver(heard)
            return
        self._round.append(heard)
        if len(self._round) == 1:
            world.at(world.now + self.linger, self._hear_round, (self.life,))

    def _hear_round(self, life: int) -> None:
        if life != self.life:
            return
        adverts, self._round = self._round, []
        if adverts and self.world.now < self.stalled_until:
            self._backlog += adverts
        elif adverts:
            self.deliver(HeardTogether(tuple(adverts)))
