"""The configuration store: immutable revisions, names that point at them, and the pointers of the life cycle.

    running   the revision that edits change; survives a restart of the daemon, not a boot
    CURRENT   the name that `save` writes and `load` chose
    START     the name that is loaded at boot, and whose revision `synchronize` sends
    applied   the revision that `system update interface` last put into the live system

Every commit adds a revision; nothing ever changes one. A revision that was saved under any name is kept for
good, of the others the youngest `UNSAVED_KEPT`. Maintenance stands beside the revisions: it persists at once.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from cluster.config import database
from cluster.config.database import transaction
from cluster.config.past import Past
from cluster.config.revision import HistoryLine, Revision, checked_name, packed
from cluster.config.rows import Rows
from cluster.config.sync_record import SyncRecord
from cluster.errors import ConflictError, NotFoundError
from cluster.observed import NamedConfig

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from cluster.config.arrival import Arrival
    from cluster.config.past import Arrived
    from cluster.model import Config

FACTORY_NAME = "default"


class Store:
    """One appliance's configurations on disk. One call at a time; blocks for as long as the disk takes.

    Every method may raise `StoreError` when the disk fails; nothing is changed then. Configurations are taken
    as valid: they come from schema.py.

    Attributes:
        directory: where it is.
    """

    def __init__(self, connection: sqlite3.Connection, lock: int, directory: Path) -> None:
        self.directory = directory
        self._connection = connection
        self._lock = lock
        self._rows = Rows(connection)
        self._rows.verify_referenced()
        number = self._rows.state.running
        self._running = None if number is None else self.revision(number)

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Open the store in a directory, made with mode 0700 when there is none.

        Raises:
            LockedError: another process has it open.
            StoreError: it is damaged or newer than this software; it is left as it is.
        """
        with ExitStack() as undo:
            lock = database.lock(directory)
            undo.callback(os.close, lock)
            connection = database.connect(directory)
            undo.callback(connection.close)
            store = cls(connection, lock, directory)
            undo.pop_all()
            return store

    def close(self) -> None:
        """Give the file and the lock back; the store cannot be used any more."""
        self._connection.close()
        os.close(self._lock)

    # --- what is there ---------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether the store is new: `initialise` comes first then."""
        return self._running is None

    @property
    def running(self) -> Revision:
        """The running configuration.

        Raises:
            NotFoundError: the store is empty.
        """
        if self._running is None:
            raise NotFoundError("there is no configuration yet; the store is empty")
        return self._running

    @property
    def unsaved(self) -> bool:
        """Whether the running configuration differs from what is saved under the current name."""
        saved = self._rows.number_of(self._rows.state.current)
        ((saved_digest,),) = self._rows.read("SELECT digest FROM revision WHERE number = ?", saved)
        return bool(saved_digest != self.running.digest)

    def names(self) -> tuple[NamedConfig, ...]:
        """The named configurations with their flags, in order of their names."""
        if self.is_empty:
            return ()
        state, unsaved = self._rows.state, self.unsaved
        return tuple(
            NamedConfig(
                name=name,
                current=name == state.current,
                start=name == state.start,
                unsaved=unsaved and name == state.current,
            )
            for (name,) in self._rows.read("SELECT name FROM name ORDER BY name")
        )

    @property
    def current_name(self) -> str:
        """The name that `save` writes.

        Raises:
            NotFoundError: the store is empty.
        """
        return self._name_at(self._rows.state.current)

    @property
    def start_name(self) -> str:
        """The name that is loaded at boot.

        Raises:
            NotFoundError: the store is empty.
        """
        return self._name_at(self._rows.state.start)

    @staticmethod
    def _name_at(pointer: str | None) -> str:
        if pointer is None:
            raise NotFoundError("there is no configuration yet; the store is empty")
        return pointer

    def get(self, name: str) -> Config:
        """The configuration saved under a name.

        Raises:
            NotFoundError: there is none of that name.
        """
        return self.named(name).config

    def named(self, name: str) -> Revision:
        """The revision saved under a name.

        Raises:
            NotFoundError: there is none of that name.
        """
        return self.revision(self._rows.number_of(name))

    @property
    def start_number(self) -> int:
        """Number of the start configuration's revision, which is cheap to ask for.

        Raises:
            NotFoundError: the store is empty.
        """
        return self._rows.number_of(self._rows.state.start)

    @property
    def start(self) -> Revision:
        """What is loaded at boot, and sent by `system config synchronize`.

        Raises:
            NotFoundError: the store is empty.
        """
        return self.revision(self.start_number)

    def revision(self, number: int) -> Revision:
        """A revision by its number.

        Raises:
            NotFoundError: there is none, or it was pruned.
            StoreError: it is damaged.
        """
        return self._rows.revision(number)

    def history(self) -> tuple[HistoryLine, ...]:
        """Every revision there is, the youngest first."""
        names: dict[int, list[str]] = {}
        for number, name in self._rows.read("SELECT DISTINCT revision, name FROM saved ORDER BY revision, at"):
            names.setdefault(number, []).append(name)
        return tuple(
            HistoryLine(
                number=number, who=who, why=why, when=when, digest=written, saved_as=tuple(names.get(number, ()))
            )
            for number, who, why, when, written in self._rows.read(
                "SELECT number, who, why, at, digest FROM revision ORDER BY number DESC"
            )
        )

    # --- the life cycle --------------------------------------------------------------------------------

    def initialise(self, config: Config, when: float) -> Revision:
        """Fill an empty store with the factory's configuration, saved as ``default``, CURRENT and START.

        Args:
            config: of the factory.
            when: unix seconds.

        Raises:
            ConflictError: the store is not empty.
        """
        if not self.is_empty:
            raise ConflictError("the store holds configurations already; the factory's is for an empty one")
        with transaction(self._connection):
            revision = self._rows.add(packed(config), "factory", "factory configuration", when)
            self._rows.keep(FACTORY_NAME, revision.number, revision.who, when)
            self._rows.point(running=revision.number, current=FACTORY_NAME, start=FACTORY_NAME)
        self._running = revision
        return revision

    def boot(self) -> Revision:
        """The machine booted: the start configuration runs and is current, nothing is applied yet.

        Raises:
            NotFoundError: the store is empty.
            StoreError: the disk did not take it. The start configuration is running all the same, for as long as
                this store is open.
        """
        revision = self.start
        self._running = revision
        with transaction(self._connection):
            start = self._rows.state.start
            self._rows.point(running=revision.number, current=start, applied=None, activating=False)
        return revision

    def commit(self, config: Config, who: str, why: str, when: float) -> Revision:
        """Make a configuration the running one, as a new revision; no new one when nothing differs.

        Args:
            config: valid, see schema.py.
            who: the account that asks.
            why: what was asked for.
            when: unix seconds.
        """
        content = packed(config)
        if content.digest == self.running.digest:
            return self.running
        with transaction(self._connection):
            revision = self._rows.add(content, who, why, when)
            self._rows.point(running=revision.number)
            self._rows.prune()
        self._running = revision
        return revision

    def save(self, name: str | None, who: str, when: float) -> Revision:
        """Keep the running configuration under its current name, or under a new one that becomes current.

        START never moves: what boots is chosen by `set_start` alone.

        Raises:
            InvalidConfigurationError: this cannot be a name.
            NotFoundError: the store is empty.
        """
        running = self.running
        name = self._rows.state.current if name is None else checked_name(name)
        with transaction(self._connection):
            self._rows.keep(name, running.number, who, when)
            self._rows.point(current=name)
        return running

    def load(self, name: str) -> Revision:
        """Make the configuration of a name the running one, and the name current.

        Raises:
            NotFoundError: there is none of that name.
        """
        revision = self.revision(self._rows.number_of(name))
        with transaction(self._connection):
            self._rows.point(running=revision.number, current=name)
            self._rows.prune()
        self._running = revision
        return revision

    def put(self, name: str, config: Config, who: str, why: str, when: float) -> Revision:
        """Keep a configuration under a name without running it; what the name meant before stays in the history.

        Raises:
            InvalidConfigurationError: this cannot be a name.
        """
        checked_name(name)
        with transaction(self._connection):
            revision = self._rows.add(packed(config), who, why, when)
            self._rows.keep(name, revision.number, who, when)
        return revision

    def set_start(self, name: str) -> None:
        """Choose what is loaded at boot.

        Raises:
            NotFoundError: there is none of that name.
        """
        self._rows.number_of(name)
        with transaction(self._connection):
            self._rows.point(start=name)

    def delete(self, name: str) -> None:
        """Forget a name; its revisions stay in the history.

        Raises:
            NotFoundError: there is none of that name.
            ConflictError: it is CURRENT or START.
        """
        self._rows.number_of(name)
        state = self._rows.state
        if name == state.current:
            raise ConflictError(f"{name} is the current configuration; load or save another one first")
        if name == state.start:
            raise ConflictError(f"{name} is the start configuration; choose another one first")
        with transaction(self._connection):
            self._rows.write("DELETE FROM name WHERE name = ?", name)

    # --- beside the revisions --------------------------------------------------------------------------

    @property
    def maintenance(self) -> bool:
        """Whether this node is in maintenance; a machine fact that persists at once, without a save."""
        return bool(self._rows.state.maintenance)

    @maintenance.setter
    def maintenance(self, value: bool) -> None:
        with transaction(self._connection):
            self._rows.point(maintenance=value)

    @property
    def applied(self) -> Revision | None:
        """The revision that the live system follows; None after a boot, until one was applied."""
        number = self._rows.state.applied
        return None if number is None else self.revision(number)

    @applied.setter
    def applied(self, revision: Revision | None) -> None:
        with transaction(self._connection):
            self._rows.point(applied=None if revision is None else revision.number)

    @property
    def synced(self) -> SyncRecord:
        """What this node and its partner last had in common."""
        return SyncRecord(self._connection, self._rows)

    @property
    def past(self) -> Past:
        """What ran before."""
        return Past(self._connection, self._rows)

    def undo(self, arrived: Arrived, who: str, why: str, when: float) -> Revision:
        """What was before an arrival from the partner is again; see `Past.undo`."""
        self._running = self.past.undo(arrived, who, why, when)
        return self._running

    def return_to(self, config: Config, who: str, why: str, when: float, *, follows: bool) -> Revision:
        """A former configuration runs and boots again; see `Past.return_to`."""
        self._running = self.past.return_to(config, self.running, who, why, when, follows=follows)
        return self._running

    def receive(self, arrival: Arrival, who: str, why: str, when: float) -> Revision:
        """Take over what the partner sent: it runs, is current and START under its name, and is to be applied.

        All of it or nothing. What ran before stays in the history for good, also if it was never saved.

        Args:
            arrival: what is taken over.
            who: the account that asked for it, at the partner.
            why: what was asked for.
            when: unix seconds.

        Raises:
            InvalidConfigurationError: the name cannot be one.
        """
        self._running = self.synced.receive(arrival, self.running, who, why, when)
        self._rows.remember(self._running)
        return self._running
