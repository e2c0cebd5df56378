"""Taking over what the partner sends: carries out what the pure exchange decides, with store, lease and engine.

Putting a big configuration together takes the processor for a while: a thread does it, so that the loop goes on
supervising the engine. The store is written by the loop alone.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from cluster.errors import ClusterError, NotFoundError
from cluster.hotwire import exchange_messages as x
from cluster.hotwire import exchange_receiver as receiving
from cluster.hotwire.exchange_receiver import Reception, State
from cluster.hotwire.exchange_refusals import Own
from cluster.rpc.messages import Actor
from cluster.units import Nanoseconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.hotwire.sync import SharedParts
    from cluster.hotwire.words import HotwireAnswer, HotwireAsk
    from cluster.lease import EditLease
    from cluster.model import Config


LOOK = 0.25
"""Seconds between two looks at whether the sender is still there."""


class Force(Protocol):
    """What is in force on this node, and how an arrival comes into force."""

    @property
    def config(self) -> Config:
        """The configuration in force."""

    async def follow_arrival(self) -> tuple[str, ...]:
        """Put what arrived into force, and note in the store that it is; returns what could not be done.

        Raises:
            ClusterError: it is not wholly in force; the store goes on saying so.
        """


class Receiver:
    """Takes over what the partner sends.

    Args:
        store: the configurations.
        force: what is in force here.
        events: what happened.
        parts: shared parts of revisions.
        lease: who edits.
        turn: held while something is changed; one change after the other.
        is_master: whether this node is master now.
        sending: whether this node is sending now.
        trying: who activated a configuration here that still waits for a confirmation; empty: nobody.
        losses: how often the partner was lost until now.
        changed: called when something changed that the partner is told.
        software: says the version of this software.

    Attributes:
        answers: what it answers, by type of ask.
    """

    def __init__(
        self,
        store: Store,
        force: Force,
        events: EventLog,
        *,
        parts: SharedParts,
        lease: EditLease,
        turn: asyncio.Lock,
        is_master: Callable[[], bool],
        sending: Callable[[], bool],
        trying: Callable[[], str],
        losses: Callable[[], int],
        changed: Callable[[], None],
        software: Callable[[], str],
    ) -> None:
        self._store = store
        self._force = force
        self._events = events
        self._parts = parts
        self._lease = lease
        self._turn = turn
        self._is_master = is_master
        self._sending = sending
        self._software = software
        self._trying = trying
        self._losses = losses
        self._changed = changed
        self._reception = Reception()
        self._losses_before = 0
        self._watching: asyncio.Task[None] | None = None
        self.answers: Mapping[type[HotwireAsk], Callable[[Any], Awaitable[HotwireAnswer]]] = {
            x.SyncHello: self._greet,
            x.SyncCompare: self._compare,
            x.SyncLock: self._lock,
            x.SyncStage: self._stage,
            x.SyncSwitch: self._switch,
            x.SyncRelease: self._released,
        }

    async def _greet(self, ask: x.SyncHello) -> x.SyncWelcome:
        if self._reception.hello is not None:  # a sender that died in the midst of it begins anew
            self._end(self._reception.hello)
        own, self._losses_before = self._own(), self._losses()
        # In a thread: what differs since the common base takes a while to name in a big configuration.
        welcome = await asyncio.to_thread(self._reception.greet, ask, own, self._software())
        if ask.digest == own.start_digest:
            self._store.synced.have_common(ask.digest, own.start.number)
        return welcome

    async def _compare(self, ask: x.SyncCompare) -> x.SyncDifferences:
        hello = self._reception.hello_of(ask.exchange, State.GREETED)
        return x.SyncDifferences(await asyncio.to_thread(receiving.differences, hello, ask.document, self._own()))

    async def _lock(self, ask: x.SyncLock) -> x.SyncLocked:
        async with self._turn:
            hello = await asyncio.to_thread(self._reception.lock, ask, self._own())
            self._reception.hello_of(ask.exchange, State.LOCKED)  # it may have ended meanwhile
            self._lease.edited(_editor(hello), _now())
            self._watching = asyncio.create_task(self._watch(hello))
        return x.SyncLocked()

    async def _watch(self, hello: x.SyncHello) -> None:
        """The lease is not for a sender that is gone, though it be back already: it begins anew then."""
        before = self._losses_before
        while self._reception.hello is hello:
            if self._losses() != before:
                self._end(hello)
                text = f"{hello.user} ({hello.source}) at {hello.hostname} was cut off; nothing changed here"
                self._events.note("sync-failed", text)
                return
            await asyncio.sleep(LOOK)

    async def _stage(self, ask: x.SyncStage) -> x.SyncStaged:
        hello = self._reception.hello_of(ask.exchange, State.LOCKED)
        own = self._own()
        staged = await asyncio.to_thread(receiving.staged, hello, ask.document, own)
        self._reception.hello_of(ask.exchange, State.LOCKED)  # it may have ended meanwhile
        self._reception.stage(staged)
        return x.SyncStaged(hello.digest)

    async def _switch(self, ask: x.SyncSwitch) -> x.SyncSwitched:
        async with self._turn:
            hello, staged = self._reception.switch(ask, self._own())
            why = f"synchronized from {hello.hostname} ({hello.source})"
            revision = self._store.receive(staged.arrival, hello.user, why, time.time())
            self._parts.learn(revision.number, staged.document, hello.digest)
            self._end(hello)
            whom = f"{hello.user} ({hello.source})"
            came = f"{whom} sent the configuration {hello.name} from {hello.hostname}; it runs and is START here"
            self._events.note("sync-received", came)
            self._changed()
            warnings = await self._activate()
        return x.SyncSwitched(digest=hello.digest, revision=revision.number, warnings=(*staged.warnings, *warnings))

    async def _activate(self) -> tuple[str, ...]:
        """Put it into force, as far as it can be; what could not is done at the next start of clusterd."""
        try:
            return await self._force.follow_arrival()
        except ClusterError as error:
            self._events.note("problem", error.message)
            return (f"it was taken over, but is not wholly in force: {error.message}",)

    async def _released(self, ask: x.SyncRelease) -> x.SyncReleased:
        hello = self._reception.hello_of(ask.exchange, *State)
        self._end(hello)
        whom = f"{hello.user} ({hello.source})"
        text = f"{whom} did not get the configuration {hello.name} of {hello.hostname} to this node: {ask.reason}"
        self._events.note("sync-refused", text)
        return x.SyncReleased()

    def _end(self, hello: x.SyncHello) -> None:
        """The exchange is over: whoever waits for the lease may edit."""
        locked = self._reception.locked
        self._reception.end()
        holder, editor = self._lease.holder(_now()), _editor(hello)
        if locked and holder is not None and (holder.user, holder.source) == (editor.user, editor.source):
            self._lease.end()

    def _own(self) -> Own:
        store = self._store
        start, running, base, unsaved = store.start, store.running, store.synced.base, store.unsaved
        start_digest, running_digest = self._parts.of(start)[1], self._parts.of(running)[1]
        edited = base.digest not in {"", start_digest} or running_digest != base.digest
        return Own(
            hostname=running.config.hostname,
            is_master=self._is_master(),
            enabled=self._force.config.cluster.enabled,
            sending=self._sending(),
            trying=self._trying(),
            start=start,
            start_name=store.start_name,
            start_digest=start_digest,
            running=running,
            running_digest=running_digest,
            current_name=store.current_name,
            saved=store.get(store.current_name) if unsaved else running.config,
            unsaved=unsaved,
            applied=store.applied,
            base=base,
            base_config=self._config(base.revision) if edited else None,
            holder=self._lease.holder(_now()),
            now=_now(),
            clock=time.time(),
        )

    def _config(self, number: int | None) -> Config | None:
        try:
            return None if number is None else self._store.revision(number).config
        except NotFoundError:
            return None


def _editor(hello: x.SyncHello) -> Actor:
    return Actor(user=hello.user, source=f"synchronizing from {hello.hostname}, {hello.source}", role="admin")


def _now() -> Nanoseconds:
    return Nanoseconds(time.monotonic_ns())
