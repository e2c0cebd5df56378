"""What happened to this node: the lines of `cluster events`, numbered, kept on disk, told to whoever follows.

The file is a journal of JSON lines in the state directory, so that a restarted clusterd still shows what came
before, a reboot included. It is written anew, half as long, when it has become too long.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cluster import files
from cluster.errors import ClusterError, UnreachableError
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
        self._path = path
        lines, torn = _read(path)
        self._lines = deque(lines, maxlen=CAPACITY)
        self._in_file = len(lines)
        self._number = self._lines[-1].event.number if self._lines else 0
        self._known = {(line.origin, line.event.at) for line in self._lines if line.origin}
        self._followers: set[asyncio.Queue[ClusterEvent]] = set()
        self._before_next = b"\n" if torn else b""

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

    def _append(self, line: _Line) -> None:
        try:
            with open(self._path, "ab", opener=_private) as file:
                file.write(self._before_next + _encoded(line))
            self._before_next = b""
            self._in_file += 1
            self._shorten()
        except (OSError, ClusterError) as error:
            _LOG.error("an event is not kept on disk: %s", error)

    def _shorten(self) -> None:
        if self._in_file < 2 * CAPACITY:
            return
        files.replace(self._path, b"".join(_encoded(line) for line in self._lines))
        self._in_file = len(self._lines)
        self._known = {(line.origin, line.event.at) for line in self._lines if line.origin}


def _encoded(line: _Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _read(path: Path) -> tuple[list[_Line], bool]:
    """The lines of the journal, and whether a power loss tore the last one; damaged ones are left out."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return [], False
    except OSError as error:
        raise ClusterError(f"{path}: events cannot be read: {error.strerror}") from error
    lines = []
    for text in raw.splitlines():
        try:
            lines.append(msgspec.json.decode(text, type=_Line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            _LOG.warning("a damaged line of %s is left out", path)
    return lines, bool(raw) and not raw.endswith(b"\n")
