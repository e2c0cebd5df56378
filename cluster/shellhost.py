"""The shell host under clusterd: started, adopted, and replaced by another one when its SSH port changes.

The shell host binds its port while it is still privileged and cannot take another one later. So a change starts a
second host, which takes the console socket over; the first one serves its sessions to their end and leaves by
itself.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.process.adoption import listener_of
from cluster.process.child import Child
from cluster.process.policy import RestartPolicy
from cluster.process.spawn import Command

if TYPE_CHECKING:
    from cluster.model import Config

_ROOT = Path(__file__).resolve().parent.parent
ACCOUNTS = ("utmcli", "nobody")
"""Accounts the shell host may run as, in order of preference."""
SOCKET = "console.sock"
PATIENCE = 5.0
"""Seconds for the shell host to end; one that ran so long counts as healthy."""
_PORT_OPTION = "--ssh-port"


class ShellHost:
    """Supervises the shell host; a part of the configuration in force, for its port.

    Args:
        run_dir: of the sockets.
        state_dir: of the SSH host key.
        wanted: whether there shall be one at all.
    """

    def __init__(self, run_dir: Path, state_dir: Path, *, wanted: bool) -> None:
        self._run_dir = run_dir
        self._state_dir = state_dir
        self._wanted = wanted
        self._port = 0
        self._refused = False
        self._runs = False
        self._child = self._made()
        self._leaving: list[Child] = []

    def owns(self, pid: int) -> bool:
        """Whether this process is the shell host, or one that serves its last sessions."""
        return pid in {child.pid for child in (self._child, *self._leaving)}

    async def apply(self, config: Config) -> tuple[str, ...]:
        """Follow the port of a configuration; says so when somebody else has it."""
        port = config.ssh.port if config.ssh.enabled and self._wanted else 0
        problem = _refusal(port) if port else ""
        was_refused, self._refused = self._refused, bool(problem)
        problems = (f"nobody can log in over SSH: {problem}",) if problem else ()
        if port == self._port and (problem or not was_refused):
            return problems
        self._port = port
        if self._runs:
            self._leaving = [child for child in (*self._leaving, self._child) if child.pid is not None]
            self._child.unwanted()
            self._child = self._made()
            self._child.start()
        else:
            self._child = self._made()
        return problems

    def begin(self) -> None:
        """Start the shell host, or adopt the one that runs; one with another port is replaced."""
        if not self._wanted:
            return
        self._runs = True
        pid = listener_of(self._run_dir / SOCKET, socket.SOCK_STREAM)
        if pid is None or not self._child.adopt(pid):
            self._child.start()
        elif _port_of(pid) != self._port:
            self._leaving.append(self._child)
            self._child.unwanted()
            self._child = self._made()
            self._child.start()

    def unwanted(self) -> None:
        """Leave it to the next clusterd."""
        self._child.unwanted()

    async def stop(self) -> None:
        """End it, and those that serve their last sessions."""
        for child in (*self._leaving, self._child):
            await child.stop(PATIENCE)

    def _made(self) -> Child:
        return Child(
            "shell host",
            self._command(),
            RestartPolicy(),
            was_healthy=lambda _pid, age: age > PATIENCE,
            on_start=_offer_to_oom,
        )

    def _command(self) -> Command:
        # -P: what happens to lie in the directory we were started in is no part of the program.
        directories = ("--run-dir", str(self._run_dir), "--state-dir", str(self._state_dir))
        argv = (sys.executable, "-P", "-m", "utmcli", "serve", *directories, _PORT_OPTION, str(self._port))
        return Command(argv, {**os.environ, "PYTHONPATH": str(_ROOT)})


def group() -> int | None:
    """The group of the account that the shell host becomes; it has to open clusterd's socket."""
    for account in ACCOUNTS:
        with contextlib.suppress(KeyError):  # no such account here
            return pwd.getpwnam(account).pw_gid
    return None


def _offer_to_oom(pid: int) -> None:
    """When memory runs out, sessions end before what carries traffic; the service spares all that it starts."""
    # An adopted one belongs to another account by now, and was offered when it started.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("0", encoding="ascii")


def _port_of(pid: int) -> int:
    """The port that a shell host was started with, by its command line; -1 where there is none to be seen."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return -1
    after = words.index(_PORT_OPTION) + 1 if _PORT_OPTION in words else len(words)
    return int(words[after]) if after < len(words) and words[after].isdecimal() else -1


def _refusal(port: int) -> str:
    """Why the shell host cannot listen on a TCP port, as the end of a sentence; empty when it can.

    Binds it as utmcli/sshd/listener.py does, and does not listen: connections stay with whoever does.
    """
    problem = ""
    for family, address in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):  # noqa: S104 - not listened on
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                probe.bind((address, port))
        except OSError as error:
            problem = f"port {port} cannot be had ({(error.strerror or str(error)).lower()})"
        else:
            return ""
    return problem
