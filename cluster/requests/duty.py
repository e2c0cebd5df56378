"""Duty: maintenance, what comes into force, who has the role, and the end of the machine's day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.engine import switchover
from cluster.requests.desk import who
from cluster.rpc import messages as m
from cluster.units import Centiseconds
from cluster.vrrp.events import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.collaborators import Engine
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.inforce import InForce
    from cluster.partnership import Partnership
    from cluster.rekeying import Rekeying
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class Duty:
    """Changes what this node does.

    Args:
        store: the configurations.
        inforce: what is in force.
        engine: the VRRP engine.
        events: what happened.
        leave: called once a restart of the machine is asked for (True: power off) and the answer is on its way.
        partnership: with the other node.
        rekeying: puts into force what both nodes have to change together.
    """

    def __init__(
        self,
        store: Store,
        inforce: InForce,
        engine: Engine,
        events: EventLog,
        leave: Callable[[bool], None],
        *,
        partnership: Partnership,
        rekeying: Rekeying,
    ) -> None:
        self._store = store
        self._inforce = inforce
        self._engine = engine
        self._events = events
        self._leave = leave
        self._partnership = partnership
        self._rekeying = rekeying
        self.answers: Answers = {
            m.SetMaintenance: self._set_maintenance,
            m.UpdateInterface: self._update,
            m.UpdateRule: self._update_rule,
            m.Switch: self._switch,
            m.Reboot: self._reboot,
        }
        self.changes: tuple[type[Ask], ...] = (m.SetMaintenance, m.UpdateInterface, m.UpdateRule)

    async def _set_maintenance(self, ask: m.SetMaintenance, actor: Actor) -> m.Done:
        if self._store.maintenance != ask.value:
            self._store.maintenance = ask.value
            switch = "on" if ask.value else "off"
            text = f"{who(actor)} switched maintenance {switch}; the role follows with the update"
            self._events.note("maintenance", text)
        return m.Done(self._connections_drop() if ask.value else ())

    async def _update(self, _ask: m.UpdateInterface, actor: Actor) -> m.Done:
        return m.Done(await self._rekeying.apply(who(actor)))

    async def _update_rule(self, _ask: m.UpdateRule, _actor: Actor) -> m.Done:
        return m.Done(await self._inforce.apply_rules())

    async def _switch(self, ask: m.Switch, actor: Actor) -> m.Done:
        self._inforce.require_cluster()
        warnings = self._connections_drop()
        with self._events.listening() as heard:
            await self._engine.ask("switch", force=ask.force)
            self._events.note("switch", f"{who(actor)} asked to hand the role over")
            interval = Centiseconds(self._inforce.config.cluster.advert_interval)
            came_of_it = await switchover.outcome(
                heard, switchover.patience(interval), lambda: self._partnership.partner
            )
        return m.Done((*warnings, *came_of_it))

    def _connections_drop(self) -> tuple[str, ...]:
        """What a master that hands over without a hotwire has to know: the partner knows no connection of it."""
        link = self._partnership.link.state
        if link.connected or self._engine.role is not Role.MASTER:
            return ()
        return (f"connections through this node will drop when the partner takes over: {link.reason}",)

    async def _reboot(self, ask: m.Reboot, actor: Actor) -> m.Done:
        what = "powered off" if ask.power_off else "restarted"
        self._events.note("reboot", f"this machine is {what}, as {who(actor)} asked")
        self._leave(ask.power_off)
        return m.Done()
