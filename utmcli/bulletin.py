"""What people at their prompts are told meanwhile: cluster events, and messages of other sessions.

One bulletin serves all sessions of a shell host, with one connection to clusterd, which it holds only while
somebody listens. Programs never listen (`Conversation`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Protocol

from cluster.errors import ClusterError
from cluster.rpc.messages import Actor, Events, FollowEvents
from utmcli.render import printable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from cluster.rpc.messages import AnyAnswer

    Listener = Callable[[str], None]

_LOG = logging.getLogger("utmcli")
_AGAIN = 2.0
"""Seconds until clusterd is asked again when it went away."""
_SELF = Actor(user="utmcli", source="console", role="readonly")


class Member(Protocol):
    """A session that listens."""

    @property
    def actor(self) -> Actor:
        """Whose it is."""


class Source(Protocol):
    """Where events come from: the way to clusterd."""

    def follow(self, ask: FollowEvents, actor: Actor) -> AsyncGenerator[AnyAnswer, None]:
        """Events as they happen."""


class Bulletin:
    """Tells everybody who listens.

    Args:
        source: of the events.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._listeners: dict[Member, Listener] = {}
        self._following: asyncio.Task[None] | None = None
        self._present: list[Member] = []

    @contextmanager
    def attending(self, who: Member) -> Iterator[None]:
        """For as long as the block lasts, somebody has a session here: a person, or a program."""
        self._present.append(who)
        try:
            yield
        finally:
            self._present.remove(who)
            self.leave(who)

    def listen(self, who: Member, listener: Listener) -> None:
        """Tell somebody from now on.

        Args:
            who: a session, so that it is not told what it says itself.
            listener: takes whole lines.
        """
        self._listeners[who] = listener
        if self._following is None:
            self._following = asyncio.create_task(self._follow())

    def leave(self, who: Member) -> None:
        """Tell somebody no longer; with the last one the connection to clusterd goes."""
        self._listeners.pop(who, None)
        if not self._listeners and self._following is not None:
            self._following.cancel()
            self._following = None

    def people(self) -> tuple[str, ...]:
        """Who listens, as account and place."""
        return tuple(f"{who.actor.user} ({who.actor.source})" for who in self._listeners)

    def others(self) -> tuple[str, ...]:
        """Who has a session and does not listen: programs, and who has not typed yet; several with their number."""
        quiet = [who.actor for who in self._present if who not in self._listeners]
        seen = Counter(f"{actor.user} ({actor.source})" for actor in quiet)
        return tuple(f"{name} x{times}" if times > 1 else name for name, times in sorted(seen.items()))

    def post(self, text: str, sender: object = None) -> int:
        """Tell everybody but the sender.

        Args:
            text: a sentence; what steers a terminal in it is replaced.
            sender: the session that says so.

        Returns:
            How many were told.
        """
        told = [listener for who, listener in self._listeners.items() if who is not sender]
        for listener in told:
            listener(f"% {printable(text)}\n")
        return len(told)

    async def _follow(self) -> None:
        while True:
            try:
                async with aclosing(self._source.follow(FollowEvents(), _SELF)) as stream:
                    async for answer in stream:
                        for event in answer.events if isinstance(answer, Events) else ():
                            place = f"{event.interface}: " if event.interface else ""
                            self.post(f"Event: {place}{event.text}")
            except ClusterError as error:
                _LOG.debug("no events for the sessions: %s", error.message)
            await asyncio.sleep(_AGAIN)
