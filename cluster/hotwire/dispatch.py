"""Who answers which ask of the partner: each topic brings a table, as desks do for the shell's requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.errors import ProtocolError
from cluster.hotwire.protocol import Done, HotwireAnswer, HotwireAsk, Ping

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Answers = Mapping[type[HotwireAsk], Callable[[Any], Awaitable[HotwireAnswer]]]


class Dispatch:
    """Answers the partner by type of ask."""

    def __init__(self) -> None:
        self._answers: dict[type[HotwireAsk], Callable[[Any], Awaitable[HotwireAnswer]]] = {Ping: _pong}

    def add(self, answers: Answers) -> None:
        """Take over a topic: handlers by type of ask, which raise ClusterError when it cannot be done."""
        self._answers.update(answers)

    async def answer(self, ask: HotwireAsk) -> HotwireAnswer:
        """Carry out what the partner asks.

        Raises:
            ClusterError: why not.
        """
        answer = self._answers.get(type(ask))
        if answer is None:
            raise ProtocolError(f"this node does not know the request {type(ask).__name__}")
        return await answer(ask)


async def _pong(_ask: Ping) -> Done:
    return Done()
