"""The engine: the pure election, fed with what happens and obeyed in what it asks for.

One process, one thread, one loop. Each turn: the heartbeat, then whatever is ready (adverts before everything
else), then whatever is due. Effects are carried out strictly in the order the election gave them. No system
call that fails and nothing from the network ends the engine: failures are counted and shown.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, Any

from cluster.errors import ClusterError, ProtocolError, RefusedError
from cluster.net.rtnetlink import Monitor, Requests
from cluster.units import Nanoseconds
from cluster.vrrp import control, events, realtime, settings, status
from cluster.vrrp.addresses import VirtualAddresses
from cluster.vrrp.control_server import ControlServer
from cluster.vrrp.election import Election
from cluster.vrrp.events import Role
from cluster.vrrp.journal import Journal
from cluster.vrrp.log import Log
from cluster.vrrp.page import Page
from cluster.vrrp.port import Differing, Dropped
from cluster.vrrp.ports import LinkChanged, Ports, SourceChanged, VirtualGone
from cluster.vrrp.ratelimit import RateLimit
from cluster.vrrp.reservation import Reservation, reach
from cluster.vrrp.sockets import engine_lock
from cluster.vrrp.wire import Keyring

if TYPE_CHECKING:
    from cluster.vrrp.port import Port

BEAT_EVERY = Nanoseconds(100_000_000)
ADVERTS_PER_TURN = 32
"""Of one interface: a flood must not keep the loop from its timers."""
LOCK_MEMORY_AFTER = Nanoseconds(1_000_000_000)
QUIET = Nanoseconds(20_000_000)
"""How long nothing may be due for work that can wait."""
RESTORE_SPACING = Nanoseconds(500_000_000)
"""Between two repairs of an interface's virtual addresses, so that nobody is drawn into a race of removals."""


class Engine:
    """One engine in its network namespace.

    Args:
        run_dir: where engine.json is, and page and control socket come to be.
        state_dir: keeps the authentication sequence across reboots; None: nothing does.

    Raises:
        LockedError: another engine runs in this network namespace.
        InvalidConfigurationError: engine.json is missing or wrong.
        OSError: not permitted, or the run directory is not writable.
    """

    def __init__(self, run_dir: str, state_dir: str | None) -> None:
        self._lock = engine_lock()
        self._log = Log()
        self._config_path = f"{run_dir}/{control.CONFIG_FILE}"
        self._settings = settings.load(self._config_path)
        self._keyring = Keyring()
        wire, verifier = self._keyring.configure(self._settings)
        self._page = Page(f"{run_dir}/{control.PAGE_FILE}")
        self._page.interval_is(self._settings.advert_interval)
        self._journal = Journal(self._page.event)
        self._reservation = Reservation(state_dir, self._page.sequence, reach(self._settings.authentication))
        self._sequence = self._reservation.sequence
        self._poller = select.epoll()
        self._requests = Requests()
        self._monitor = Monitor(self._requests)
        self._poller.register(self._monitor.fileno(), select.EPOLLIN)
        self._ports = Ports(self._requests, self._poller)
        self._ports.configure(self._settings.interfaces, wire, verifier)
        self._addresses = VirtualAddresses(self._requests)
        self._addresses.configure(self._ports)
        self._election = Election()
        self._role = Role.OFFLINE
        self._since = Nanoseconds(time.time_ns())
        self._speaking = RateLimit()
        self._restore: dict[str, Nanoseconds] = {}
        self._restored: dict[str, Nanoseconds] = {}
        self._real_time = realtime.schedule()
        self._lock_memory_at: Nanoseconds | None = _now_after(LOCK_MEMORY_AFTER)
        self._finished = False
        self._server: ControlServer | None = None
        self._control_path = f"{run_dir}/{control.SOCKET_FILE}"

    def run(self) -> None:
        """Take part in the cluster until an orderly stop is complete."""
        self._start()
        self._server = ControlServer(self._control_path, self._answer)
        self._poller.register(self._server.fileno(), select.EPOLLIN)
        wake, signalled = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _only_wake_up)
        self._poller.register(wake, select.EPOLLIN)
        self._wake = wake
        while not self._finished:
            self._turn()
        self._close()

    # --- the loop ---------------------------------------------------------------------------------------

    def _turn(self) -> None:
        now = _now()
        self._page.beat(now)
        wait = max(0, self._next_due(now) - now) / 1_000_000_000
        # `select` on the poller waits to the microsecond; epoll's own timeout rounds up to milliseconds.
        if select.select((self._poller,), (), (), wait)[0]:
            self._dispatch([handle for handle, _ in self._poller.poll(0)])
        self._do_due(_now())

    def _next_due(self, now: Nanoseconds) -> int:
        dues = [now + BEAT_EVERY, *self._restore.values()]
        if (deadline := self._election.deadline) is not None:
            dues.append(deadline)
        if self._addresses.holding:
            dues.append(self._addresses.refresh_at)
        return min(dues)

    def _dispatch(self, ready: list[int]) -> None:
        others = []
        for handle in ready:
            port = self._ports.by_handle(handle)
            if port is None:
                others.append(handle)
            else:
                self._receive(port)
        for handle in others:
            if handle == self._monitor.fileno():
                self._follow_kernel()
            elif handle == self._wake:
                self._follow_signals()
            elif self._server is not None and handle == self._server.fileno():
                self._accept(self._server)
            elif self._server is not None:
                self._server.receive(handle)

    def _do_due(self, now: Nanoseconds) -> None:
        deadline = self._election.deadline
        if deadline is not None and deadline <= now:
            self._feed(events.Tick(), now)
        if self._addresses.holding and self._addresses.refresh_at <= now:
            self._addresses.take(now)
        for name in [name for name, due in self._restore.items() if due <= now]:
            self._put_back(name, now)
        if self._lock_memory_at is not None and self._lock_memory_at <= now:
            self._lock_memory(now)

    def _lock_memory(self, now: Nanoseconds) -> None:
        if self._next_due(now) - now < QUIET and now < (self._lock_memory_at or 0) + 10 * LOCK_MEMORY_AFTER:
            return
        self._lock_memory_at = None
        self._real_time = f"{self._real_time}, {realtime.lock_memory()}"

    # --- what happens -----------------------------------------------------------------------------------

    def _start(self) -> None:
        before = self._page.before
        resume = before is not None and self._settings.enabled and before.resumable(
            Nanoseconds(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        )
        if before is not None and resume:
            self._role, self._since = Role.MASTER, before.since
        else:
            self._addresses.remove(self._ports.virtual_present())
        usable = frozenset(port.settings.name for port in self._ports if port.running)
        handed_over = before is not None and before.handed_over
        self._feed(events.Started(self._election_settings(), usable, resume, handed_over), _now())
        self._remember_role()
        if not self._settings.resync:
            self._feed(events.Resynchronised(), _now())

    def _receive(self, port: Port) -> None:
        unix = Nanoseconds(time.time_ns())
        for _ in range(ADVERTS_PER_TURN):
            what = port.receive(unix)
            if what is None:
                return
            if isinstance(what, events.Heard):
                self._feed(what, _now())
            elif isinstance(what, Differing):
                self._feed(what.heard, _now())
                self._differing(port, what)
            elif what.reason.suspicious:
                self._suspicious(port, what)

    def _suspicious(self, port: Port, what: Dropped) -> None:
        name = port.settings.name
        held_back = self._speaking.admit((what.source, name, what.reason), _now())
        if held_back is not None:
            more = f" ({held_back} more of the kind since the last report)" if held_back else ""
            sender = what.source or "an unknown sender"
            text = f"an advert from {sender} on {name} was dropped: {what.reason.explanation}{more}"
            self._tell("advert-dropped", name, text)

    def _differing(self, port: Port, what: Differing) -> None:
        if self._speaking.admit((what.source, port.settings.name, "addresses"), _now()) is not None:
            name = port.settings.name
            addresses = ", ".join(sorted(".".join(map(str, address)) for address in what.addresses))
            text = f"{what.source} on {name} advertises other virtual addresses; they differ in {addresses}"
            self._tell("addresses-differ", name, text)

    def _follow_kernel(self) -> None:
        changes = self._monitor.changes()
        if changes is None:
            self._ask_kernel_anew()
            return
        for found in self._ports.apply(changes):
            if isinstance(found, LinkChanged):
                self._link_changed(found.port)
            elif isinstance(found, SourceChanged):
                self._feed(events.Configured(self._election_settings()), _now())
            else:
                self._virtual_gone(found)

    def _ask_kernel_anew(self) -> None:
        """The kernel had to drop notifications: everything may have changed."""
        self._ports.refresh()
        self._addresses.configure(self._ports)
        now = _now()
        for port in self._ports:
            self._feed(events.UsableChanged(port.settings.name, port.running), now)
            self._restore.setdefault(port.settings.name, now)
        self._feed(events.Configured(self._election_settings()), now)

    def _link_changed(self, port: Port) -> None:
        now = _now()
        self._addresses.configure(self._ports)
        if port.running and self._addresses.holding:
            # The interface may have been made anew, without any address.
            self._addresses.take(now)
        self._feed(events.UsableChanged(port.settings.name, port.running), now)

    def _virtual_gone(self, found: VirtualGone) -> None:
        if not self._addresses.holding:
            return
        name = found.port.settings.name
        address = ".".join(map(str, found.address))
        text = f"somebody else removed the virtual address {address} from {name}; it is put back"
        self._tell("address-removed", name, text)
        now = _now()
        self._restore.setdefault(name, max(now, Nanoseconds(self._restored.get(name, 0) + RESTORE_SPACING)))

    def _put_back(self, name: str, now: Nanoseconds) -> None:
        del self._restore[name]
        if self._addresses.holding:
            self._restored[name] = now
            self._addresses.take(now)
            self._ports[name].announce()

    def _follow_signals(self) -> None:
        for number in os.read(self._wake, 64):
            if number == signal.SIGHUP:
                try:
                    self._reload()
                except ClusterError as problem:
                    self._log.error(f"not reloaded: {'; '.join((problem.message, *problem.details))}")
            else:
                self._feed(events.StopAsked(), _now())

    # --- what the election asks for ------------------------------------------------------------------------

    def _feed(self, event: events.Event, now: Nanoseconds) -> None:
        for effect in self._election.handle(event, now):
            self._carry_out(effect, now)

    def _carry_out(self, effect: events.Effect, now: Nanoseconds) -> None:
        match effect:
            case events.Advertise():
                self._advertise(effect)
            case events.Announce():
                self._ports[effect.interface].announce()
            case events.TakeAddresses():
                self._addresses.take(now)
            case events.DropAddresses():
                self._addresses.drop(self._ports)
                self._restore.clear()
            case events.RoleChanged():
                self._role_changed(effect)
            case events.Noted():
                self._tell(effect.kind, effect.interface, effect.text)
            case events.Stopped():
                self._finished = True

    def _advertise(self, effect: events.Advertise) -> None:
        unix = Nanoseconds(time.time_ns())
        if not self._ports[effect.interface].advertise(effect.priority, self._sequence, unix):
            return
        self._page.sequence = self._sequence.last
        if effect.priority:
            self._page.advertised()
        try:
            self._reservation.renew(unix)
        except OSError as problem:
            self._tell_once("state", f"the state directory cannot be written: {problem.strerror}")

    def _role_changed(self, effect: events.RoleChanged) -> None:
        self._role = effect.new
        self._since = Nanoseconds(time.time_ns())
        self._remember_role()
        more = {"role": effect.new.value, "old": effect.old.value}
        self._log.info(f"{effect.old.value} -> {effect.new.value}: {effect.cause}")
        self._publish("role", "", effect.cause, more)
        if effect.new is Role.BACKUP and not self._settings.resync:
            self._feed(events.Resynchronised(), _now())

    def _remember_role(self) -> None:
        self._page.role_is(self._role, self._since, handed_over=self._election.view(_now()).handed_over)

    def _tell(self, kind: str, interface: str, text: str) -> None:
        self._log.warning(text)
        self._publish(kind, interface, text, {"role": self._role.value})

    def _tell_once(self, kind: str, text: str) -> None:
        if self._speaking.admit((kind, text), _now()) is not None:
            self._tell(kind, "", text)

    def _publish(self, kind: str, interface: str, text: str, more: dict[str, str]) -> None:
        packet = self._journal.add(time.time(), kind, interface, text, **more)
        self._page.event = self._journal.last
        if self._server is not None:
            self._server.tell(packet)

    # --- the manager -----------------------------------------------------------------------------------------

    def _accept(self, server: ControlServer) -> None:
        handle = server.accept(self._journal.packets(time.time()))
        if handle is not None:
            self._poller.register(handle, select.EPOLLIN)

    def _answer(self, word: str, request: dict[str, Any]) -> dict[str, Any]:
        match word:
            case "status":
                return {"status": self._status()}
            case "reload":
                self._reload()
            case "switch":
                self._switch(force=request.get("force") is True)
            case "stop":
                self._feed(events.StopAsked(), _now())
            case "partner":
                self._feed(_partner(request), _now())
            case "resynchronised":
                self._feed(events.Resynchronised(), _now())
            case _:
                raise ProtocolError(f"there is no request {word!r}")
        return {}

    def _switch(self, *, force: bool) -> None:
        refusal = self._election.switch_refusal(_now(), force)
        if refusal is not None:
            raise RefusedError(refusal)
        self._feed(events.SwitchAsked(force), _now())

    def _reload(self) -> None:
        """Read engine.json anew; a wrong one changes nothing.

        Raises:
            InvalidConfigurationError: it is missing or wrong.
        """
        loaded = settings.load(self._config_path)
        wire, verifier = self._keyring.configure(loaded)
        before = {(port.settings.name, virtual) for port in self._ports for virtual in port.settings.addresses}
        indices = {port.settings.name: port.link.ifindex for port in self._ports if port.link is not None}
        self._settings = loaded
        self._ports.configure(loaded.interfaces, wire, verifier)
        after = {(port.settings.name, virtual) for port in self._ports for virtual in port.settings.addresses}
        gone = [(indices[name], virtual) for name, virtual in before - after if name in indices]
        self._addresses.remove_virtual(gone)
        self._addresses.configure(self._ports)
        self._page.interval_is(loaded.advert_interval)
        self._restore = {name: due for name, due in self._restore.items() if name in indices}
        now = _now()
        self._feed(events.Configured(self._election_settings()), now)
        for port in self._ports:
            self._feed(events.UsableChanged(port.settings.name, port.running), now)
        self._remember_role()

    def _election_settings(self) -> events.Settings:
        return self._settings.for_election({p.settings.name: int.from_bytes(p.source, "big") for p in self._ports})

    def _status(self) -> dict[str, Any]:
        now = _now()
        view = self._election.view(now)
        return {
            **status.describe(view, self._settings, self._since),
            "real_time": self._real_time,
            "errors": dict(self._addresses.errors),
            "interfaces": [status.describe_interface(path, self._ports[path.name], now) for path in view.paths],
        }

    def _close(self) -> None:
        self._page.role_is(Role.OFFLINE, Nanoseconds(time.time_ns()), handed_over=False)
        try:
            self._reservation.settle()
        except OSError as problem:
            self._log.error(f"the state directory cannot be written: {problem.strerror}")
        if self._server is not None:
            self._server.close()
        self._ports.close()


def _now() -> Nanoseconds:
    return Nanoseconds(time.monotonic_ns())


def _now_after(delay: Nanoseconds) -> Nanoseconds:
    return Nanoseconds(time.monotonic_ns() + delay)


def _only_wake_up(_number: int, _frame: object) -> None:
    """The signal's number arrives through the wake-up descriptor, in its turn."""


def _partner(request: dict[str, Any]) -> events.PartnerReported | events.PartnerSilent:
    if request.get("role") is None:
        return events.PartnerSilent()
    hears = request.get("hears", [])
    if not isinstance(hears, list) or request["role"] not in {role.value for role in Role}:
        raise ProtocolError("a partner's report has a role and a list of the interfaces on which it hears us")
    links_gone = request.get("links_gone") is True
    return events.PartnerReported(Role(request["role"]), frozenset(map(str, hears)), links_gone)
