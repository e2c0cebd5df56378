"""Two engines with two HA interfaces each, on cables that can be pulled and a switch that can swallow frames.

    first   LAN1 -- lan1 -- LAN1   second          the switch keeps the carrier up whatever it swallows
            LAN2 -- lan2 -- LAN2
                     |
                   client
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.support.ear import ARP, ear, heard_at
from tests.support.engine import PATIENCE, ROOT, eventually, interface

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.engine import Engine
    from tests.support.netns import Namespace, Network

pytestmark = pytest.mark.netns

PROBE = ROOT / "tests/support/probe.py"
LANS = ("LAN1", "LAN2")
VIRTUAL = {"LAN1": "192.168.175.101/24", "LAN2": "192.168.200.1/24"}
OWN = {"LAN1": "192.168.175.{}/24", "LAN2": "192.168.12.{}/24"}
INTERVAL = 10
"""Centiseconds between adverts; quick, and far above what a busy machine delays."""
MASTER_DOWN = 0.31
"""Seconds of silence after which a backup takes over, at that interval and priorities near 254."""
A_WHILE = MASTER_DOWN + 0.2
"""Long enough for every change of role that is still to come."""
BUSY = 0.3
"""Seconds granted to a busy machine."""


class Node:
    """One node: its namespace, its engine, and the switch's ports it is plugged into."""

    def __init__(self, network: Network, namespace: Namespace, last: int) -> None:
        self.namespace = namespace
        self.ports = {lan: network.wire(namespace, lan, lan.lower(), OWN[lan].format(last)) for lan in LANS}
        self.engine: Engine

    @property
    def role(self) -> str:
        return next((role for role in ("master", "backup") if self.engine.is_(role)), "")

    @property
    def role_changes(self) -> list[str]:
        return [event["text"] for event in self.engine.events("role")]

    def has_links(self, links: dict[str, bool]) -> bool:
        """Whether the engine counts these of its interfaces as usable, and waits for no other to count."""
        told = self.engine.status()["interfaces"]
        return {one["name"]: one["usable"] for one in told} == links and not any(one["pending"] for one in told)

    @property
    def holds(self) -> set[str]:
        """The LANs on which it has the virtual address."""
        return {lan for lan in LANS if VIRTUAL[lan] in self.namespace.addresses(lan)}


class Pair:
    """Given a master with the high priority and its backup, which hear each other on both LANs."""

    def __init__(self, network: Network, engine: MakeEngine) -> None:
        self.network = network
        self.first, self.second = Node(network, network.node(), 2), Node(network, network.node(), 3)
        quick = {"advert_interval": INTERVAL, "trigger_delay": 0}
        interfaces = tuple(interface(lan, vrid, VIRTUAL[lan]) for vrid, lan in enumerate(LANS, 1))
        self.first.engine = engine(self.first.namespace, interfaces=interfaces, **quick)
        self.second.engine = engine(self.second.namespace, interfaces=interfaces, priority="low", **quick)
        self.becomes("master", "backup")
        eventually(lambda: all(one["adverts_received"] for one in self.second.engine.status()["interfaces"]))

    @property
    def roles(self) -> tuple[str, str]:
        return self.first.role, self.second.role

    def becomes(self, *roles: str, within: float = PATIENCE) -> None:
        eventually(lambda: self.roles == roles, within)

    def blackhole(self, *ports: str) -> None:
        """The switch forwards nothing from or to these ports; their carrier stays."""
        for port in ports:
            self.network.switch.run("ip", "link", "set", port, "nomaster")

    def heal(self, *ports: str) -> None:
        for port in ports:
            self.network.switch.run("ip", "link", "set", port, "master", port[: len("lan1")])

    def swallow_from(self, ports: Iterable[str]) -> None:
        """The switch drops the frames that come in at these ports; what goes out there still does."""
        names = ", ".join(f'"{port}"' for port in ports)
        rules = f"""
            table bridge oneway {{
                chain forward {{
                    type filter hook forward priority 0
                    iifname {{ {names} }} drop
                }}
            }}"""
        self.network.switch.run("nft", rules)

    def listen_both_ways(self) -> None:
        self.network.switch.run("nft", "flush", "ruleset")


@pytest.fixture
def pair(network: Network, engine: MakeEngine) -> Pair:
    return Pair(network, engine)


# --- carrier ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(first, second, id=f"first-{''.join(first) or 'none'}-second-{''.join(second) or 'none'}")
        for first, second in product(((), ("LAN1",), ("LAN2",), LANS), repeat=2)
    ],
)
def test_every_state_of_the_links_has_a_master_and_two_only_without_a_path(
    pair: Pair, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    """`first`, `second`: the interfaces with link."""
    links = ({lan: lan in first for lan in LANS}, {lan: lan in second for lan in LANS})
    for node, state in zip((pair.first, pair.second), links, strict=True):
        for lan, plugged in state.items():
            pair.network.cable(node.ports[lan], plugged=plugged)
    expected = ("master", "master")
    if set(first) & set(second):
        expected = ("backup", "master") if len(second) > len(first) else ("master", "backup")

    eventually(lambda: pair.first.has_links(links[0]) and pair.second.has_links(links[1]))
    pair.becomes(*expected)
    time.sleep(A_WHILE)

    assert pair.roles == expected
    assert pair.first.holds == (set(LANS) if expected[0] == "master" else set())
    assert pair.second.holds == (set(LANS) if expected[1] == "master" else set())


# --- a switch that swallows frames --------------------------------------------------------------------


@pytest.mark.parametrize("lan", LANS)
def test_one_of_two_lans_that_swallows_every_frame_moves_nothing(pair: Pair, lan: str) -> None:
    before = (pair.first.role_changes, pair.second.role_changes)

    pair.blackhole(pair.first.ports[lan])
    time.sleep(A_WHILE)

    assert pair.roles == ("master", "backup")
    assert (pair.first.role_changes, pair.second.role_changes) == before
    by_name = {one["name"]: one for one in pair.second.engine.status()["interfaces"]}
    assert by_name[lan]["partner_heard_age"] > MASTER_DOWN, "the switch swallows nothing"


def test_the_backup_takes_over_when_both_lans_swallow_every_frame(pair: Pair) -> None:
    began = time.time()

    pair.blackhole(*pair.first.ports.values())
    silent = time.time()
    pair.becomes("master", "master")

    took_over = pair.second.engine.since("master")
    assert took_over - silent < MASTER_DOWN + BUSY
    assert took_over - began > MASTER_DOWN / 2, "it did not wait for the silence"
    assert pair.second.holds == set(LANS)


def test_a_master_that_is_not_heard_yields_to_the_one_it_hears_and_keeps_back(pair: Pair) -> None:
    """One direction only: twice the silence is the bound, once for each node to notice."""
    pair.swallow_from(pair.first.ports.values())
    silent = time.time()
    pair.becomes("backup", "master")

    yielded, took_over = pair.first.engine.since("backup"), pair.second.engine.since("master")
    assert max(yielded, took_over) - silent < 2 * (MASTER_DOWN + BUSY)
    time.sleep(A_WHILE)

    assert pair.roles == ("backup", "master")
    assert (pair.first.holds, pair.second.holds) == (set(), set(LANS))
    assert "it does not hear us" in pair.first.role_changes[-1]


def test_one_master_stays_when_the_other_direction_comes_back(pair: Pair) -> None:
    pair.swallow_from(pair.first.ports.values())
    pair.becomes("backup", "master")
    before = len(pair.second.role_changes)

    pair.listen_both_ways()
    time.sleep(A_WHILE)

    assert pair.roles == ("backup", "master"), "it takes the role back only when it knows that it is heard"
    assert len(pair.second.role_changes) == before


# --- a client -----------------------------------------------------------------------------------------


class Client:
    """Sends echo requests to the virtual address on LAN2 and keeps count of the answers."""

    def __init__(self, network: Network) -> None:
        self.namespace = network.node()
        network.wire(self.namespace, "eth0", "lan2", "192.168.200.10/24")

    def begins(self) -> None:
        script = (sys.executable, str(PROBE), "192.168.200.1", "100")
        self._process = subprocess.Popen(
            self.namespace.command(*script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "running\n"

    def ends(self) -> dict[str, float]:
        """The probe's report."""
        said, _ = self._process.communicate(timeout=PATIENCE)
        report: dict[str, float] = json.loads(said)
        return report

    def reaches(self, node: Node) -> bool:
        """Whether the virtual address is that node for this client."""
        self.namespace.run("ping", "-c1", "-W1", "192.168.200.1", check=False)
        neighbour = self.namespace.run("ip", "neighbour", "show", "192.168.200.1")
        (lan2,) = json.loads(node.namespace.run("ip", "-json", "link", "show", "LAN2"))
        return lan2["address"] in neighbour


@pytest.mark.parametrize("served_by", ["second", "first"])
def test_a_split_brain_that_heals_leaves_one_master_and_strands_no_client(
    network: Network, engine: MakeEngine, served_by: str
) -> None:
    client = Client(network)
    pair = Pair(network, engine)
    cut_off = pair.first if served_by == "second" else pair.second
    pair.blackhole(*cut_off.ports.values())
    pair.becomes("master", "master")
    eventually(lambda: client.reaches(getattr(pair, served_by)))

    client.begins()
    time.sleep(0.1)
    pair.heal(*cut_off.ports.values())
    pair.becomes("master", "backup")
    time.sleep(A_WHILE)
    report = client.ends()

    assert pair.roles == ("master", "backup")
    assert client.reaches(pair.first)
    assert report["sent"] > 50
    assert report["outage"] < INTERVAL / 100 + BUSY, "keepalived's default strands clients for 5 s"


@pytest.mark.parametrize("damage", [("flush",), ("del", VIRTUAL["LAN2"])])
def test_an_address_that_somebody_removes_is_back_and_announced_within_a_second(
    network: Network, engine: MakeEngine, damage: tuple[str, ...]
) -> None:
    client = Client(network)
    pair = Pair(network, engine)
    (lan2,) = json.loads(pair.first.namespace.run("ip", "-json", "link", "show", "LAN2"))
    announcement = bytes.fromhex(lan2["address"].replace(":", "")) + socket.inet_aton("192.168.200.1")
    with ear(client.namespace, ARP) as listening:
        time.sleep(0.1)  # those made on becoming master have passed
        while select.select((listening,), (), (), 0)[0]:
            listening.recv(2048)

        pair.first.namespace.run("ip", "address", *damage, "dev", "LAN2")
        removed = time.time()
        eventually(lambda: pair.first.holds == set(LANS))
        assert heard_at(listening, lambda frame: announcement in frame) - removed < 1.0

    assert pair.roles == ("master", "backup")
    said = {event["text"] for event in pair.first.engine.events("address-removed")}
    assert said == {"somebody else removed the virtual address 192.168.200.1 from LAN2; it is put back"}
