"""What the election is told, and what it asks for: the border between the pure core and its shell.

The shell (runtime.py) and the simulation speak only these words. `Election.handle(event, now)` takes one
event and returns effects; the shell carries them out strictly in the order given, then sleeps until
`Election.deadline` or the next event. Instants are nanoseconds of a monotonic clock.

Plain NamedTuples: the engine's restart races the partner's Master_Down_Interval, and importing
`dataclasses` costs more than everything else the engine needs.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from cluster.units import Centiseconds, Nanoseconds, Priority, Seconds, Vrid


class Role(Enum):
    """What this node is. OFFLINE: the cluster is switched off here, the engine is silent."""

    OFFLINE = "offline"
    BACKUP = "backup"
    MASTER = "master"


class HaInterface(NamedTuple):
    """One HA interface and its virtual router.

    Attributes:
        name: interface name, e.g. ``LAN2``.
        vrid: configured, shared by both nodes.
        source: the address our adverts come from, as an integer; decides between equal priorities.
    """

    name: str
    vrid: Vrid
    source: int


class Settings(NamedTuple):
    """All the election needs of the configuration; a new one replaces the old at any time.

    Attributes:
        interfaces: the HA interfaces, 0 to 60 of them.
        enabled: whether this node takes part in the cluster.
        high: configured priority: True for `high`, False for `low`.
        maintenance: lowest priority, still the last resort.
        advert_interval: between our own adverts.
        trigger_delay: UPDATE_TRIGGER_DELAY: how long a link must stay lost or back before it counts.
        resync_limit: how long a preemption waits for `Resynchronised` at most.
    """

    interfaces: tuple[HaInterface, ...]
    enabled: bool = True
    high: bool = True
    maintenance: bool = False
    advert_interval: Centiseconds = Centiseconds(25)
    trigger_delay: Seconds = Seconds(2)
    resync_limit: Seconds = Seconds(30)


# --- events: what happened -------------------------------------------------------------------------


class Started(NamedTuple):
    """The engine runs. First event of all, exactly once.

    Attributes:
        settings: from the configuration file.
        usable: names of the HA interfaces that have link (and an answering host, where one is watched).
        resume: the role is taken up again at once, because an earlier engine of this node was master until so
            recently that the partner cannot have noticed (the shell decides that from the state page).
        handed_over: the earlier engine had handed the role to the partner (`View.handed_over`); remembered, so
            that a restart does not take it back.
    """

    settings: Settings
    usable: frozenset[str]
    resume: bool = False
    handed_over: bool = False


class Configured(NamedTuple):
    """The configuration changed while running."""

    settings: Settings


class Heard(NamedTuple):
    """An advert passed every receive check and the authentication.

    Attributes:
        interface: where it came in.
        priority: as on the wire.
        interval: the sender's Max Advertise Interval.
        source: the sender's address as an integer.
    """

    interface: str
    priority: Priority
    interval: Centiseconds
    source: int


class HeardTogether(NamedTuple):
    """Adverts, at least one, that were waiting at the same time: as each of them in this order, for less work.

    What falls due by one of them is done when all of them are heard.
    """

    adverts: tuple[Heard, ...]


class UsableChanged(NamedTuple):
    """An HA interface lost or regained link or its watched host. Undelayed: the election debounces."""

    interface: str
    usable: bool


class SwitchAsked(NamedTuple):
    """`cluster switch`: hand the role to the partner. The shell has asked `Election.switch_refusal` first.

    The outcome follows within four advert intervals: `RoleChanged`, or a `Noted` of the kind
    ``handover-failed`` when nobody took over and this node stays master.

    Attributes:
        force: give the role up even to a partner that has lost more, or to nobody.
    """

    force: bool = False


class StopAsked(NamedTuple):
    """Orderly stop: hand over if somebody is there to take it, then `Stopped`."""


class Resynchronised(NamedTuple):
    """The follower of the role (conntrack) says that this node now knows the master's connections."""


class PartnerReported(NamedTuple):
    """What the partner says of itself over the authenticated hotwire.

    Attributes:
        role: its role.
        hears: names of the HA interfaces on which it hears our adverts.
        links_gone: it states that it has no usable HA interface left and serves nobody.
    """

    role: Role
    hears: frozenset[str]
    links_gone: bool


class PartnerSilent(NamedTuple):
    """The hotwire is down: nothing `PartnerReported` said may be relied on any longer."""


class Tick(NamedTuple):
    """Nothing happened, but `Election.deadline` has come."""


TICK = Tick()
"""One for all: it has nothing to say."""

Event = (
    Started | Configured | Heard | HeardTogether | UsableChanged | SwitchAsked | StopAsked | Resynchronised
    | PartnerReported | PartnerSilent | Tick
)


# --- effects: what the shell has to do, in this order --------------------------------------------


class TakeAddresses(NamedTuple):
    """Put the virtual addresses on every HA interface (idempotent)."""


class DropAddresses(NamedTuple):
    """Remove the virtual addresses from every HA interface (idempotent)."""


class Announce(NamedTuple):
    """Send gratuitous ARP for every virtual address of one interface."""

    interface: str


class Advertise(NamedTuple):
    """Send one advert with this priority on one interface."""

    interface: str
    priority: Priority


class AdvertiseEverywhere(NamedTuple):
    """Send one advert with this priority on every HA interface, in configured order."""

    priority: Priority


class RoleChanged(NamedTuple):
    """The role changed; `cause` is a sentence an administrator understands."""

    old: Role
    new: Role
    cause: str


class Noted(NamedTuple):
    """Something worth a line in `cluster events` that changes no role.

    Attributes:
        kind: short stable word, e.g. ``link-lost``, ``handover-started``, ``two-masters``.
        interface: where, or empty.
        text: a sentence for the administrator.
    """

    kind: str
    interface: str
    text: str


class Stopped(NamedTuple):
    """After `StopAsked`: everything is said and done, the engine may exit."""


Effect = (
    TakeAddresses | DropAddresses | Announce | Advertise | AdvertiseEverywhere | RoleChanged | Noted | Stopped
)


# --- what the election shows of itself ------------------------------------------------------------


class PathView(NamedTuple):
    """One HA interface as the election sees it.

    Attributes:
        name: interface name.
        usable: counted as usable (after the delay).
        pending: a change of `usable` waits for its delay.
        partner_priority: of the last advert heard here, or None.
        partner_heard: instant of that advert, or None.
        partner_source: its source address as an integer, or None.
    """

    name: str
    usable: bool
    pending: bool
    partner_priority: Priority | None
    partner_heard: Nanoseconds | None
    partner_source: int | None


class View(NamedTuple):
    """The election's state for `cluster status` and `cluster explain`.

    Attributes:
        role: present role.
        since: instant of the last role change.
        cause: of the last role change, the sentence of `RoleChanged`.
        priority: effective priority, as advertised now.
        handing_over: a make-before-break handover is under way.
        holding: virtual addresses are held (differs from role while handing over).
        master_down_interval: with the interval in force.
        paths: one per HA interface, in configured order.
        explanation: sentences saying why this node has this role now.
        handed_over: the role was handed to the partner and is not taken back while the partner is as good.
    """

    role: Role
    since: Nanoseconds
    cause: str
    priority: Priority
    handing_over: bool
    holding: bool
    master_down_interval: Nanoseconds
    paths: tuple[PathView, ...]
    explanation: tuple[str, ...]
    handed_over: bool = False
