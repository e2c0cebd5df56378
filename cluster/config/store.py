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
import sqlite3
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from cluster.config import database
from cluster.config.database import transaction
from cluster.config.revision import (
    HistoryLine,
    Revision,
    checked_name,
    content_of,
    digest_of,
    pack,
    unpack,
    verify,
)
from cluster.errors import ConflictError, NotFoundError, StoreError
from cluster.observed import NamedConfig

if TYPE_CHECKING:
    from pathlib import Path

    from cluster.model import Config

FACTORY_NAME = "default"
UNSAVED_KEPT = 1000


class _State(NamedTuple):
    """The one row of pointers: revision numbers and names."""

    running: int | None
    applied: int | None
    current: str | None
    start: str | None
    maintenance: int


class Store:
    """One appliance's configurations on disk. One call at a time; blocks for as long as the disk takes.

    Every method may raise `StoreError` when the disk fails; nothing is changed then. Configurations are taken
    as valid: they come from schema.py.
    """

    def __init__(self, connection: sqlite3.Connection, lock: int) -> None:
        self._connection = connection
        self._lock = lock
        self._verify_referenced()
        number = self._state.running
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
            store = cls(connection, lock)
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
        saved = self._number(self._state.current)
        ((saved_digest,),) = self._rows("SELECT digest FROM revision WHERE number = ?", saved)
        return bool(saved_digest != self.running.digest)

    def names(self) -> tuple[NamedConfig, ...]:
        """The named configurations with their flags, in order of their names."""
        if self.is_empty:
            return ()
        state, unsaved = self._state, self.unsaved
        return tuple(
            NamedConfig(
                name=name,
                current=name == state.current,
                start=name == state.start,
                unsaved=unsaved and name == state.current,
            )
            for (name,) in self._rows("SELECT name FROM name ORDER BY name")
        )

    @property
    def current_name(self) -> str:
        """The name that `save` writes.

        Raises:
            NotFoundError: the store is empty.
        """
        name = self._state.current
        if name is None:
            raise NotFoundError("there is no configuration yet; the store is empty")
        return name

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
        return self.revision(self._number(name))

    @property
    def start(self) -> Revision:
        """What is loaded at boot, and sent by `system config synchronize`.

        Raises:
            NotFoundError: the store is empty.
        """
        return self.revision(self._number(self._state.start))

    def revision(self, number: int) -> Revision:
        """A revision by its number.

        Raises:
            NotFoundError: there is none, or it was pruned.
            StoreError: it is damaged.
        """
        rows = self._rows("SELECT body, digest, who, why, at FROM revision WHERE number = ?", number)
        if not rows:
            raise NotFoundError(f"there is no revision {number}")
        ((body, written, who, why, when),) = rows
        config = unpack(number, body, written)
        return Revision(number=number, config=config, who=who, why=why, when=when, digest=written)

    def history(self) -> tuple[HistoryLine, ...]:
        """Every revision there is, the youngest first."""
        names: dict[int, list[str]] = {}
        for number, name in self._rows("SELECT DISTINCT revision, name FROM saved ORDER BY revision, at"):
            names.setdefault(number, []).append(name)
        return tuple(
            HistoryLine(
                number=number, who=who, why=why, when=when, digest=written, saved_as=tuple(names.get(number, ()))
            )
            for number, who, why, when, written in self._rows(
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
            revision = self._added(config, content_of(config), "factory", "factory configuration", when)
            self._keep(FACTORY_NAME, revision.number, revision.who, when)
            self._execute(
                "UPDATE state SET running = ?, current = ?, start = ?", revision.number, FACTORY_NAME, FACTORY_NAME
            )
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
            self._execute("UPDATE state SET running = ?, current = start, applied = NULL", revision.number)
        return revision

    def commit(self, config: Config, who: str, why: str, when: float) -> Revision:
        """Make a configuration the running one, as a new revision; no new one when nothing differs.

        Args:
            config: valid, see schema.py.
            who: the account that asks.
            why: what was asked for.
            when: unix seconds.
        """
        content = content_of(config)
        if digest_of(content) == self.running.digest:
            return self.running
        with transaction(self._connection):
            revision = self._added(config, content, who, why, when)
            self._execute("UPDATE state SET running = ?", revision.number)
            self._prune()
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
        name = self._state.current if name is None else checked_name(name)
        with transaction(self._connection):
            self._keep(name, running.number, who, when)
            self._execute("UPDATE state SET current = ?", name)
        return running

    def load(self, name: str) -> Revision:
        """Make the configuration of a name the running one, and the name current.

        Raises:
            NotFoundError: there is none of that name.
        """
        revision = self.revision(self._number(name))
        with transaction(self._connection):
            self._execute("UPDATE state SET running = ?, current = ?", revision.number, name)
            self._prune()
        self._running = revision
        return revision

    def put(self, name: str, config: Config, who: str, why: str, when: float) -> Revision:
        """Keep a configuration under a name without running it; what the name meant before stays in the history.

        Raises:
            InvalidConfigurationError: this cannot be a name.
        """
        checked_name(name)
        with transaction(self._connection):
            revision = self._added(config, content_of(config), who, why, when)
            self._keep(name, revision.number, who, when)
        return revision

    def set_start(self, name: str) -> None:
        """Choose what is loaded at boot.

        Raises:
            NotFoundError: there is none of that name.
        """
        self._number(name)
        with transaction(self._connection):
            self._execute("UPDATE state SET start = ?", name)

    def delete(self, name: str) -> None:
        """Forget a name; its revisions stay in the history.

        Raises:
            NotFoundError: there is none of that name.
            ConflictError: it is CURRENT or START.
        """
        self._number(name)
        state = self._state
        if name == state.current:
            raise ConflictError(f"{name} is the current configuration; load or save another one first")
        if name == state.start:
            raise ConflictError(f"{name} is the start configuration; choose another one first")
        with transaction(self._connection):
            self._execute("DELETE FROM name WHERE name = ?", name)

    # --- beside the revisions --------------------------------------------------------------------------

    @property
    def maintenance(self) -> bool:
        """Whether this node is in maintenance; a machine fact that persists at once, without a save."""
        return bool(self._state.maintenance)

    @maintenance.setter
    def maintenance(self, value: bool) -> None:
        with transaction(self._connection):
            self._execute("UPDATE state SET maintenance = ?", value)

    @property
    def applied(self) -> Revision | None:
        """The revision that the live system follows; None after a boot, until one was applied."""
        number = self._state.applied
        return None if number is None else self.revision(number)

    @applied.setter
    def applied(self, revision: Revision | None) -> None:
        with transaction(self._connection):
            self._execute("UPDATE state SET applied = ?", None if revision is None else revision.number)

    # --- rows ------------------------------------------------------------------------------------------

    def _added(self, config: Config, content: bytes, who: str, why: str, when: float) -> Revision:
        written = digest_of(content)
        ((number,),) = self._connection.execute(
            "INSERT INTO revision (body, digest, who, at, why) VALUES (?, ?, ?, ?, ?) RETURNING number",
            (pack(content), written, who, when, why),
        )
        return Revision(number=number, config=config, who=who, why=why, when=when, digest=written)

    def _keep(self, name: str | None, number: int, who: str, when: float) -> None:
        self._execute(
            "INSERT INTO name (name, revision) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET revision = excluded.revision",
            name,
            number,
        )
        self._execute("INSERT INTO saved (revision, name, who, at) VALUES (?, ?, ?, ?)", number, name, who, when)

    def _prune(self) -> None:
        """Of the revisions that nobody saved and nothing points at, only the youngest stay."""
        self._execute(
            """
            DELETE FROM revision WHERE number IN (
                SELECT number FROM revision, state
                WHERE number NOT IN (SELECT revision FROM saved)
                  AND number IS NOT running AND number IS NOT applied
                ORDER BY number DESC LIMIT -1 OFFSET ?
            )
            """,
            UNSAVED_KEPT,
        )

    def _verify_referenced(self) -> None:
        """What a pointer leads to is read at once, not first when it is needed at a boot at night."""
        for number, body, written in self._rows(
            """
            SELECT number, body, digest FROM revision WHERE number IN
                (SELECT revision FROM name UNION SELECT running FROM state UNION SELECT applied FROM state)
            """
        ):
            verify(number, body, written)

    def _number(self, name: str | None) -> int:
        rows = self._rows("SELECT revision FROM name WHERE name = ?", name)
        if not rows:
            raise NotFoundError(
                "there is no configuration yet; the store is empty"
                if name is None
                else f"there is no configuration named {name!r}"
            )
        return int(rows[0][0])

    @property
    def _state(self) -> _State:
        rows = self._rows("SELECT running, applied, current, start, maintenance FROM state")
        if not rows:
            raise StoreError("the store is damaged: it does not say which configuration is running")
        return _State(*rows[0])

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"the store cannot be read: {error}") from error

    def _execute(self, statement: str, *values: Any) -> None:
        self._connection.execute(statement, values)
