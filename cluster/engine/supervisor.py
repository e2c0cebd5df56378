"""Keeps the VRRP engine running, and knows what it is doing.

The engine is told its settings by a file it reads by itself, so that neither its restart nor ours needs the
other: a running engine is adopted, a dead one is started again within milliseconds, one that hangs is killed
(its heartbeat tells) and started again inside the partner's Master_Down_Interval, where it resumes its role.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cluster import files
from cluster.engine.capture import capture
from cluster.engine.early import takes_part
from cluster.engine.heartbeat import LIMIT, HeartbeatWatch
from cluster.engine.keeper import SocketKeeper
from cluster.engine.link import EngineLink
from cluster.engine.succession import Succession
from cluster.errors import ClusterError, ProtocolError, UnreachableError
from cluster.process.adoption import listener_of
from cluster.process.child import Child, Ended
from cluster.process.policy import RestartPolicy
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds
from cluster.vrrp.control import ANOTHER_RUNS, CONFIG_FILE, PAGE_FILE, SOCKET_FILE
from cluster.vrrp.events import Role
from cluster.vrrp.page import Page

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from cluster.engine.settings import Document
    from cluster.process.spawn import Command
    from cluster.rpc.messages import Capture, Done
    from cluster.vrrp.page import Snapshot

_LOG = logging.getLogger("clusterd")

LINK_PATIENCE = 3.0
"""Seconds until an engine that was just started must be reachable."""
LINK_PAUSE = 0.02
"""Seconds between two attempts to connect to an engine that is starting."""
NONSENSE_PAUSE = 5.0
"""Seconds until an engine that speaks nonsense (of another version, say) is spoken to again."""
HEIR_PAUSE = 2.0
"""Seconds an engine runs before the next one is kept ready."""
STOP_PATIENCE = 10.0
"""Seconds an orderly stop may take, handover included."""
ABSENCE = Nanoseconds(NANOSECONDS_PER_SECOND)
"""Without an engine for longer (or, if that is more, for the partner's patience) this node plays no part."""


class Listener(NamedTuple):
    """Who wants to know.

    Attributes:
        event: an event of the engine, as cluster/vrrp/control.py describes it.
        role: the role of this node changed.
        noted: something about the engine itself: kind and sentence.
        linked: an engine can be spoken to that may know nothing of what others were told.
        lost: the role went with an engine that does not come back; why, one sentence.
    """

    event: Callable[[Document], None]
    role: Callable[[Role], None]
    noted: Callable[[str, str], None]
    linked: Callable[[], None] = lambda: None
    lost: Callable[[str], None] = lambda _why: None


class EngineSupervisor:
    """The engine of this network namespace.

    Args:
        run_dir: where engine.json, engine.page and engine.sock are.
        command: what to run.
        listener: who wants to know.
    """

    def __init__(self, run_dir: Path, command: Command, listener: Listener) -> None:
        self._settings_path = run_dir / CONFIG_FILE
        self._socket_path = run_dir / SOCKET_FILE
        self._page_path = str(run_dir / PAGE_FILE)
        self._listener = listener
        self._policy = RestartPolicy()
        self._keeper = SocketKeeper()
        self._succession = Succession(command)
        self._child = Child(
            "engine",
            command,
            self._policy,
            was_healthy=lambda pid, _age: self._page_of(pid) is not None,
            on_start=self._started,
            on_end=self._ended,
            equip=self._keeper.equip,
            start=self._succession.start,
        )
        self._watch = HeartbeatWatch(_now())
        self._alive_at, self._patience = _now(), ABSENCE
        self._link: EngineLink | None = None
        self._linked = asyncio.Event()
        self._link_wanted = asyncio.Event()
        self._look_wanted = asyncio.Event()
        self._role: Role | None = None
        self._last_end: Ended | None = None
        self._informed = True

    @property
    def role(self) -> Role:
        """Of this node; offline without an engine, and until one was heard of."""
        return self._role or Role.OFFLINE

    @property
    def pid(self) -> int | None:
        """Of the running engine, or None."""
        return self._child.pid

    @property
    def sequence(self) -> int | None:
        """The last number the running engine signed an advert with, or None."""
        page = self._page_of(self._child.pid)
        return None if page is None else page.sequence

    @property
    def restarts(self) -> int:
        """How often the engine had to be started again by this clusterd."""
        return self._child.restarts

    def adopt(self, started: int | None = None) -> bool:
        """Take over the engine that runs already, without disturbing it.

        Args:
            started: the pid of the one that this process has started, and that may not listen yet.

        Returns:
            Whether there is one.
        """
        pid = started or listener_of(self._socket_path, socket.SOCK_SEQPACKET)
        if pid is None or not self._child.adopt(pid):
            return False
        if pid == started:
            return True
        _LOG.info("adopted the running engine (pid %d)", pid)
        self._informed = False  # our predecessor may have died between writing the settings and saying so
        self._look()
        return True

    async def run(self) -> None:
        """Watch the engine and talk to it, until cancelled; the engine goes on then."""
        try:
            await asyncio.gather(self._keep_linked(), self._keep_watch())
        finally:
            self._child.unwanted()
            self._succession.dismiss()

    async def configure(self, settings: Document) -> None:
        """Let the engine run with these settings; does nothing when it already does.

        Raises:
            RefusedError: the engine does not accept them.
            UnreachableError: it does not come up.
        """
        self._informed &= not self._write(settings)
        if self._child.pid is None:
            self._child.start()
            await self._wait_for_link()
        elif not self._informed:
            await self._wait_for_link()
            await self.ask("reload")
            self._informed = True

    def start_as_before(self) -> bool:
        """Start the engine with the settings it had, before anything else is known.

        Returns:
            Whether there were settings under which it takes part in the cluster.
        """
        if not takes_part(self._settings_path):
            return False
        self._child.start()
        return True

    async def ask(self, do: str, **fields: object) -> Document:
        """One request to the engine.

        Raises:
            RefusedError: the engine says no, and why.
            UnreachableError: there is no engine, or it does not answer.
        """
        if self._link is None:
            state = "does not run" if self._child.pid is None else "is just starting"
            raise UnreachableError(f"the engine {state}")
        return await self._link.ask(do, **fields)

    def capture(self, interface: str) -> AsyncGenerator[Done | Capture, None]:
        """The adverts of an HA interface as they pass; see `cluster.engine.capture`."""
        return capture(self._socket_path, interface)

    async def stop(self, settings: Document | None = None) -> None:
        """Orderly stop: the engine hands over if somebody is there to take it, then ends.

        Args:
            settings: what a later start shall find, where that is not what it has now.
        """
        if settings is not None:
            self._write(settings)
        self._child.unwanted()
        self._succession.dismiss()
        if self._child.pid is not None:
            await self._end_in_order()
        self._keeper.release()
        self._role_is(Role.OFFLINE)

    async def _end_in_order(self) -> None:
        try:
            await self.ask("stop")
        except ClusterError as error:
            _LOG.warning("the engine cannot be asked to stop: %s", error)
            await self._child.stop(STOP_PATIENCE)
        else:
            if not await self._child.wait(STOP_PATIENCE):
                await self._child.stop(0.5)

    # --- what becomes of the process ---------------------------------------------------------------

    def _started(self, pid: int) -> None:
        self._informed = True  # it reads the file when it starts
        self._watch = HeartbeatWatch(_now())
        self._link_wanted.set()
        self._look_wanted.set()
        _spare_from_oom(pid)

    def _ended(self, ended: Ended) -> None:
        if ended.status == ANOTHER_RUNS and self._child.pid is None and self.adopt():
            return  # our predecessor had started it, and it did not listen yet when we looked
        self._last_end = ended
        if not self._policy.is_news:
            return
        again = "was started again" if self._child.pid is not None else "is started again after a pause"
        failures = self._policy.failures
        in_a_row = f" before it was of use, the {failures}th time in a row," if failures > 2 else ""
        why = "; its log says why it ended" if ended.status is not None and ended.status > 0 else ""
        self._listener.noted("engine-restarted", f"the engine (pid {ended.pid}) {ended}{in_a_row} and {again}{why}")

    async def _keep_watch(self) -> None:
        """Look at the page whenever a heartbeat is due; where there is no engine, wait for one."""
        while True:
            self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._look_wanted.wait()
            self._look_wanted.clear()

    def _pause(self) -> float | None:
        if self._child.pid is not None:
            return max(0, self._watch.due - _now()) / NANOSECONDS_PER_SECOND
        return None if self._role is Role.OFFLINE else ABSENCE.seconds / 2

    def _look(self) -> None:
        """Read the state page: is the engine alive, and in which role?"""
        now, pid = _now(), self._child.pid
        page = self._page_of(pid)
        beat, limit = (page.heartbeat, page.beat_limit) if page else (None, LIMIT)
        if pid is not None and self._watch.look(beat, now, limit):
            self._listener.noted("engine-hung", f"the engine (pid {pid}) gave no sign of life and is killed")
            self._child.kill()
        elif page is not None:
            self._alive_at, self._patience = now, max(ABSENCE, page.patience)
            self._role_is(page.role)
        elif now - self._alive_at > self._patience:
            if self._role is not Role.OFFLINE and self._last_end is not None:
                absence = (now - self._alive_at) / NANOSECONDS_PER_SECOND
                why = f"no engine has been at work for {absence:.1f} s: the last one {self._last_end}"
                self._listener.lost(f"{why}; this node is offline until one is")
            self._role_is(Role.OFFLINE)

    def _page_of(self, pid: int | None) -> Snapshot | None:
        """What the page says, if that very process wrote it."""
        page = Page.read(self._page_path)
        return page if page is not None and page.pid == pid else None

    def _role_is(self, role: Role) -> None:
        if role is not self._role:
            self._role = role
            self._listener.role(role)

    # --- the link ----------------------------------------------------------------------------------

    async def _keep_linked(self) -> None:
        """Connect whenever an engine runs, and read its events until it hangs up."""
        while True:
            await self._link_wanted.wait()
            if self._child.pid is None:
                self._link_wanted.clear()
                continue
            try:
                self._link = await EngineLink.connect(self._socket_path, self._event)
            except UnreachableError:
                await asyncio.sleep(LINK_PAUSE)
                continue
            self._linked.set()
            self._listener.linked()
            pause = LINK_PAUSE
            keeping = asyncio.create_task(self._provide())
            try:
                await self._link.receive()
            except ProtocolError as error:
                _LOG.warning("%s", error)
                pause = NONSENSE_PAUSE
            finally:
                self._link = None
                self._linked.clear()
                keeping.cancel()
            await asyncio.sleep(pause)

    async def _provide(self) -> None:
        """For the engine that will follow this one."""
        await asyncio.gather(self._keep_sockets(), self._have_an_heir())

    async def _keep_sockets(self) -> None:
        """As long as the engine runs; what is kept then is for the next one."""
        try:
            await self._keeper.keep(self._socket_path)
        except ClusterError as error:
            _LOG.debug("the engine's sockets are not kept: %s", error)

    async def _have_an_heir(self) -> None:
        """Once this engine had its start for itself."""
        await asyncio.sleep(HEIR_PAUSE)
        try:
            self._succession.prepare()
        except OSError as error:
            _LOG.debug("no next engine is kept ready: %s", error.strerror)

    def _event(self, event: Document) -> None:
        self._listener.event(event)
        self._look()

    async def _wait_for_link(self) -> None:
        try:
            async with asyncio.timeout(LINK_PATIENCE):
                await self._linked.wait()
        except TimeoutError:
            raise UnreachableError(f"the engine did not come up within {LINK_PATIENCE:g} s; see its log") from None

    # --- engine.json -------------------------------------------------------------------------------

    def settings(self) -> Document | None:
        """What the engine was last told; None when it never was since the machine booted."""
        try:
            content = json.loads(self._settings_path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            _LOG.warning("%s is damaged and will be written anew: %s", self._settings_path, error)
            return None
        return content if isinstance(content, dict) else None

    def _write(self, settings: Document) -> bool:
        """Replace engine.json atomically; False when it says this already."""
        if self.settings() == settings:
            return False
        files.replace(self._settings_path, json.dumps(settings).encode())
        return True


def _now() -> Nanoseconds:
    return Nanoseconds(time.monotonic_ns())


def _spare_from_oom(pid: int) -> None:
    """The kernel shall look for memory elsewhere first."""
    try:
        with open(f"/proc/{pid}/oom_score_adj", "w") as file:  # noqa: PTH123 - not a file, a setting
            file.write("-900")
    except OSError as error:
        # Lowering it takes CAP_SYS_RESOURCE, which not even root has in every container.
        _LOG.warning("the engine is not protected when memory runs out: %s", error.strerror)
