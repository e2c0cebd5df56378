"""How long one command takes, from start to exit: ours, bare Python, and FRR's vtysh, in turns.

`make bench` runs it. It builds a lab, starts a real FRR beside it, and measures inside the lab's master:

    utmcli cluster info                  what an administrator's script calls
    python -I -S -c pass                 the least that any Python program takes
    vtysh -c 'show version'              the same kind of command of a router written in C

The ratios are what counts: they are between medians of the same run, taken in turns, so that a busy machine is
busy for all of them. The exit code is 1 when a limit is missed.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 101
WARM_UP = 5
OVER_PYTHON, OVER_VTYSH = 1.3, 0.7
FRR = Path("/usr/lib/frr")
PATIENCE = 10.0
BIN = Path(sys.executable).parent
PYTHON, UTMCLI, VTYSH = "python -I -S -c pass", "utmcli cluster info", "vtysh -c 'show version'"


def main() -> int:
    if sys.argv[1:2] == ["--inside"]:
        return measure(sys.argv[2])
    name = f"bench-{os.getpid()}"
    lab = [str(BIN / "utmcli"), "lab"]
    subprocess.run([*lab, "up", "--name", name], check=True, stdout=subprocess.DEVNULL)
    try:
        with frr() as vty:
            inside = [sys.executable, str(Path(__file__).resolve()), "--inside", vty]
            return subprocess.run([*lab, "exec", "--name", name, "master", "--", *inside], check=False).returncode
    finally:
        subprocess.run([*lab, "down", "--name", name], check=True)


@contextmanager
def frr() -> Iterator[str]:
    """A running FRR in namespaces of its own; the directory of its sockets, empty where FRR is not installed."""
    if os.geteuid() != 0 or shutil.which("vtysh") is None or not (FRR / "zebra").exists():
        print("not compared with vtysh: that takes root, and FRR, which make setup installs", file=sys.stderr)
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="utmcli-bench-") as directory:
        shutil.chown(directory, "frr", "frr")  # FRR's daemons give up root
        sockets = f"--vty_socket {directory} -z {directory}/zserv.api"
        start = [
            f"{FRR}/{daemon} -f /dev/null -i {directory}/{daemon}.pid {sockets} -P 0 &"
            for daemon in ("zebra", "staticd")
        ]
        own = ["unshare", "--net", "--pid", "--mount-proc", "--fork", "--kill-child=KILL", "sh", "-c"]
        quiet = subprocess.DEVNULL
        with subprocess.Popen([*own, " ".join([*start, "wait"])], stdout=quiet, stderr=quiet) as running:
            try:
                deadline = time.monotonic() + PATIENCE
                while subprocess.run(vtysh(directory), capture_output=True, check=False).returncode:
                    if time.monotonic() > deadline:
                        raise SystemExit("FRR does not answer")
                    time.sleep(0.1)
                yield directory
            finally:
                running.kill()


def vtysh(directory: str) -> list[str]:
    return ["vtysh", "--vty_socket", directory, "-c", "show version"]


def measure(vty: str) -> int:
    commands = {
        UTMCLI: [str(BIN / "utmcli"), "cluster", "info"],
        PYTHON: [sys.executable, "-I", "-S", "-c", "pass"],
    }
    if vty:
        commands[VTYSH] = vtysh(vty)
    times: dict[str, list[float]] = {command: [] for command in commands}
    for round_number in range(WARM_UP + ROUNDS):
        for command, words in commands.items():
            took = once(words)
            if round_number >= WARM_UP:
                times[command].append(took)
    medians = {command: statistics.median(taken) for command, taken in times.items()}
    print(f"{'whole process, ' + str(ROUNDS) + ' times each, in turns':44}{'median':>10}{'fastest':>10}")
    for command, taken in times.items():
        print(f"{command:44}{medians[command] * 1000:7.1f} ms{min(taken) * 1000:7.1f} ms")
    good = verdict("utmcli / python", medians[UTMCLI] / medians[PYTHON], OVER_PYTHON)
    if vty:
        good &= verdict("utmcli / vtysh", medians[UTMCLI] / medians[VTYSH], OVER_VTYSH)
    return 0 if good else 1


def once(words: list[str]) -> float:
    """Seconds from start to exit."""
    began = time.perf_counter()
    pid = os.posix_spawnp(
        words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    )
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - began
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return took


def verdict(what: str, ratio: float, limit: float) -> bool:
    """Print a ratio beside its limit; whether it is met."""
    met = ratio <= limit
    print(f"{what:44}{ratio:7.2f} x   at most {limit} x: {'met' if met else 'MISSED'}")
    return met


if __name__ == "__main__":
    sys.exit(main())
