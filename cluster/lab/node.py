"""One node's life: fresh namespaces around a process 1, and their end."""

from __future__ import annotations

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
        """Power loss: the kernel kills everything on the node. Returns when nothing of it is left."""
        if self.init is not None:
            self.init.end(signal.SIGKILL, _PATIENCE)
        else:
            self._unshare.kill()
        self.leave()

    def leave(self) -> int:
        """Collect the end of the node: its exit code, or minus the signal that ended it."""
        code = self._unshare.wait(_PATIENCE)
        if self.exit >= 0:
            os.close(self.exit)
            self.exit = -1
        self._line.close()
        return code


def _command(name: str, directory: Path, line: int) -> list[str]:
    return [
        # Whatever way the warden dies, its nodes die with it: first unshare, then process 1.
        "setpriv", "--pdeathsig", "KILL",
        "unshare", "--net", "--uts", "--ipc", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child=KILL",
        sys.executable, "-m", "cluster.lab.init", name, str(directory), str(line),
    ]  # fmt: skip
