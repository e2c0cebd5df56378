"""What two nodes tell each other about themselves over the hotwire, at least once a second. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Administrator(Struct, frozen=True, kw_only=True):
    """Somebody who edits the configuration of a node just now; `since` in unix seconds of that node's clock."""

    user: str
    source: str
    since: float


class PartnerHealth(Struct, frozen=True, kw_only=True):
    """One node as it describes itself to the other.

    Attributes:
        hostname: as configured.
        software: version of this program.
        schema: version of the configuration's schema; only nodes with the same one exchange configurations.
        role: of the node; ``offline`` while its part in the cluster is switched off or its engine is dead.
        usable: HA interfaces that count as usable.
        lost: HA interfaces that do not.
        hears: HA interfaces on which it hears adverts of the node it speaks to.
        start_digest: of the shared part of its start configuration (cluster/config/scope.py).
        unsaved: its running configuration has unsaved edits.
        administrators: who edits there now.
        conntrack: a word for the state of its connection tracking, empty where there is none.
        sequence: the last number its engine signed an advert with; None without an engine.
        sources: the addresses its engine signs for.
        clock: its wall clock when it said this, unix seconds.
        maintenance: as persisted there.
        priority: ``high`` or ``low``, as in force there; empty: it does not say.
    """

    hostname: str
    software: str
    schema: int
    role: Literal["master", "backup", "offline"]
    usable: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    hears: tuple[str, ...] = ()
    start_digest: str = ""
    unsaved: bool = False
    administrators: tuple[Administrator, ...] = ()
    conntrack: str = ""
    sequence: int | None = None
    sources: tuple[str, ...] = ()
    clock: float = 0.0
    maintenance: bool = False
    priority: str = ""

    @property
    def links_gone(self) -> bool:
        """It takes part in the cluster, but no HA interface of it is usable, so it serves nobody."""
        return self.role != "offline" and bool(self.lost) and not self.usable
