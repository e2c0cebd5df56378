"""`cluster check` of a running appliance: what is really on the machine is found."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.model import RemoveValue
from cluster.rpc.messages import Checked, EditConfig, GetCheck, SaveConfig
from tests.support.appliance import Appliance, until
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.rpc.messages import CheckPoint

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

FACTORY = {
    "cluster": {
        "enabled": True,
        "passphrase": "hex:" + "5a" * 32,
        "hotwire_local": "192.168.180.2",
        "hotwire_remote": ["192.168.180.3"],
    },
    "interfaces": {
        "LAN1": {"id": 1},
        "LAN2": {"id": 2, "flags": ["HA"], "vrid": 2},
        "LAN3": {"id": 3, "flags": ["HOTWIRE"]},
    },
    "addresses": {
        "1": {"device": "LAN2", "address": "192.168.12.141/24"},
        "2": {"device": "LAN3", "address": "192.168.180.2/24"},
    },
    "virtual_addresses": {"1": {"device": "LAN2", "address": "192.168.12.1/24"}},
}
_LISTEN = """
import socket, sys
kind, address, port = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
line = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
line.bind((address, int(port)))
if kind == "tcp":
    line.listen()
print("listening", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def node() -> Iterator[Appliance]:
    """Given an appliance that is master, and that no test leaves otherwise than it found it."""
    network = Network()
    with tempfile.TemporaryDirectory(prefix="check") as directory:
        Path(directory).chmod(0o755)
        namespace = network.node()
        for interface in ("LAN1", "LAN2", "LAN3"):
            network.wire(namespace, interface, interface)
        appliance = Appliance(namespace, Path(directory), FACTORY)
        appliance.start()
        until(lambda: appliance.role == "master", "a lone node becomes master")
        yield appliance
        appliance.close()
    network.close()


def point(node: Appliance, check: str) -> CheckPoint:
    (found,) = (each for each in node.ask(GetCheck(), Checked).points if each.check == check)
    return found


@contextmanager
def listener(node: Appliance, *where: str) -> Iterator[int]:
    """A service of somebody else on the node."""
    command = node.namespace.command(sys.executable, "-c", _LISTEN, *where)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"listening\n"
    yield process.pid
    process.communicate()


def test_what_is_right_on_this_machine_passes(node: Appliance) -> None:
    checks = (
        "interfaces", "ha-interfaces", "own-addresses", "virtual-addresses", "duplicate-addresses", "vrids",
        "dhcp", "passphrase", "hotwire", "hotwire-exclusive", "saved", "services", "ssh-port", "packet-filter",
        "rules-vrrp", "rules-hotwire", "rules-connections", "rules-nat", "hide-nat", "routes", "storage",
    )  # fmt: skip
    assert {check: point(node, check).result for check in checks} == dict.fromkeys(checks, "passed")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.180.2"])
def test_an_sshd_in_the_way_of_the_hotwire_is_found_with_its_process(node: Appliance, address: str) -> None:
    with listener(node, "tcp", address, "22") as pid:
        found = point(node, "ssh-port")

    assert found.result == "failed"
    assert f"[{pid}] (tcp " in found.finding
    assert point(node, "ssh-port").result == "passed"


def test_an_sshd_on_another_address_is_in_nobodys_way(node: Appliance) -> None:
    with listener(node, "tcp", "127.0.0.1", "22"):
        assert point(node, "ssh-port").result == "passed"


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_service_on_the_nodes_own_address_is_found_and_on_the_virtual_one_it_is_right(
    node: Appliance, kind: str
) -> None:
    with listener(node, kind, "192.168.12.141", "3128"):
        assert f"({kind} 192.168.12.141:3128) on LAN2" in point(node, "services").finding
    with listener(node, kind, "192.168.12.1", "3128"):
        assert point(node, "services").result == "passed"


def test_a_lease_on_an_ha_interface_is_found_though_virtual_addresses_expire_too(node: Appliance) -> None:
    run = node.namespace.run
    run("ip", "address", "add", "192.168.12.77/24", "dev", "LAN2", "valid_lft", "60", "preferred_lft", "60")
    try:
        assert "LAN2 (192.168.12.77/24)" in point(node, "dhcp").finding
    finally:
        run("ip", "address", "delete", "192.168.12.77/24", "dev", "LAN2")


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_a_default_route_over_the_hotwire_is_found(node: Appliance, family: str) -> None:
    way = ("default", "via", "192.168.180.9", "dev", "LAN3") if family == "-4" else ("default", "dev", "LAN3")
    node.namespace.run("ip", family, "route", "add", *way)
    try:
        assert "LAN3 has a default route" in point(node, "hotwire-exclusive").finding
    finally:
        node.namespace.run("ip", family, "route", "delete", *way)


def test_foreign_rules_that_drop_what_the_cluster_needs_are_found(node: Appliance) -> None:
    node.namespace.run(
        "nft", 'add table ip fw; add chain ip fw input { type filter hook input priority 0; policy drop; }; '
        'add rule ip fw input iifname "LAN3" tcp dport 22 accept'
    )
    checks = ("rules-vrrp", "rules-hotwire", "rules-connections")
    try:
        results = {check: point(node, check).result for check in checks}
        finding = point(node, "rules-connections").finding
    finally:
        node.namespace.run("nft", "delete", "table", "ip", "fw")

    assert results == {"rules-vrrp": "failed", "rules-hotwire": "passed", "rules-connections": "failed"}
    assert finding == "UDP 3780 of the hotwire is dropped: the chain ip fw input drops what no rule accepts"


def test_a_masquerade_on_an_ha_interface_is_told(node: Appliance) -> None:
    node.namespace.run(
        "nft", 'add table ip fw; add chain ip fw out { type nat hook postrouting priority 100; }; '
        'add rule ip fw out oifname "LAN2" masquerade'
    )
    try:
        found = point(node, "rules-nat")
    finally:
        node.namespace.run("nft", "delete", "table", "ip", "fw")

    assert found.result == "note"
    assert "rule 1 of the chain ip fw out on LAN2" in found.finding


def test_a_route_that_somebody_else_put_otherwise_is_told(node: Appliance) -> None:
    node.namespace.run("ip", "route", "add", "blackhole", "10.8.0.0/16")
    node.set(routes__1={"router": "192.168.12.9", "dst": "10.8.0.0/16"})
    try:
        node.update()
        missing = point(node, "routes")
    finally:
        node.namespace.run("ip", "route", "delete", "blackhole", "10.8.0.0/16")
    node.update()
    there = point(node, "routes")
    node.ask(EditConfig(changes=(RemoveValue(("routes", "1")),)))
    node.update()

    assert missing.finding == "not in use: route 1 to 10.8.0.0/16 by 192.168.12.9"
    assert there.result == "passed"
    assert point(node, "routes").finding == "no static route is in force"


def test_a_forwarding_that_is_off_is_told(node: Appliance) -> None:
    def forward(word: str) -> None:
        node.namespace.run("sysctl", "-qw", f"net.ipv4.ip_forward={word}")

    forward("0")
    off = point(node, "forwarding").result
    forward("1")

    assert (off, point(node, "forwarding").result) == ("note", "passed")


def test_edits_that_are_not_in_force_and_then_not_saved_are_told(node: Appliance) -> None:
    node.set(hostname="other.local")
    assert point(node, "saved").finding == "the running configuration is not in force"

    node.update()
    assert point(node, "saved").finding == "the running configuration differs from default as saved"

    node.ask(SaveConfig())
    assert point(node, "saved").finding == "what runs is in force, saved, and the start configuration"
