"""Synchronizing: the start configuration goes to the partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import RefusedError
from cluster.rpc import messages as m

if TYPE_CHECKING:
    from cluster.partnership import Partnership
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class Synchronizing:
    """Answers `system config synchronize`.

    Args:
        partnership: with the other node.
    """

    def __init__(self, partnership: Partnership) -> None:
        self._partnership = partnership
        self.answers: Answers = {m.Synchronize: self._synchronize}
        self.changes: tuple[type[Ask], ...] = ()

    async def _synchronize(self, _ask: m.Synchronize, _actor: Actor) -> m.Done:
        raise RefusedError(f"nothing was synchronized: {self._partnership.sync.reason}")
