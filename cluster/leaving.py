"""What systemd runs around the end of our units: a restart keeps the role, a stop and a shutdown hand it over.

systemd ends a service in one way, whoever asked for it; its list of jobs says what for (systemctl(1), list-jobs).

    stop       ExecStop      of a restart: SIGUSR1, clusterd alone ends and the next one adopts all others;
                             else, a shutdown included: SIGTERM, everything ends in order
    leftovers  ExecStopPost  of a stop: what a clusterd that died before left running ends, the engine first, since
                             it hands the role over; else nothing, since the next clusterd adopts it
    shutdown   ExecStop      of clusterd-handover.service, before other services end: the partner takes over
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from cluster.process.adoption import listener_of
from cluster.process.identity import Identity

UNIT = "clusterd.service"
RUN_DIR = Path("/run/utmcli")
FOREVER = 3600.0
"""Seconds: longer than any TimeoutStopSec=, after which systemd ends us."""


class Leftover(NamedTuple):
    """One process that outlives clusterd.

    Attributes:
        name: for the log.
        file: of its socket, in the run directory.
        kind: of that socket.
        patience: seconds it has to end in order.
    """

    name: str
    file: str
    kind: socket.SocketKind
    patience: float


LEFTOVERS = (
    Leftover("the engine", "engine.sock", socket.SOCK_SEQPACKET, 10.0),
    Leftover("the shell host", "console.sock", socket.SOCK_STREAM, 5.0),
    Leftover("conntrackd", "conntrackd.sock", socket.SOCK_STREAM, 5.0),
)
"""In the order in which they end."""


def job_in(listed: str, unit: str = UNIT) -> str:
    """The kind of job that systemd carries out with a unit: stop, restart, ...; empty when there is none.

    Args:
        listed: what ``systemctl list-jobs --no-legend`` prints: number, unit, kind and state in a line.
        unit: its name.
    """
    rows = (line.split() for line in listed.splitlines())
    return next((row[2] for row in rows if len(row) > 2 and row[1] == unit), "")


def end_main(pid: int, job: str) -> None:
    """End clusterd as the job wants it, and wait until it has ended: systemd goes on when we return."""
    try:
        main = Identity.of(pid)
    except ProcessLookupError:
        return
    main.end(signal.SIGUSR1 if job == "restart" else signal.SIGTERM, FOREVER)


def end_leftovers(run_dir: Path, job: str) -> list[str]:
    """End in order what is left of us.

    Args:
        run_dir: where the sockets are.
        job: only after a stop anything is ended.

    Returns:
        A sentence for each process that was left.
    """
    return [said for left in LEFTOVERS if job == "stop" and (said := _end(left, run_dir))]


def _end(left: Leftover, run_dir: Path) -> str:
    pid = listener_of(run_dir / left.file, left.kind)
    if pid is None:
        return ""
    try:
        process = Identity.of(pid)
    except ProcessLookupError:
        return ""
    if process.end(signal.SIGTERM, left.patience):
        return f"{left.name} (pid {pid}) was left, and has ended"
    process.end(signal.SIGKILL, left.patience)
    return f"{left.name} (pid {pid}) was left, did not end within {left.patience:g} s, and was killed"


async def hand_over(run_dir: Path) -> str:
    """Ask clusterd to hand the role over; a sentence on what became of it.

    Args:
        run_dir: where its socket is.
    """
    # Imported where it is used: what ends a process shall not wait for it.
    from cluster.errors import ClusterError  # noqa: PLC0415 - see above
    from cluster.rpc.client import SOCKET_FILE, Client  # noqa: PLC0415 - see above
    from cluster.rpc.messages import Actor, Switch  # noqa: PLC0415 - see above

    try:
        async with await Client.connect(run_dir / SOCKET_FILE) as client:
            await client.ask(Switch(), Actor(user="systemd", source="shutdown", role="admin"))
    except ClusterError as error:
        return f"nothing to hand over: {error.message}"
    return "the partner has taken over"


def _job() -> str:
    return job_in(_systemctl("list-jobs", "--no-legend", "--no-pager", "--full", UNIT))


def _goes_down() -> bool:
    """Whether the machine is being shut down; systemctl exits with 1 for every state but `running`."""
    return _systemctl("is-system-running").strip() == "stopping"


def _systemctl(*words: str) -> str:
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return ""
    done = subprocess.run((systemctl, *words), capture_output=True, text=True, check=False)
    if done.stderr:
        _say(f"systemd does not say what happens: {done.stderr.strip()}")
    return done.stdout


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(words: list[str]) -> int:
    """Do what the unit asks for; returns the exit status."""
    if words == ["stop"]:
        # Empty when clusterd ended by itself (systemd.service(5)).
        if pid := os.environ.get("MAINPID", ""):
            end_main(int(pid), _job())
        return 0
    if words == ["leftovers"]:
        for text in end_leftovers(RUN_DIR, _job()):
            _say(text)
        return 0
    if words == ["shutdown"]:
        if _goes_down():
            import asyncio  # noqa: PLC0415 - as in hand_over

            _say(asyncio.run(hand_over(RUN_DIR)))
        return 0
    _say("python -m cluster.leaving stop | leftovers | shutdown: run by the units of utmcli service install")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
