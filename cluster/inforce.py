"""What is in force on this node, and how the running configuration comes into force.

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
from typing import TYPE_CHECKING

from cluster.config import transition
from cluster.engine.keys import DerivedKeys
from cluster.engine.settings import TRANSITION, authentication_of, document, trigger_delay
from cluster.errors import ClusterError, RefusedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cluster.collaborators import Engine, Network, Part
    from cluster.config.revision import Revision
    from cluster.config.store import Store
    from cluster.config.transition import Authentication
    from cluster.events_log import EventLog
    from cluster.followers import DisabledInterfaces, Followers
    from cluster.model import Config


_WITH_UPDATE = ("cluster", "interfaces", "addresses", "virtual_addresses", "routes", "applications", "ssh")
"""Parts of a configuration that an edit leaves as they are until `system update interface`."""


class InForce:
    """Puts configurations into force: network, engine, followers, other parts.

    Args:
        store: the configurations; not empty.
        engine: the VRRP engine.
        network: links and addresses.
        events: what happened.
        followers: of the role.
        disabled: the follower whose interfaces the configuration names.
        parts: what else follows the configuration, in order.
        resynchronises: whether the engine will be told, under this configuration, when connections are.

    Attributes:
        keys: the keys of adverts, derived once for all who need them.
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
        parts: Sequence[Part] = (),
        resynchronises: Callable[[Config], bool] = lambda _config: False,
    ) -> None:
        self._store = store
        self._engine = engine
        self._network = network
        self._events = events
        self._followers = followers
        self._disabled = disabled
        self._parts = parts
        self._resynchronises = resynchronises
        self._applied = store.running.config
        self._transition: Authentication | None = None
        self.keys = DerivedKeys()

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._applied

    @property
    def in_transition(self) -> bool:
        """Whether adverts are authenticated in a way that both nodes only pass through (cluster/rekeying.py)."""
        return self._transition is not None

    async def authenticate(self, way: Authentication) -> None:
        """Authenticate adverts in another way than the configuration says, also after a restart of clusterd.

        Raises:
            ClusterError: the engine does not take it.
        """
        before, applied = (self._transition, self._applied), self._store.applied
        self._transition = None if applied is not None and way == transition.of(applied.config) else way
        self._applied = transition.put(self._applied, way)
        try:
            await self._tell_engine(maintenance=self._told_maintenance())
        except ClusterError:
            self._transition, self._applied = before
            raise

    def require_cluster(self) -> None:
        """Go on only where the cluster is on.

        Raises:
            RefusedError: it is switched off.
        """
        if not self._applied.cluster.enabled:
            raise RefusedError("the cluster is switched off on this node")

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
        told = self._engine.settings()
        if told is not None and told.get(TRANSITION):
            self._transition = authentication_of(told)
            self._applied = transition.put(self._applied, self._transition)
            text = "a change of keys had stopped halfway; system update interface goes on with it"
            self._events.note("rekey", text)
        self._follow_anew()
        try:
            await self._tell_engine(maintenance=self._told_maintenance())
        except ClusterError as error:
            self._events.note("engine-failed", error.message)
        for problem in await self._tell_parts():
            self._events.note("problem", problem)
        if self._store.synced.activating:
            await self._finish_arrival()

    async def _finish_arrival(self) -> None:
        """The last clusterd ended between taking over what the partner sent and putting it into force."""
        try:
            for problem in await self.follow_arrival():
                self._events.note("problem", problem)
        except ClusterError as error:
            self._events.note("problem", f"what arrived from the partner is not wholly in force: {error.message}")
        else:
            self._events.note("sync-received", "what came, or was undone, before clusterd ended is in force now")

    async def _apply_complaining(self) -> None:
        try:
            for warning in await self.apply():
                self._events.note("problem", warning)
        except ClusterError as error:
            self._events.note("engine-failed", error.message)

    async def delay_at_once(self, before: Config) -> None:
        """UPDATE_TRIGGER_DELAY does not wait for an update.

        Args:
            before: the running configuration before it was changed.

        Raises:
            ClusterError: the engine does not take it.
        """
        told = self._engine.settings()
        if trigger_delay(before) != trigger_delay(self._store.running.config) and told is not None:
            await self._tell_engine(maintenance=bool(told.get("maintenance")))

    async def apply(self) -> tuple[str, ...]:
        """Put the running configuration into force; what is already as it should be is not touched.

        Returns:
            What could not be done on this machine, one sentence each.

        Raises:
            ClusterError: the engine does not come up, or refuses. The rest is in force then.
        """
        return await self._put(self._store.running, maintenance=self._store.maintenance)

    async def apply_rules(self) -> tuple[str, ...]:
        """Put the rules of the running configuration into force, and nothing that the role depends on.

        Returns:
            As `apply`.

        Raises:
            RefusedError: other edits would come into force with them.
            ClusterError: as `apply`.
        """
        before, after = self._applied, self._store.running.config
        if before.rules == after.rules:
            return ()
        waiting = [part for part in _WITH_UPDATE if getattr(before, part) != getattr(after, part)]
        if waiting:
            raise RefusedError(
                f"other edits wait as well ({', '.join(waiting)}); system update interface brings all into force"
            )
        return await self.put_back(self._store.running)

    async def follow_arrival(self) -> tuple[str, ...]:
        """Put what arrived from the partner into force; whether this node stands back stays as it is.

        Returns:
            As `apply`.

        Raises:
            ClusterError: as `apply`; the store goes on saying that it is not in force, and `resume` tries again.
        """
        arrived = self._store.applied or self._store.running
        problems = await self._put(arrived, maintenance=self._told_maintenance())
        self._store.synced.activated()
        return problems

    async def put_back(self, revision: Revision) -> tuple[str, ...]:
        """Put a former configuration into force; whether this node stands back stays as it is.

        Args:
            revision: what shall be in force; what runs is left alone.

        Returns:
            As `apply`.

        Raises:
            ClusterError: as `apply`.
        """
        return await self._put(revision, maintenance=self._told_maintenance())

    def _told_maintenance(self) -> bool:
        """Whether this node stands back, as it is in force and not as it was set meanwhile."""
        told = self._engine.settings()
        return self._store.maintenance if told is None else bool(told.get("maintenance"))

    async def _put(self, revision: Revision, *, maintenance: bool) -> tuple[str, ...]:
        config = revision.config
        was_enabled = self._applied.cluster.enabled
        problems, _secrets = await asyncio.gather(
            self._network.apply(config, leave_down=frozenset(config.cluster.backup_disable_interfaces)),
            self.keys.of(config),
        )
        self._applied, self._transition = config, None
        problems += self._remember_applied(revision)
        self._follow_anew()
        try:
            await self._tell_engine(maintenance=maintenance)
        finally:
            problems += await self._tell_parts()
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

    async def _tell_parts(self) -> tuple[str, ...]:
        """After the engine: nothing that takes its time may keep a node out of the election."""
        return tuple([problem for part in self._parts for problem in await part.apply(self._applied)])

    def _follow_anew(self) -> None:
        self._disabled.names = self._applied.cluster.backup_disable_interfaces
        self._followers.configured()

    async def _tell_engine(self, *, maintenance: bool) -> None:
        settings = document(
            self._applied,
            maintenance=maintenance,
            delay=trigger_delay(self._store.running.config),
            secrets=await self.keys.of(self._applied),
            resync=self._resynchronises(self._applied),
        )
        if self._transition is not None:
            settings[TRANSITION] = True
        if self._applied.cluster.enabled:
            await self._engine.configure(settings)
        else:
            await self._engine.stop(settings)
