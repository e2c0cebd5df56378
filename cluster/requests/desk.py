"""A desk: answers the requests of one topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from cluster.rpc.messages import Actor, AnyAnswer, Ask

    Answers = Mapping[type[Ask], Callable[[Any, Actor], Awaitable[AnyAnswer]]]


class Desk(Protocol):
    """What the manager needs of a topic. A new topic is a new file here, and a line in __init__.py."""


    @property
    def answers(self) -> Answers:
        """By type of request: takes it and whose wish it is; raises ClusterError when it cannot be done."""

    @property
    def changes(self) -> tuple[type[Ask], ...]:
        """Those that change anything; of all desks together they are carried out one after the other."""


def who(actor: Actor) -> str:
    """How events name whoever asked."""
    return f"{actor.user} ({actor.source})"
