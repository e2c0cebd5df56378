"""Process 1 of a node, as a machine's init: restarts, reaping, reboot and power off."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.lab.init import EXIT_POWER_OFF, EXIT_REBOOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes these namespaces without a user namespace"),
]


@dataclass
class Machine:
    """An init in fresh namespaces, told to run a shell script as its service."""

    directory: Path

    def boot(self, script: str) -> None:
        service = ["/bin/sh", "-c", script] if script else []
        environment = {"PATH": os.environ["PATH"]}
        settings = {"hostname": "here", "firewall": False, "service": service, "environment": environment}
        (self.directory / "node.json").write_text(json.dumps(settings))
        ours, theirs = socket.socketpair()
        command = [
            "unshare", "--net", "--uts", "--ipc", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child=KILL",
            sys.executable, "-m", "cluster.lab.init", "node", str(self.directory), str(theirs.fileno()),
        ]  # fmt: skip
        with theirs:
            self.process = subprocess.Popen(command, pass_fds=(theirs.fileno(),))
        with ours:
            ours.settimeout(30)
            assert ours.recv(1) == b"r"
            ours.send(b"g")

    def signal(self, number: int) -> None:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        os.kill(int(children.read_text()), number)

    def said(self) -> list[str]:
        log = self.directory / "log"
        return log.read_text().split("\n")[:-1] if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.process.kill()
    machine.process.wait()


def test_a_service_that_dies_is_started_again(machine: Machine) -> None:
    machine.boot("echo started")

    until(lambda: len(machine.said()) >= 3)


def test_a_service_that_keeps_dying_is_started_less_and_less_often(machine: Machine) -> None:
    machine.boot("read up _ </proc/uptime; echo $up")

    until(lambda: len(machine.said()) >= 5)
    starts = [float(line) for line in machine.said()[:5]]
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps[3] > 2 * gaps[0]
    assert gaps[3] < 1.0


def test_the_machine_has_a_name_a_fresh_run_directory_and_its_own_processes(machine: Machine) -> None:
    machine.boot("hostname; ls /run; echo $(ls -d /proc/[0-9]* | wc -l); sleep 60")

    until(lambda: len(machine.said()) == 3)
    assert machine.said()[:2] == ["here", "lock"]
    assert int(machine.said()[2]) < 8


def test_orphans_are_reaped_also_when_many_die_at_once(machine: Machine) -> None:
    many = " ".join(["sleep 0.2 &"] * 30)
    machine.boot(f"sh -c '{many}'; sleep 0.6; ps -eo stat=,args=; echo listed; sleep 60")

    until(lambda: "listed" in machine.said())
    assert not [line for line in machine.said() if line.startswith("Z")]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, EXIT_REBOOT), (signal.SIGTERM, EXIT_POWER_OFF), (signal.SIGRTMIN + 4, EXIT_POWER_OFF)],
)
def test_a_signal_ends_the_machine_in_order_and_the_code_says_how(machine: Machine, number: int, code: int) -> None:
    machine.boot("trap 'echo ended in order; exit 0' TERM; echo ready; while :; do sleep 0.02; done")
    until(lambda: machine.said() == ["ready"])

    machine.signal(number)

    assert machine.process.wait(30) == code
    assert machine.said() == ["ready", "ended in order"]


def test_what_a_killed_service_left_running_is_told_to_end_as_well(machine: Machine) -> None:
    once = machine.directory / "once"
    orphan = "trap 'echo orphan ended; exit 0' TERM; echo ready; while :; do sleep 0.02 || :; done 2>/dev/null"
    # The second start of the service is a quiet one.
    machine.boot(f"[ -e {once} ] && exec sleep 60; touch {once}; ({orphan}) & exit 1")
    until(lambda: machine.said() == ["ready"])

    machine.signal(signal.SIGTERM)

    assert machine.process.wait(30) == EXIT_POWER_OFF
    assert machine.said() == ["ready", "orphan ended"]


def test_power_loss_leaves_nothing_running(machine: Machine) -> None:
    machine.boot("echo ready; exec sleep 4711")
    until(lambda: machine.said() == ["ready"])

    machine.process.kill()

    machine.process.wait()
    until(lambda: subprocess.run(["pgrep", "-f", "sleep 4711"], capture_output=True, check=False).returncode == 1)


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
