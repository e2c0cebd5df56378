"""The partner at the other end of the hotwire: what it is told, what it says, and what follows for this node.

It tells the partner how this node is, on every change and once a second; it tells the engine what the partner says,
which may speed a takeover up, and its silence, which changes no role; and it says what `sync_state` is and why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cluster import machine
from cluster.config.migrations import VERSION
from cluster.errors import ClusterError, StoreError, UnreachableError
from cluster.health import Administrator
from cluster.hotwire import account, state
from cluster.hotwire.account import Own, SyncNotes
from cluster.hotwire.dispatch import Dispatch
from cluster.hotwire.link import HotwireLink
from cluster.hotwire.protocol import PROTOCOL_VERSION, Hello
from cluster.hotwire.settings import HotwireSettings
from cluster.hotwire.state import SyncView
from cluster.hotwire.sync import SharedParts
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds
from cluster.vrrp.events import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.collaborators import Engine
    from cluster.config.store import Store
    from cluster.engine.settings import Document
    from cluster.events_log import EventLog
    from cluster.health import PartnerHealth
    from cluster.hotwire.keys import OwnKey
    from cluster.lease import EditLease
    from cluster.model import Config

_LOG = logging.getLogger("clusterd")

AFTER_OTHERS = 0.3
"""Seconds that the link lets the engine's adoption or restart, which race the partner's patience, go first."""
REPORT = 1.0
"""Seconds between two reports when nothing changes."""
BREATH = 0.05
"""Seconds between two reports when much does."""
_WORDS: dict[Role, Literal["master", "backup", "offline"]] = {
    Role.MASTER: "master",
    Role.BACKUP: "backup",
    Role.OFFLINE: "offline",
}


class Partnership:
    """Both nodes, as far as they speak with each other.

    Args:
        store: the configurations.
        engine: the VRRP engine.
        events: what happened.
        lease: who edits.
        own_key: of this node.
        conntrack: a word for the state of connection tracking.

    Attributes:
        own_key: of this node.
        link: to the partner; for who has something to ask it.
        dispatch: takes who has something to answer it.
        parts: shared parts of our configurations.
    """

    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        events: EventLog,
        lease: EditLease,
        own_key: OwnKey,
        conntrack: Callable[[], str] = str,
    ) -> None:
        self._store, self._engine, self._events, self._lease = store, engine, events, lease
        self._conntrack = conntrack
        self._config: Config | None = None
        self._news = asyncio.Event()
        self._told: PartnerHealth | None = None
        self._engine_knows = False  # an adopted engine may rely on what it heard before
        self._notes = SyncNotes(SyncView("error", state.NO_INTERFACE.reason))
        self.own_key = own_key
        self.dispatch = Dispatch()
        self.parts = SharedParts()
        self.link = HotwireLink(
            own_key=own_key, hello=self._hello, responder=self.dispatch, on_change=self._news.set
        )

    # --- for the others -----------------------------------------------------------------------------

    async def apply(self, config: Config) -> tuple[str, ...]:
        """This configuration is in force (see `collaborators.Part`)."""
        self._config = config
        self.link.configure(settings_of(config))
        self._news.set()
        return ()

    def changed(self) -> None:
        """Something of this node changed that the partner is told."""
        self._news.set()

    @property
    def partner(self) -> PartnerHealth | None:
        """What the partner says of itself; None while the hotwire is down."""
        return self.link.partner

    @property
    def sync(self) -> SyncView:
        """`sync_state` now, and why."""
        return state.sync_view(self.link.state, self._start_digest(), VERSION, self.link.partner)

    # --- life ---------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the partner, the engine and the events informed, until cancelled."""
        await asyncio.sleep(AFTER_OTHERS)
        await asyncio.to_thread(getattr, self, "software")
        async with asyncio.TaskGroup() as duties:
            duties.create_task(self.link.run())
            duties.create_task(self._inform())

    async def _inform(self) -> None:
        problem = ""
        while True:
            self._news.clear()
            before, problem = problem, ""
            try:
                if self._config is not None:
                    await self._inform_once(self._config)
            except ClusterError as error:  # a disk that cannot be read must not end clusterd: it tries again
                problem = error.message
                if problem != before:
                    _LOG.warning("the partner is not told how this node is: %s", problem)
            await asyncio.sleep(BREATH)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT - BREATH):
                    await self._news.wait()

    async def _inform_once(self, config: Config) -> None:
        if self.link.wanted:
            self.link.report(account.health(await self._own(config)))
        await self._tell_engine(config)
        view = self.sync
        self._note(view)
        if view.state == "synchronized":
            self._remember_common()

    def _remember_common(self) -> None:
        """Both have the same now: what either edits from here on is not overwritten by the other."""
        with contextlib.suppress(StoreError):  # a full disk; said by whatever needs it
            self._store.synced.have_common(self._start_digest(), self._store.start_number)

    def _note(self, view: SyncView) -> None:
        if view.reason == state.BEGINNING.reason:
            return
        text = self._notes.text(view, self.link.partner, time.monotonic())
        if text is not None:
            self._events.note("sync", text)

    async def _tell_engine(self, config: Config) -> None:
        """Pass the partner's words on; an engine that does not listen hears them with the next look."""
        partner = self.link.partner
        if not config.cluster.enabled or (partner is None and self._told is None and self._engine_knows):
            return
        with contextlib.suppress(ClusterError):
            await self._engine.ask("partner", **account.for_engine(partner, self._told))
            self._told, self._engine_knows = partner, True

    # --- this node ----------------------------------------------------------------------------------

    async def _own(self, config: Config) -> Own:
        running = self._store.running.config
        told: Document | None = None
        if config.cluster.enabled:
            with contextlib.suppress(UnreachableError):
                told = (await self._engine.ask("status"))["status"]
        return Own(
            hostname=running.hostname,
            software=self.software,
            schema=VERSION,
            role=_WORDS[self._engine.role],
            engine=told,
            sequence=self._engine.sequence,
            start_digest=self._start_digest(),
            unsaved=self._store.unsaved,
            administrators=self._administrators(),
            conntrack=self._conntrack(),
            maintenance=self._store.maintenance,
            clock=time.time(),
            priority=config.cluster.priority,
        )

    def _administrators(self) -> tuple[Administrator, ...]:
        now = Nanoseconds(time.monotonic_ns())
        holder = self._lease.holder(now)
        if holder is None:
            return ()
        since = time.time() - (now - holder.since) / NANOSECONDS_PER_SECOND
        return (Administrator(user=holder.user, source=holder.source, since=round(since)),)

    def _start_digest(self) -> str:
        """Of the shared part of our start configuration."""
        return self.parts.of(self._store.start)[1]

    @cached_property
    def software(self) -> str:
        """Version of ours; asked for once beside the loop, which goes on watching the engine."""
        return machine.software()

    def _hello(self) -> Hello:
        return Hello(
            protocol=PROTOCOL_VERSION,
            software=self.software,
            schema=VERSION,
            hostname=self._store.running.config.hostname,
        )


def settings_of(config: Config) -> HotwireSettings:
    """What a configuration says about the link."""
    options = config.cluster
    return HotwireSettings(
        device=next((name for name, each in config.interfaces.items() if "HOTWIRE" in each.flags), ""),
        local=options.hotwire_local,
        remotes=options.hotwire_remote,
        partner_keys=options.hotwire_partner_keys,
        hostname=config.hostname,
    )
