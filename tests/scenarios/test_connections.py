"""Connections through the cluster outlive what happens to it: hundreds of them, a strict firewall on both nodes.

The appliances of the lab drop what belongs to no connection they know, and a segment from the middle of one is no
beginning of another (nf_conntrack_tcp_loose=0). With the kernel's default, connections survive without anybody's
help, and a test like this proves nothing.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.lab import APPLIANCES, HERE, VIRTUAL, Lab, eventually, lab_name

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.netns,
    pytest.mark.xdist_group("connections"),
    pytest.mark.skipif(
        shutil.which("conntrackd") is None, reason="conntrackd is not installed (make setup installs it as root)"
    ),
]
ROUTER, PORT = "192.168.175.1", "5000"
ECHO, BULK = 200, 20
SPARE = "192.168.180.3"
FORWARDED = "5001"
TRANSLATION = f"""
add table ip translation
add chain ip translation before {{ type nat hook prerouting priority dstnat; }}
add chain ip translation after {{ type nat hook postrouting priority srcnat; }}
add rule ip translation before ip daddr {VIRTUAL} tcp dport {FORWARDED} dnat to {ROUTER}:{PORT}
add rule ip translation after oifname "LAN1" tcp dport {PORT} snat to 192.168.175.101
"""
FORGE = """
import socket, sys
source, target, count = sys.argv[1:]
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.bind((source, 0))
for _ in range(int(count)):
    line.sendto(bytes([255]) * 64, (target, 3780))
"""


@dataclass
class Roll:
    """Who answered a roll call; seconds of the longest stall since the one before."""

    echo: int
    bulk: int
    reset: int
    stall: float
    bulk_stall: float

    @property
    def alive(self) -> tuple[int, int]:
        return self.echo, self.bulk


class Connections:
    """Connections from the client to the router, through the master."""

    def __init__(self, talk: subprocess.Popen[str]) -> None:
        self._talk = talk

    def call(self) -> Roll:
        """Wait until each has got an answer, or has not."""
        assert self._talk.stdin is not None
        assert self._talk.stdout is not None
        self._talk.stdin.write("\n")
        self._talk.stdin.flush()
        return Roll(**json.loads(self._talk.stdout.readline()))


@contextmanager
def connections(lab: Lab, address: str = ROUTER, port: str = PORT) -> Iterator[Connections]:
    talk = str(HERE / "talk.py")
    server = lab.popen("router", sys.executable, talk, "serve", PORT)
    client = None
    try:
        _running(server)
        client = lab.popen("client", sys.executable, talk, "talk", address, port, str(ECHO), str(BULK))
        _running(client)
        through = Connections(client)
        assert through.call().alive == (ECHO, BULK)
        yield through
    finally:
        for process in filter(None, (client, server)):
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


def _running(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"


def state(lab: Lab, node: str) -> str:
    """How the synchronisation of connections is on a node."""
    found = lab.exec(node, "utmcli", "--json", "cluster", "status", check=False)
    return json.loads(found)["connections"]["state"] if found else ""


def counter(lab: Lab, node: str, name: str) -> int:
    """One counter of a node's conntrackd."""
    found = json.loads(lab.exec(node, "utmcli", "--json", "cluster", "status"))["connections"][name]
    assert isinstance(found, int)
    return found


def in_order(lab: Lab) -> None:
    """Both nodes synchronise connections."""
    eventually(
        lambda: all(state(lab, node) == "running" for node in APPLIANCES),
        otherwise=lambda: str({node: state(lab, node) for node in APPLIANCES}),
    )


def fail_over_and_back(lab: Lab) -> None:
    lab.kill("master")
    lab.await_roles("", "master")
    lab.start("master")
    lab.await_roles("master", "backup", patience=40)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab(lab_name("connections"))
    lab.up()
    yield lab
    lab.down()


@pytest.fixture(autouse=True)
def calm(lab: Lab) -> None:
    """Given the master on `master`, and both nodes in order."""
    record = lab.home.running()
    for node in APPLIANCES:
        if node not in record.nodes:
            lab.start(node)
    in_order(lab)
    if lab.roles() == ("backup", "master"):
        lab.cli("spare", "cluster switch", check=False)  # it may be about to take the role back by itself
    lab.await_roles("master", "backup", patience=40)
    in_order(lab)


def test_all_survive_power_loss_of_the_master_and_its_return_twice_in_a_row(lab: Lab) -> None:
    with connections(lab) as through:
        for _ in range(2):
            lab.kill("master")
            lab.await_roles("", "master")
            assert through.call().alive == (ECHO, BULK)
            lab.start("master")
            lab.await_roles("master", "backup", patience=40)
            assert through.call().alive == (ECHO, BULK)
            in_order(lab)
        assert through.call().reset == 0


def test_all_survive_planned_switches_there_and_back(lab: Lab) -> None:
    with connections(lab) as through:
        for node in (*APPLIANCES, *APPLIANCES):
            lab.cli(node, "cluster switch")
            in_order(lab)
            assert through.call().alive == (ECHO, BULK)
        assert through.call().reset == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
@pytest.mark.parametrize("node", APPLIANCES)
def test_a_restart_of_either_conntrackd_costs_no_connection(lab: Lab, node: str, number: signal.Signals) -> None:
    with connections(lab) as through:
        before = lab.pids(node, "conntrackd -C")
        lab.signal(node, "conntrackd -C", number)
        eventually(lambda: lab.pids(node, "conntrackd -C") not in ([], before))
        in_order(lab)
        assert through.call().alive == (ECHO, BULK)
        fail_over_and_back(lab)
        assert through.call().alive == (ECHO, BULK)


def test_a_killed_clusterd_leaves_conntrackd_alone_and_finds_it_again(lab: Lab) -> None:
    with connections(lab) as through:
        before = {node: lab.pids(node, "conntrackd -C") for node in APPLIANCES}
        for node in APPLIANCES:
            lab.signal(node, "bin/clusterd")
        in_order(lab)
        assert {node: lab.pids(node, "conntrackd -C") for node in APPLIANCES} == before
        fail_over_and_back(lab)
        assert through.call().alive == (ECHO, BULK)


def test_a_returning_node_takes_the_role_back_only_once_it_knows_the_connections(lab: Lab) -> None:
    latest = events_of_master(lab)[-1]["id"]

    def told() -> list[str]:
        since = [row for row in events_of_master(lab) if row["id"] > latest]
        return [row["event"] for row in since if row["role"] == "master" or row["event"] == "connections"]

    fail_over_and_back(lab)

    eventually(lambda: "role" in told(), otherwise=lambda: str(told()))  # clusterd hears of it from the engine
    assert told()[-2:] == ["connections", "role"]


def events_of_master(lab: Lab) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(lab.exec("master", "utmcli", "--json", "cluster", "events"))
    return rows


def test_translated_connections_survive_those_to_a_virtual_address_too(lab: Lab) -> None:
    """A port forwarded from a virtual address, and a source hidden behind one."""
    for node in APPLIANCES:
        lab.exec(node, "nft", TRANSLATION)
    with connections(lab, VIRTUAL, FORWARDED) as through:
        assert f"dst={VIRTUAL} sport" in lab.exec("spare", "conntrack", "-L", "-p", "tcp", "--dport", FORWARDED)
        lab.kill("master")
        lab.await_roles("", "master")
        assert through.call().alive == (ECHO, BULK)


@pytest.mark.parametrize(
    "place", ["another interface", "another interface, in the partner's name", "another address"]
)
def test_forged_news_of_connections_have_no_effect(lab: Lab, place: str) -> None:
    hardware = json.loads(lab.exec("spare", "ip", "-j", "link", "show", "LAN2"))[0]["address"]
    node, source = {
        "another interface": ("client", ""),
        "another interface, in the partner's name": ("client", "192.168.180.2"),
        "another address": ("master", "192.168.180.9"),
    }[place]
    lab.exec("client", "ip", "neigh", "replace", SPARE, "lladdr", hardware, "dev", "LAN2")
    lab.exec("client", "ip", "route", "replace", SPARE, "dev", "LAN2")
    if source:
        lab.exec(node, "ip", "address", "replace", f"{source}/32", "dev", "LAN2" if node == "client" else "LAN3")
    before = counter(lab, "spare", "malformed")
    lab.exec(node, sys.executable, "-c", FORGE, source, SPARE, "100")
    assert counter(lab, "spare", "malformed") == before
    # The same in the right place is heard, so what came before was stopped, and not just lost.
    lab.exec("master", sys.executable, "-c", FORGE, "192.168.180.2", SPARE, "100")
    eventually(lambda: counter(lab, "spare", "malformed") > before)


def test_without_conntrackd_they_die(lab: Lab) -> None:
    """Without this, none of the tests above would mean anything."""
    for node in APPLIANCES:
        lab.cli(node, "cluster hotwire set remote_addr [ ]")
        lab.cli(node, "system update interface")
    eventually(lambda: all(state(lab, node) == "unconfigured" for node in APPLIANCES))
    lab.exec("spare", "conntrack", "-F")  # what it knows of former connections, some of which had the same ports
    with connections(lab) as through:
        lab.kill("master")
        lab.await_roles("", "master")
        roll = through.call()
    # Neither node saved that it has no partner.
    lab.kill("spare")
    assert roll.alive == (0, 0)
