"""A single node for tests of the election: its clock is turned by hand, the partner is what the test says.

Instants and durations are seconds here, because tests are read by people; exact ones are nanoseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.units import Centiseconds, Nanoseconds, Priority, Seconds, Vrid
from cluster.vrrp.election import Election
from cluster.vrrp.events import (
    Advertise,
    AdvertiseEverywhere,
    Announce,
    Configured,
    Effect,
    Event,
    HaInterface,
    Heard,
    Noted,
    PartnerReported,
    Resynchronised,
    Role,
    RoleChanged,
    Settings,
    Started,
    Tick,
    UsableChanged,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

SECOND = 1_000_000_000
LOW_ADDRESS, OUR_ADDRESS, HIGH_ADDRESS = 10, 20, 30


def settings(names: Iterable[str] = ("LAN1", "LAN2"), **changes: Any) -> Settings:
    """High, 250 ms, two HA interfaces with the VRIDs 1 and 2, unless said otherwise."""
    interfaces = tuple(
        HaInterface(name, Vrid(number), OUR_ADDRESS) for number, name in enumerate(names, start=1)
    )
    if "interval" in changes:
        changes["advert_interval"] = Centiseconds(changes.pop("interval"))
    if "trigger_delay" in changes:
        changes["trigger_delay"] = Seconds(changes["trigger_delay"])
    return Settings(interfaces, **changes)


class Node:
    """One election and everything it has asked for.

    Attributes:
        done: effects with the instants at which they were asked for, in nanoseconds since the start.
    """

    def __init__(self, chosen: Settings | None = None, **changes: Any) -> None:
        self.settings = chosen if chosen is not None else settings(**changes)
        self.election = Election()
        self.now = 0
        self.done: list[tuple[int, Effect]] = []

    # --- what happens ---------------------------------------------------------------------------------

    def start(self, lost: Iterable[str] = (), resynchronised: bool = True, **flags: bool) -> list[Effect]:
        """The engine starts, by default with every link and all connections."""
        usable = frozenset(one.name for one in self.settings.interfaces) - frozenset(lost)
        effects = self.tell(Started(self.settings, usable, **flags))
        if resynchronised:
            effects += self.tell(Resynchronised())
        return effects

    def tell(self, event: Event) -> list[Effect]:
        """One event, now; a deadline in the past would be a busy loop."""
        effects = self._on_each_interface(self.election.handle(event, Nanoseconds(self.now)))
        assert self.election.deadline is None or self.election.deadline > self.now
        self.done += [(self.now, effect) for effect in effects]
        return effects

    def _on_each_interface(self, effects: Iterable[Effect]) -> list[Effect]:
        """The adverts on all interfaces as one on each."""
        found: list[Effect] = []
        for effect in effects:
            if isinstance(effect, AdvertiseEverywhere):
                found += (Advertise(one.name, effect.priority) for one in self.settings.interfaces)
            else:
                found.append(effect)
        return found

    def hear(
        self, priority: int, interface: str = "LAN1", source: int = LOW_ADDRESS, interval: int = 25
    ) -> list[Effect]:
        """An advert of somebody else."""
        return self.tell(Heard(interface, Priority(priority), Centiseconds(interval), source))

    def link(self, interface: str, usable: bool) -> list[Effect]:
        """The kernel's word on a link."""
        return self.tell(UsableChanged(interface, usable))

    def configure(self, **changes: Any) -> list[Effect]:
        """New settings."""
        self.settings = self.settings._replace(**changes)
        return self.tell(Configured(self.settings))

    def report(self, role: Role = Role.BACKUP, hears: Iterable[str] = (), links_gone: bool = False) -> list[Effect]:
        """The partner's word over the hotwire."""
        return self.tell(PartnerReported(role, frozenset(hears), links_gone))

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, waking the election exactly when it wants to be woken."""
        return self.wait_exactly(round(seconds * SECOND))

    def wait_exactly(self, nanoseconds: int) -> list[Effect]:
        """The same in nanoseconds."""
        until = self.now + nanoseconds
        effects: list[Effect] = []
        while (deadline := self.election.deadline) is not None and deadline <= until:
            self.now = deadline
            effects += self.tell(Tick())
        self.now = until
        return effects

    def wait_hearing(self, seconds: float, priority: int, **advert: Any) -> list[Effect]:
        """Let time pass while somebody advertises every 250 ms."""
        effects: list[Effect] = []
        until = self.now + round(seconds * SECOND)
        while self.now < until:
            effects += self.hear(priority, **advert)
            effects += self.wait_exactly(min(SECOND // 4, until - self.now))
        return effects

    # --- how it came to a role -------------------------------------------------------------------------

    def as_master(self, **flags: Any) -> Node:
        """Started alone, and become master by silence."""
        self.start(**flags)
        self.wait(1)
        assert self.role is Role.MASTER
        return self

    def as_master_at(self, seconds: float) -> Node:
        """Started alone with longer intervals, and master by then."""
        self.start()
        self.wait(seconds)
        assert self.role is Role.MASTER
        return self

    def as_backup(self, priority: int = 254, **advert: Any) -> Node:
        """Started while a better node is master."""
        self.start()
        self.hear(priority, **advert)
        assert self.role is Role.BACKUP
        return self

    # --- what it shows -----------------------------------------------------------------------------------

    @property
    def role(self) -> Role:
        return self.election.view(Nanoseconds(self.now)).role

    @property
    def priority(self) -> int:
        return self.election.view(Nanoseconds(self.now)).priority

    @property
    def cause(self) -> str:
        return self.election.view(Nanoseconds(self.now)).cause

    @property
    def holding(self) -> bool:
        return self.election.view(Nanoseconds(self.now)).holding

    @property
    def explanation(self) -> str:
        return "\n".join(self.election.view(Nanoseconds(self.now)).explanation)

    def when(self, role: Role) -> list[int]:
        """The instants at which it took a role, in nanoseconds."""
        return [at for at, effect in self.done if isinstance(effect, RoleChanged) and effect.new is role]

    @property
    def terms(self) -> int:
        """How often it became master; a worse partner that keeps talking ends a wrong term soon."""
        return len(self.when(Role.MASTER))


def adverts(effects: Iterable[Effect]) -> list[tuple[str, int]]:
    """Interfaces and priorities advertised."""
    return [(effect.interface, effect.priority) for effect in effects if isinstance(effect, Advertise)]


def announced(effects: Iterable[Effect]) -> list[str]:
    """Interfaces on which the addresses were announced."""
    return [effect.interface for effect in effects if isinstance(effect, Announce)]


def notes(effects: Iterable[Effect]) -> list[tuple[str, str]]:
    """Kinds and interfaces of what was noted."""
    return [(effect.kind, effect.interface) for effect in effects if isinstance(effect, Noted)]


def roles(effects: Iterable[Effect]) -> list[Role]:
    """Roles taken."""
    return [effect.new for effect in effects if isinstance(effect, RoleChanged)]


def listed(effects: Iterable[Effect]) -> list[tuple[object, ...]]:
    """Effects with their kinds: as bare tuples `TakeAddresses()` and `DropAddresses()` would be equal."""
    return [(type(effect).__name__, *effect) for effect in effects]
