"""The manager: sole writer of the desired state, and the one who knows the observed one.

The life cycle it keeps apart:

    running      what edits change and `cluster get` shows
    applied      what is in force: the running configuration as of the last `system update interface`, or, after
                 a boot, the start configuration
    maintenance  persists at once and shows at once; in force with the next update, or boot

Two things are effective at once: UPDATE_TRIGGER_DELAY, and what is only looked at (the host name of the prompt).
What is in force survives a restart of clusterd: the applied revision stands in the store, the engine's
settings in the run directory.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from cluster import machine, reports
from cluster.config import authentication, canonical, schema
from cluster.config.diff import diff
from cluster.engine import switchover
from cluster.engine.keys import DerivedKeys
from cluster.engine.settings import document, trigger_delay
from cluster.errors import ClusterError, ConflictError, ProtocolError, RefusedError, StoreError, UnreachableError
from cluster.rpc import messages as m
from cluster.units import Centiseconds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from cluster.collaborators import Engine, Network
    from cluster.config.revision import Revision
    from cluster.config.store import Store
    from cluster.engine.settings import Document
    from cluster.events_log import EventLog
    from cluster.followers import DisabledInterfaces, Followers
    from cluster.model import Config
    from cluster.rpc.messages import Actor, AnyAnswer, AnyAsk, Ask


class Manager:
    """Carries out what clusterd is asked for.

    Args:
        store: the configurations; not empty.
        engine: the VRRP engine.
        network: links and addresses.
        events: what happened.
        followers: of the role.
        disabled: the follower whose interfaces the configuration names.
        leave: called once a restart of the machine is asked for (True: power off) and the answer is on its way.
    """

    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        network: Network,
        events: EventLog,
        followers: Followers,
        disabled: DisabledInterfaces,
        leave: Callable[[bool], None],
    ) -> None:
        self._store = store
        self._engine = engine
        self._network = network
        self._events = events
        self._followers = followers
        self._disabled = disabled
        self._leave = leave
        self._applied = store.running.config
        self._keys = DerivedKeys()
        self._changing = asyncio.Lock()
        self._answers: dict[type[Ask], Callable[[Any, Actor], Awaitable[AnyAnswer]]] = {
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
            m.EditConfig: self._edit,
            m.SaveConfig: self._save,
            m.SetStartConfig: self._set_start,
            m.LoadConfig: self._load,
            m.DeleteConfig: self._delete,
            m.ImportConfig: self._import,
            m.SetMaintenance: self._set_maintenance,
            m.UpdateInterface: self._update,
            m.Synchronize: self._synchronize,
            m.Switch: self._switch,
            m.Reboot: self._reboot,
        }
        self._changes = (
            m.EditConfig, m.SaveConfig, m.SetStartConfig, m.LoadConfig, m.DeleteConfig, m.ImportConfig,
            m.SetMaintenance, m.UpdateInterface,
        )  # fmt: skip

    # --- start --------------------------------------------------------------------------------------

    async def boot(self) -> bool:
        """The machine booted: the start configuration comes into force, as far as it can.

        Returns:
            Whether the store knows; if it does not (a full disk shall not keep a node out of the cluster), the next
            clusterd has to do it again.
        """
        known = True
        try:
            self._store.boot()
        except StoreError as error:
            known = False
            self._events.note("problem", f"{error.message}; the start configuration runs all the same")
        await self._apply_complaining()
        return known

    async def resume(self) -> None:
        """After a restart of clusterd: what was in force stays so, and the engine is told if it does not know."""
        applied = self._store.applied
        if applied is None:
            await self._apply_complaining()
            return
        self._applied = applied.config
        self._follow_anew()
        told = self._engine.settings()
        try:
            maintenance = self._store.maintenance if told is None else bool(told.get("maintenance"))
            await self._tell_engine(maintenance=maintenance)
        except ClusterError as error:
            self._events.note("engine-failed", error.message)

    async def _apply_complaining(self) -> None:
        try:
            for warning in await self._apply():
                self._events.note("problem", warning)
        except ClusterError as error:
            self._events.note("engine-failed", error.message)

    # --- requests -----------------------------------------------------------------------------------

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
            return await answer(ask, actor)

    async def follow(
        self, ask: m.FollowEvents | m.FollowAdverts, _actor: Actor
    ) -> AsyncGenerator[m.Events | m.Done | m.Capture, None]:
        """Events as they happen, or adverts as they pass."""
        if isinstance(ask, m.FollowAdverts):
            self._require_cluster()
            async with aclosing(self._engine.capture(ask.interface)) as adverts:
                async for advert in adverts:
                    yield advert
            return
        async with aclosing(self._events.follow()) as happening:
            async for event in happening:
                yield m.Events((event,))

    # --- looking ------------------------------------------------------------------------------------

    async def _info(self, _ask: m.GetInfo, _actor: Actor) -> m.Info:
        return reports.info(
            self._applied,
            self._engine.role,
            hostname=self._store.running.config.hostname,
            maintenance=self._store.maintenance,
        )

    async def _status(self, _ask: m.GetStatus, _actor: Actor) -> m.Status:
        told: Document | None = None
        absence = "the cluster is switched off on this node"
        if self._applied.cluster.enabled:
            try:
                told = (await self._engine.ask("status"))["status"]
            except UnreachableError as error:
                absence = error.message
        return m.Status(
            reports.status(
                self._applied,
                self._engine.role,
                told,
                pid=self._engine.pid,
                restarts=self._engine.restarts,
                absence=absence,
                maintenance=self._store.maintenance,
            )
        )

    async def _system(self, _ask: m.GetSystem, _actor: Actor) -> m.System:
        return machine.facts(self._store.running.config.hostname, self._current_name())

    async def _config(self, ask: m.GetConfig, _actor: Actor) -> m.ConfigReply:
        revision = self._store.named(ask.name) if ask.name else self._store.running
        config = revision.config if ask.secrets else canonical.mask(revision.config)
        return m.ConfigReply(config=config, revision=revision.number)

    async def _configs(self, _ask: m.ListConfigs, _actor: Actor) -> m.Configs:
        return m.Configs(self._store.names())

    async def _interfaces(self, _ask: m.GetInterfaces, _actor: Actor) -> m.Interfaces:
        return m.Interfaces(await self._network.states(tuple(self._store.running.config.interfaces)))

    async def _auth_keys(self, _ask: m.GetKeys, _actor: Actor) -> m.Keys:
        return m.Keys(await self._keys.states(self._store.running.config))

    async def _export(self, ask: m.ExportConfig, _actor: Actor) -> m.Text:
        return m.Text(canonical.export_text(self._named(ask.name)))

    async def _diff(self, ask: m.DiffConfig, _actor: Actor) -> m.Differences:
        return m.Differences(diff(self._named(ask.left), self._named(ask.right)))

    async def _last_events(self, ask: m.GetEvents, _actor: Actor) -> m.Events:
        return m.Events(self._events.last(ask.limit))

    def _named(self, name: str) -> Config:
        return self._store.get(name) if name else self._store.running.config

    # --- changing the configuration -----------------------------------------------------------------

    async def _edit(self, ask: m.EditConfig, actor: Actor) -> m.Done:
        running = self._store.running
        if ask.base not in {None, running.number}:
            raise ConflictError(f"{running.who} changed the configuration meanwhile; look at it and try again")
        before = running.config
        config = schema.apply(before, ask.changes)
        if not ask.force:
            self._refuse_outage(before, config)
        why = ", ".join(".".join(change.path) for change in ask.changes)
        self._store.commit(config, actor.user, f"set {why}", time.time())
        await self._delay_at_once(before)
        return m.Done(schema.new_warnings(before, config))

    def _refuse_outage(self, before: Config, after: Config) -> None:
        """Nothing but the hotwire could change both nodes of a live cluster at once.

        An edit that leaves the authentication alone passes also after one that was forced.
        """
        if self._applied.cluster.enabled and authentication.differ(before, after):
            problem = authentication.outage(self._applied, after)
            if problem:
                raise RefusedError(f"{problem}; force 1 changes this node all the same")

    async def _save(self, ask: m.SaveConfig, actor: Actor) -> m.Done:
        self._store.save(ask.name or None, actor.user, time.time())
        self._events.note("config-saved", f"{_who(actor)} saved the configuration {self._current_name()}")
        return m.Done()

    async def _set_start(self, ask: m.SetStartConfig, actor: Actor) -> m.Done:
        self._store.set_start(ask.name)
        self._events.note("config-start", f"{_who(actor)} made {ask.name} the start configuration")
        return m.Done()

    async def _load(self, ask: m.LoadConfig, actor: Actor) -> m.Done:
        before = self._store.running.config
        self._store.load(ask.name)
        self._events.note("config-loaded", f"{_who(actor)} loaded the configuration {ask.name}")
        await self._delay_at_once(before)
        return m.Done(self._loaded_warnings(ask.name, before))

    def _loaded_warnings(self, name: str, before: Config) -> tuple[str, ...]:
        """What `system update interface` would do to the authentication, after another configuration was loaded."""
        loaded = self._store.running.config
        if authentication.keys(before) and not authentication.keys(loaded):
            return (f"{name} has no passphrase: with system update interface adverts are authenticated no longer",)
        problem = authentication.outage(self._applied, loaded) if self._applied.cluster.enabled else ""
        return (f"{name} authenticates adverts in another way; {problem}",) if problem else ()

    async def _delete(self, ask: m.DeleteConfig, actor: Actor) -> m.Done:
        self._store.delete(ask.name)
        self._events.note("config-deleted", f"{_who(actor)} deleted the configuration {ask.name}")
        return m.Done()

    async def _import(self, ask: m.ImportConfig, actor: Actor) -> m.Done:
        config, taken = schema.parse_import(ask.text, self._store.running.config)
        self._store.put(ask.name, config, actor.user, f"import as {ask.name}", time.time())
        self._events.note("config-imported", f"{_who(actor)} imported the configuration {ask.name}")
        left_out = tuple(f"{path} is not in the text: the running configuration's was taken over" for path in taken)
        return m.Done((*left_out, *schema.warnings(config)))

    async def _set_maintenance(self, ask: m.SetMaintenance, actor: Actor) -> m.Done:
        if self._store.maintenance != ask.value:
            self._store.maintenance = ask.value
            switch = "on" if ask.value else "off"
            text = f"{_who(actor)} switched maintenance {switch}; the role follows with the update"
            self._events.note("maintenance", text)
        return m.Done()

    async def _delay_at_once(self, before: Config) -> None:
        """UPDATE_TRIGGER_DELAY does not wait for an update."""
        told = self._engine.settings()
        if trigger_delay(before) != trigger_delay(self._store.running.config) and told is not None:
            await self._tell_engine(maintenance=bool(told.get("maintenance")))

    # --- putting it into force ----------------------------------------------------------------------

    async def _update(self, _ask: m.UpdateInterface, _actor: Actor) -> m.Done:
        return m.Done(await self._apply())

    async def _apply(self) -> tuple[str, ...]:
        """Put the running configuration into force; what is already as it should be is not touched.

        Returns:
            What could not be done on this machine, one sentence each.

        Raises:
            ClusterError: the engine does not come up, or refuses. The rest is in force then.
        """
        revision = self._store.running
        config = revision.config
        was_enabled = self._applied.cluster.enabled
        problems, _secrets = await asyncio.gather(
            self._network.apply(config, leave_down=frozenset(config.cluster.backup_disable_interfaces)),
            self._keys.of(config),
        )
        self._applied = config
        problems += self._remember_applied(revision)
        self._follow_anew()
        await self._tell_engine(maintenance=self._store.maintenance)
        if was_enabled and not config.cluster.enabled:
            self._events.note("cluster-off", "the cluster was switched off on this node")
        return problems

    def _remember_applied(self, revision: Revision) -> tuple[str, ...]:
        try:
            if self._store.applied != revision:
                self._store.applied = revision
        except StoreError as error:
            return (f"{error.message}; a restart of clusterd brings back what was in force before",)
        return ()

    def _follow_anew(self) -> None:
        self._disabled.names = self._applied.cluster.backup_disable_interfaces
        self._followers.configured()

    async def _tell_engine(self, *, maintenance: bool) -> None:
        settings = document(
            self._applied,
            maintenance=maintenance,
            delay=trigger_delay(self._store.running.config),
            secrets=await self._keys.of(self._applied),
        )
        if self._applied.cluster.enabled:
            await self._engine.configure(settings)
        else:
            await self._engine.stop(settings)

    # --- the cluster --------------------------------------------------------------------------------

    async def _synchronize(self, _ask: m.Synchronize, _actor: Actor) -> m.Done:
        raise RefusedError(f"nothing was synchronized: {reports.sync_reason(self._applied)}")

    async def _switch(self, ask: m.Switch, actor: Actor) -> m.Done:
        self._require_cluster()
        with self._events.listening() as heard:
            await self._engine.ask("switch", force=ask.force)
            self._events.note("switch", f"{_who(actor)} asked to hand the role over")
            interval = Centiseconds(self._applied.cluster.advert_interval)
            await switchover.outcome(heard, switchover.patience(interval))
        return m.Done()

    def _require_cluster(self) -> None:
        if not self._applied.cluster.enabled:
            raise RefusedError("the cluster is switched off on this node")

    async def _reboot(self, ask: m.Reboot, actor: Actor) -> m.Done:
        what = "powered off" if ask.power_off else "restarted"
        self._events.note("reboot", f"this machine is {what}, as {_who(actor)} asked")
        self._leave(ask.power_off)
        return m.Done()

    def _current_name(self) -> str:
        return next(entry.name for entry in self._store.names() if entry.current)


def _who(actor: Actor) -> str:
    return f"{actor.user} ({actor.source})"
