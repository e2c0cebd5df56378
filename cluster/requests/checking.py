"""Checking: the requirements of a cluster, one by one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cluster import machine
from cluster.check import collect
from cluster.check.facts import Adverts, Facts, Partner
from cluster.check.points import judge
from cluster.config.migrations import VERSION
from cluster.errors import UnreachableError
from cluster.rpc import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.collaborators import Connections, Engine, Network
    from cluster.config.store import Store
    from cluster.inforce import InForce
    from cluster.net.routes import Routes
    from cluster.partnership import Partnership
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor


class Checking:
    """Answers `cluster check`.

    Args:
        store: the configurations.
        inforce: what is in force.
        engine: counts adverts.
        network: knows the interfaces.
        connections: their synchronisation.
        routes: of this network namespace.
        partner: what the hotwire knows of the other node.
    """

    def __init__(
        self,
        store: Store,
        inforce: InForce,
        engine: Engine,
        network: Network,
        *,
        connections: Connections,
        routes: Routes,
        partner: Callable[[], Partner],
    ) -> None:
        self._store = store
        self._inforce = inforce
        self._engine = engine
        self._network = network
        self._connections = connections
        self._routes = routes
        self._partner = partner
        self.answers: Answers = {m.GetCheck: self._check}
        self.changes = ()

    async def _check(self, _ask: m.GetCheck, _actor: Actor) -> m.Checked:
        config, applied = self._store.running.config, self._inforce.config
        connections = await self._connections.status()
        facts = Facts(
            config=config,
            applied=applied,
            names=self._store.names(),
            software=await asyncio.to_thread(machine.software),
            schema=VERSION,
            adverts=await self._adverts(),
            connections=connections.state,
            connections_reason=connections.reason,
            freshness=self._freshness(),
            role=self._engine.role.value,
            machine=await collect.machine(self._network, config, self._routes, applied, self._store.directory),
            partner=self._partner(),
        )
        return m.Checked(judge(facts))

    async def _adverts(self) -> tuple[Adverts, ...]:
        """What the engine counts; nothing where it does not run."""
        if not self._inforce.config.cluster.enabled:
            return ()
        try:
            told = (await self._engine.ask("status"))["status"]
        except UnreachableError:
            return ()
        return tuple(
            Adverts(each["name"], each.get("partner_priority"), each.get("rejected", {}))
            for each in told.get("interfaces", ())
        )

    def _freshness(self) -> float | None:
        told = self._engine.settings() or {}
        freshness: float | None = told.get("authentication", {}).get("freshness")
        return freshness


def partner_of(partnership: Partnership) -> Partner:
    """What the hotwire knows of the other node."""
    link, said, sync = partnership.link.state, partnership.partner, partnership.sync
    return Partner(
        connected=link.connected,
        code=link.code.value,
        reason=link.reason,
        key_known=partnership.link.knows_a_key,
        software=said.software if said else "",
        schema=said.schema if said else None,
        offset=partnership.link.clock_offset,
        priority=said.priority if said else "",
        conntrack=said.conntrack if said else "",
        sync_state=sync.state,
        sync_reason=sync.reason,
    )
