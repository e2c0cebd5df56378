"""What happened to this node: the lines of `cluster events`, numbered, kept on disk, told to whoever follows.

They stand in a journal in the state directory, so that a restarted clusterd still shows what came before, a reboot
included.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from cluster.errors import UnreachableError
from cluster.journal import Journal
from cluster.observed import ClusterEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

_LOG = logging.getLogger("clusterd")
CAPACITY = 1000
"""Events kept at least; the file holds up to twice as many."""
_BACKLOG = 256
"""Events a follower may lag behind before it is told to come back."""


class _Line(Struct, frozen=True, omit_defaults=True):
    event: ClusterEvent
    origin: int = 0
    """The engine's own number of its event, 0 for the manager's."""


class EventLog:
    """The events of this node.

    Args:
        path: of the journal; made when missing.

    Raises:
        ClusterError: the journal is there but cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path, _Line, CAPACITY)
        self._number = self._journal.lines[-1].event.number if self._journal.lines else 0
        self._known = self._origins()
        self._followers: set[asyncio.Queue[ClusterEvent]] = set()

    def add(self, kind: str, text: str, *, at: float, interface: str = "", role: str = "", origin: int = 0) -> None:
        """Note an event.

        Args:
            kind: short stable word.
            text: a sentence for the administrator.
            at: when, unix seconds.
            interface: where, or empty.
            role: the role after it, where it is a role change.
            origin: the engine's number of its event. The engine repeats what happened while nobody listened;
                an event with the same number and time is the same event and is not noted twice.
        """
        if origin and (origin, at) in self._known:
            return
        self._number += 1
        event = ClusterEvent(number=self._number, at=at, kind=kind, interface=interface, text=text, role=role)
        line = _Line(event, origin)
        if origin:
            self._known.add((origin, at))
        if self._journal.append((line,)):
            self._known = self._origins()
        for queue in tuple(self._followers):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._followers.discard(queue)  # notices when it has read what it has

    def note(self, kind: str, text: str, *, role: str = "") -> None:
        """Note something of clusterd's own, now; it goes to the log, too."""
        _LOG.info("%s: %s", kind, text)
        self.add(kind, text, at=time.time(), role=role)

    def last(self, limit: int) -> tuple[ClusterEvent, ...]:
        """The newest events, oldest of them first."""
        return tuple(line.event for line in self._journal.lines)[-limit:] if limit > 0 else ()

    async def follow(self) -> AsyncGenerator[ClusterEvent, None]:
        """Events from now on, as they happen.

        Raises:
            UnreachableError: the follower was too slow and missed some.
        """
        with self.listening() as queue:
            while queue in self._followers or not queue.empty():
                yield await queue.get()
            raise UnreachableError(f"more than {_BACKLOG} events wait to be read: ask for them again")

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[ClusterEvent]]:
        """Events from the beginning of the block on: for who must miss none that follows what it does next."""
        queue: asyncio.Queue[ClusterEvent] = asyncio.Queue(_BACKLOG)
        self._followers.add(queue)
        try:
            yield queue
        finally:
            self._followers.discard(queue)

    def _origins(self) -> set[tuple[int, float]]:
        return {(line.origin, line.event.at) for line in self._journal.lines if line.origin}
