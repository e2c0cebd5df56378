"""The lab as tests speak of it: nodes, what they say of themselves, probes and watchers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from cluster.lab.home import Home
from cluster.lab.roles import role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BIN = Path(sys.executable).parent
UTMCLI = str(BIN / "utmcli")
LAB = (sys.executable, "-P", "-m", "cluster.lab")
"""What `utmcli lab` becomes; a scenario calls it too often to wait for the becoming."""
HERE = Path(__file__).parent
VIRTUAL = "192.168.200.1"
APPLIANCES = ("master", "spare")
PATIENCE = 30.0


def other(node: str) -> str:
    return "spare" if node == "master" else "master"


@dataclass
class Outcome:
    """What a probe saw; filled when its block ends."""

    sent: int = 0
    lost: list[int] = field(default_factory=list)
    outage: float = 0.0


@dataclass
class Holding:
    """Who held an address when; filled when its block ends. Intervals in monotonic seconds."""

    held: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    @property
    def both(self) -> float:
        """The longest time, in seconds, for which both nodes held it at once."""
        overlaps = [
            min(end, other_end) - max(begin, other_begin)
            for begin, end in self.held["master"]
            for other_begin, other_end in self.held["spare"]
        ]
        return max(0.0, *overlaps, 0.0)


class Lab:
    """A lab of this name, operated through the documented commands."""

    def __init__(
        self, name: str, example: int = 2, prefix: tuple[str, ...] = (), above: Path | None = None
    ) -> None:
        self.name, self.example, self.prefix = name, example, prefix
        self.home = Home(name, above)

    # --- commands of the lab --------------------------------------------------------------------------

    def command(self, *words: str) -> list[str]:
        """`utmcli lab WORD --name NAME ...` as a command line."""
        return [*self.prefix, *LAB, words[0], "--name", self.name, *words[1:]]

    def run(self, *words: str, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        more.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, check=False, **more)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def up(self) -> None:
        self.run("up", "--example", str(self.example))

    def down(self) -> None:
        self.run("down")

    def kill(self, node: str) -> None:
        self.run("kill", node)

    def start(self, node: str) -> None:
        self.run("start", node)

    def link(self, node: str, interface: str, state: str) -> None:
        self.run("link", node, interface, state)

    def exec(self, node: str, *command: str, check: bool = True) -> str:
        """Run a command inside a node; its standard output."""
        return self.run("exec", node, "--", *command, check=check).stdout

    def popen(self, node: str, *command: str) -> subprocess.Popen[str]:
        """Start a command inside a node; it ends with its standard input."""
        return subprocess.Popen(
            self.command("exec", node, "--", *command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    # --- what the nodes say ---------------------------------------------------------------------------

    def cli(self, node: str, line: str, *, check: bool = True) -> str:
        """One command of the appliance's shell, as words; its standard output."""
        return self.exec(node, "utmcli", *line.split(), check=check)

    def info(self, node: str) -> dict[str, Any]:
        found = json.loads(self.exec(node, "utmcli", "--json", "cluster", "info"))
        assert isinstance(found, dict)
        return found

    def role(self, node: str) -> str:
        """``master``, ``backup``, ``offline``, or empty when nobody answers."""
        process = self.home.running().nodes.get(node)
        return role(process) if process else ""

    def roles(self) -> tuple[str, str]:
        return self.role("master"), self.role("spare")

    def await_roles(self, master: str, spare: str, patience: float = PATIENCE) -> None:
        """Wait until the nodes have these roles."""
        eventually(lambda: self.roles() == (master, spare), patience, lambda: f"roles are {self.roles()}")

    def role_changes(self, node: str) -> list[str]:
        """The lines of `cluster events` that tell of a change of role."""
        rows = json.loads(self.exec(node, "utmcli", "--json", "cluster", "events"))
        return [row["text"] for row in rows if row["event"] == "role"]

    def pids(self, node: str, pattern: str) -> list[int]:
        """Processes of the node by command line, as the node numbers them."""
        return [int(word) for word in self.exec(node, "pgrep", "-f", pattern, check=False).split()]

    def signal(self, node: str, pattern: str, number: signal.Signals = signal.SIGKILL) -> list[int]:
        """Send a signal to processes of the node; which were hit."""
        hit = self.pids(node, pattern)
        assert hit, f"nothing on {node} is called {pattern}"
        self.exec(node, "kill", f"-{int(number)}", *map(str, hit))
        return hit

    # --- measuring ------------------------------------------------------------------------------------

    @contextmanager
    def probe(self, rate: int = 100, target: str = VIRTUAL, node: str = "client") -> Iterator[Outcome]:
        """Echo requests from the client for as long as the block runs."""
        process = self.popen(node, sys.executable, str(HERE / "probe.py"), target, str(rate))
        outcome = Outcome()
        with process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == "running\n"
            yield outcome
            process.stdin.close()
            report = json.loads(process.stdout.read())
        outcome.sent, outcome.lost, outcome.outage = report["sent"], report["lost"], report["outage"]

    @contextmanager
    def watch(self, address: str = VIRTUAL) -> Iterator[Holding]:
        """Who holds the address, for as long as the block runs; a node that loses power holds nothing more."""
        on = [node for node in APPLIANCES if node in self.home.running().nodes]
        watchers = {node: self.popen(node, sys.executable, str(HERE / "watch.py"), address) for node in on}
        told: dict[str, list[tuple[float, str]]] = {node: [] for node in APPLIANCES}
        readers = [Thread(target=_read, args=(watchers[node], told[node])) for node in on]
        for reader in readers:
            reader.start()
        eventually(lambda: all(told[node] for node in on))
        holding = Holding()
        try:
            yield holding
        finally:
            for process in watchers.values():
                assert process.stdin is not None
                process.stdin.close()
            for reader in readers:
                reader.join()
            for process in watchers.values():
                process.wait()
        holding.held = {node: _intervals(lines) for node, lines in told.items()}


def _read(process: subprocess.Popen[str], told: list[tuple[float, str]]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        at, word = line.split()
        told.append((float(at), word))
    told.append((time.monotonic(), "gone"))


def _intervals(told: list[tuple[float, str]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    since: float | None = None
    for at, word in told:
        if word == "here":
            since = at
        elif since is not None:
            found.append((since, at))
            since = None
    return found


def eventually(
    happened: Callable[[], bool], patience: float = PATIENCE, otherwise: Callable[[], str] = lambda: ""
) -> None:
    """Wait for something that takes real time."""
    deadline = time.monotonic() + patience
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience} s: {otherwise()}")
        time.sleep(0.05)


def lab_name(word: str) -> str:
    """A name of our own, so that test runs side by side do not share labs."""
    return f"{word}-{os.getpid()}"
