"""The link: both directions kept open, found again within a second, and one way to ask the partner anything.

Each node dials the partner and lets the partner's call in. Either connection carries everything, so one is enough;
the own one is preferred. Every connection shows a sign of life each `BEAT`, and one that has shown none for
`SILENCE` is given up: so a cut cable is noticed that leaves the carrier up. An unplugged one is seen at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from cluster.errors import ClusterError, StoreError, UnreachableError
from cluster.hotwire import sockets, state
from cluster.hotwire.conversation import Conversation
from cluster.hotwire.dialling import dial
from cluster.hotwire.entrance import Entrance
from cluster.hotwire.settings import missing
from cluster.hotwire.state import Code, LinkState

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.health import PartnerHealth
    from cluster.hotwire.conversation import Responder
    from cluster.hotwire.keys import OwnKey
    from cluster.hotwire.protocol import Hello, HotwireAnswer, HotwireAsk
    from cluster.hotwire.settings import HotwireSettings
    from cluster.hotwire.sockets import Cable
    from cluster.hotwire.ssh import Way

_LOG = logging.getLogger("clusterd")

BEAT = 1.05
"""Seconds without a word of ours after which a sign of life goes out; a little longer than between two reports."""
SILENCE = 2.0
"""Seconds without one after which a connection is given up."""
LOOK = 0.25
"""Seconds between two looks at cable and clock."""
FAULT_PAUSE = 5.0
_VERSIONS = ""
"""Stands for every address where the partner was reached, and is of another version."""
_SILENT = "silent"
"""Stands for every address until one is tried again, or the partner speaks."""
_TELLING = (Code.VERSION, Code.HOST_KEY, Code.KEY_REFUSED, Code.ADDRESS_REFUSED, Code.UNREACHABLE)
"""Of several addresses' reasons, the one that tells most is shown."""


class HotwireLink:
    """The link to the partner.

    Args:
        own_key: of this node.
        hello: how we introduce ourselves.
        responder: carries out what the partner asks.
        on_change: called when the state, or what the partner says of itself, changed.
    """

    def __init__(
        self, *, own_key: OwnKey, hello: Callable[[], Hello], responder: Responder, on_change: Callable[[], None]
    ) -> None:
        self._own_key, self._hello = own_key, hello
        self._responder, self._on_change = responder, on_change
        self._settings: HotwireSettings | None = None
        self._configured = asyncio.Event()
        self.wake = asyncio.Event()
        self._talks: dict[Conversation, _Line] = {}
        self._troubles: dict[str, LinkState] = {}
        self._state = state.NO_INTERFACE
        self._partner: PartnerHealth | None = None
        self._offset: float | None = None
        self._health: PartnerHealth | None = None
        self.plugged = True
        self._heard_at: float | None = None
        self._losses = 0
        self._way: Way | None = None

    # --- for the others -----------------------------------------------------------------------------

    def configure(self, settings: HotwireSettings | None) -> None:
        """Take these settings; None: no hotwire.

        The same ones again, or another host name, cut nothing. Another key of the partner cuts what began with one
        that is not believed any more.
        """
        before, self._settings = self._settings, settings
        if before is None or settings is None or self._way is None or not settings.partner_keys:
            if settings != before:
                self._begin_anew()
            return
        if settings._replace(hostname=before.hostname, partner_keys=before.partner_keys) != before:
            self._begin_anew()
        elif settings.partner_keys != before.partner_keys:
            self._way.pin(settings.partner_keys)
            self._troubles.clear()
            self.wake.set()
            self._refresh()

    def rekeyed(self) -> None:
        """Our key was replaced: connect anew, with the new one."""
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._hang_up("the settings of the hotwire changed")
        self._troubles.clear()
        self._configured.set()
        self._refresh()

    @property
    def state(self) -> LinkState:
        """The link now, and why it is not there."""
        return self._state

    @property
    def losses(self) -> int:
        """How often the partner was lost; so nobody has to look in the very moment."""
        return self._losses

    @property
    def wanted(self) -> bool:
        """Whether there shall be a link, by the configuration."""
        return missing(self._settings) is None

    @property
    def knows_a_key(self) -> bool:
        """Whether a key of the partner is configured."""
        return self._settings is not None and bool(self._settings.partner_keys)

    @property
    def partner(self) -> PartnerHealth | None:
        """What the partner last said of itself; None while it is not connected."""
        return self._partner if self._state.connected else None

    @property
    def clock_offset(self) -> float | None:
        """Seconds by which the partner's wall clock is ahead of ours."""
        return self._offset if self._state.connected else None

    async def ask(self, message: HotwireAsk, timeout: float) -> HotwireAnswer:  # noqa: ASYNC109 - of the wire, not ours
        """Ask the partner.

        Args:
            message: what.
            timeout: seconds to wait for the answer.

        Raises:
            UnreachableError: there is no link (the reason says why), or no answer came in time.
            ClusterError: what the partner answered instead.
        """
        talk, partner = self._preferred(), self.partner
        if talk is None or partner is None:
            raise UnreachableError(self._state.reason or state.BEGINNING.reason)
        try:
            return await talk.ask(message, timeout)
        except StoreError as error:  # of another disk than whoever asked will look at
            raise StoreError(f"{partner.hostname} says: {error.message}", error.details) from error

    def report(self, health: PartnerHealth) -> None:
        """Tell the partner how we are, now; connections that begin later are told first thing."""
        self._health = health
        talk = self._preferred()
        if talk is not None:
            talk.report(health)
            self._talks[talk].told = time.monotonic()

    # --- life ---------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the link as configured, until cancelled."""
        while True:
            self._configured.clear()
            life = asyncio.create_task(self._live_on())
            try:
                await self._configured.wait()
            finally:
                life.cancel()
                await asyncio.wait((life,))  # and not `await life`: its cancellation and ours would look alike

    async def _live_on(self) -> None:
        while True:
            try:
                await self._live()
            except Exception:  # noqa: BLE001 - a fault of the link shall not end clusterd
                _LOG.exception("hotwire: the link failed and is begun anew")
                self._state_is(state.down(Code.FAILED, "the link failed on this node; its log says where"))
                await asyncio.sleep(FAULT_PAUSE)
            else:
                return

    async def _live(self) -> None:
        """One configuration's life; ends only when it is cancelled."""
        settings = self._settings
        if settings is None or missing(settings) is not None:
            self._refresh()
            return
        with contextlib.closing(sockets.Cable(settings.device)) as cable:
            self.plugged = cable.plugged
            self._refresh()
            await self._live_with(settings, cable)

    async def _live_with(self, settings: HotwireSettings, cable: Cable) -> None:
        ssh = await asyncio.to_thread(importlib.import_module, "cluster.hotwire.ssh")
        try:
            private = await asyncio.to_thread(self._own_key.private, settings.hostname)
            way = self._way = ssh.Way(private, settings.partner_keys)
        except ClusterError as error:
            self._state_is(state.down(Code.FAILED, error.message))
            return
        try:
            async with asyncio.TaskGroup() as duties:
                duties.create_task(self._watch(settings, cable))
                duties.create_task(Entrance(settings, way, self).run())
                duties.create_task(dial(settings, way, self))
        finally:
            self._way = None
            self._hang_up("the settings of the hotwire changed")

    async def _watch(self, settings: HotwireSettings, cable: Cable) -> None:
        """Look at cable and clock, and show signs of life."""
        while True:
            await asyncio.sleep(LOOK)
            plugged, before = cable.plugged, self.plugged
            self.plugged = plugged
            if before and not plugged:
                self._hang_up(state.no_link(settings.device).reason)
            elif plugged and not before:
                self.wake.set()
            now = time.monotonic()
            for talk, line in tuple(self._talks.items()):
                if now - line.heard > SILENCE:
                    self._troubles[_SILENT] = state.silent(now - line.heard)
                    talk.close(self._troubles[_SILENT].reason)
                elif now - line.told >= BEAT:
                    talk.beat()
                    line.told = now
            self._refresh()

    def _hang_up(self, why: str) -> None:
        for talk in tuple(self._talks):
            talk.close(why)
        self._talks.clear()

    # --- conversations ------------------------------------------------------------------------------

    def converse(self, send: Callable[[bytes], None], hang_up: Callable[[], None], *, own: bool) -> Conversation:
        """Begin a conversation on a new connection: one that we dialled ourselves, or one that we let in."""
        talk = Conversation(send, hang_up, hello=self._hello(), ear=self, responder=self._responder)
        now = time.monotonic()
        self._talks[talk] = _Line(own=own, heard=now, told=now)
        if not own:
            self.wake.set()  # it is there: no need to wait for the next attempt
        return talk

    def greeted(self, talk: Conversation, hello: Hello) -> None:
        """See `conversation.Ear`."""
        own = self._hello()
        if hello.protocol != own.protocol:
            trouble = state.other_protocol(own, hello)
            self._troubles[_VERSIONS] = trouble
            talk.close(trouble.reason)
            return
        self._troubles.pop(_VERSIONS, None)
        self._troubles.pop(_SILENT, None)
        self.sign_of_life(talk)
        if self._health is not None:
            talk.report(self._health)

    def reported(self, talk: Conversation, health: PartnerHealth) -> None:
        """See `conversation.Ear`."""
        self._offset = health.clock - time.time()
        before, self._partner = self._partner, health
        self._heard_at = time.monotonic()
        changed = before is None or _said(before) != _said(health)
        if not self._refresh() and changed:
            self._on_change()
        self.sign_of_life(talk)

    def sign_of_life(self, talk: Conversation) -> None:
        """See `conversation.Ear`."""
        line = self._talks.get(talk)
        if line is not None:
            line.heard = time.monotonic()

    def ended(self, talk: Conversation) -> None:
        """Its connection is gone."""
        talk.close("the connection over the hotwire ended")
        self._talks.pop(talk, None)
        self._refresh()

    def trouble(self, remote: str, trouble: LinkState | None) -> None:
        """Why the partner was not entered at one of its addresses; None: it was."""
        self._troubles.pop(_SILENT, None)
        if trouble is None:
            self._troubles.pop(remote, None)
        else:
            self._troubles[remote] = trouble
        self._refresh()

    @property
    def versions_differ(self) -> bool:
        """Whether the partner was reached, and is left since it speaks another protocol."""
        return _VERSIONS in self._troubles

    def _preferred(self) -> Conversation | None:
        """The connection that carries asks and reports: our own before the partner's, the youngest of them."""
        usable = [(line.own, number, talk) for number, (talk, line) in enumerate(self._talks.items()) if talk.open]
        return max(usable, key=lambda entry: entry[:2])[2] if usable else None

    # --- state --------------------------------------------------------------------------------------

    def _refresh(self) -> bool:
        """See what the link is like; returns whether that is news."""
        return self._state_is(self._judged())

    def _judged(self) -> LinkState:
        lacking, settings = missing(self._settings), self._settings
        if settings is None or lacking is not None:
            return lacking or state.NO_INTERFACE
        if self._preferred() is not None and self._partner is not None:
            return state.CONNECTED
        if not self.plugged:
            return state.no_link(settings.device)
        if _SILENT in self._troubles:
            return self._troubles[_SILENT]  # what was before it spoke is no news
        told = sorted(self._troubles.values(), key=lambda trouble: _TELLING.index(trouble.code))
        return told[0] if told else state.BEGINNING

    def _state_is(self, new: LinkState) -> bool:
        if new == self._state:
            return False
        self._losses += self._state.connected
        self._state = new
        if not new.connected:
            self._partner = None
        self._on_change()
        return True


class _Line:
    """What the link knows of a connection.

    Args:
        own: we dialled it.
        heard: when it last showed a sign of life, monotonic seconds.
        told: when we last did.
    """

    def __init__(self, *, own: bool, heard: float, told: float) -> None:
        self.own, self.heard, self.told = own, heard, told


def _said(health: PartnerHealth) -> PartnerHealth:
    """What of a report is news; clock and sequence go on all the time."""
    return msgspec.structs.replace(health, clock=0.0, sequence=None)
