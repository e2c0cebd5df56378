"""The observed state, typed: what `cluster status` and the like speak of."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from cluster.health import PartnerHealth
from cluster.model import ApplicationFlag

ApplicationWord = Literal["UP", "DOWN", "MISSING"]


class NamedConfig(Struct, frozen=True, kw_only=True):
    """A line of `system config get`."""

    name: str
    current: bool
    start: bool
    unsaved: bool


class InterfaceState(Struct, frozen=True, kw_only=True):
    """An interface as the kernel has it. `missing`: configured but not there."""

    name: str
    present: bool
    up: bool
    carrier: bool
    addresses: tuple[str, ...] = ()


class ApplicationState(Struct, frozen=True, kw_only=True):
    """A line of `appmgmt status`. `MISSING`: not installed on this machine."""

    name: str
    title: str
    state: ApplicationWord
    flags: tuple[ApplicationFlag, ...]


class HaInterfaceStatus(Struct, frozen=True, kw_only=True):
    """One HA interface of `cluster status`; ages in seconds, `None` for never."""

    name: str
    vrid: int
    usable: bool
    pending: bool
    virtual_addresses: tuple[str, ...]
    partner_heard_age: float | None
    partner_priority: int | None
    partner_address: str | None
    adverts_sent: int = 0
    adverts_received: int = 0
    adverts_unsigned: int = 0
    """Of those received: believed without a signature, as the policy allows."""
    rejected: dict[str, int] = field(default_factory=dict)


class ConnectionCounters(Struct, frozen=True, kw_only=True):
    """Counters of conntrackd since it started.

    `entries`: connections it holds to send them. `injected`: entries of the partner put into the kernel, changed
    or removed. `waiting`, `unconfirmed`: messages not sent, not confirmed by the partner. `overruns`: times the
    kernel had more to tell than conntrackd could take.
    """

    entries: int
    injected: int
    inject_failed: int
    bytes_sent: int
    bytes_received: int
    packets_sent: int
    packets_received: int
    send_errors: int
    receive_errors: int
    malformed: int
    lost: int
    waiting: int
    unconfirmed: int
    queue_errors: int
    overruns: int


class ConnectionStatus(Struct, frozen=True, kw_only=True):
    """The synchronisation of connections: a word for it, why not where it is not, and the counters."""

    state: str
    reason: str = ""
    pid: int | None = None
    restarts: int = 0
    counters: ConnectionCounters | None = None


class ClusterStatus(Struct, frozen=True, kw_only=True):
    """Everything `cluster status` shows of this node."""

    role: Literal["master", "backup", "offline"]
    since: float | None
    cause: str
    priority: int | None
    handing_over: bool
    engine: str
    engine_pid: int | None
    engine_restarts: int
    real_time: str
    sync_state: Literal["synchronized", "pending", "error"]
    sync_reason: str
    hotwire_dev: str
    maintainance: bool
    interfaces: tuple[HaInterfaceStatus, ...]
    connections: ConnectionStatus = ConnectionStatus(state="off")
    explanation: tuple[str, ...]
    partner: PartnerHealth | None = None
    """What the partner says of itself over the hotwire; None while it says nothing."""
    clock_offset: float | None = None
    """Seconds by which the partner's wall clock is ahead of ours."""


class AuthKeyState(Struct, frozen=True, kw_only=True):
    """A line of `cluster auth get`. The fingerprint tells equal keys apart from different ones, not the secret."""

    id: int
    state: Literal["SENDING", "ACCEPTED"]
    fingerprint: str


class ClusterEvent(Struct, frozen=True, kw_only=True):
    """A line of `cluster events`: `at` in unix seconds, `kind` a stable word, `text` a sentence."""

    number: int
    at: float
    kind: str
    interface: str
    text: str
    role: str = ""
