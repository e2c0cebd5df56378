"""Configurations: edited, saved, loaded, kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cluster.accounts import refuse_lockout
from cluster.config import authentication, schema
from cluster.errors import ConflictError, RefusedError
from cluster.requests.accounts import with_hashes
from cluster.requests.desk import who
from cluster.rpc import messages as m
from cluster.units import Nanoseconds

if TYPE_CHECKING:
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.inforce import InForce
    from cluster.lease import EditLease
    from cluster.model import Config
    from cluster.rekeying import Rekeying
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class Configurations:
    """Changes the running configuration and what is kept under names; nothing here touches the live system.

    Args:
        store: the configurations.
        inforce: what is in force.
        events: what happened.
        lease: who edits.
        rekeying: changes on both nodes what has to change on both.
    """

    def __init__(
        self, store: Store, inforce: InForce, events: EventLog, lease: EditLease, *, rekeying: Rekeying
    ) -> None:
        self._store = store
        self._inforce = inforce
        self._events = events
        self._lease = lease
        self._rekeying = rekeying
        self.answers: Answers = {
            m.EditConfig: self._edit,
            m.SaveConfig: self._save,
            m.SetStartConfig: self._set_start,
            m.LoadConfig: self._load,
            m.DeleteConfig: self._delete,
            m.ImportConfig: self._import,
        }
        self.changes: tuple[type[Ask], ...] = tuple(self.answers)

    async def _edit(self, ask: m.EditConfig, actor: Actor) -> m.Done:
        self._lease.require(actor, _now(), force=ask.force)
        running = self._store.running
        if ask.base not in {None, running.number}:
            raise ConflictError(f"{running.who} changed the configuration meanwhile; look at it and try again")
        before = running.config
        config = schema.apply(before, await with_hashes(ask.changes))
        refuse_lockout(before, config)
        told = self._refuse_outage(before, config, force=ask.force)
        why = ", ".join(".".join(change.path) for change in ask.changes)
        self._store.commit(config, actor.user, f"set {why}", time.time())
        self._lease.edited(actor, _now())
        await self._inforce.delay_at_once(before)
        return m.Done((*told, *schema.new_warnings(before, config)))

    def _refuse_outage(self, before: Config, after: Config, *, force: bool) -> tuple[str, ...]:
        """Nothing but the hotwire can change both nodes of a live cluster at once; returns what it will do.

        An edit that leaves the authentication alone passes also after one that was forced.
        """
        in_force = self._inforce.config
        if not in_force.cluster.enabled or not authentication.differ(before, after):
            return ()
        if force:
            self._rekeying.alone(after)
            return ()
        told = self._rekeying.offer() if authentication.differ(in_force, after) else ()
        if told is not None:
            return told
        problem = authentication.outage(in_force, after)
        if problem:
            raise RefusedError(f"{problem}; force 1 changes this node all the same")
        return ()

    async def _save(self, ask: m.SaveConfig, actor: Actor) -> m.Done:
        self._lease.require(actor, _now(), force=ask.force)
        self._store.save(ask.name or None, actor.user, time.time())
        self._lease.end()
        self._events.note("config-saved", f"{who(actor)} saved the configuration {self._store.current_name}")
        return m.Done()

    async def _set_start(self, ask: m.SetStartConfig, actor: Actor) -> m.Done:
        wanted = self._store.get(ask.name)
        schema.require_valid(wanted, f"the configuration {ask.name}")  # the next boot loads it
        refuse_lockout(self._store.running.config, wanted)
        self._store.set_start(ask.name)
        self._events.note("config-start", f"{who(actor)} made {ask.name} the start configuration")
        return m.Done()

    async def _load(self, ask: m.LoadConfig, actor: Actor) -> m.Done:
        self._lease.require(actor, _now(), force=ask.force)
        before, wanted = self._store.running.config, self._store.get(ask.name)
        schema.require_valid(wanted, f"the configuration {ask.name}")
        refuse_lockout(before, wanted)
        self._store.load(ask.name)
        self._lease.end()
        self._events.note("config-loaded", f"{who(actor)} loaded the configuration {ask.name}")
        await self._inforce.delay_at_once(before)
        return m.Done(self._loaded_warnings(ask.name, before))

    def _loaded_warnings(self, name: str, before: Config) -> tuple[str, ...]:
        """What `system update interface` would do to the authentication, after another configuration was loaded."""
        loaded = self._store.running.config
        if self._rekeying.offer() is None:
            self._rekeying.alone(loaded)
        if authentication.keys(before) and not authentication.keys(loaded):
            return (f"{name} has no passphrase: with system update interface adverts are authenticated no longer",)
        applied = self._inforce.config
        problem = authentication.outage(applied, loaded) if applied.cluster.enabled else ""
        if problem and (told := self._rekeying.offer()) is not None:
            return told
        return (f"{name} authenticates adverts in another way; {problem}",) if problem else ()

    async def _delete(self, ask: m.DeleteConfig, actor: Actor) -> m.Done:
        self._store.delete(ask.name)
        self._events.note("config-deleted", f"{who(actor)} deleted the configuration {ask.name}")
        return m.Done()

    async def _import(self, ask: m.ImportConfig, actor: Actor) -> m.Done:
        config, taken = schema.parse_import(ask.text, self._store.running.config)
        if ask.name == self._store.start_name:
            refuse_lockout(self._store.running.config, config)
        self._store.put(ask.name, config, actor.user, f"import as {ask.name}", time.time())
        self._events.note("config-imported", f"{who(actor)} imported the configuration {ask.name}")
        left_out = tuple(f"{path} is not in the text: the running configuration's was taken over" for path in taken)
        return m.Done((*left_out, *schema.warnings(config)))


def _now() -> Nanoseconds:
    return Nanoseconds(time.monotonic_ns())
