"""Runs a command inside a node: `utmcli lab exec`.

Not nsenter(1), for two reasons. It dies of the Ctrl-C that the command behind it may want to handle, which
hands the terminal back while the command still reads it. And between looking up a pid and opening its
namespaces the pid may change hands; setns(2) on a pidfd of known identity cannot err.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from cluster.errors import ClusterError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster.process.identity import Identity

_NAMESPACES = {
    "mnt": 0x00020000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
_PR_SET_PDEATHSIG = 1
_FORWARDED = frozenset({
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGALRM, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT,
})  # fmt: skip
_HELD = _FORWARDED | {signal.SIGCHLD, signal.SIGTTOU}
"""Blocked while we wait. SIGTTOU: taking the terminal back from the background is what we do."""
_SI_KERNEL = 0x80
NOT_EXECUTABLE, NOT_FOUND = 126, 127
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def search_path(before: str = _SYSTEM_PATH) -> str:
    """PATH on a node: our own commands first, and the system's tools also for people who are not root."""
    ours = str(Path(sys.executable).parent)
    return ":".join(dict.fromkeys([ours, *before.split(":"), *_SYSTEM_PATH.split(":")]))


def enter(process: Identity, command: Sequence[str], path: str) -> int:
    """Run a command in all namespaces of a process, with our standard input, output, directory and terminal.

    Args:
        process: process 1 of the node.
        command: program and arguments.
        path: PATH in there.

    Returns:
        The command's exit code; 128 plus the signal that ended it, as a shell has it.

    Raises:
        UnreachableError: the node has gone off meanwhile.
        ClusterError: the kernel does not let us in.
    """
    here = Path.cwd()
    _join(process)
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    terminal = _in_front()
    child = os.fork()
    if child == 0:
        _become(command, path, here, terminal=terminal)
    try:
        return _attend(child, terminal=terminal)
    finally:
        if terminal:
            os.tcsetpgrp(0, os.getpgrp())


def _in_front() -> bool:
    """Whether a person sits at our terminal, with nobody else in the pipeline.

    The command then gets the terminal, in a process group of its own: ours has no number on the node, and a shell
    that finds itself in group 0 cannot do job control. In a pipeline the terminal is the pager's.
    """
    return os.isatty(0) and os.isatty(1) and os.tcgetpgrp(0) == os.getpgrp()


def _join(process: Identity) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        pidfd = process.open()
        theirs = {name: Path(f"/proc/{process.pid}/ns/{name}").stat().st_ino for name in _NAMESPACES}
    except (FileNotFoundError, ProcessLookupError) as error:
        raise UnreachableError("the node is off") from error
    flags = 0
    for name, flag in _NAMESPACES.items():
        # The kernel refuses to join the user namespace one is in.
        if theirs[name] != Path(f"/proc/self/ns/{name}").stat().st_ino:
            flags |= flag
    if libc.setns(pidfd, flags):
        raise ClusterError(f"the node cannot be entered: {os.strerror(ctypes.get_errno())}")
    os.close(pidfd)


def _become(command: Sequence[str], path: str, here: Path, *, terminal: bool) -> NoReturn:
    # Killed like this, a wrapper cannot pass the signal on; its command must not go on without it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if terminal:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpgrp())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.chdir(here if here.is_dir() else "/")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UTMCLI_")}
    environment["PATH"] = path
    os.environ["PATH"] = path
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606 - a command of the caller's, no shell
    except FileNotFoundError:
        code, why = NOT_FOUND, "command not found"
    except OSError as error:
        code, why = NOT_EXECUTABLE, error.strerror or "cannot be executed"
    os.write(2, f"% Error: {command[0]}: {why}\n".encode())
    os._exit(code)


def _attend(child: int, *, terminal: bool) -> int:
    """Wait for the command, and pass on what we are sent."""
    while True:
        seen = signal.sigwaitinfo(_FORWARDED | {signal.SIGCHLD})
        if seen.si_signo != signal.SIGCHLD:
            # What the terminal sends (Ctrl-C, Ctrl-Z, a new size), it sends to the command as well.
            if seen.si_code != _SI_KERNEL:
                os.kill(child, seen.si_signo)
            continue
        pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if pid == 0:
            continue
        if os.WIFSTOPPED(status):
            _pause(child, terminal=terminal)
            continue
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code


def _pause(child: int, *, terminal: bool) -> None:
    """The command was stopped (Ctrl-Z): stop as well, so that our shell notices, and wake it up with us."""
    if terminal:
        os.tcsetpgrp(0, os.getpgrp())
    os.kill(os.getpid(), signal.SIGSTOP)
    if terminal:
        os.tcsetpgrp(0, child)
    os.kill(child, signal.SIGCONT)


def run(process: Identity, command: Sequence[str], path: str) -> NoReturn:
    """`enter`, then leave with the command's exit code."""
    sys.exit(enter(process, command, path))
