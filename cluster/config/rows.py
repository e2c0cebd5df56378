"""The rows of the configuration store: revisions, names, saves, and the one row of pointers.

Below store.py, which says what they mean. Revisions never change, so the last ones read are kept in memory.
"""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from cluster.config.revision import Content, Revision, unpack, verify
from cluster.errors import NotFoundError, StoreError

UNSAVED_KEPT = 1000
_REMEMBERED = 4
"""Revisions kept in memory: running, start, applied, and one more."""


class State(NamedTuple):
    """The one row of pointers: revision numbers and names."""

    running: int | None
    applied: int | None
    current: str | None
    start: str | None
    maintenance: int
    base_digest: str
    base_revision: int | None
    offered: str
    activating: int


_STATE = f"SELECT {', '.join(State._fields)} FROM state"  # noqa: S608 - names of our own columns


class Rows:
    """Reads and writes rows; a transaction is the caller's business.

    Args:
        connection: of the database.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._remembered: dict[int, Revision] = {}

    @property
    def state(self) -> State:
        """The pointers.

        Raises:
            StoreError: they are gone.
        """
        rows = self.read(_STATE)
        if not rows:
            raise StoreError("the store is damaged: it does not say which configuration is running")
        return State(*rows[0])

    def point(self, **pointers: str | float | None) -> None:
        """Set pointers of the one row."""
        columns = ", ".join(f"{name} = ?" for name in pointers)
        self.write(f"UPDATE state SET {columns}", *pointers.values())  # noqa: S608 - names of our own columns

    def revision(self, number: int) -> Revision:
        """A revision by its number.

        Raises:
            NotFoundError: there is none, or it was pruned.
            StoreError: it is damaged.
        """
        known = self._remembered.pop(number, None)
        if known is None:
            rows = self.read("SELECT body, digest, who, why, at FROM revision WHERE number = ?", number)
            if not rows:
                raise NotFoundError(f"there is no revision {number}")
            ((body, written, who, why, when),) = rows
            config = unpack(number, body, written)
            known = Revision(number=number, config=config, who=who, why=why, when=when, digest=written)
        self.remember(known)
        return known

    def number_of(self, name: str | None) -> int:
        """The revision that a name means.

        Raises:
            NotFoundError: there is none of that name; None: the store is empty.
        """
        rows = self.read("SELECT revision FROM name WHERE name = ?", name)
        if not rows:
            raise NotFoundError(
                "there is no configuration yet; the store is empty"
                if name is None
                else f"there is no configuration named {name!r}"
            )
        return int(rows[0][0])

    def add(self, content: Content, who: str, why: str, when: float) -> Revision:
        """Insert a revision."""
        ((number,),) = self._connection.execute(
            "INSERT INTO revision (body, digest, who, at, why) VALUES (?, ?, ?, ?, ?) RETURNING number",
            (content.body, content.digest, who, when, why),
        )
        return Revision(
            number=number, config=content.config, who=who, why=why, when=when, digest=content.digest
        )

    def keep(self, name: str | None, number: int, who: str, when: float) -> None:
        """Let a name mean a revision, and note the save."""
        self.write(
            "INSERT INTO name (name, revision) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET revision = excluded.revision",
            name,
            number,
        )
        self.note_saved(name, number, who, when)

    def note_saved(self, name: str | None, number: int, who: str, when: float) -> None:
        """Keep a revision for good, as one that was saved under a name."""
        self.write("INSERT INTO saved (revision, name, who, at) VALUES (?, ?, ?, ?)", number, name, who, when)

    def prune(self) -> None:
        """Of the revisions that nobody saved and nothing points at, only the youngest stay."""
        self.write(
            """
            DELETE FROM revision WHERE number IN (
                SELECT number FROM revision, state
                WHERE number NOT IN (SELECT revision FROM saved)
                  AND number IS NOT running AND number IS NOT applied AND number IS NOT base_revision
                ORDER BY number DESC LIMIT -1 OFFSET ?
            )
            """,
            UNSAVED_KEPT,
        )

    def verify_referenced(self) -> None:
        """What a pointer leads to is read at once, not first when it is needed at a boot at night.

        Raises:
            StoreError: it is damaged.
        """
        for number, body, written in self.read(
            """
            SELECT number, body, digest FROM revision WHERE number IN
                (SELECT revision FROM name UNION SELECT running FROM state UNION SELECT applied FROM state)
            """
        ):
            verify(number, body, written)

    def read(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a question.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"the store cannot be read: {error}") from error

    def write(self, statement: str, *values: Any) -> None:
        """Carry out one statement of a transaction."""
        self._connection.execute(statement, values)

    def remember(self, revision: Revision) -> None:
        """Keep a revision in memory that is surely on disk: the numbers of a failed transaction come again."""
        self._remembered[revision.number] = revision
        if len(self._remembered) > _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
