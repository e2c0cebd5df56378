"""The engine: the pure election, fed with what happens and obeyed in what it asks for.

One process, one loop; a second thread only for calls that may wait (aside.py). Each turn: the heartbeat, then
whatever is ready (adverts before everything else), then whatever is due. Effects are carried out strictly in the
order the election gave them. No system call that fails and nothing from the network ends the engine: failures are
counted and shown.
"""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Any

from cluster.errors import ClusterError, ProtocolError, RefusedError
from cluster.net.rtnetlink import Monitor, Requests
from cluster.units import Nanoseconds
from cluster.vrrp import clock, control, events, partner, realtime, settings, status
from cluster.vrrp.addresses import VirtualAddresses
from cluster.vrrp.aside import Aside
from cluster.vrrp.attention import Attention
from cluster.vrrp.capture import Captures
from cluster.vrrp.control_server import ControlServer
from cluster.vrrp.deeds import Deeds
from cluster.vrrp.driver import Driver
from cluster.vrrp.election import Election
from cluster.vrrp.events import Role
from cluster.vrrp.keepers import Keepers
from cluster.vrrp.kernel import Kernel
from cluster.vrrp.ledger import Ledger
from cluster.vrrp.listener import Listener
from cluster.vrrp.lock import engine_lock
from cluster.vrrp.page import Page, beat_every
from cluster.vrrp.ports import Ports
from cluster.vrrp.reporter import Reporter
from cluster.vrrp.sockets import given_sockets
from cluster.vrrp.upkeep import Upkeep
from cluster.vrrp.watch import Watches
from cluster.vrrp.wire import Keyring

if TYPE_CHECKING:
    from signal import SIGHUP, SIGINT, SIGTERM, set_wakeup_fd, signal

    from cluster.vrrp.log import Log
    from cluster.vrrp.port import Port
else:
    # `signal` is these same functions, wrapped in enumerations that cost the start 2 ms.
    from _signal import SIGHUP, SIGINT, SIGTERM, set_wakeup_fd, signal

BESIDES = 16
"""How many events a turn takes of what is no HA interface; for fewer the poller needs less memory."""
PRECISE = 0.02
"""Seconds: shorter waits end on the microsecond, longer ones within a millisecond for less work."""


class Engine:
    """One engine in its network namespace.

    Args:
        run_dir: where engine.json is, and page and control socket come to be.
        state_dir: keeps the authentication sequence across reboots; None: nothing does.
        log: standard error.
        given: how many packet sockets of an earlier engine this process was started with.

    Raises:
        LockedError: another engine runs in this network namespace.
        InvalidConfigurationError: engine.json is missing or wrong.
        OSError: not permitted, or the run directory is not writable.
    """

    def __init__(self, run_dir: str, state_dir: str | None, log: Log, given: int = 0) -> None:
        self._lock = engine_lock()
        if self._lock.note:
            log.warning(self._lock.note)
        self._run_dir = run_dir
        self._settings = settings.load(f"{run_dir}/{control.CONFIG_FILE}")
        self._page = Page(f"{run_dir}/{control.PAGE_FILE}")
        self._reporter = Reporter(log, self._page)
        self._aside = Aside()
        keys = self._settings.authentication
        self._ledger = Ledger(self._page, state_dir, keys, self._reporter, self._aside)
        self._keyring = Keyring(self._ledger.marks)
        wire, guard = self._keyring.configure(self._settings)
        self._besides = select.epoll()
        self._attention = Attention(self._besides)
        requests = Requests()
        monitor = Monitor(requests)
        self._ports = Ports(requests, self._attention.everything, given_sockets(given))
        self._ports.configure(self._settings.interfaces, wire, guard)
        self._addresses = VirtualAddresses(requests, self._aside)
        self._watches = Watches(self._besides)
        self._kernel = Kernel(monitor, self._ports, self._addresses, self._watches, self._reporter)
        self._kernel.settle(clock.monotonic())
        self._besides.register(self._kernel.handle, select.EPOLLIN)
        self._listener = Listener(self._ports, self._reporter, self._attention)
        self._election = Election()
        self._deeds = Deeds(self._ports, self._addresses, self._ledger, self._page, self._reporter)
        self._deeds.role_changed = self._remember_role
        self._driver = Driver(self._election, self._deeds.carry_out, self._listener.hear_out, clock.monotonic)
        self._upkeep = Upkeep(
            self._kernel, self._watches, self._ports, self._addresses, ledger=self._ledger, aside=self._aside
        )
        realtime.forgo_collection()
        self._keep_time()
        self._server: ControlServer | None = None

    def run(self) -> None:
        """Take part in the cluster until an orderly stop is complete."""
        self._start()
        self._server = ControlServer(f"{self._run_dir}/{control.SOCKET_FILE}", self._answer)
        self._captures = Captures(self._ports, self._server)
        self._keepers = Keepers(self._ports, self._server)
        self._reporter.audience = self._server
        self._besides.register(self._server.fileno(), select.EPOLLIN)
        self._wake, signalled = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._besides.register(self._wake, select.EPOLLIN)
        set_wakeup_fd(signalled, warn_on_full_buffer=False)
        for number in (SIGTERM, SIGINT, SIGHUP):
            signal(number, _only_wake_up)
        self._loop(self._server)
        self._close(self._server)

    # --- the loop -----------------------------------------------------------------------------------

    def _loop(self, server: ControlServer) -> None:
        # Most turns of an idle engine find everything in cold caches: calls and look-ups are what costs, so this is
        # one function, and names what it uses once.
        page, driver, upkeep, deeds, aside = self._page, self._driver, self._upkeep, self._deeds, self._aside
        attention = self._attention
        while not deeds.finished:
            now = clock.monotonic()
            page.beat(now)
            due = min(now + self._beat_every, upkeep.wake_at, driver.due, attention.late_at)
            wait = (due - now) / 1_000_000_000 if due > now else 0.0
            if aside.asked:
                aside.begin()
            # The poller's own timeout is rounded up to milliseconds; `select` on the poller is exact. For a
            # takeover the rest of a millisecond is left to another turn: it comes once, adverts again and again.
            poller = attention.poller
            if wait >= PRECISE or not wait:
                ready = poller.poll(int(wait * 1000) / 1000 if driver.backup else wait, self._most_events)
            else:
                ready = poller.poll(0, self._most_events) if select.select((poller,), (), (), wait)[0] else []
            if ready:
                self._dispatch(ready, server)
            now = clock.monotonic()
            if attention.late_at <= now:
                attention.broken()
            if driver.due <= now:
                driver.tick(now)
            if upkeep.due <= now:
                self._look_after(now)
            if deeds.lost_the_role and not self._settings.resync:
                deeds.lost_the_role = False
                driver.feed(events.Resynchronised())

    def _look_after(self, now: Nanoseconds) -> None:
        for port in self._upkeep.run(now):
            self._usable_changed(port)
        self._keepers.renew()

    def _dispatch(self, ready: list[tuple[int, int]], server: ControlServer) -> None:
        by_handle = self._ports.by_handle
        ports = [by_handle[handle] for handle, _ in ready if handle in by_handle]
        if ports:
            self._hear(ports)
        if len(ports) < len(ready):
            self._attention.attend(ready)
            for handle, _ in self._besides.poll(0, BESIDES):
                self._serve(handle, server)
                self._upkeep.reconsider()

    def _serve(self, handle: int, server: ControlServer) -> None:
        """Whatever else is ready than an HA interface."""
        if handle == self._kernel.handle:
            self._attention.widen()
            for change in self._kernel.follow(self._reconfigure):
                self._driver.feed(change)
        elif handle == self._wake:
            self._follow_signals()
        elif handle == server.fileno():
            self._accept(server)
        elif self._watches.owns(handle):
            self._usable_changed(self._watches.receive(handle))
        elif not server.receive(handle):
            self._captures.forget(handle)
            self._keepers.forget(handle)

    def _hear(self, ready: list[Port]) -> None:
        driver, listener = self._driver, self._listener
        if driver.backup:
            heard = listener.hear_round(ready, min(driver.due, self._upkeep.wake_at))
        else:
            heard = listener.hear(ready)
        if heard:
            driver.hear(heard)

    # --- what happens -------------------------------------------------------------------------------

    def _start(self) -> None:
        before = self._page.before
        boot_time = Nanoseconds(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        resume = before is not None and self._settings.enabled and before.resumable(boot_time)
        if before is not None and resume:
            self._reporter.role, self._deeds.since = Role.MASTER, before.since
        else:
            self._addresses.remove(self._ports.virtual_present())
        usable = frozenset(port.settings.name for port in self._ports if self._watches.usable(port))
        handed_over = before is not None and before.handed_over
        self._driver.feed(events.Started(self._election_settings(), usable, resume, handed_over))
        if not self._settings.resync:
            self._driver.feed(events.Resynchronised())
        self._remember_role()
        self._page.claim()
        self._kernel.missing()

    def _usable_changed(self, port: Port | None) -> None:
        if port is not None:
            self._driver.feed(events.UsableChanged(port.settings.name, self._watches.usable(port)))

    def _reconfigure(self) -> None:
        self._driver.feed(events.Configured(self._election_settings()))

    def _follow_signals(self) -> None:
        for number in os.read(self._wake, 64):
            if number != SIGHUP:
                self._driver.feed(events.StopAsked())
                continue
            try:
                self._reload()
            except ClusterError as problem:
                self._reporter.failed(f"not reloaded: {'; '.join((problem.message, *problem.details))}")

    # --- the role --------------------------------------------------------------------------------------

    def _remember_role(self) -> None:
        self._driver.backup = self._reporter.role is Role.BACKUP
        self._attention.widen()
        self._upkeep.reconsider()
        handed_over = self._election.view(clock.monotonic()).handed_over
        self._page.role_is(self._reporter.role, self._deeds.since, handed_over=handed_over)

    # --- the manager ---------------------------------------------------------------------------------

    def _accept(self, server: ControlServer) -> None:
        handle = server.accept(self._reporter.backlog())
        if handle is not None:
            self._besides.register(handle, select.EPOLLIN)

    def _answer(self, word: str, request: dict[str, Any], manager: int) -> dict[str, Any]:
        match word:
            case "status":
                return {"status": self._status()}
            case "reload":
                self._reload()
            case "switch":
                self._switch(force=request.get("force") is True)
            case "stop":
                self._driver.feed(events.StopAsked())
            case "partner":
                self._partner(request)
            case "capture":
                self._captures.ask(manager, request)
            case "sockets":
                self._keepers.ask(manager)
            case "resynchronised":
                self._driver.feed(events.Resynchronised())
            case _:
                raise ProtocolError(f"there is no request {word!r}")
        return {}

    def _partner(self, request: dict[str, Any]) -> None:
        report, position = partner.report(request), partner.position(request)
        if position is not None:
            self._keyring.reset(*position)
            self._ledger.save(clock.monotonic())
        self._driver.feed(report)

    def _switch(self, *, force: bool) -> None:
        refusal = self._election.switch_refusal(clock.monotonic(), force)
        if refusal is not None:
            raise RefusedError(refusal)
        self._driver.feed(events.SwitchAsked(force))

    def _reload(self) -> None:
        """Read engine.json anew; a wrong one changes nothing.

        Raises:
            InvalidConfigurationError: it is missing or wrong.
        """
        loaded = settings.load(f"{self._run_dir}/{control.CONFIG_FILE}")
        wire, guard = self._keyring.configure(loaded)
        self._settings = loaded
        before = self._ports.virtual_configured()
        self._ports.configure(loaded.interfaces, wire, guard)
        self._captures.renew()
        # First forget what is no longer configured, then remove it: a renewal under way must not put it back.
        self._kernel.settle(clock.monotonic())
        self._addresses.remove_virtual(before - self._ports.virtual_configured())
        self._keep_time()
        self._reconfigure()
        for port in self._ports:
            self._usable_changed(port)
        self._remember_role()
        self._kernel.missing()

    def _keep_time(self) -> None:
        """Follow the advert interval in force."""
        interval = self._settings.advert_interval
        self._page.interval_is(interval)
        self._beat_every = beat_every(interval)
        self._most_events = len(self._settings.interfaces) + 1
        self._listener.keep_time(interval, len(self._settings.interfaces))

    def _election_settings(self) -> events.Settings:
        return self._settings.for_election({p.settings.name: int.from_bytes(p.source, "big") for p in self._ports})

    def _status(self) -> dict[str, Any]:
        now = clock.monotonic()
        view = self._election.view(now)
        interfaces = [
            status.describe_interface(path, port, self._watches.answers(port), now)
            for path in view.paths
            for port in (self._ports.by_name[path.name],)
        ]
        return {
            **status.describe(view, self._settings, self._deeds.since),
            "real_time": self._upkeep.real_time,
            "errors": dict(self._addresses.errors),
            "interfaces": interfaces,
        }

    def _close(self, server: ControlServer) -> None:
        self._page.role_is(Role.OFFLINE, clock.unix(), handed_over=False)
        self._ledger.close()
        server.close()
        self._ports.close()


def _only_wake_up(_number: int, _frame: object) -> None:
    """The signal's number arrives through the wake-up descriptor, in its turn."""
