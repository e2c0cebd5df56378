"""One node's life: fresh namespaces around a process 1, and their end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.errors import ClusterError
from cluster.lab.enter import search_path
from cluster.lab.plan import APPLIANCES, SWITCH
from cluster.process.identity import Identity

if TYPE_CHECKING:
    from cluster.lab.home import Home

RUN_DIRECTORY = "/run/utmcli"
_PATIENCE = 10.0
_LOOK_EVERY = 0.1
"""Seconds: how long a node that loses power may take before somebody is looked for who keeps it from ending."""


def settings(home: Home, node: str) -> dict[str, object]:
    """What process 1 of a node reads at boot."""
    service: list[str] = []
    if node in APPLIANCES:
        directory = home.of(node)
        service = [
            str(Path(sys.executable).parent / "clusterd"),
            "--state-dir", str(directory / "state"),
            "--run-dir", RUN_DIRECTORY,
            "--factory", str(directory / "factory.json"),
            "--applications-dir", str(directory / "applications.d"),
        ]  # fmt: skip
    return {
        "hostname": f"{node}.cluster.local" if node != SWITCH else node,
        "firewall": node in APPLIANCES,
        "service": service,
        "environment": {"PATH": search_path(), "HOME": "/", "LANG": "C.UTF-8"},
    }


class Node:
    """A node that is on. It boots in two steps, since its cables can be plugged only into a namespace that exists.

    Args:
        home: the lab's directory.
        name: the node.

    Raises:
        ClusterError: from `ready`: process 1 did not come up; the node's boot log says why.
    """

    def __init__(self, home: Home, name: str) -> None:
        self.name = name
        directory = home.of(name)
        directory.mkdir(mode=0o700, exist_ok=True)
        (directory / "node.json").write_text(json.dumps(settings(home, name)), encoding="utf-8")
        self._log = directory / "boot.log"
        self._line, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as log:
            self._unshare = subprocess.Popen(
                _command(name, directory, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                pass_fds=(theirs.fileno(),),
            )
        self.exit = os.pidfd_open(self._unshare.pid)
        self.init: Identity | None = None

    def ready(self) -> Identity:
        """Wait until process 1 is there; cables can be plugged from now on."""
        self._line.settimeout(_PATIENCE)
        try:
            said = self._line.recv(1)
        except TimeoutError:
            said = b""
        if said != b"r":
            raise ClusterError(f"{self.name} did not boot: {self._log.read_text(encoding='utf-8').strip()}")
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children")
        self.init = Identity.of(int(children.read_text(encoding="ascii").split()[0]))
        return self.init

    def go(self) -> None:
        """Let process 1 start the node's service."""
        self._line.send(b"g")
        self._line.close()

    def kill(self) -> None:
        """Power loss: the kernel kills everything on the node. Returns when nothing of it is left.

        Raises:
            ClusterError: something of it is left after 10 s.
        """
        if self.init is not None:
            self.init.end(signal.SIGKILL, 0)
        else:
            self._unshare.kill()
        for _ in range(round(_PATIENCE / _LOOK_EVERY)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._unshare.wait(_LOOK_EVERY)
                return
            self._dismiss()
        raise ClusterError(f"{self.name} has no power, but something of it did not end within {_PATIENCE:.0f} s")

    def _dismiss(self) -> None:
        """Kill who came into the node from outside (`lab exec`) and was stopped (Ctrl-Z).

        Its command has died, but a namespace ends only when every death in it was collected, and a stopped parent
        collects none. Whoever is not stopped does so by itself, and gives the terminal back.
        """
        node = _children_namespace(self._unshare.pid)
        for entry in Path("/proc").iterdir():
            if node and entry.name.isdecimal() and _children_namespace(int(entry.name)) == node:
                # It may end meanwhile.
                with contextlib.suppress(OSError):
                    if (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2][1] == "T":
                        os.kill(int(entry.name), signal.SIGKILL)

    def leave(self) -> int:
        """Collect the end of a node that has ended: its exit code, or minus the signal that ended it."""
        os.close(self.exit)
        self._line.close()
        return self._unshare.wait()


def _children_namespace(pid: int) -> str:
    """The process namespace that children of this process are born into; empty if nobody may know."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid_for_children").readlink())
    except OSError:
        return ""


def _command(name: str, directory: Path, line: int) -> list[str]:
    return [
        # Whatever way the warden dies, its nodes die with it: first unshare, then process 1.
        "setpriv", "--pdeathsig", "KILL",
        "unshare", "--net", "--uts", "--ipc", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child=KILL",
        sys.executable, "-m", "cluster.lab.init", name, str(directory), str(line),
    ]  # fmt: skip
