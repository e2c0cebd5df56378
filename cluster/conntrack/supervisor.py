"""Keeps conntrackd running where connections are synchronised, and does around it what the role asks for.

See the top of the package for what that is and why. The daemon outlives clusterd, as the engine does: a killed
clusterd leaves it running, the next one adopts it, and only a changed configuration restarts it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

from cluster import files
from cluster.conntrack import kernel, settings
from cluster.conntrack.control import BRIEFLY, Control
from cluster.conntrack.counters import Counters, counters, overruns, queues
from cluster.conntrack.resync import Next, Resync
from cluster.errors import ClusterError, ProtocolError, UnreachableError
from cluster.observed import ConnectionCounters, ConnectionStatus
from cluster.process.adoption import listener_of
from cluster.process.child import Child, Ended
from cluster.process.confine import confined
from cluster.process.policy import RestartPolicy
from cluster.process.spawn import Command
from cluster.units import Nanoseconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from cluster.model import Config

_LOG = logging.getLogger("clusterd")

PROGRAM = "conntrackd"
CAPABILITIES = ("net_admin",)
"""The kernel's connection tracking and larger buffers. Not sys_nice: conntrackd would take SCHED_RR 99, above the
engine, and keep a processor from everybody else for seconds when there are many entries."""
NICE = ("nice", "-n", "-5")
"""Before others all the same: the kernel drops events that nobody takes."""
HEALTHY_AFTER = 2.0
STOP_PATIENCE = 5.0
COME_UP_PAUSE, COME_UP_PATIENCE = 0.02, 30.0
ADOPTION_PATIENCE = 0.3
LOOK = 0.25
"""Seconds between two looks at a resynchronisation."""
WATCH = 10.0
"""Seconds between two looks at a daemon with nothing to do: does it answer?"""
_NOTHING_YET = Counters(*(0,) * len(Counters._fields))


class _Absent(NamedTuple):
    """Why no conntrackd is wanted: a word for programs, a reason for people (empty: nothing is wrong)."""

    word: str
    reason: str = ""


_UNDECIDED = _Absent("starting")
NOTHING_TO_COME = frozenset({"off", "unconfigured", "missing", "unsupported"})
"""States of a partner that will send no connections."""


async def _nobody() -> None:
    """Nobody to ask."""


class ConnectionSync:
    """conntrackd of this node, and a follower of its role.

    Args:
        run_dir: for its configuration, lock and socket.
        resynchronised: tells the engine that this node knows the master's connections.
        note: takes what deserves an event: kind and sentence.

    Attributes:
        ask_partner: asks the partner for the state of its synchronisation and how many connections it holds.
    """

    def __init__(
        self, run_dir: Path, resynchronised: Callable[[], Awaitable[object]], note: Callable[[str, str], None]
    ) -> None:
        self._files = settings.Files(
            run_dir / "conntrackd.conf", run_dir / "conntrackd.lock", run_dir / "conntrackd.sock"
        )
        self._config, self._lock, self._socket = (run_dir / path.name for path in self._files)
        self._said = run_dir / "conntrackd.absent"
        self._known = run_dir / "conntrackd.known"
        self._tell_engine = resynchronised
        self._note = note
        self._absent: _Absent | None = _UNDECIDED
        self._child: Child | None = None
        self._control: Control | None = None
        self._policy = RestartPolicy()
        self._is_master: bool | None = None
        self._is_fresh = False
        self._is_up = False
        self._knows_all = False
        self.ask_partner: Callable[[], Awaitable[tuple[str, int] | None]] = _nobody
        self._changed = asyncio.Event()
        self._engine_is_new = asyncio.Event()

    # --- what clusterd asks -------------------------------------------------------------------------

    @property
    def word(self) -> str:
        """The state: off, unconfigured, missing, unsupported; failing, starting, resynchronising, running."""
        if self._absent is not None:
            return self._absent.word
        if self._policy.failures > 1:
            return "failing"
        if self._child is None or self._child.pid is None or not self._is_up:
            return "starting"
        return "running" if self._is_master or self._knows_all else "resynchronising"

    @property
    def _is_absent(self) -> bool:
        """Whether it is certain that no connections are synchronised, so that nobody has to wait for them."""
        return self._absent not in {None, _UNDECIDED}

    async def status(self) -> ConnectionStatus:
        """Everything `cluster status` shows of it; counters only of a daemon that answers."""
        found, reason = None, self._absent.reason if self._absent else ""
        if self._control is not None and self._child is not None and self._child.pid is not None:
            try:
                found = await self._counters(self._control)
            except ClusterError as error:
                reason = error.message
        return ConnectionStatus(
            state=self.word,
            reason=reason,
            pid=self._child.pid if self._child else None,
            restarts=self._child.restarts if self._child else 0,
            counters=found,
        )

    async def _counters(self, control: Control) -> ConnectionCounters:
        seen = counters(await control.command("-s", patience=BRIEFLY))
        waiting = queues(await control.command("-s", "queue", patience=BRIEFLY))
        return ConnectionCounters(
            **seen._asdict(),
            waiting=waiting.waiting,
            unconfirmed=waiting.unconfirmed,
            queue_errors=waiting.errors,
            overruns=overruns(await control.command("-s", "runtime", patience=BRIEFLY)),
        )

    # --- the life of the daemon ---------------------------------------------------------------------

    def serves(self, config: Config) -> bool:
        """Whether connections are synchronised with this configuration, here and now."""
        return self._wanted(config)[0] is None

    async def apply(self, config: Config) -> tuple[str, ...]:
        """Run conntrackd as this configuration wants it, or not at all.

        A running one is restarted only if its own configuration differs from the one it has.

        Args:
            config: the configuration in force.

        Returns:
            What could not be done.
        """
        absent, text = self._wanted(config)
        self._absent = absent
        self._changed.set()
        try:
            self._say_once(absent.reason if absent else "")
            if absent is not None:
                await self.stop()
            else:
                await self._run_with(text)
        except ClusterError as error:
            return (error.message,)
        return ()

    def _say_once(self, reason: str) -> None:
        """Why connections are not synchronised becomes an event when it is new, also to a restarted clusterd."""
        said = self._said.read_text(encoding="utf-8") if self._said.exists() else ""
        if reason != said:
            files.replace(self._said, reason.encode())
            if reason:
                self._note("connections", f"connections will not outlive a takeover: {reason}")

    def _wanted(self, config: Config) -> tuple[_Absent | None, str]:
        """Why conntrackd shall not run, or its configuration."""
        if not config.cluster.enabled:
            return _Absent("off"), ""
        wanted = settings.of(config)
        if isinstance(wanted, str):
            return _Absent("unconfigured", wanted), ""
        if _program() is None:
            return _Absent("missing", "conntrackd is not installed (Debian package conntrackd)"), ""
        try:
            kernel.prepare()
            return None, settings.text(wanted, kernel.machine(), self._files)
        except ClusterError as error:
            return _Absent("unsupported", error.message), ""

    async def _run_with(self, text: str) -> None:
        same = self._config.exists() and self._config.read_text(encoding="utf-8") == text
        child = self._our_child()
        if child.pid is None:
            await self._adopt(child)
        if child.pid is not None and same:
            return
        if child.pid is not None:
            await child.stop(STOP_PATIENCE)
        files.replace(self._config, text.encode())
        child.start()

    def _our_child(self) -> Child:
        if self._child is None:
            program = _program() or PROGRAM
            environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
            self._control = Control(program, self._config, environment)
            self._child = Child(
                PROGRAM,
                Command(self._command(program), environment),
                self._policy,
                was_healthy=lambda _pid, age: age > HEALTHY_AFTER,
                before_start=self._clear_the_way,
                on_start=self._started,
                on_end=self._ended,
            )
        return self._child

    def _command(self, program: str) -> tuple[str, ...]:
        argv = confined((program, "-C", str(self._config)), CAPABILITIES, PROGRAM)
        nice = shutil.which(NICE[0])
        return (nice, *NICE[1:], *argv) if nice is not None and kernel.is_privileged() else argv

    async def _adopt(self, child: Child) -> None:
        pid = self._running()
        deadline = time.monotonic() + ADOPTION_PATIENCE
        while pid is None and self._lock.exists() and time.monotonic() < deadline:
            await asyncio.sleep(COME_UP_PAUSE)  # a daemon that is just starting has its lock before its socket
            pid = self._running()
        if pid is not None and child.adopt(pid):
            self._is_fresh = False
            _LOG.info("adopted the running conntrackd (pid %d)", pid)

    def _running(self) -> int | None:
        return listener_of(self._socket, socket.SOCK_STREAM)

    def _clear_the_way(self) -> None:
        """What a killed daemon left behind would end the next one without a word."""
        self._lock.unlink(missing_ok=True)
        with contextlib.suppress(ClusterError):  # it could be done when this was configured
            kernel.prepare()

    def _started(self, _pid: int) -> None:
        self._is_fresh, self._is_up, self._knows_all = True, False, False
        self._changed.set()

    def _ended(self, ended: Ended) -> None:
        if self._policy.is_news:
            again = "was started again" if self._child and self._child.pid else "is started again after a pause"
            self._note("connections", f"conntrackd (pid {ended.pid}) {ended} and {again}")
        self._changed.set()

    async def stop(self) -> None:
        """Orderly end of the daemon, also of one that another clusterd started."""
        if self._child is None and self._running() is None:
            return
        child = self._our_child()
        if child.pid is None:
            await self._adopt(child)
        await child.stop(STOP_PATIENCE)

    # --- the role -----------------------------------------------------------------------------------

    async def become_master(self) -> None:
        """Everything this node knows goes to the partner; done aside, for the addresses wait for nothing."""
        self._role_is(master=True)

    async def become_backup(self) -> None:
        """From now on the partner knows better."""
        self._role_is(master=False)

    def _role_is(self, *, master: bool) -> None:
        if master is not self._is_master:
            self._is_master, self._knows_all = master, False
            self._changed.set()

    def engine_came(self) -> None:
        """An engine came up that knows nothing yet of connections."""
        self._engine_is_new.set()

    async def run(self) -> None:
        """Do what role and daemon ask for, until cancelled; the daemon goes on then."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tell_new_engines())
                while True:
                    self._changed.clear()
                    work = group.create_task(self._work())
                    await self._changed.wait()
                    work.cancel()
                    await asyncio.wait((work,))
        finally:
            if self._child is not None:
                self._child.unwanted()

    async def _tell_new_engines(self) -> None:
        while True:
            await self._engine_is_new.wait()
            self._engine_is_new.clear()
            if self._is_absent or self._knows_all:
                await self._say_resynchronised()

    async def _work(self) -> None:
        """What is to do until something changes."""
        control, child = self._control, self._child
        if self._is_absent:
            await self._say_resynchronised()
        if control is None or child is None or self._is_master is None or (pid := child.pid) is None:
            return
        try:
            await self._come_up(control)
            self._is_up = True
            if self._is_master:
                await self._send_everything(control)
            elif not self._knows_all:
                await self._learn_everything(control, pid)
            while True:
                await asyncio.sleep(WATCH)
                if counters(await control.command("-s")).entries and not self._is_master:
                    await control.command("-f", "internal")
        except UnreachableError as error:
            if child.pid == pid:
                self._note("connections", f"{error.message} and is started again")
                child.kill()
        except ProtocolError as error:
            self._note("connections", f"{error.message}; nobody can tell when connections are resynchronised")

    async def _come_up(self, control: Control) -> None:
        """Wait until a daemon that was just started answers."""
        deadline = time.monotonic() + COME_UP_PATIENCE
        while True:
            try:
                await control.command("-s")
            except UnreachableError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(COME_UP_PAUSE)
            else:
                return

    async def _send_everything(self, control: Control) -> None:
        self._is_fresh = False
        await control.command("-R")
        await control.command("-B")
        with contextlib.suppress(OSError):
            self._known.unlink(missing_ok=True)  # what this node learns after it was master is news

    async def _learn_everything(self, control: Control, pid: int) -> None:
        await control.command("-f", "internal")
        began = time.monotonic()
        resync = Resync(_NOTHING_YET if self._is_fresh else counters(await control.command("-s")))
        self._is_fresh = False
        while await self._has_more_to_come(control, resync):  # noqa: ASYNC110 - conntrackd has to be asked
            await asyncio.sleep(LOOK)
        self._knows_all = True
        took = f"{resync.entries} entries came within {time.monotonic() - began:.1f} s"
        self._say_known(pid, f"this node knows the partner's connections: {took}")
        await self._say_resynchronised()  # the role may come at once, which ends this

    def _say_known(self, pid: int, text: str) -> None:
        """Said once of a daemon and its time as backup; a restarted clusterd that adopts it has no news."""
        if not self._known.exists() or self._known.read_bytes() != str(pid).encode():
            self._note("connections", text)
            with contextlib.suppress(ClusterError):  # a full disk: it may be said twice
                files.replace(self._known, str(pid).encode())

    async def _has_more_to_come(self, control: Control, resync: Resync) -> bool:
        state, expected = await self.ask_partner() or ("", None)
        if state in NOTHING_TO_COME:
            return False
        step = resync.look(counters(await control.command("-s")), Nanoseconds(time.monotonic_ns()), expected)
        if step is Next.ASK:
            await control.command("-n")
        return step is not Next.DONE

    async def _say_resynchronised(self) -> None:
        with contextlib.suppress(UnreachableError):  # an engine that comes up later is told then
            await self._tell_engine()


def _program() -> str | None:
    """conntrackd, which is no program for everybody's PATH."""
    return shutil.which(PROGRAM, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
