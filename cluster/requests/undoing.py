"""Undoing what was synchronized on both nodes at once, asked for at the node that sent it."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from cluster.config import scope
from cluster.errors import ConflictError, LockedError, ProtocolError, RefusedError, UnreachableError
from cluster.hotwire.sync import TO_DO, TO_LOOK
from cluster.hotwire.undo_messages import ArrivalUndone, UndoArrival, UndoLook, UndoView
from cluster.requests.desk import who
from cluster.rpc import messages as m
from cluster.units import Nanoseconds

if TYPE_CHECKING:
    from cluster.config.past import Arrived
    from cluster.config.revision import Revision
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.inforce import InForce
    from cluster.lease import EditLease
    from cluster.partnership import Partnership
    from cluster.requests.config_life import ConfigLife
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask

_AGAIN = "system config rollback both 1 goes on with it"
_REACH = 100
"""Saved revisions that are looked through for what both nodes had before."""


class Undoing:
    """Answers `system config rollback both 1`, and the partner when it was asked for that.

    It waits for no turn while it asks the partner: two nodes that do so at the same time would wait for each other.
    Edits here wait, by the lease. Each node goes back in one transaction, the partner first; whatever ends between
    the two, the same request does the rest.

    Args:
        store: the configurations.
        inforce: what is in force.
        events: what happened.
        lease: who edits.
        turn: held while something is changed.
        partnership: with the other node.
        life: undoes here what the partner sent.
    """

    def __init__(
        self,
        store: Store,
        inforce: InForce,
        events: EventLog,
        *,
        lease: EditLease,
        turn: asyncio.Lock,
        partnership: Partnership,
        life: ConfigLife,
    ) -> None:
        self._store = store
        self._inforce = inforce
        self._events = events
        self._lease = lease
        self._turn = turn
        self._partnership = partnership
        self._life = life
        partnership.dispatch.add({UndoLook: self._look, UndoArrival: self._undo_arrival})
        self.answers: Answers = {m.RollBackBoth: self._both}
        self.changes: tuple[type[Ask], ...] = ()

    # --- at the node that sent ----------------------------------------------------------------------

    async def _both(self, ask: m.RollBackBoth, actor: Actor) -> m.Done:
        with ExitStack() as whole:
            async with self._turn:
                self._lease.require(actor, _now(), force=ask.force)
                whole.enter_context(self._lease.held(_editor(actor), _now()))
            return await self._undo_both(ask, actor)

    async def _undo_both(self, ask: m.RollBackBoth, actor: Actor) -> m.Done:
        self._life.require_settled()
        seen = self._store.running.number
        sent = self._store.synced.base.digest
        if not sent:
            raise RefusedError("nothing was synchronized yet that could be undone")
        link = self._partnership.link
        view = await link.ask(UndoLook(sent), TO_LOOK)
        if not isinstance(view, UndoView):
            raise ProtocolError(f"the partner answered {type(view).__name__} where UndoView was expected")
        target = await self._once_here(view.digest)
        if target is None:
            raise RefusedError(
                f"{view.hostname} would go back to a configuration that this node never had; system config "
                "rollback there undoes it there alone"
            )
        self._life.require_possible(target, force=ask.force)
        wish = UndoArrival(
            digest=sent,
            expected=view.digest,
            user=actor.user,
            source=actor.source,
            hostname=self._store.running.config.hostname,
            force=ask.force,
        )
        warnings = await self._partner_goes_back(wish, view.hostname)
        async with self._turn:
            self._require_undisturbed(view.hostname, seen, force=ask.force)
            try:
                problems = await self._go_back(target, actor, view.hostname)
            finally:
                self._partnership.changed()
        return m.Done((*(f"{view.hostname}: {warning}" for warning in warnings), *problems))

    async def _partner_goes_back(self, wish: UndoArrival, partner: str) -> tuple[str, ...]:
        """The half of the partner, which is undone there as a whole or not at all; what it could not do."""
        try:
            undone = await self._partnership.link.ask(wish, TO_DO)
        except UnreachableError as error:
            raise UnreachableError(
                f"{error.message}, while {partner} was going back: it did or did not, as a whole, and this node "
                f"did not; {_AGAIN}"
            ) from error
        return undone.warnings if isinstance(undone, ArrivalUndone) else ()

    def _require_undisturbed(self, partner: str, seen: int, *, force: bool) -> None:
        """Somebody may have taken over, or begun to try something out, while the partner went back."""
        running = self._store.running
        halfway = f"{partner} went back, but this node did not"
        if running.number != seen and not force:
            raise ConflictError(
                f"{halfway}: {running.who} edited it meanwhile; {_AGAIN}, and keeps the edits in the history"
            )
        try:
            self._life.require_settled()
        except LockedError as error:
            raise LockedError(f"{halfway}: {error.message}; {_AGAIN} after that") from error

    async def _once_here(self, digest: str) -> Revision | None:
        """The newest revision saved here whose shared part is this one."""
        saved = [line.number for line in self._store.history() if line.saved_as]
        for number in saved[:_REACH]:
            revision = self._store.revision(number)
            # A big configuration takes the processor for a while, which the loop needs for the engine.
            if await asyncio.to_thread(scope.digest, revision.config) == digest:
                return revision
        return None

    async def _go_back(self, target: Revision, actor: Actor, partner: str) -> tuple[str, ...]:
        before, applied, start = self._store.running, self._store.applied, self._store.start_name
        followed = applied is not None and applied.digest == before.digest
        why = f"rollback to revision {target.number}, together with {partner}"
        self._store.return_to(target.config, actor.user, why, time.time(), follows=followed)
        problems = await self._life.came_back(
            f"{who(actor)} undid the last synchronization on both nodes: what was revision {target.number} runs "
            f"and is START again, as {start}; {partner} went back, too"
        )
        if followed:
            return problems
        await self._inforce.delay_at_once(before.config)
        waits = "what ran here was not in force, and what runs now is not; system update interface applies it"
        return (*problems, waits)

    # --- at the node that received ------------------------------------------------------------------

    async def _look(self, ask: UndoLook) -> UndoView:
        arrived = self._fitting(ask.digest)
        return UndoView(self._afterwards(arrived), self._hostname)

    async def _undo_arrival(self, ask: UndoArrival) -> ArrivalUndone:
        actor = m.Actor(user=ask.user, source=f"{ask.source}, at {ask.hostname}", role="admin")
        async with self._turn:
            arrived = self._fitting(ask.digest)
            if self._afterwards(arrived) != ask.expected:
                raise ConflictError(f"the configuration of {self._hostname} was changed meanwhile; try again")
            if arrived is None:
                return ArrivalUndone()
            self._lease.require(actor, _now(), force=ask.force)
            # By content: the undoing of a later arrival runs it again as another revision, which is no edit.
            came = self._store.revision(arrived.became)
            if came.digest != self._store.running.digest and not ask.force:
                raise ConflictError(
                    f"{self._hostname} was edited since it received this configuration; force 1 undoes it all the "
                    "same, and the edits stay in its history"
                )
            done = await self._life.undo(arrived, actor, force=ask.force)
        self._partnership.changed()
        return ArrivalUndone(done.warnings)

    def _fitting(self, digest: str) -> Arrived | None:
        """The last arrival, if it is the one that the partner speaks of; None: that one is undone here already.

        Raises:
            RefusedError: it is another one, or there is none.
        """
        past = self._store.past
        arrived, undone = past.arrived, past.undone
        if arrived is not None and self._shared(self._store.revision(arrived.became)) == digest:
            return arrived
        if undone is not None and self._shared(self._store.revision(undone)) == digest != self._afterwards(None):
            return None  # the partner was cut off before it followed, or this node went back alone
        if arrived is None:
            raise RefusedError(f"{self._hostname} received nothing that could be undone")
        raise RefusedError(f"what {self._hostname} received last is not what both nodes last had in common")

    def _afterwards(self, arrived: Arrived | None) -> str:
        """Digest of what would boot then, or does already."""
        return self._shared(self._store.start if arrived is None else self._store.past.start_after(arrived))

    @staticmethod
    def _shared(revision: Revision) -> str:
        return scope.digest(revision.config)

    @property
    def _hostname(self) -> str:
        return self._store.running.config.hostname


def _editor(actor: Actor) -> Actor:
    """A source of its own, so that the same administrator waits, too."""
    return m.Actor(user=actor.user, source=f"undoing on both nodes, {actor.source}", role=actor.role)


def _now() -> Nanoseconds:
    return Nanoseconds(time.monotonic_ns())
