"""The events of the last hour: kept so that a manager that was away misses nothing."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EVENTS = 256
MAX_AGE = 3600
"""Seconds."""


class Journal:
    """A numbered backlog of events, each ready for the control socket.

    Args:
        last: number of the last event before; numbers go on where an earlier engine stopped.
    """

    def __init__(self, last: int) -> None:
        self.last = last
        self._events: deque[tuple[float, bytes]] = deque(maxlen=MAX_EVENTS)

    def add(self, at: float, kind: str, interface: str, text: str, **more: str) -> bytes:
        """Keep an event.

        Args:
            at: unix seconds.
            kind: stable word.
            interface: where, or empty.
            text: a sentence for the administrator.
            more: further members: `role` and `old` of a role change.

        Returns:
            The packet that tells managers of it.
        """
        self.last += 1
        event = {"n": self.last, "at": at, "kind": kind, "interface": interface, "text": text, **more}
        packet = json.dumps({"event": event}).encode()
        self._events.append((at, packet))
        return packet

    def packets(self, now: float) -> Iterator[bytes]:
        """The packets of the last hour's events, oldest first; `now` in unix seconds."""
        return (packet for at, packet in self._events if now - at <= MAX_AGE)
