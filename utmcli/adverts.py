"""Adverts as marks of a trace, one for each, for `cluster monitor`: whoever looks shares one stream an interface.

Marks: ``>`` sent, ``<`` received, ``!`` rejected, ``_`` one that should have come by now and did not, ``.`` one
that came faster than it could be shown. What counts is when the engine saw an advert, not when the shell host heard
of it: a busy shell host misses none.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from cluster.errors import ClusterError
from cluster.rpc.messages import Actor, Capture, FollowAdverts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

    from cluster.rpc.messages import AnyAnswer

_LOG = logging.getLogger("utmcli")
KEPT = 60
"""Marks of an interface: as many as the widest screen shows."""
FOLLOWED = 8
"""Interfaces whose adverts are followed at the same time: each is a connection, and work for the engine."""
LEASE = 5.0
"""Seconds since somebody looked after which an interface is followed no longer."""
_AGAIN = 2.0
"""Seconds until an interface is tried again that could not be followed."""
_LATE = 1.5
"""Intervals after which the next advert is missing."""
_ETHERNET, _IPV4 = 14, 0x0800
_SELF = Actor(user="utmcli", source="console", role="readonly")


def interval_of(frame: bytes) -> float:
    """Seconds between two adverts, as one says itself; 0.0 where it says nothing that could be read.

    RFC 9568, section 5.1: the first octet of the message holds the version, 12 bits from octet 4 on the interval in
    centiseconds, of a VRRPv2 (RFC 3768, section 5.1) octet 5 seconds.
    """
    if len(frame) < _ETHERNET + 20 or int.from_bytes(frame[12:14], "big") != _IPV4:
        return 0.0
    message = frame[_ETHERNET + (frame[_ETHERNET] & 0x0F) * 4 :]
    if len(message) < 8:
        return 0.0
    if message[0] >> 4 == 2:
        return float(message[5])
    return (int.from_bytes(message[4:6], "big") & 0x0FFF) / 100


class Trace:
    """The marks of one interface. Pure: the clock comes in as `now`, unix seconds like the time of an advert."""

    def __init__(self) -> None:
        self._marks: deque[str] = deque(maxlen=KEPT)
        self._last = 0.0
        self._interval = 0.0

    def passed(self, seen: Capture) -> None:
        """An advert passed; those that are missing before it get their marks first."""
        self._marks.extend("." * min(seen.missed, KEPT))
        if not seen.accepted:
            self._marks.append("!")
            return
        self._marks.extend("_" * max(0, self._missing(seen.at) - seen.missed))
        self._marks.append(">" if seen.sent else "<")
        self._last, self._interval = seen.at, interval_of(bytes.fromhex(seen.frame))

    def shown(self, now: float) -> str:
        """The marks, oldest first; those at the end that are missing by now may yet come."""
        return "".join((*self._marks, *"_" * self._missing(now)))[-KEPT:]

    def _missing(self, now: float) -> int:
        """How many should have come between the last one and now."""
        if not self._last or not self._interval:
            return 0
        return max(0, min(KEPT, int((now - self._last) / self._interval - _LATE + 1)))


class Source(Protocol):
    """Where adverts come from: the way to clusterd."""

    def follow(self, ask: FollowAdverts, actor: Actor) -> AsyncGenerator[AnyAnswer, None]:
        """Adverts as they pass."""


class Adverts:
    """One for the shell host. Nothing is followed while nobody looks.

    Args:
        source: of the adverts.
        now: monotonic seconds.
    """

    def __init__(self, source: Source, now: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._now = now
        self._traces: dict[str, Trace] = {}
        self._wanted: dict[str, float] = {}
        self._following: dict[str, asyncio.Task[None]] = {}

    def look(self, names: Iterable[str]) -> Mapping[str, str]:
        """The traces of those interfaces that are followed; from now on they are, as long as somebody looks.

        Args:
            names: of HA interfaces; the first `FOLLOWED` of all that anybody looks at are followed.
        """
        now = self._now()
        for name in names:
            if name in self._following or len(self._following) < FOLLOWED:
                self._wanted[name] = now + LEASE
            if name in self._wanted and name not in self._following:
                self._following[name] = asyncio.create_task(self._follow(name))
        at = time.time()
        return {name: self._traces[name].shown(at) for name in names if name in self._traces}

    @property
    def followed(self) -> tuple[str, ...]:
        """The interfaces that are followed now."""
        return tuple(self._following)

    async def close(self) -> None:
        """Follow nothing any more."""
        tasks = list(self._following.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _follow(self, name: str) -> None:
        """Until nobody has looked for a while. The time is seen to in this task: there is no advert to wake it."""
        pumping = asyncio.create_task(self._pump(name))
        try:
            while (left := self._wanted[name] - self._now()) > 0:  # noqa: ASYNC110 - no event for every look
                await asyncio.sleep(left)
        finally:
            pumping.cancel()
            await asyncio.wait((pumping,))
            del self._following[name], self._wanted[name]
            self._traces.pop(name, None)

    async def _pump(self, name: str) -> None:
        while True:
            try:
                async with aclosing(self._source.follow(FollowAdverts(name), _SELF)) as stream:
                    async for answer in stream:
                        if isinstance(answer, Capture):
                            self._traces.setdefault(name, Trace()).passed(answer)
            except ClusterError as error:
                _LOG.debug("the adverts of %s cannot be followed: %s", name, error.message)
                self._traces.pop(name, None)
            await asyncio.sleep(_AGAIN)
