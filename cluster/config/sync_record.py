"""What the store keeps of synchronising: the common base of both nodes, and taking over what the partner sent.

The common base is the shared part that both nodes last had, by its digest. Which one that is the two nodes may
see differently for a while: the receiver knows with its commit, the sender with the acknowledgement, and either may
die in between. So the sender notes what it offers before it can arrive; what it offered may be the base, too.

`activating` is a mark: what arrived is in the store, but the live system may not follow it yet. It is set with the
arrival, in the same transaction, and taken away once the live system follows, or by a boot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.config.arrival import Base
from cluster.config.database import transaction
from cluster.config.revision import checked_name, packed

if TYPE_CHECKING:
    import sqlite3

    from cluster.config.arrival import Arrival
    from cluster.config.revision import Revision
    from cluster.config.rows import Rows
    from cluster.model import Config


class SyncRecord:
    """The part of a store that synchronising needs.

    Args:
        connection: of the database.
        rows: of the same.
    """

    def __init__(self, connection: sqlite3.Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    @property
    def base(self) -> Base:
        """The common base, as far as this node knows."""
        state = self._rows.state
        return Base(state.base_digest, state.base_revision, state.offered)

    def have_common(self, digest: str, revision: int) -> None:
        """Both nodes have the same now; nothing is written if that is known.

        Args:
            digest: of the shared part.
            revision: number of our own revision.
        """
        if self.base != (digest, revision, ""):
            with transaction(self._connection):
                self._rows.point(base_digest=digest, base_revision=revision, offered="")

    def move_base(self, digest: str, config: Config, who: str, why: str, when: float) -> None:
        """What both had in common was changed alike on both, beside whatever else they have.

        Args:
            digest: of its shared part now.
            config: our own revision of it, which neither runs nor boots.
            who: see `Store.commit`.
            why: see there.
            when: see there.
        """
        if self.base.digest != digest:
            with transaction(self._connection):
                revision = self._rows.add(packed(config), who, why, when)
                self._rows.point(base_digest=digest, base_revision=revision.number, offered="")

    def offer(self, digest: str, base: str) -> None:
        """Note, before it can arrive, what is sent.

        Args:
            digest: of the shared part that is sent.
            base: what the partner says is the common base; empty: nothing is.
        """
        known = self.base
        with transaction(self._connection):
            if base and base != known.digest:
                self._rows.point(base_digest=base, base_revision=None)
            self._rows.point(offered=digest)

    @property
    def activating(self) -> bool:
        """Whether the live system may not follow yet what arrived."""
        return bool(self._rows.state.activating)

    def activated(self) -> None:
        """The live system follows what arrived."""
        with transaction(self._connection):
            self._rows.point(activating=False)

    def receive(self, arrival: Arrival, before: Revision, who: str, why: str, when: float) -> Revision:
        """See `Store.receive`.

        Args:
            arrival: what is taken over.
            before: what ran until now.
            who: see there.
            why: see there.
            when: see there.
        """
        name = checked_name(arrival.name)
        with transaction(self._connection):
            if not self._rows.read("SELECT 1 FROM saved WHERE revision = ?", before.number):
                self._rows.note_saved(self._rows.state.current, before.number, before.who, when)
            revision = self._rows.add(arrival.running, who, why, when)
            applied = revision
            if arrival.applied is not None:
                applied = self._rows.add(arrival.applied, who, f"{why}, as far as it is in force", when)
            self._rows.keep(name, revision.number, who, when)
            self._rows.point(
                running=revision.number,
                applied=applied.number,
                current=name,
                start=name,
                base_digest=arrival.base,
                base_revision=revision.number,
                offered="",
                activating=True,
            )
            self._rows.prune()
        return revision
