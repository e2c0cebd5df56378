"""What is said to the partner, and to our own engine of the partner: put together from what is known. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cluster.health import Administrator, PartnerHealth

if TYPE_CHECKING:
    from cluster.hotwire.state import SyncView

    Document = dict[str, Any]

HEARS_AT_LEAST = 1.0
"""Seconds since an advert that count as hearing its sender now, where the Master_Down_Interval is shorter."""
SETTLED = 3.0
"""Seconds."""
NOTES = 6
WINDOW = 60.0
"""So many changes of sync_state are told within so many seconds; of a cable that flickers, the rest is not."""


class Own(NamedTuple):
    """What this node knows of itself.

    Attributes:
        hostname: as configured.
        software: version of this program.
        schema: of its configuration.
        role: of this node.
        engine: the engine's own account (cluster/vrrp/status.py); None without an engine or with the cluster off.
        sequence: the last number the engine signed with.
        start_digest: of the shared part of the start configuration.
        unsaved: the running configuration has unsaved edits.
        administrators: who edits now.
        conntrack: a word for the state of connection tracking.
        maintenance: as persisted.
        clock: unix seconds now.
        priority: as in force.
    """

    hostname: str
    software: str
    schema: int
    role: Literal["master", "backup", "offline"]
    engine: Document | None
    sequence: int | None
    start_digest: str
    unsaved: bool
    administrators: tuple[Administrator, ...]
    conntrack: str
    maintenance: bool
    clock: float
    priority: str = ""


def health(own: Own) -> PartnerHealth:
    """What the partner is told of this node."""
    engine = own.engine or {}
    interfaces: list[Document] = engine.get("interfaces", [])
    patience = max(HEARS_AT_LEAST, engine.get("master_down_interval", 0.0))
    ages = {entry["name"]: entry.get("partner_heard_age") for entry in interfaces}
    return PartnerHealth(
        hostname=own.hostname,
        software=own.software,
        schema=own.schema,
        role=own.role,
        usable=tuple(entry["name"] for entry in interfaces if entry.get("usable")),
        lost=tuple(entry["name"] for entry in interfaces if not entry.get("usable")),
        hears=tuple(name for name, age in ages.items() if age is not None and age < patience),
        start_digest=own.start_digest,
        unsaved=own.unsaved,
        administrators=own.administrators,
        conntrack=own.conntrack,
        sequence=own.sequence,
        sources=tuple(sorted({entry["source"] for entry in interfaces if entry.get("source")})),
        clock=own.clock,
        maintenance=own.maintenance,
        priority=own.priority,
    )


def for_engine(partner: PartnerHealth | None, before: PartnerHealth | None) -> Document:
    """The engine's request ``partner`` (cluster/vrrp/control.py).

    The sequence goes along only when the partner begins to speak or counts from a lower number: repeating it all
    the time would let adverts that were heard since be played back.

    Args:
        partner: what it says now; None while the hotwire is down.
        before: what the engine was told last; None for that it is silent.
    """
    if partner is None:
        return {"role": None}
    said: Document = {"role": partner.role, "hears": list(partner.hears), "links_gone": partner.links_gone}
    if partner.sequence is not None and _counts_anew(partner.sequence, partner, before):
        said |= {"sequence": partner.sequence, "sources": list(partner.sources)}
    return said


def _counts_anew(sequence: int, partner: PartnerHealth, before: PartnerHealth | None) -> bool:
    if before is None or before.sequence is None or before.sources != partner.sources:
        return True
    return sequence < before.sequence


class SyncNotes:
    """Which changes of `sync_state` become events: each of them, unless they come too often.

    Another reason for the same state is told once it has lasted for `SETTLED`: on the way back from an unplugged
    cable a node is without link, then unreachable, then not heard yet.

    Args:
        first: what is no news at the start.
    """

    def __init__(self, first: SyncView) -> None:
        self._told = first
        self._times: list[float] = []
        self._new: tuple[SyncView, float] = (first, 0.0)

    def text(self, view: SyncView, partner: PartnerHealth | None, now: float) -> str | None:
        """The sentence of an event, or None where there is none to tell.

        Args:
            view: `sync_state` now.
            partner: what it says of itself.
            now: monotonic seconds.
        """
        if view != self._new[0]:
            self._new = (view, now)
        if view == self._told or (view.state == self._told.state and now - self._new[1] < SETTLED):
            return None
        self._times = [time for time in self._times if now - time < WINDOW]
        if len(self._times) >= NOTES:
            return None  # told with the next look, once there is room
        self._times.append(now)
        self._told = view
        if view.state == "synchronized":
            return f"synchronized with {partner.hostname}" if partner else "synchronized"
        return f"not synchronized ({view.state}): {view.reason}"
