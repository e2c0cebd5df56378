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
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from cluster.errors import ClusterError, UnreachableError
from cluster.hotwire import sockets, state
from cluster.hotwire.conversation import Conversation
from cluster.hotwire.state import Code, LinkState

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from cluster.health import PartnerHealth
    from cluster.hotwire.conversation import Responder
    from cluster.hotwire.keys import OwnKey
    from cluster.hotwire.protocol import Hello, HotwireAnswer, HotwireAsk

_LOG = logging.getLogger("clusterd")

BEAT = 0.7
"""Seconds between two signs of life on each connection."""
SILENCE = 1.9
"""Seconds without one after which a connection is given up."""
LOOK = 0.25
"""Seconds between two looks at cable and clock."""
CONNECT_PATIENCE = 1.0
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.0)
"""Seconds between attempts to reach the partner; the last one again and again."""
LISTEN_PAUSE = 1.0
FAULT_PAUSE = 5.0
STRANGERS = 4
"""Connections at once that have not proved whose they are; one more is closed."""
GUESTS = 4
"""Connections of the partner at once; more than two there are only after one of them died unnoticed."""
_VERSIONS = ""
"""Stands for every address where the partner was reached, and is of another version."""
_TELLING = (Code.VERSION, Code.HOST_KEY, Code.KEY_REFUSED, Code.ADDRESS_REFUSED, Code.UNREACHABLE)
"""Of several addresses' reasons, the one that tells most is shown."""


class HotwireSettings(NamedTuple):
    """What the configuration says about the link.

    Attributes:
        device: interface of the hotwire; empty without one.
        local: our address on it.
        remotes: the partner's addresses.
        partner_keys: its public keys, one line each; two while one replaces the other.
        hostname: stands beside a new key of ours.
    """

    device: str
    local: str
    remotes: tuple[str, ...]
    partner_keys: tuple[str, ...]
    hostname: str = ""


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
        self._wake = asyncio.Event()
        self._talks: dict[Conversation, _Line] = {}
        self._troubles: dict[str, LinkState] = {}
        self._state = state.NO_INTERFACE
        self._partner: PartnerHealth | None = None
        self._offset: float | None = None
        self._health: PartnerHealth | None = None
        self._plugged = True
        self._heard_at: float | None = None

    # --- for the others -----------------------------------------------------------------------------

    def configure(self, settings: HotwireSettings | None) -> None:
        """Take these settings; the same ones again change nothing. None: no hotwire."""
        if settings != self._settings:
            self._settings = settings
            self._configured.set()

    def rekeyed(self) -> None:
        """Our key was replaced: connect anew, with the new one."""
        self._configured.set()

    @property
    def state(self) -> LinkState:
        """The link now, and why it is not there."""
        return self._state

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
        talk = self._preferred()
        if talk is None or not self._state.connected:
            raise UnreachableError(self._state.reason or state.BEGINNING.reason)
        return await talk.ask(message, timeout)

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
                with contextlib.suppress(asyncio.CancelledError):
                    await life

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
        missing = _missing(settings)
        if settings is None or missing is not None:
            self._state_is(missing or state.NO_INTERFACE)
            return
        self._troubles.clear()
        self._plugged = sockets.has_link(settings.device)
        self._refresh(settings)
        ssh = await asyncio.to_thread(importlib.import_module, "cluster.hotwire.ssh")
        try:
            identity = await asyncio.to_thread(lambda: ssh.Identity(self._own_key.private(settings.hostname)))
        except ClusterError as error:
            self._state_is(state.down(Code.FAILED, error.message))
            return
        pinned = ssh.pinned(settings.partner_keys)
        try:
            async with asyncio.TaskGroup() as duties:
                duties.create_task(self._watch(settings))
                duties.create_task(self._listen(settings, ssh, identity, pinned))
                duties.create_task(self._dial(settings, ssh, identity, pinned))
        finally:
            self._hang_up("the settings of the hotwire changed")

    async def _watch(self, settings: HotwireSettings) -> None:
        """Look at cable and clock, and show signs of life."""
        while True:
            await asyncio.sleep(LOOK)
            plugged, before = sockets.has_link(settings.device), self._plugged
            self._plugged = plugged
            if before and not plugged:
                self._hang_up(state.no_link(settings.device).reason)
            elif plugged and not before:
                self._wake.set()
            now = time.monotonic()
            for talk, line in tuple(self._talks.items()):
                if now - line.heard > SILENCE:
                    talk.close(state.silent(now - line.heard).reason)
                elif now - line.told >= BEAT - LOOK / 2:
                    talk.beat()
                    line.told = now
            self._refresh(settings)

    def _hang_up(self, why: str) -> None:
        for talk in tuple(self._talks):
            talk.close(why)
        self._talks.clear()

    # --- conversations ------------------------------------------------------------------------------

    def _converse(self, send: Callable[[bytes], None], hang_up: Callable[[], None], *, own: bool) -> Conversation:
        talk = Conversation(send, hang_up, hello=self._hello(), ear=self, responder=self._responder)
        now = time.monotonic()
        self._talks[talk] = _Line(own=own, heard=now, told=now)
        if not own:
            self._wake.set()  # it is there: no need to wait for the next attempt
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
        self.sign_of_life(talk)
        if self._health is not None:
            talk.report(self._health)

    def reported(self, talk: Conversation, health: PartnerHealth) -> None:
        """See `conversation.Ear`."""
        self._offset = health.clock - time.time()
        before, self._partner = self._partner, health
        self._heard_at = time.monotonic()
        settings = self._settings
        changed = before is None or _said(before) != _said(health)
        if settings is not None and not self._refresh(settings) and changed:
            self._on_change()
        self.sign_of_life(talk)

    def sign_of_life(self, talk: Conversation) -> None:
        """See `conversation.Ear`."""
        line = self._talks.get(talk)
        if line is not None:
            line.heard = time.monotonic()

    def _ended(self, talk: Conversation) -> None:
        self._talks.pop(talk, None)

    def _preferred(self) -> Conversation | None:
        """The connection that carries asks and reports: our own before the partner's, the youngest of them."""
        usable = [(line.own, number, talk) for number, (talk, line) in enumerate(self._talks.items()) if talk.open]
        return max(usable, key=lambda entry: entry[:2])[2] if usable else None

    # --- state --------------------------------------------------------------------------------------

    def _refresh(self, settings: HotwireSettings) -> bool:
        """See what the link is like; returns whether that is news."""
        return self._state_is(self._judged(settings))

    def _judged(self, settings: HotwireSettings) -> LinkState:
        if self._preferred() is not None and self._partner is not None:
            return state.CONNECTED
        if not self._plugged:
            return state.no_link(settings.device)
        told = sorted(self._troubles.values(), key=lambda trouble: _TELLING.index(trouble.code))
        return told[0] if told else state.BEGINNING

    def _state_is(self, new: LinkState) -> bool:
        if new == self._state:
            return False
        self._state = new
        if not new.connected:
            self._partner = None
        self._on_change()
        return True

    # --- going out ----------------------------------------------------------------------------------

    async def _dial(self, settings: HotwireSettings, ssh: Any, identity: Any, pinned: frozenset[bytes]) -> None:
        """Keep a connection of our own open."""
        failures = 0
        while True:
            self._wake.clear()
            for remote in settings.remotes:
                if await self._call(settings, remote, ssh, identity, pinned):
                    failures = -1
                    break
            failures += 1
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()  # the cable came back
                    failures = 0

    async def _call(
        self, settings: HotwireSettings, remote: str, ssh: Any, identity: Any, pinned: frozenset[bytes]
    ) -> bool:
        """Call one address, and stay for as long as it lasts; whether there was a conversation at all."""
        if not self._plugged:
            return False
        try:
            sock = await sockets.connected(settings.device, settings.local, remote, CONNECT_PATIENCE)
            session = await ssh.enter(sock, identity, pinned, lambda *way: self._converse(*way, own=True))
        except UnreachableError as error:
            self._trouble(settings, remote, state.unreachable(remote, error.message))
            return False
        except ssh.LinkDownError as error:
            self._trouble(settings, remote, error.state)
            return False
        self._troubles.pop(remote, None)
        try:
            await session.ended.wait()
        finally:
            session.talk.close("the settings of the hotwire changed")
            self._ended(session.talk)
            self._refresh(settings)
        return session.talk.hello is not None and _VERSIONS not in self._troubles

    def _trouble(self, settings: HotwireSettings, remote: str, trouble: LinkState) -> None:
        self._troubles[remote] = trouble
        self._refresh(settings)

    # --- letting in ---------------------------------------------------------------------------------

    async def _listen(self, settings: HotwireSettings, ssh: Any, identity: Any, pinned: frozenset[bytes]) -> None:
        """Let the partner in on our address, which may not be there yet."""
        while True:
            try:
                listening = sockets.listener(settings.device, settings.local)
            except OSError as error:
                _LOG.warning("hotwire: nothing can listen on %s: %s", settings.local, sockets.reason(error))
                await asyncio.sleep(LISTEN_PAUSE)
                continue
            with listening:
                await self._accept(listening, settings, ssh, identity, pinned)

    async def _accept(
        self, listening: socket.socket, settings: HotwireSettings, ssh: Any, identity: Any, pinned: frozenset[bytes]
    ) -> None:
        partner = frozenset(map(ip_address, settings.remotes))
        loop = asyncio.get_running_loop()
        guests = _Guests()
        async with asyncio.TaskGroup() as serving:
            while True:
                sock, address = await loop.sock_accept(listening)
                if ip_address(address[0]) not in partner:
                    _LOG.warning("hotwire: a connection from %s is refused: not the partner's address", address[0])
                    with sock, contextlib.suppress(OSError):
                        sock.send(ssh.refusal("this address is not the partner's"))
                elif not guests.admit():
                    sock.close()
                else:
                    sockets.tuned(sock)
                    serving.create_task(self._serve(sock, guests, ssh, identity, pinned))

    async def _serve(
        self, sock: socket.socket, guests: _Guests, ssh: Any, identity: Any, pinned: frozenset[bytes]
    ) -> None:
        talks: list[Conversation] = []

        def converse(send: Callable[[bytes], None], hang_up: Callable[[], None]) -> Conversation:
            guests.proved()
            talks.append(self._converse(send, hang_up, own=False))
            return talks[0]

        try:
            await ssh.receive(sock, identity, pinned, converse)
        except ClusterError as error:
            _LOG.info("%s", error.message)
        finally:
            guests.left(proved=bool(talks))
            for talk in talks:
                talk.close("the connection over the hotwire ended")
                self._ended(talk)


class _Line:
    """What the link knows of a connection.

    Args:
        own: we dialled it.
        heard: when it last showed a sign of life, monotonic seconds.
        told: when we last did.
    """

    def __init__(self, *, own: bool, heard: float, told: float) -> None:
        self.own, self.heard, self.told = own, heard, told


class _Guests:
    """How many connections were accepted and are still there."""

    def __init__(self) -> None:
        self._strangers = self._known = 0

    def admit(self) -> bool:
        """Whether one more may come in; it counts as a stranger."""
        if self._strangers >= STRANGERS or self._known >= GUESTS:
            return False
        self._strangers += 1
        return True

    def proved(self) -> None:
        """A stranger opened the subsystem."""
        self._strangers -= 1
        self._known += 1

    def left(self, *, proved: bool) -> None:
        """One left."""
        if proved:
            self._known -= 1
        else:
            self._strangers -= 1


def _missing(settings: HotwireSettings | None) -> LinkState | None:
    """What is not configured."""
    if settings is None or not settings.device:
        return state.NO_INTERFACE
    if not settings.local or not settings.remotes:
        return state.NO_ADDRESS
    return None if settings.partner_keys else state.NO_KEYS


def _said(health: PartnerHealth) -> PartnerHealth:
    """What of a report is news; clock and sequence go on all the time."""
    return msgspec.structs.replace(health, clock=0.0, sequence=None)
