"""`cluster status` and `cluster explain`: everything about this node, and why it has its role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict

from cluster.rpc.messages import GetStatus, Status
from utmcli.commands._asking import answered
from utmcli.commands._times import ago, duration, moment
from utmcli.grammar import Call, Command
from utmcli.results import Record, Report, Table, Text

if TYPE_CHECKING:
    from cluster.health import PartnerHealth
    from cluster.observed import ClusterStatus, ConnectionStatus, HaInterfaceStatus
    from utmcli.results import Cell

SAME_TIME = 0.2
"""Seconds."""


async def status(call: Call) -> Report:
    """`cluster status`: the node, its HA interfaces, their adverts, the hotwire, the partner, and the reasons."""
    seen = (await answered(call, GetStatus(), Status)).status
    partner = () if seen.partner is None else (("partner", _partner(seen.partner, seen.clock_offset)),)
    return Report((
        ("node", _node(seen)),
        ("engine", _engine(seen)),
        ("interfaces", _interfaces(seen)),
        ("adverts", _adverts(seen)),
        ("hotwire", _hotwire(seen)),
        *partner,
        ("connections", _connections(seen.connections)),
        ("explanation", Text("\n".join(seen.explanation))),
    ))


async def explain(call: Call) -> Text:
    """`cluster explain`: sentences."""
    seen = (await answered(call, GetStatus(), Status)).status
    return Text("\n".join(seen.explanation or (seen.cause,)))


def _node(seen: ClusterStatus) -> Record:
    return Record((
        ("role", seen.role),
        ("since", None if seen.since is None else moment(seen.since)),
        ("cause", seen.cause),
        ("priority", seen.priority),
        ("handing_over", seen.handing_over),
        ("maintainance", seen.maintainance),
    ))


def _engine(seen: ClusterStatus) -> Record:
    return Record((
        ("state", seen.engine),
        ("pid", seen.engine_pid),
        ("restarts", seen.engine_restarts),
        ("real_time", seen.real_time),
    ))


def _interfaces(seen: ClusterStatus) -> Table:
    return Table(
        ("interface", "vrid", "link", "virtual_addresses", "partner", "partner_priority", "heard"),
        tuple(
            (
                interface.name,
                interface.vrid,
                _link(interface),
                interface.virtual_addresses,
                interface.partner_address,
                interface.partner_priority,
                ago(interface.partner_heard_age),
            )
            for interface in seen.interfaces
        ),
    )


def _link(interface: HaInterfaceStatus) -> str:
    """What counts, and in brackets that the opposite will count once UPDATE_TRIGGER_DELAY has passed."""
    now = "usable" if interface.usable else "lost"
    return f"{now} (changing)" if interface.pending else now


def _adverts(seen: ClusterStatus) -> Table:
    return Table(
        ("interface", "sent", "received", "unsigned", "rejected"),
        tuple(
            (
                interface.name,
                interface.adverts_sent,
                interface.adverts_received,
                interface.adverts_unsigned,
                tuple(f"{reason}={count}" for reason, count in sorted(interface.rejected.items()) if count),
            )
            for interface in seen.interfaces
        ),
    )


def _hotwire(seen: ClusterStatus) -> Record:
    return Record((
        ("hotwire_dev", seen.hotwire_dev),
        ("sync_state", seen.sync_state),
        ("sync_reason", seen.sync_reason),
    ))


def _connections(seen: ConnectionStatus) -> Record:
    rows: list[tuple[str, Cell]] = [("state", seen.state)]
    if seen.reason:
        rows.append(("reason", seen.reason))
    if seen.pid is not None:
        rows += [("pid", seen.pid), ("restarts", seen.restarts)]
    if seen.counters is not None:
        # In the words of the structure: whoever reads JSON and whoever reads the table look for the same ones.
        rows += asdict(seen.counters).items()
    return Record(tuple(rows))


def _partner(said: PartnerHealth, offset: float | None) -> Record:
    """What the partner says of itself over the hotwire."""
    return Record((
        ("hostname", said.hostname),
        ("role", said.role),
        ("usable", said.usable),
        ("lost", said.lost),
        ("hears_us_on", said.hears),
        ("software", said.software),
        ("schema", said.schema),
        ("unsaved", said.unsaved),
        ("maintainance", said.maintenance),
        ("administrators", tuple(f"{each.user} ({each.source})" for each in said.administrators)),
        ("conntrack", said.conntrack),
        ("clock", None if offset is None else _clock(offset)),
    ))


def _clock(offset: float) -> str:
    """Whose clock is ahead; differences that the wire and the processors make are none."""
    if abs(offset) < SAME_TIME:
        return "as ours"
    apart = f"{abs(offset):.1f} s" if abs(offset) < 60 else duration(abs(offset))
    return f"{apart} {'ahead of' if offset > 0 else 'behind'} ours"


COMMANDS = (
    Command(("cluster", "status"), "everything about this node and what it hears of its partner", status),
    Command(("cluster", "explain"), "why this node has its present role", explain),
)
