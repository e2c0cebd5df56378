"""Applications: looked at, started and stopped by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.requests.desk import who
from cluster.rpc import messages as m

if TYPE_CHECKING:
    from cluster.applications.follower import Applications
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask

_DONE = {"start": "started", "stop": "stopped", "restart": "restarted"}


class ApplicationsDesk:
    """Answers `appmgmt`. An application takes its time, so nobody else waits for their turn meanwhile.

    Args:
        store: the configurations.
        events: what happened.
        applications: of this node.
    """

    def __init__(self, store: Store, events: EventLog, applications: Applications) -> None:
        self._store, self._events, self._applications = store, events, applications
        self.answers: Answers = {m.GetApplications: self._status, m.ControlApplication: self._control}
        self.changes: tuple[type[Ask], ...] = ()

    async def _status(self, _ask: m.GetApplications, _actor: Actor) -> m.Applications:
        return m.Applications(await self._applications.states(self._store.running.config))

    async def _control(self, ask: m.ControlApplication, actor: Actor) -> m.Done:
        name = await self._applications.control(ask.application, ask.verb)
        self._events.note("application", f"{who(actor)} {_DONE[ask.verb]} the application {name}")
        return m.Done()
