"""What ran before: for going back one step, and for undoing what the partner sent.

A trigger of the database (database.py) notes the pointers each time another revision runs, in the same transaction,
whatever made it run. So nobody who changes a configuration has to think of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster.config.database import transaction
from cluster.config.revision import packed
from cluster.errors import NotFoundError

_ARRIVED, _UNDONE = 1, 2
"""Words of the column `arrived`; 0 is what did not come from the partner."""

if TYPE_CHECKING:
    import sqlite3

    from cluster.config.revision import Revision
    from cluster.config.rows import Rows
    from cluster.model import Config


class Arrived(NamedTuple):
    """The last configuration that came from the partner, and what there was before it.

    Attributes:
        became: revision that arrived.
        name: it is kept under.
        meant: revision that the name meant before; None: there was no such name.
        running: revision that ran before.
        applied: revision that was in force before; None: none was.
        current: name that was current.
        start: name that booted.
    """

    became: int
    name: str
    meant: int | None
    running: int
    applied: int | None
    current: str
    start: str


class Past:
    """The part of a store that looks back.

    Args:
        connection: of the database.
        rows: of the same.
    """

    def __init__(self, connection: sqlite3.Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def before(self, running: Revision) -> Revision:
        """What ran last that differs from what runs now; going back twice comes back.

        Raises:
            NotFoundError: nothing else ever ran, or it was pruned.
        """
        for (number,) in self._rows.read("SELECT running FROM past ORDER BY step DESC"):
            rows = self._rows.read("SELECT digest FROM revision WHERE number = ?", number)
            if rows and rows[0][0] != running.digest:
                return self._rows.revision(number)
        raise NotFoundError("nothing else ran before, as far as the history reaches")

    @property
    def arrived(self) -> Arrived | None:
        """The last arrival from the partner that was not undone; None: there is none, as far as is known."""
        rows = self._rows.read(
            "SELECT became, running, applied, current, start FROM past WHERE arrived = ? "
            "ORDER BY step DESC LIMIT 1",
            _ARRIVED,
        )
        if not rows:
            return None
        ((became, running, applied, current, start),) = rows
        saves = self._rows.read("SELECT rowid, name FROM saved WHERE revision = ? ORDER BY rowid LIMIT 1", became)
        if not saves:
            return None
        ((save, name),) = saves
        meant = self._rows.read(
            "SELECT revision FROM saved WHERE name = ? AND rowid < ? AND EXISTS "
            "(SELECT 1 FROM revision WHERE number = saved.revision) ORDER BY rowid DESC LIMIT 1",
            name,
            save,
        )
        return Arrived(became, name, meant[0][0] if meant else None, running, applied, current, start)

    @property
    def undone(self) -> int | None:
        """Number of the revision that arrived last, if that was undone; None: it was not, or nothing arrived."""
        rows = self._rows.read("SELECT became, arrived FROM past WHERE arrived ORDER BY step DESC LIMIT 1")
        return int(rows[0][0]) if rows and rows[0][1] == _UNDONE else None

    def start_after(self, arrived: Arrived) -> Revision:
        """What would boot once an arrival is undone.

        Args:
            arrived: see there.
        """
        untouched = self._meant_now(arrived.name) == arrived.became
        if untouched and arrived.start == arrived.name and arrived.meant is not None:
            return self._rows.revision(arrived.meant)
        number = self._meant_now(arrived.start)
        return self._rows.revision(self._rows.number_of(arrived.name) if number is None else number)

    def returning(self, arrived: Arrived) -> tuple[Revision, ...]:
        """What comes back once an arrival is undone: first what runs, then what is in force and what would boot.

        Args:
            arrived: see there.

        Raises:
            NotFoundError: what ran before is not kept any more.
        """
        applied = self._kept(arrived.applied)
        live = [number for number in (arrived.running, applied) if number is not None]
        back = (*map(self._rows.revision, live), self.start_after(arrived))
        return tuple({revision.number: revision for revision in back}.values())

    def undo(self, arrived: Arrived, who: str, why: str, when: float) -> Revision:
        """What was before an arrival is again: it runs, as a new revision; names, CURRENT and START are as then.

        All of it or nothing. What was edited or saved since stays in the history. The live system is to follow what
        it followed then, as after an arrival: until it does, the store says so (`SyncRecord.activating`).

        Args:
            arrived: see there.
            who: the account that asks.
            why: what was asked for.
            when: unix seconds.

        Returns:
            What runs now.

        Raises:
            NotFoundError: what ran before is not kept any more.
        """
        content = packed(self._rows.revision(arrived.running).config)
        with transaction(self._connection):
            revision = self._rows.add(content, who, why, when)
            untouched = self._meant_now(arrived.name) == arrived.became
            if untouched and arrived.meant is not None:
                self._rows.keep(arrived.name, arrived.meant, who, when)
            start, current = (
                arrived.name if self._meant_now(name) is None else name  # somebody deleted it since
                for name in (arrived.start, arrived.current)
            )
            self._rows.point(
                running=revision.number,
                applied=self._kept(arrived.applied) or revision.number,
                start=start,
                current=current,
                activating=True,
            )
            if untouched and arrived.meant is None and arrived.name not in {start, current}:
                self._rows.write("DELETE FROM name WHERE name = ?", arrived.name)
            # Once undone it is no arrival any more: the next undo is of the one before.
            mark = "UPDATE past SET arrived = ? WHERE became = ? AND arrived = ?"
            self._rows.write(mark, _UNDONE, arrived.became, _ARRIVED)
            self._rows.prune()
        self._rows.remember(revision)
        return revision

    def return_to(
        self, config: Config, running: Revision, who: str, why: str, when: float, *, follows: bool
    ) -> Revision:
        """A former configuration runs, is current and boots again, under the name of the start configuration.

        All of it or nothing; what ran until now stays in the history.

        Args:
            config: the former one.
            running: what runs until now.
            who: the account that asks.
            why: what was asked for.
            when: unix seconds.
            follows: the live system is to follow it, as after an arrival.

        Returns:
            What runs now; no new revision if it ran already.
        """
        content, start = packed(config), self._rows.state.start
        with transaction(self._connection):
            if content.digest != running.digest:
                running = self._rows.add(content, who, why, when)
            self._rows.keep(start, running.number, who, when)
            self._rows.point(running=running.number, current=start)
            if follows:
                self._rows.point(applied=running.number, activating=True)
            self._rows.prune()
        self._rows.remember(running)
        return running

    def _kept(self, number: int | None) -> int | None:
        """The revision itself, unless it was pruned."""
        rows = self._rows.read("SELECT number FROM revision WHERE number = ?", number)
        return int(rows[0][0]) if rows else None

    def _meant_now(self, name: str) -> int | None:
        rows = self._rows.read("SELECT revision FROM name WHERE name = ?", name)
        return int(rows[0][0]) if rows else None
