"""Looking: what this node is, has and did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster import machine, reports
from cluster.config import canonical
from cluster.config.diff import diff
from cluster.errors import UnreachableError
from cluster.rpc import messages as m

if TYPE_CHECKING:
    from cluster.collaborators import Connections, Engine, Network
    from cluster.config.store import Store
    from cluster.engine.settings import Document
    from cluster.events_log import EventLog
    from cluster.inforce import InForce
    from cluster.model import Config
    from cluster.partnership import Partnership
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class Looking:
    """Answers what changes nothing.

    Args:
        store: the configurations.
        inforce: what is in force.
        engine: the VRRP engine.
        network: links and addresses.
        events: what happened.
        partnership: with the other node.
        connections: their synchronisation.
    """

    def __init__(
        self,
        store: Store,
        inforce: InForce,
        engine: Engine,
        network: Network,
        events: EventLog,
        *,
        partnership: Partnership,
        connections: Connections,
    ) -> None:
        self._store = store
        self._inforce = inforce
        self._engine = engine
        self._network = network
        self._events = events
        self._partnership = partnership
        self._connections = connections
        self.answers: Answers = {
            m.GetInfo: self._info,
            m.GetStatus: self._status,
            m.GetSystem: self._system,
            m.GetConfig: self._config,
            m.ListConfigs: self._configs,
            m.GetInterfaces: self._interfaces,
            m.GetKeys: self._auth_keys,
            m.ExportConfig: self._export,
            m.DiffConfig: self._diff,
            m.GetEvents: self._last_events,
        }
        self.changes: tuple[type[Ask], ...] = ()

    async def _info(self, _ask: m.GetInfo, _actor: Actor) -> m.Info:
        return reports.info(
            self._inforce.config,
            self._engine.role,
            self._partnership.sync,
            hostname=self._store.running.config.hostname,
            maintenance=self._store.maintenance,
        )

    async def _status(self, _ask: m.GetStatus, _actor: Actor) -> m.Status:
        told: Document | None = None
        absence = "the cluster is switched off on this node"
        if self._inforce.config.cluster.enabled:
            try:
                told = (await self._engine.ask("status"))["status"]
            except UnreachableError as error:
                absence = error.message
        return m.Status(
            reports.status(
                self._inforce.config,
                self._engine.role,
                told,
                self._partnership.sync,
                partner=self._partnership.partner,
                clock_offset=self._partnership.link.clock_offset,
                pid=self._engine.pid,
                restarts=self._engine.restarts,
                absence=absence,
                maintenance=self._store.maintenance,
                connections=await self._connections.status(),
            )
        )

    async def _system(self, _ask: m.GetSystem, _actor: Actor) -> m.System:
        return machine.facts(self._store.running.config.hostname, self._store.current_name)

    async def _config(self, ask: m.GetConfig, _actor: Actor) -> m.ConfigReply:
        revision = self._store.named(ask.name) if ask.name else self._store.running
        config = revision.config if ask.secrets else canonical.mask(revision.config)
        return m.ConfigReply(config=config, revision=revision.number)

    async def _configs(self, _ask: m.ListConfigs, _actor: Actor) -> m.Configs:
        return m.Configs(self._store.names())

    async def _interfaces(self, _ask: m.GetInterfaces, _actor: Actor) -> m.Interfaces:
        return m.Interfaces(await self._network.states(tuple(self._store.running.config.interfaces)))

    async def _auth_keys(self, _ask: m.GetKeys, _actor: Actor) -> m.Keys:
        return m.Keys(await self._inforce.keys.states(self._store.running.config))

    async def _export(self, ask: m.ExportConfig, _actor: Actor) -> m.Text:
        return m.Text(canonical.export_text(self._named(ask.name)))

    async def _diff(self, ask: m.DiffConfig, _actor: Actor) -> m.Differences:
        return m.Differences(diff(self._named(ask.left), self._named(ask.right)))

    async def _last_events(self, ask: m.GetEvents, _actor: Actor) -> m.Events:
        return m.Events(self._events.last(ask.limit))

    def _named(self, name: str) -> Config:
        return self._store.get(name) if name else self._store.running.config
