"""Real conntrackd, two nodes on one cable: started, told of the role, killed, adopted, restarted."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from cluster.conntrack import supervisor
from cluster.conntrack.control import Control
from cluster.conntrack.supervisor import ConnectionSync
from cluster.lab.factory import factory
from cluster.process.adoption import listener_of
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from cluster.model import Config
    from tests.support.netns import Namespace

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(
        shutil.which("conntrackd", path=f"{os.environ['PATH']}:/usr/sbin") is None,
        reason="conntrackd is not installed (make setup installs it as root)",
    ),
]
CONFIG = {node: factory(2, node, "a passphrase") for node in ("master", "spare")}
ADDRESS = {"master": "192.168.180.2", "spare": "192.168.180.3"}
FLOWS = 50
PATIENCE = 20.0


class Node:
    """One node's conntrackd and its supervisor, which runs only within `supervised`."""

    def __init__(self, name: str, namespace: Namespace, directory: Path) -> None:
        self.namespace = namespace
        self.directory = directory
        self.config = CONFIG[name]
        self.resynchronised = asyncio.Event()
        self.notes: list[str] = []

    def supervisor(self) -> ConnectionSync:
        async def told() -> None:
            self.resynchronised.set()

        return ConnectionSync(self.directory, told, lambda _kind, text: self.notes.append(text))

    @property
    def pid(self) -> int | None:
        """Of the daemon, by the kernel's word."""
        return listener_of(self.directory / "conntrackd.sock", socket.SOCK_STREAM)

    @property
    def flows(self) -> int:
        """Of the connections that `begin_flows` made, how many this node's kernel knows."""
        return self.namespace.run("conntrack", "-L", "-p", "tcp", "--dport", "4242").count("dport=4242")

    def begin_flows(self) -> None:
        for number in range(FLOWS):
            ends = ("--src", "10.1.0.1", "--dst", "10.2.0.1", "--sport", str(2000 + number), "--dport", "4242")
            state = ("--state", "ESTABLISHED", "--timeout", "1000", "-u", "ASSURED")
            self.namespace.run("conntrack", "-I", "-p", "tcp", *ends, *state)

    def forget(self) -> None:
        """Its kernel drops them, and says so as it does when they expire."""
        self.namespace.run("conntrack", "-D", "-p", "tcp", "--dport", "4242")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    network = Network()
    made = {}
    try:
        for name, address in ADDRESS.items():
            place = network.node()
            network.wire(place, "LAN3", "LAN3", f"{address}/24")
            directory = tmp_path / name
            directory.mkdir()
            made[name] = Node(name, place, directory)
        yield made
    finally:
        for node in made.values():
            if (pid := node.pid) is not None:
                os.kill(pid, signal.SIGKILL)
        network.close()


def run(node: Node, scenario: Callable[[ConnectionSync], Coroutine[None, None, None]]) -> None:
    """Supervise the node's daemon while the scenario runs; the daemon goes on afterwards."""

    async def supervised() -> None:
        sync = node.supervisor()
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            duty = group.create_task(sync.run())
            await scenario(sync)
            duty.cancel()

    with node.namespace.inside():
        asyncio.run(supervised())


def start(node: Node, *, master: bool, config: Config | None = None) -> None:
    async def scenario(sync: ConnectionSync) -> None:
        assert await sync.apply(config or node.config) == ()
        await (sync.become_master() if master else sync.become_backup())
        await until(lambda: sync.word == ("running" if master else "resynchronising"))

    run(node, scenario)


async def until(happened: Callable[[], object], what: str = "") -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not happened():
        assert asyncio.get_running_loop().time() < deadline, f"not within {PATIENCE} s: {what}"
        await asyncio.sleep(0.02)


async def learns(sync: ConnectionSync, node: Node) -> None:
    """The node starts as backup, and knows what its partner knows."""
    await sync.apply(node.config)
    await sync.become_backup()
    await until(node.resynchronised.is_set, "resynchronised")


def kill(node: Node) -> int:
    """Kill the daemon; the pid it had."""
    pid = node.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


async def packets_sent(sync: ConnectionSync) -> int:
    found = (await sync.status()).counters
    assert found is not None, "conntrackd does not answer"
    return found.packets_sent


async def answers(sync: ConnectionSync) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while (await sync.status()).counters is None:
        assert asyncio.get_running_loop().time() < deadline, "conntrackd does not answer"
        await asyncio.sleep(0.02)


def test_a_backup_that_starts_learns_what_the_master_had_before_and_says_so(nodes: dict[str, Node]) -> None:
    master, spare = nodes["master"], nodes["spare"]
    master.begin_flows()
    start(master, master=True)

    async def scenario(sync: ConnectionSync) -> None:
        await learns(sync, spare)
        assert sync.word == "running"

    run(spare, scenario)
    assert spare.flows == FLOWS
    assert any("knows the partner's connections" in note for note in spare.notes)


def test_what_a_backup_learned_is_said_once_of_a_daemon_also_by_the_clusterd_that_adopts_it(
    nodes: dict[str, Node],
) -> None:
    master, spare = nodes["master"], nodes["spare"]
    start(master, master=True)

    async def learn(sync: ConnectionSync) -> None:
        spare.resynchronised.clear()
        await learns(sync, spare)
        await until((spare.directory / "conntrackd.known").exists, "said")

    def said() -> int:
        return sum("knows the partner's connections" in note for note in spare.notes)

    run(spare, learn)
    run(spare, learn)
    assert said() == 1, "the same daemon was adopted"

    async def lead(sync: ConnectionSync) -> None:
        await sync.apply(spare.config)
        await sync.become_master()
        await until(lambda: not (spare.directory / "conntrackd.known").exists(), "everything was sent")

    run(spare, lead)
    run(spare, learn)
    assert said() == 2, "it had been master in between"

    assert spare.pid is not None
    os.kill(spare.pid, signal.SIGKILL)
    run(spare, learn)
    assert said() == 3, "it is another daemon"


def test_what_a_node_took_over_is_there_for_the_one_that_returns(nodes: dict[str, Node]) -> None:
    master, spare = nodes["master"], nodes["spare"]
    master.begin_flows()
    start(master, master=True)

    async def takeover(sync: ConnectionSync) -> None:
        await learns(sync, spare)
        kill(master)
        master.namespace.run("conntrack", "-F")
        await sync.become_master()
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while (found := (await sync.status()).counters) is None or found.entries < FLOWS:
            assert asyncio.get_running_loop().time() < deadline, f"only {found} are there to be sent"

    run(spare, takeover)
    assert master.flows == 0

    async def scenario(sync: ConnectionSync) -> None:
        await learns(sync, master)

    run(master, scenario)
    assert master.flows == FLOWS


def test_copies_that_expire_on_a_restarted_backup_take_nothing_from_the_master(nodes: dict[str, Node]) -> None:
    master, spare = nodes["master"], nodes["spare"]
    master.begin_flows()
    start(master, master=True)

    async def scenario(sync: ConnectionSync) -> None:
        await learns(sync, spare)
        pid = kill(spare)
        await until(lambda: spare.pid not in {None, pid}, "another daemon")
        await until(lambda: sync.word == "running", "it knows everything again")
        before = await packets_sent(sync)
        spare.forget()
        while await packets_sent(sync) < before + 3:  # noqa: ASYNC110 - nobody tells; a sign of life every second
            await asyncio.sleep(0.1)

    run(spare, scenario)
    assert master.flows == FLOWS


def test_a_killed_daemon_comes_back_although_it_left_its_lock(nodes: dict[str, Node]) -> None:
    node = nodes["master"]

    async def scenario(sync: ConnectionSync) -> None:
        await sync.apply(node.config)
        await sync.become_master()
        for _ in range(3):
            await answers(sync)
            pid = node.pid
            assert pid is not None
            assert (node.directory / "conntrackd.lock").exists()
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid: node.pid not in {None, pid}, "another daemon")
        assert (await sync.status()).restarts == 3

    run(node, scenario)
    assert any("was killed by SIGKILL and was started again" in note for note in node.notes)


def test_a_daemon_that_hangs_keeps_nobody_who_asks_how_it_is(nodes: dict[str, Node]) -> None:
    node = nodes["master"]

    async def scenario(sync: ConnectionSync) -> None:
        await sync.apply(node.config)
        await sync.become_master()
        await answers(sync)
        pid = node.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        async with asyncio.timeout(5):
            seen = await sync.status()
        assert (seen.counters, seen.reason) == (None, "conntrackd did not answer -s within 1 s")

    run(node, scenario)


def test_a_daemon_that_hangs_is_started_again_and_why_is_said(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = nodes["master"]
    monkeypatch.setattr(supervisor, "WATCH", 0.1)
    monkeypatch.setitem(Control.command.__kwdefaults__, "patience", 2.0)

    async def scenario(sync: ConnectionSync) -> None:
        known = node.directory / "conntrackd.known"
        known.touch()
        await sync.apply(node.config)
        await sync.become_master()
        await until(lambda: not known.exists(), "a master that has sent everything, and only asks how it is")
        pid = node.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: node.pid not in {None, pid}, "another daemon")

    run(node, scenario)
    assert "conntrackd did not answer -s within 2 s and is started again" in node.notes


def test_a_daemon_goes_on_without_its_supervisor_and_is_adopted_by_the_next(nodes: dict[str, Node]) -> None:
    node = nodes["master"]
    start(node, master=True)
    pid = node.pid
    assert pid is not None
    start(node, master=True)
    assert node.pid == pid


def test_only_a_configuration_that_concerns_it_restarts_the_daemon(nodes: dict[str, Node]) -> None:
    node = nodes["master"]
    start(node, master=True)
    pid = node.pid
    start(node, master=True, config=replace(node.config, hostname="elsewhere.example"))
    assert node.pid == pid
    without = {number: entry for number, entry in node.config.addresses.items() if entry.device != "LAN1"}
    start(node, master=True, config=replace(node.config, addresses=without))
    assert node.pid not in {None, pid}


def test_a_cluster_that_is_off_has_no_daemon_not_even_a_predecessors(nodes: dict[str, Node]) -> None:
    node = nodes["master"]
    start(node, master=True)
    assert node.pid is not None

    async def scenario(sync: ConnectionSync) -> None:
        off = replace(node.config, cluster=replace(node.config.cluster, enabled=False))
        assert not sync.serves(off)
        await sync.apply(off)
        assert sync.word == "off"

    run(node, scenario)
    assert node.pid is None
    assert not (node.directory / "conntrackd.lock").exists()


def test_the_daemon_has_no_other_privileges_than_it_needs(nodes: dict[str, Node]) -> None:
    node = nodes["master"]
    start(node, master=True)
    facts = dict(line.split(":\t") for line in Path(f"/proc/{node.pid}/status").read_text().splitlines())
    net_admin = 12
    assert int(facts["CapBnd"], 16) & ~(1 << net_admin) == 0
    assert facts["NoNewPrivs"] == "1"


def test_it_keeps_no_processor_from_the_engine(nodes: dict[str, Node]) -> None:
    node = nodes["master"]
    start(node, master=True)
    pid = node.pid
    assert pid is not None
    assert os.sched_getscheduler(pid) == os.SCHED_OTHER


def test_without_the_package_it_says_so_once_and_the_engine_waits_for_nobody(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = nodes["master"]
    monkeypatch.setattr(supervisor, "PROGRAM", "no-such-conntrackd")

    async def scenario(sync: ConnectionSync) -> None:
        assert not sync.serves(node.config)
        for _ in range(2):
            assert await sync.apply(node.config) == ()
        await sync.become_master()
        await until(node.resynchronised.is_set, "the engine is told")
        status = await sync.status()
        assert (status.state, status.counters) == ("missing", None)
        assert status.reason == "conntrackd is not installed (Debian package conntrackd)"

    run(node, scenario)
    run(node, scenario)  # another clusterd says nothing new
    (note,) = node.notes
    assert note.startswith("connections will not outlive a takeover: conntrackd is not installed")


def test_a_partner_that_is_not_there_is_waited_for(nodes: dict[str, Node]) -> None:
    node = nodes["spare"]

    async def scenario(sync: ConnectionSync) -> None:
        await sync.apply(node.config)
        await sync.become_backup()
        await answers(sync)
        await asyncio.sleep(2.5)  # longer than it takes where there is a partner
        assert sync.word == "resynchronising"

    run(node, scenario)
    assert not node.resynchronised.is_set()


def test_a_new_engine_is_told_what_the_last_one_knew(nodes: dict[str, Node]) -> None:
    master, spare = nodes["master"], nodes["spare"]
    start(master, master=True)

    async def scenario(sync: ConnectionSync) -> None:
        await learns(sync, spare)
        spare.resynchronised.clear()
        sync.engine_came()
        await until(spare.resynchronised.is_set, "told again")

    run(spare, scenario)
