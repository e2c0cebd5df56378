"""Synchronizing: the start configuration goes to the partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster import reports
from cluster.errors import RefusedError
from cluster.rpc import messages as m

if TYPE_CHECKING:
    from cluster.inforce import InForce
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class Synchronizing:
    """Answers `system config synchronize`.

    Args:
        inforce: what is in force.
    """

    def __init__(self, inforce: InForce) -> None:
        self._inforce = inforce
        self.answers: Answers = {m.Synchronize: self._synchronize}
        self.changes: tuple[type[Ask], ...] = ()

    async def _synchronize(self, _ask: m.Synchronize, _actor: Actor) -> m.Done:
        raise RefusedError(f"nothing was synchronized: {reports.sync_reason(self._inforce.config)}")
