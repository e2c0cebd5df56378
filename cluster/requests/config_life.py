"""The life of configurations: history, going back, and activation that undoes itself unless it is confirmed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from cluster import activation, files
from cluster.accounts import refuse_lockout, with_present_accounts
from cluster.config import authentication, schema, transition
from cluster.errors import ClusterError, RefusedError
from cluster.requests.desk import who
from cluster.rpc import messages as m
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster.activation import Pending
    from cluster.config.past import Arrived
    from cluster.config.revision import Revision
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.inforce import InForce
    from cluster.lease import EditLease
    from cluster.model import Config
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class ConfigLife:
    """Looks back, goes back, and lets go back by itself.

    Args:
        store: the configurations.
        inforce: what is in force.
        events: what happened.
        lease: who edits.
        turn: held while something is changed.
        record: file in the run directory for an activation that waits.
        boot: id of this boot of the machine.
        changed: called after something went back by itself.
    """

    def __init__(
        self,
        store: Store,
        inforce: InForce,
        events: EventLog,
        *,
        lease: EditLease,
        turn: asyncio.Lock,
        record: Path,
        boot: str,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._inforce = inforce
        self._events = events
        self._lease = lease
        self._turn = turn
        self._record = record
        self._boot = boot
        self._changed = changed
        self._pending: Pending | None = None
        self._waiting: asyncio.Task[None] | None = None
        self.answers: Answers = {
            m.GetHistory: self._history,
            m.RollBack: self._roll_back,
            m.Activate: self._activate,
            m.ConfirmActivation: self._confirm,
        }
        self.changes: tuple[type[Ask], ...] = (m.RollBack, m.Activate, m.ConfirmActivation)

    @property
    def trying(self) -> str:
        """Who activated what waits to be confirmed; empty: nothing waits."""
        return "" if self._pending is None else self._pending.whose

    # --- looking back -------------------------------------------------------------------------------

    async def _history(self, ask: m.GetHistory, _actor: Actor) -> m.History:
        running, applied = self._store.running.number, self._store.applied
        marks = (("RUNNING", running), ("APPLIED", applied.number if applied else None))
        return m.History(
            tuple(
                m.RevisionLine(
                    number=line.number,
                    when=line.when,
                    who=line.who,
                    why=line.why,
                    names=line.saved_as,
                    flags=tuple(word for word, number in marks if number == line.number),
                )
                for line in self._store.history()[: max(0, ask.limit)]
            )
        )

    # --- going back ---------------------------------------------------------------------------------

    async def _roll_back(self, ask: m.RollBack, actor: Actor) -> m.Done:
        self._lease.require(actor, _now(), force=ask.force)
        arrived = self._store.past.arrived
        if ask.revision is None and arrived is not None and arrived.became == self._store.running.number:
            return await self.undo(arrived, actor, force=ask.force)
        wanted = (
            self._store.past.before(self._store.running)
            if ask.revision is None
            else self._store.revision(ask.revision)
        )
        schema.require_valid(wanted.config, f"revision {wanted.number}")
        before = self._store.running.config
        refuse_lockout(before, wanted.config)
        new = self._store.commit(wanted.config, actor.user, f"rollback to revision {wanted.number}", time.time())
        self._lease.edited(actor, _now())
        self._events.note(
            "config-rolled-back", f"{who(actor)} made revision {wanted.number} run again, as revision {new.number}"
        )
        await self._inforce.delay_at_once(before)
        return m.Done(self._warnings(new))

    def _warnings(self, revision: Revision) -> tuple[str, ...]:
        problem = self._parts(revision.config)
        return (f"revision {revision.number} authenticates adverts in another way; {problem}",) if problem else ()

    def _parts(self, config: Config) -> str:
        """Why this configuration, in force on this node alone, would part the nodes; empty if it would not."""
        in_force = self._inforce.config
        both_on = in_force.cluster.enabled and config.cluster.enabled
        return authentication.outage(in_force, config) if both_on else ""

    def require_settled(self) -> None:
        """Go on only if no activation waits to be confirmed, which would take back what comes into force now.

        Raises:
            LockedError: one does.
        """
        activation.require_none(self._pending, _now())

    def require_possible(self, revision: Revision, *, force: bool) -> None:
        """Go on only if a former revision may come back into force on this node, without a step of the partner.

        Args:
            revision: what would come back.
            force: also when the nodes would not believe each other any more.

        Raises:
            LockedError: an activation waits to be confirmed.
            InvalidConfigurationError: it breaks a rule of today.
            RefusedError: nobody could log in; or the partner would not believe how it authenticates adverts.
        """
        self.require_settled()
        schema.require_valid(revision.config, f"revision {revision.number}, which would come back,")
        refuse_lockout(self._store.running.config, revision.config)
        if not force and self._parts(revision.config):
            raise RefusedError(
                f"revision {revision.number}, which would come back, authenticates adverts in another way; let it "
                "run with system config rollback revision, and system update interface changes both nodes"
            )

    async def undo(self, arrived: Arrived, actor: Actor, *, force: bool) -> m.Done:
        """What the partner sent leaves as it came: with START, CURRENT, and what is in force.

        Args:
            arrived: what it was, and what there was before.
            actor: who asks.
            force: also when the nodes would not believe each other any more.

        Raises:
            ClusterError: it cannot be undone, see `require_possible`; or it is, and the engine does not follow.
        """
        self.require_possible(self._store.revision(arrived.running), force=force)
        for other in self._store.past.returning(arrived)[1:]:
            schema.require_valid(other.config, f"revision {other.number}, which would come back,")
        why = f"undo of revision {arrived.became}, which the partner sent"
        revision = self._store.undo(arrived, actor.user, why, time.time())
        text = (
            f"{who(actor)} undid what the partner sent as {arrived.name}: what ran before runs again, as revision "
            f"{revision.number}"
        )
        return m.Done(await self.came_back(text))

    async def came_back(self, text: str) -> tuple[str, ...]:
        """A former configuration is back in the store: that ends all edits, and it comes into force where it shall.

        Args:
            text: says so, in an event.

        Returns:
            What could not be put into force, one sentence each.

        Raises:
            ClusterError: the engine does not follow.
        """
        self._lease.end()
        self._events.note("sync-undone", text)
        return await self._inforce.follow_arrival() if self._store.synced.activating else ()

    # --- activation ---------------------------------------------------------------------------------

    async def resume(self, *, booted: bool) -> None:
        """After the start of clusterd, once what was in force is in force again.

        Args:
            booted: the machine did: the start configuration is in force, and nothing waits any more.
        """
        pending = self._recorded()
        if pending is None:
            return
        if booted or pending.boot != self._boot:
            self._forget()
            text = f"the activation of {pending.whose} ended with the boot; the start configuration is in force"
            self._events.note("activation-ended", text)
            return
        self._wait_for(pending)

    async def _activate(self, ask: m.Activate, actor: Actor) -> m.Done:
        running, applied = self._store.running, self._store.applied
        self._refuse_parting(running.config)
        pending = activation.begin(
            actor,
            ask.seconds,
            _now(),
            pending=self._pending,
            activated=running.number,
            before=None if applied is None else applied.number,
            boot=self._boot,
        )
        files.replace(self._record, activation.encode(pending))  # before anything changes: a crash finds it
        self._wait_for(pending)
        self._events.note(
            "activation",
            f"{pending.whose} activated revision {pending.activated}; without system config confirm within "
            f"{pending.seconds} s, revision {pending.before} comes back",
        )
        try:
            return m.Done(await self._inforce.apply())
        except ClusterError as error:
            await self._return(pending, f"it could not be put into force: {error.message}")
            raise

    def _refuse_parting(self, config: Config) -> None:
        """What has to change on both nodes at once cannot be tried on one of them."""
        if self._parts(config):
            raise RefusedError(
                "how adverts are authenticated has to change on both nodes at once: system update interface does "
                "that over the hotwire, an activation is for this node alone"
            )

    async def _confirm(self, _ask: m.ConfirmActivation, actor: Actor) -> m.Done:
        pending = activation.require(self._pending)
        self._forget()
        text = f"{who(actor)} confirmed the activation of revision {pending.activated} by {pending.whose}"
        self._events.note("activation-confirmed", text)
        return m.Done()

    def _wait_for(self, pending: Pending) -> None:
        self._pending = pending
        self._waiting = asyncio.create_task(self._wait(pending))

    async def _wait(self, pending: Pending) -> None:
        await asyncio.sleep(pending.left(_now()) / NANOSECONDS_PER_SECOND)
        async with self._turn:
            if self._pending is pending:
                await self._return(pending, f"nobody confirmed it within {pending.seconds} s")
                self._changed()

    async def _return(self, pending: Pending, reason: str) -> None:
        """What was in force before is in force again; what runs meanwhile stays in the history."""
        edited = self._store.running
        try:
            before = self._store.revision(pending.before)
        except ClusterError as error:
            self._forget()
            self._events.note("activation-failed", f"what was in force before cannot come back: {error.message}")
            return
        problems = await self._put_back(before, pending)
        self._forget()
        self._lease.end()
        self._events.note(
            "activation-undone",
            f"the activation by {pending.whose} was undone, {reason}: revision {before.number} is in force again; "
            f"what ran is kept as revision {edited.number}",
        )
        for problem in problems:
            self._events.note("problem", problem)

    async def _put_back(self, before: Revision, pending: Pending) -> tuple[str, ...]:
        """First what is in force, then what runs; each as far as it goes, for nobody is there to try again."""
        edited = self._store.running.config
        config = with_present_accounts(edited, before.config)
        if self._parts(config):
            # Both nodes changed their keys meanwhile: that is theirs together, and no part of what was tried.
            config = transition.put(config, transition.of(self._inforce.config))
        problems: tuple[str, ...] = ()
        try:
            problems = await self._inforce.put_back(msgspec.structs.replace(before, config=config))
        except ClusterError as error:  # the rest is in force, and the engine finds its settings when it comes up
            problems = (error.message,)
        try:
            why = f"activation of revision {pending.activated} undone"
            revision = self._store.commit(config, pending.user, why, time.time())
            if config != before.config:
                self._store.applied = revision
            await self._inforce.delay_at_once(edited)
        except ClusterError as error:
            problems += (error.message,)
        return problems

    def _forget(self) -> None:
        self._pending = None
        self._record.unlink(missing_ok=True)

    def _recorded(self) -> Pending | None:
        try:
            return activation.decode(self._record.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            text = f"{self._record} cannot be read, an activation that waits will not be undone: {error}"
            self._events.note("activation-failed", text)
            return None


def _now() -> Nanoseconds:
    return Nanoseconds(time.monotonic_ns())
