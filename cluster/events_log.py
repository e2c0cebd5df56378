"""What happened to this node: the lines of `cluster events`, numbered, kept on disk, told to whoever follows.

The file is a journal of JSON lines in the state directory, so that a restarted clusterd still shows what came
before, a reboot included. It is written anew, half as long, when it has become too long.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cluster import files
from cluster.errors import UnreachableError
from cluster.model import ClusterEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
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
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = _read(path)
        self._lines = deque(lines, maxlen=CAPACITY)
        self._in_file = len(lines)
        self._number = self._lines[-1].event.number if self._lines else 0
        self._known = {(line.origin, line.event.at) for line in self._lines if line.origin}
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
        self._lines.append(line)
        if origin:
            self._known.add((origin, at))
        self._append(line)
        for queue in tuple(self._followers):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._followers.discard(queue)  # notices when it has read what it has

    def note(self, kind: str, text: str) -> None:
        """Note something of clusterd's own, now; it goes to the log, too."""
        _LOG.info("%s: %s", kind, text)
        self.add(kind, text, at=time.time())

    def last(self, limit: int) -> tuple[ClusterEvent, ...]:
        """The newest events, oldest of them first."""
        return tuple(line.event for line in self._lines)[-limit:] if limit > 0 else ()

    async def follow(self) -> AsyncIterator[ClusterEvent]:
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

    def _append(self, line: _Line) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(_encoded(line))
            self._in_file += 1
            self._shorten()
        except OSError as error:
            _LOG.error("an event is not kept on disk: %s", error)

    def _shorten(self) -> None:
        if self._in_file < 2 * CAPACITY:
            return
        files.replace(self._path, b"".join(_encoded(line) for line in self._lines))
        self._in_file = len(self._lines)
        self._known = {(line.origin, line.event.at) for line in self._lines if line.origin}


def _encoded(line: _Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _read(path: Path) -> list[_Line]:
    """The lines of the journal; one that was torn by a power loss is left out."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        files.replace(path, b"")
        return []
    lines = []
    for text in raw.splitlines():
        try:
            lines.append(msgspec.json.decode(text, type=_Line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            _LOG.warning("a damaged line of %s is left out", path)
    return lines
