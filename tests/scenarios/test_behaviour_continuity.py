"""One clusterd and its engine through what ends others: an engine that cannot live, an earlier life, new code."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from cluster.errors import LockedError
from cluster.vrrp.lock import EngineLock, engine_lock
from tests.support.appliance import Appliance, until
from tests.support.engine import ROOT
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

VIRTUAL = "192.168.200.1/24"
LIFETIME = 5.0
"""Seconds an address may outlive the engine that held it."""


def configuration(last: int, priority: str) -> dict[str, Any]:
    return {
        "hostname": f"utm{last}.cluster.local",
        "cluster": {"enabled": True, "priority": priority, "passphrase": "hex:" + "5a" * 32},
        "interfaces": {"LAN2": {"id": 1, "flags": ["HA"], "vrid": 2}},
        "addresses": {"1": {"device": "LAN2", "address": f"192.168.12.{last}/24"}},
        "virtual_addresses": {"1": {"device": "LAN2", "address": VIRTUAL}},
    }


@pytest.fixture
def appliances(network: Network) -> Iterator[tuple[Appliance, Appliance]]:
    """A node with the high priority and its partner, neither of them started."""
    with tempfile.TemporaryDirectory(prefix="continuity") as above:
        made = []
        for last, priority in ((141, "high"), (142, "low")):
            directory = Path(above, priority)
            directory.mkdir()
            namespace = network.node()
            network.wire(namespace, "LAN2", "lan2")
            made.append(Appliance(namespace, directory, configuration(last, priority)))
        yield made[0], made[1]
        for appliance in made:
            if appliance.process is not None:
                appliance.close()


@pytest.fixture
def node(appliances: tuple[Appliance, Appliance]) -> Appliance:
    return appliances[0]


@pytest.fixture
def partner(appliances: tuple[Appliance, Appliance]) -> Appliance:
    return appliances[1]


# --- an engine that cannot be kept alive ----------------------------------------------------------------


def test_an_engine_that_cannot_live_leaves_no_address_behind_and_is_back_once_it_can(node: Appliance) -> None:
    """Somebody else holds the engine's lock: every engine that is started ends at once."""
    node.start()
    until(lambda: node.role == "master", "a lone node is master")
    assert node.process is not None

    node.process.send_signal(signal.SIGSTOP)  # so that the lock can be taken before the next engine does
    until(lambda: state(node.process.pid) == "T", "clusterd stands still")
    kill_engine(node)
    with closing(lock_of(node)):
        node.process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        until(lambda: not node.holds(VIRTUAL), "the address is gone", patience=2 * LIFETIME)
        assert time.monotonic() - began > 1.0, "this shows only that somebody removed it"
        assert node.role == "offline"
        until(lambda: node.has("engine-restarted"), "it is said")
        until(lambda: node.roles[-1] == "offline", "the role that was lost is an event like any other")
        (lost,) = (event.text for event in node.events if event.role == "offline")
        assert re.fullmatch(r"no engine has been at work for \d\.\d s: the last one exited with .*", lost)

    until(lambda: node.role == "master", "the engine is back")
    assert node.holds(VIRTUAL)


def kill_engine(node: Appliance) -> None:
    pid = node.engine
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: state(pid) in {"Z", ""}, "it is dead")


def state(pid: int) -> str:
    """The kernel's letter for a process: T stopped, Z dead and not yet looked at; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # gone before the file was opened, or before it was read
        return ""


def lock_of(node: Appliance) -> EngineLock:
    """The engine's lock, as soon as the kernel has taken it from a dead engine."""
    taken: list[EngineLock] = []

    def take() -> bool:
        with suppress(LockedError), node.namespace.inside():
            taken.append(engine_lock())
        return bool(taken)

    until(take, "the lock is free")
    return taken[0]


def test_an_engine_that_is_killed_again_and_again_serves_again_as_soon_as_it_is_let_live(node: Appliance) -> None:
    node.start()
    until(lambda: node.role == "master", "a lone node is master")

    killed: set[int] = set()

    def kill_the_next() -> bool:
        pid = node.engine
        if pid is not None and pid not in killed and state(pid) not in {"Z", ""}:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        return len(killed) == 20

    until(kill_the_next, "there is an engine again, each time", patience=60.0)

    until(lambda: node.engine not in {None, *killed}, "there is another engine")
    until(lambda: node.role == "master" and node.holds(VIRTUAL), "it serves again")


# --- no memory left -------------------------------------------------------------------------------------

ENOUGH = 24 << 20
"""Bytes for a group of processes, beyond what they had when they were put into it."""
HOGS = """
echo $$ > "$0/cgroup.procs"
for number in 1 2 3 4 5 6 7 8 9 10 11 12; do
    (content=$(head -c 4000000 /dev/zero | tr '\\0' x); sleep 0.5) & hogs="$hogs $!"
done
for hog in $hogs; do wait $hog || echo killed; done
"""
"""Processes smaller than the engine, together more than there is."""


@pytest.fixture
def group() -> Iterator[Path]:
    """A group of processes that gets no more memory than ENOUGH, in the kind of groups this machine has."""
    for above, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        made = Path(above, f"utmcli-test-{os.getpid()}")
        try:
            made.mkdir()
            (made / limit).write_text(str(ENOUGH))
            break
        except OSError:
            if made.exists():
                made.rmdir()
    else:
        pytest.skip("this machine lets nobody limit the memory of a group of processes")
    yield made
    for pid in (made / "cgroup.procs").read_text().split():
        Path(above, "cgroup.procs").write_text(pid)
    made.rmdir()


def test_memory_that_runs_out_does_not_move_the_role(group: Path, node: Appliance, partner: Appliance) -> None:
    """The engine is spared where the kernel lets us ask for it; where it is killed, the next one resumes."""
    node.start()
    until(lambda: node.role == "master", "it is master")
    partner.start()
    until(lambda: partner.role == "backup", "the partner is backup")
    (group / "cgroup.procs").write_text(str(node.engine))

    hogs = subprocess.run(["sh", "-c", HOGS, str(group)], capture_output=True, text=True, check=False)

    assert "killed" in hogs.stdout, "there was memory enough"
    time.sleep(1.0)  # longer than the partner's patience
    assert node.role == "master"
    assert node.holds(VIRTUAL)
    assert node.roles == ["backup", "master"]
    assert partner.roles == ["backup"]


# --- an earlier life ------------------------------------------------------------------------------------


def test_virtual_addresses_of_an_earlier_life_are_removed_at_boot(node: Appliance, partner: Appliance) -> None:
    node.start()
    until(lambda: node.role == "master", "the preferred node serves")
    own = partner.namespace.addresses("LAN2")
    partner.namespace.run("ip", "address", "add", VIRTUAL, "dev", "LAN2")
    partner.namespace.run("ip", "address", "add", "192.168.77.7/24", "dev", "LAN2")

    partner.start()

    until(lambda: partner.role == "backup", "it waits for a master")
    left = own | {"192.168.12.142/24", "192.168.77.7/24"}
    until(lambda: partner.namespace.addresses("LAN2") == left, "only its own and a stranger's are left")


# --- new code -------------------------------------------------------------------------------------------


def test_clusterd_is_exchanged_for_newer_code_under_a_running_engine(
    node: Appliance, partner: Appliance, tmp_path: Path
) -> None:
    installed = tmp_path / "installed"
    shutil.copytree(ROOT / "cluster", installed / "cluster")
    node.start_under("env", "--chdir", str(installed), sys.executable)
    until(lambda: node.role == "master", "it is master")
    partner.start()
    until(lambda: partner.role == "backup", "the partner is backup")
    engine = node.engine
    assert node.process is not None

    with Removals(node, tmp_path / "monitor") as removals:
        edit(installed / "cluster/wiring.py", '"serving in %s"', '"the newer code serves in %s"')
        edit(installed / "cluster/vrrp/election.py", "the engine restarted and", "the newer engine restarted and")
        node.process.send_signal(signal.SIGHUP)
        until(lambda: "the newer code serves" in node.log, "the newer code runs")
        until(lambda: node.role == "master", "and knows its role")
        time.sleep(1.0)  # longer than the partner's patience

        assert node.engine == engine
        assert node.holds(VIRTUAL)
        assert removals.seen == []
    assert node.roles == ["backup", "master"]
    assert partner.roles == ["backup"]

    kill_engine(node)
    until(lambda: node.has("resumed"), "the next engine is one of the newer code")
    assert "the newer engine restarted" in next(event.text for event in node.events if event.kind == "resumed")
    assert partner.roles == ["backup"]


class Removals:
    """Every removal of an address from a node while the block runs."""

    def __init__(self, node: Appliance, file: Path) -> None:
        self._node, self._file = node, file

    def __enter__(self) -> Self:
        with self._file.open("wb") as out:
            self._monitor = subprocess.Popen(self._node.namespace.command("ip", "monitor", "address"), stdout=out)
        until(lambda: VIRTUAL in self._file.read_text(), "the monitor sees the address being renewed")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._monitor.kill()
        self._monitor.wait()

    @property
    def seen(self) -> list[str]:
        return [line for line in self._file.read_text().splitlines() if line.startswith("Deleted")]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file.name} does not say {old}"
    file.write_text(text.replace(old, new))
