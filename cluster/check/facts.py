"""What the judgement of `cluster check` needs to know, as plain values. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from cluster.model import Config
from cluster.vrrp.events import Role

if TYPE_CHECKING:
    from cluster.check.nftrules import Rules
    from cluster.observed import InterfaceState, NamedConfig


class Adverts(NamedTuple):
    """What the engine counted on an HA interface; `rejected` by reason (cluster/vrrp/reject.py)."""

    name: str
    partner_priority: int | None
    rejected: dict[str, int]


class Placed(NamedTuple):
    """An address as the kernel has it; one that is not permanent was leased, or is a virtual one."""

    device: str
    address: str
    permanent: bool


class Listener(NamedTuple):
    """A process that takes what others send; `ours` is clusterd itself, or its shell host."""

    transport: Literal["tcp", "udp"]
    address: str
    port: int
    process: str
    ours: bool = False


class Machine(NamedTuple):
    """This machine.

    Attributes:
        states: configured interfaces as the kernel has them.
        placed: all addresses.
        default_routes: interfaces that a default route leads out of.
        listeners: who listens.
        client_ports: the first of the ports that the kernel gives to clients.
        rules: the rule sets of others; None when they cannot be read.
        legacy: tables of the old iptables that are in use; their rules are not looked at.
        tables: names of the nftables tables that there are.
        routes: ids of the static routes in force that packets take; None when they cannot be read.
        forwards: it passes IPv4 packets on.
        free: bytes left on the disk of the state directory; None when that cannot be read.
        commands: installed programs of those that are needed.
    """

    states: tuple[InterfaceState, ...] = ()
    placed: tuple[Placed, ...] = ()
    default_routes: tuple[str, ...] = ()
    listeners: tuple[Listener, ...] = ()
    client_ports: int = 32768
    rules: Rules | None = None
    legacy: tuple[str, ...] = ()
    tables: frozenset[str] = frozenset()
    routes: tuple[str, ...] | None = ()
    forwards: bool = False
    free: int | None = None
    commands: frozenset[str] = frozenset()


class Partner(NamedTuple):
    """The partner, as far as the hotwire knows.

    Attributes:
        connected: it is heard over the hotwire.
        code: stable word for the state of the link.
        reason: why it is not, one sentence.
        key_known: its public key is configured here.
        software: version of its program; empty while not heard.
        schema: version of its configurations.
        offset: seconds its clock is ahead of ours.
        priority: ``high`` or ``low``; empty while not heard.
        conntrack: a word for the state of its connection tracking; empty while not heard.
        sync_state: as `cluster info` shows it.
        sync_reason: why it is not synchronized.
    """

    connected: bool = False
    code: str = ""
    reason: str = ""
    key_known: bool = False
    software: str = ""
    schema: int | None = None
    offset: float | None = None
    priority: str = ""
    conntrack: str = ""
    sync_state: Literal["synchronized", "pending", "error"] = "error"
    sync_reason: str = ""


class Facts(NamedTuple):
    """Everything.

    Attributes:
        config: the running configuration, which an update brings into force.
        applied: the one in force.
        names: the named configurations.
        software: version of this program.
        schema: version of its configurations.
        adverts: per HA interface what the engine counted; empty while it does not run.
        connections: a word for the state of connection tracking here (cluster/conntrack/supervisor.py).
        connections_reason: why it does not work, if it does not.
        freshness: seconds that a signature may be old; None: adverts are not judged by clocks.
        role: of this node (cluster/vrrp/events.py).
        machine: this machine.
        partner: the other one.
    """

    config: Config = Config()
    applied: Config = Config()
    names: tuple[NamedConfig, ...] = ()
    software: str = ""
    schema: int = 0
    adverts: tuple[Adverts, ...] = ()
    connections: str = ""
    connections_reason: str = ""
    freshness: float | None = None
    role: str = Role.OFFLINE.value
    machine: Machine = Machine()
    partner: Partner = Partner()
