"""Sending the start configuration to the partner: carries out what the pure exchange decides, over the link."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cluster.config import scope
from cluster.errors import ClusterError, LockedError, StoreError, UnreachableError
from cluster.hotwire import exchange_messages as x
from cluster.hotwire.exchange_sender import Offer, Sending

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.config.revision import Revision
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.hotwire.words import HotwireAnswer, HotwireAsk
    from cluster.model import Config, Difference
    from cluster.rpc.messages import Actor

TO_LOOK = 10.0
"""Seconds for an answer that is there already."""
TO_BEGIN = 5.0
"""Seconds for a link that was configured anew just now: who types update and synchronize in one go waits for it."""
_LOOK = 0.05
TO_DO = 60.0
"""Seconds for one that takes work: a big configuration, a slow disk, an engine that starts."""


class Partner(Protocol):
    """The link, as far as an exchange needs it."""

    async def ask(self, message: HotwireAsk, timeout: float) -> HotwireAnswer:  # noqa: ASYNC109 - of the wire, not ours
        """Ask the partner."""


class Outcome(NamedTuple):
    """What came of a synchronisation.

    Attributes:
        differences: of a dry run.
        warnings: for the administrator.
    """

    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]


class SharedParts:
    """The shared part of the last revisions, so that nobody computes them twice."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[bytes, str]] = {}

    def of(self, revision: Revision) -> tuple[bytes, str]:
        """The canonical bytes of a revision's shared part, and their digest."""
        known = self._known.pop(revision.number, None)
        if known is None:
            document = scope.encoded(revision.config)
            known = document, scope.digest_of(document)
        self.learn(revision.number, *known)
        return known

    def learn(self, number: int, document: bytes, digest: str) -> None:
        """This is the shared part of the revision with this number."""
        self._known[number] = document, digest
        if len(self._known) > 2:  # what runs and what boots
            del self._known[next(iter(self._known))]


class Sender:
    """Sends the start configuration to the partner.

    Args:
        store: the configurations.
        events: what happened.
        in_force: the configuration in force here.
        parts: shared parts of revisions.
        link: to the partner.
        beginning: whether the link was configured anew and has not found out yet whether the partner is there.
        software: says the version of this software.
    """

    def __init__(
        self,
        store: Store,
        events: EventLog,
        *,
        in_force: Callable[[], Config],
        parts: SharedParts,
        link: Partner,
        beginning: Callable[[], bool],
        software: Callable[[], str],
    ) -> None:
        self._store = store
        self._in_force = in_force
        self._events = events
        self._parts = parts
        self._link = link
        self._beginning = beginning
        self._software = software
        self._by: str = ""

    @property
    def busy(self) -> bool:
        """Whether it is sending now."""
        return bool(self._by)

    async def synchronize(self, actor: Actor, *, dry_run: bool, force: bool) -> Outcome:
        """Send the start configuration, or only see what it would change at the partner.

        Args:
            actor: who asks.
            dry_run: change nothing.
            force: override what stands in the way at the partner.

        Raises:
            LockedError: somebody else does just now; or edits at the partner.
            UnreachableError: the partner cannot be reached, and why.
            ClusterError: it was refused, and why.
        """
        if self._by:
            raise LockedError(f"{self._by} is synchronizing just now")
        self._by = f"{actor.user} ({actor.source})"
        try:
            return await self._send(actor, dry_run=dry_run, force=force)
        finally:
            self._by = ""

    async def _send(self, actor: Actor, *, dry_run: bool, force: bool) -> Outcome:
        warnings = self._warnings()
        await self._link_settled()
        start, name = self._store.start, self._store.start_name
        document, digest = self._parts.of(start)
        offer = Offer(
            exchange=secrets.token_hex(8),
            software=self._software(),
            user=actor.user,
            source=actor.source,
            name=name,
            config=start.config,
            document=document,
            digest=digest,
            bases=self._store.synced.base.possible,
            in_force=self._in_force(),
        )
        sending = Sending(offer, dry_run=dry_run, force=force)
        await self._exchange(offer, sending)
        if sending.switched or sending.in_step:
            warnings += self._in_step_now(digest, start)
        if sending.switched:
            self._events.note("sync-sent", f"{self._by} sent the configuration {name} to {sending.partner}")
        return Outcome(sending.differences, (*warnings, *sending.warnings))

    async def _link_settled(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(TO_BEGIN):
                while self._beginning():  # noqa: ASYNC110 - a look for some moments, with no event to wait for
                    await asyncio.sleep(_LOOK)

    async def _exchange(self, offer: Offer, sending: Sending) -> None:
        ask: HotwireAsk | None = sending.begin()
        greeted = False
        try:
            while ask is not None:
                if isinstance(ask, x.SyncSwitch):
                    self._store.synced.offer(offer.digest, sending.base)
                patience = TO_LOOK if isinstance(ask, x.SyncHello | x.SyncLock) else TO_DO
                answer = await self._link.ask(ask, patience)
                greeted = True
                ask = sending.next(answer)
        except UnreachableError as error:
            unchanged = greeted and await self._let_go(offer, error.message)
            raise self._cut_off(ask, sending, error, unchanged=unchanged) from error
        except ClusterError as error:
            text = f"{self._by} did not get the configuration {offer.name} to {sending.partner}: {error.message}"
            self._events.note("sync-refused", text)
            if greeted:
                await self._release(offer, error.message)
            raise

    async def _let_go(self, offer: Offer, reason: str) -> bool:
        """The other connection may be there still: nobody at the partner shall wait for the lease to run out.

        Returns:
            Whether the partner said that the exchange ended there, with nothing changed.
        """
        try:
            await self._link.ask(x.SyncRelease(offer.exchange, reason), TO_LOOK)
        except ClusterError:  # it is gone, and sees that we are; or it had switched already
            return False
        return True

    def _cut_off(
        self, ask: HotwireAsk | None, sending: Sending, error: UnreachableError, *, unchanged: bool
    ) -> UnreachableError:
        """The partner does not answer any more; what that means depends on what it was asked."""
        if isinstance(ask, x.SyncSwitch) and not unchanged:
            text = (
                f"{error.message}, while {sending.partner} was taking the configuration over: it has the old or "
                "the new one as a whole, and sync_state tells which once it is reached again"
            )
        else:
            text = f"nothing was synchronized: {error.message}"
        self._events.note("sync-failed", f"{self._by}: {text}")
        return UnreachableError(text)

    async def _release(self, offer: Offer, reason: str) -> None:
        try:
            await self._link.ask(x.SyncRelease(offer.exchange, reason), TO_LOOK)
        except ClusterError as error:
            self._events.note("sync-failed", f"the partner was not told that nothing comes: {error.message}")

    def _in_step_now(self, digest: str, start: Revision) -> tuple[str, ...]:
        try:
            self._store.synced.have_common(digest, start.number)
        except StoreError as error:
            return (f"the partner has the configuration, but this node could not note it: {error.message}",)
        return ()

    def _warnings(self) -> tuple[str, ...]:
        """What the administrator may have forgotten: the start configuration is sent as it was saved."""
        start, current = self._store.start_name, self._store.current_name
        warnings = []
        if self._store.unsaved:
            warnings.append(
                f"the running configuration has unsaved changes; what is sent is {start} as it was saved"
            )
        if start != current:
            warnings.append(
                f"{current} is the current configuration; what is sent is {start}, the start configuration"
            )
        return tuple(warnings)
