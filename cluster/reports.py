"""What `cluster info` and `cluster status` say, put together from configuration, engine and manager. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from cluster.config.rules import ha_interfaces
from cluster.engine.settings import by_number, virtual_addresses
from cluster.observed import ClusterStatus, HaInterfaceStatus
from cluster.rpc.messages import Info
from cluster.vrrp.events import Role
from cluster.vrrp.reject import Reject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.engine.settings import Document
    from cluster.health import PartnerHealth
    from cluster.hotwire.state import SyncView
    from cluster.model import Config
    from cluster.observed import ConnectionStatus

_STATES: dict[Role, Literal["master", "backup", "offline"]] = {
    Role.MASTER: "master",
    Role.BACKUP: "backup",
    Role.OFFLINE: "offline",
}

_ROUTINE = {Reject.OWN_PACKET.value, Reject.UNKNOWN_VRID.value}
"""Why adverts are dropped where nothing is wrong."""


def hotwire_device(config: Config) -> str:
    """The interface with the flag HOTWIRE, empty without one."""
    return next((name for name, interface in config.interfaces.items() if "HOTWIRE" in interface.flags), "")


def info(config: Config, role: Role, sync: SyncView, *, hostname: str, maintenance: bool) -> Info:
    """The four documented attributes.

    Args:
        config: the configuration in force.
        role: of this node.
        sync: whether both nodes have the same configuration.
        hostname: as configured.
        maintenance: as persisted; it may be in force only after the next update.
    """
    return Info(
        cluster_state=_STATES[role],
        sync_state=sync.state,
        sync_reason=sync.reason,
        hotwire_dev=hotwire_device(config),
        maintainance=maintenance,
        hostname=hostname,
    )


def status(
    config: Config,
    role: Role,
    engine: Document | None,
    sync: SyncView,
    *,
    partner: PartnerHealth | None,
    clock_offset: float | None,
    pid: int | None,
    restarts: int,
    absence: str,
    maintenance: bool,
    connections: ConnectionStatus,
) -> ClusterStatus:
    """Everything `cluster status` shows.

    Args:
        config: the configuration in force.
        role: of this node.
        engine: the engine's own account (cluster/vrrp/status.py), None when it gave none.
        sync: whether both nodes have the same configuration.
        partner: what it says of itself over the hotwire.
        clock_offset: seconds by which its clock is ahead of ours.
        pid: of the engine.
        restarts: how often this clusterd had to start the engine again.
        absence: why the engine gave no account.
        maintenance: as persisted.
        connections: how their synchronisation is.
    """
    told: Document = engine or {}
    return ClusterStatus(
        role=_STATES[role],
        since=told.get("since"),
        cause=told.get("cause", absence),
        priority=told.get("priority"),
        handing_over=told.get("handing_over", False),
        engine="running" if engine is not None else "stopped" if pid is None else "not answering",
        engine_pid=pid,
        engine_restarts=restarts,
        real_time=told.get("real_time", ""),
        sync_state=sync.state,
        sync_reason=sync.reason,
        partner=partner,
        clock_offset=clock_offset,
        hotwire_dev=hotwire_device(config),
        maintainance=maintenance,
        interfaces=_interfaces(config, told.get("interfaces", [])),
        connections=connections,
        explanation=(*told.get("explanation", (absence,)), *doubts(role, partner, told.get("interfaces", []))),
    )


def doubts(role: Role, partner: PartnerHealth | None, interfaces: list[Document]) -> Iterator[str]:
    """What a master has to know when its partner says over the hotwire that it is master as well.

    Args:
        role: of this node.
        partner: what it says of itself.
        interfaces: the engine's account of them, with what it dropped since it started.
    """
    if role is not Role.MASTER or partner is None or partner.role != "master":
        return
    yield "the partner says over the hotwire that it is master as well"
    for one in interfaces:
        for reason, count in one["rejected"].items():
            if reason not in _ROUTINE:
                why = one["explained"][reason]
                yield f"adverts dropped on {one['name']} since the engine started: {count}, {why}"


def _interfaces(config: Config, told: list[Document]) -> tuple[HaInterfaceStatus, ...]:
    by_name: dict[str, Document] = {entry["name"]: entry for entry in told}
    return tuple(
        _interface(name, interface.vrid or 0, tuple(virtual_addresses(config, name)), by_name.get(name, {}))
        for name, interface in by_number(ha_interfaces(config))
    )


def _interface(name: str, vrid: int, addresses: tuple[str, ...], told: dict[str, Any]) -> HaInterfaceStatus:
    return HaInterfaceStatus(
        name=name,
        vrid=vrid,
        usable=told.get("usable", False),
        pending=told.get("pending", False),
        virtual_addresses=addresses,
        partner_heard_age=told.get("partner_heard_age"),
        partner_priority=told.get("partner_priority"),
        partner_address=told.get("partner_address"),
        adverts_sent=told.get("adverts_sent", 0),
        adverts_received=told.get("adverts_received", 0),
        adverts_unsigned=told.get("adverts_unsigned", 0),
        rejected=told.get("rejected", {}),
    )
