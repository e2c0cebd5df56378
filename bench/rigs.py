"""The rigs of the benches: the same two nodes driven by our engine, or by keepalived with the same timers.

Both offer the same words, so that one measurement serves both and every figure is a ratio of one run.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig import NODES, Rig  # before tests: it puts the repository on the path

from tests.support.engine import Engine, configuration, eventually, interface
from tests.support.netns import why_not

if TYPE_CHECKING:
    from tests.support.netns import Namespace

UNPRIVILEGED = ("setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice", "--")
"""What takes a daemon the right to real-time scheduling."""


def _terminate(process: subprocess.Popen[Any]) -> None:
    """End a process in good order; returns the moment it is gone (`wait` with a limit asks at intervals)."""
    handle = os.pidfd_open(process.pid)
    try:
        process.send_signal(signal.SIGTERM)
        assert select.select((handle,), (), (), 10)[0], "it does not stop"
    finally:
        os.close(handle)
    process.wait()


class Wrapped:
    """A namespace whose commands all run behind another one."""

    def __init__(self, namespace: Namespace, wrapper: tuple[str, ...]) -> None:
        self._namespace, self._wrapper = namespace, wrapper

    def command(self, *words: str) -> list[str]:
        """The command line that runs these words in the namespace."""
        return self._namespace.command(*self._wrapper, *words)


class Ours(Rig):
    """Our engine, signed adverts, as clusterd would run it."""

    name = "utmcli"
    mode = "hmac"

    def __init__(self, advert: int, lans: int = 1, delay: int = 2, *, real_time: bool = True) -> None:
        super().__init__(advert, lans, delay, real_time=real_time)
        self.engines: dict[str, Engine] = {}
        for node in NODES:
            place: Any = self.nodes[node] if real_time else Wrapped(self.nodes[node], UNPRIVILEGED)
            self.engines[node] = Engine(place, self.directory / node, self.document(node))

    def document(self, node: str, **changes: Any) -> dict[str, Any]:
        """The node's engine.json."""
        interfaces = [interface(lan, int(lan[3:]), self.virtual(lan)) for lan in self.lans]
        base = {"priority": node, "advert_interval": self.advert, "trigger_delay": self.delay}
        return configuration(*interfaces, mode=self.mode, **base, **changes)

    def begin(self, node: str) -> None:
        engine = self.engines[node]
        if engine.process is not None and engine.process.stderr is not None:
            engine.process.stderr.close()
        engine.start()

    def start(self, node: str) -> None:
        self.begin(node)
        engine = self.engines[node]
        eventually(lambda: (engine.run_dir / "engine.sock").exists() and engine.page is not None, 5)
        eventually(lambda: self._resynchronised(engine), 5)

    @staticmethod
    def _resynchronised(engine: Engine) -> bool:
        try:
            return "error" not in engine.ask("resynchronised")
        except OSError:
            return False

    def kill(self, node: str) -> None:
        engine = self.engines[node]
        if engine.process is not None and engine.process.poll() is None:
            engine.kill()

    def power_off(self, node: str) -> None:
        super().power_off(node)
        # The run directory is a tmpfs: nothing of it is there after a boot.
        for name in ("engine.page", "engine.sock"):
            (self.engines[node].run_dir / name).unlink(missing_ok=True)

    def stop(self, node: str) -> None:
        _terminate(self.engines[node].running)

    def daemons(self, node: str) -> list[int]:
        return [self.engines[node].running.pid]

    def switch(self, node: str) -> None:
        """Hand the role over."""
        answer = self.engines[node].ask("switch", force=False)
        assert "error" not in answer, answer

    def lower(self, node: str) -> None:
        self._maintenance(node, on=True)

    def restore(self, node: str) -> None:
        self._maintenance(node, on=False)

    def _maintenance(self, node: str, *, on: bool) -> None:
        self.engines[node].configure(self.document(node, maintenance=on))
        answer = self.engines[node].ask("reload")
        assert "error" not in answer, answer


class Unsigned(Ours):
    """Our engine without authentication."""

    name = "unsigned"
    mode = "none"


class Keepalived(Rig):
    """keepalived as configured by those who want the same: VRRPv3, same timers, same priorities."""

    name = "keepalived"

    def __init__(self, advert: int, lans: int = 1, delay: int = 2, *, real_time: bool = True) -> None:
        super().__init__(advert, lans, delay, real_time=real_time)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for node in NODES:
            (self.directory / f"{node}.conf").write_text(self.document(node))

    def document(self, node: str, priority: int = 0) -> str:
        """The node's keepalived.conf."""
        priority = priority or (254 if node == "high" else 253)
        instances = "\n".join(
            f"""vrrp_instance {lan} {{
                state BACKUP
                interface {lan}
                virtual_router_id {lan[3:]}
                priority {priority}
                advert_int {self.advert / 100}
                virtual_ipaddress {{ {self.virtual(lan)} }}
            }}"""
            for lan in self.lans
        )
        # One member a line: a long line is more than its parser takes.
        members = "\n".join(self.lans)
        group = f"vrrp_sync_group all {{\ngroup {{\n{members}\n}}\n}}" if len(self.lans) > 1 else ""
        # Its limit of 10 ms for one turn of a real-time process kills it where there are many interfaces.
        real_time = "vrrp_rt_priority 50\nvrrp_rlimit_rttime 1000000" if self.real_time else ""
        return f"global_defs {{\nvrrp_version 3\n{real_time}\n}}\n{instances}\n{group}\n"

    def begin(self, node: str) -> None:
        files = [f"--{word}={self.directory}/{node}.{word}" for word in ("pid", "vrrp_pid")]
        files.append(f"--use-file={self.directory}/{node}.conf")
        command = ["keepalived", "--dont-fork", "--vrrp", "--log-console", *files]
        wrapper = () if self.real_time else UNPRIVILEGED
        self.processes[node] = subprocess.Popen(
            self.nodes[node].command(*wrapper, *command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def start(self, node: str) -> None:
        self.begin(node)
        eventually(lambda: len(self.daemons(node)) > 1, 5)

    def daemons(self, node: str) -> list[int]:
        process = self.processes[node]
        if process.poll() is not None:
            return []
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return [process.pid, *map(int, children)]

    def lower(self, node: str) -> None:
        self._reload(node, 100)

    def restore(self, node: str) -> None:
        self._reload(node)

    def _reload(self, node: str, priority: int = 0) -> None:
        (self.directory / f"{node}.conf").write_text(self.document(node, priority))
        if self.daemons(node):
            self.processes[node].send_signal(signal.SIGHUP)

    def kill(self, node: str) -> None:
        process = self.processes.get(node)
        if process is None:
            return
        # The parent first: it would start its child anew.
        for pid in self.daemons(node):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        for word in ("pid", "vrrp_pid"):
            (self.directory / f"{node}.{word}").unlink(missing_ok=True)

    def stop(self, node: str) -> None:
        _terminate(self.processes[node])


def available() -> list[type[Rig]]:
    """The rigs that can run here; says why one is missing."""
    if reason := why_not():
        sys.exit(f"this benchmark cannot run: {reason}")
    if shutil.which("keepalived") is None:
        print("keepalived is not installed: its column is missing")
        return [Ours]
    return [Ours, Keepalived]
