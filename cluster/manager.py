"""The manager: every wish comes through here, and those that change anything come one after the other.

It is the sole writer of the desired state: what a desk (cluster/requests/) changes, it changes in its turn.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from cluster.errors import ProtocolError
from cluster.rpc import messages as m

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Callable, Sequence

    from cluster.collaborators import Engine
    from cluster.events_log import EventLog
    from cluster.inforce import InForce
    from cluster.requests.desk import Desk
    from cluster.rpc.messages import Actor, AnyAnswer, AnyAsk


class Manager:
    """Carries out what clusterd is asked for.

    Args:
        desks: who answers what; no two of them the same.
        inforce: what is in force.
        engine: the VRRP engine.
        events: what happened.
        changed: called after each request that may have changed something.
        turn: held by whatever changes something, here and elsewhere.
    """

    def __init__(
        self,
        desks: Sequence[Desk],
        *,
        inforce: InForce,
        engine: Engine,
        events: EventLog,
        changed: Callable[[], None],
        turn: asyncio.Lock,
    ) -> None:
        self._inforce = inforce
        self._engine = engine
        self._events = events
        self._changed = changed
        self._changing = turn
        self._answers = {asked: answer for desk in desks for asked, answer in desk.answers.items()}
        self._changes = tuple(asked for desk in desks for asked in desk.changes)

    @property
    def answered(self) -> frozenset[type[m.Ask]]:
        """The types of requests that have a desk."""
        return frozenset(self._answers)

    async def answer(self, ask: AnyAsk, actor: Actor) -> AnyAnswer:
        """Carry out one request; those that change anything one after the other.

        Raises:
            ClusterError: why not.
        """
        answer = self._answers.get(type(ask))
        if answer is None:
            raise ProtocolError(f"clusterd does not know the request {type(ask).__name__}")
        if not isinstance(ask, self._changes):
            return await answer(ask, actor)
        async with self._changing:
            try:
                return await answer(ask, actor)
            finally:
                self._changed()

    async def follow(
        self, ask: m.FollowEvents | m.FollowAdverts, _actor: Actor
    ) -> AsyncGenerator[m.Events | m.Done | m.Capture, None]:
        """Events as they happen, or adverts as they pass."""
        if isinstance(ask, m.FollowAdverts):
            self._inforce.require_cluster()
            async with aclosing(self._engine.capture(ask.interface)) as adverts:
                async for advert in adverts:
                    yield advert
            return
        async with aclosing(self._events.follow()) as happening:
            async for event in happening:
                yield m.Events((event,))
