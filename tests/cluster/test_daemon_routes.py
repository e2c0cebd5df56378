"""Static routes of a running appliance: with the update, the role, after a crash; foreign ones stay."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.rpc.messages import GetRoutes, Routes
from tests.support.appliance import Appliance, until
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

PATIENCE = 30.0
FACTORY = {
    "cluster": {"enabled": True, "backup_disable_interfaces": ["wan0"]},
    "interfaces": {
        "LAN2": {"id": 1, "flags": ["HA"], "vrid": 2},
        "wan0": {"id": 2, "type": "WAN"},
    },
    "addresses": {
        "1": {"device": "LAN2", "address": "192.168.12.141/24"},
        "2": {"device": "wan0", "address": "203.0.113.2/24"},
    },
    "virtual_addresses": {"1": {"device": "LAN2", "address": "192.168.200.1/24"}},
    "routes": {
        "1": {"router": "203.0.113.1", "dst": "0.0.0.0/0"},
        "2": {"router": "192.168.200.254", "dst": "10.8.0.0/24"},
    },
}
DEFAULT = "default via 203.0.113.1 dev wan0 onlink"
INSIDE = "10.8.0.0/24 via 192.168.200.254 dev LAN2 onlink"


def routes(node: Appliance) -> list[str]:
    return [line.strip() for line in node.namespace.run("ip", "-4", "route", "show", "proto", "112").splitlines()]


def settle(node: Appliance, *wanted: str) -> None:
    until(lambda: routes(node) == list(wanted), f"routes are {wanted}", PATIENCE)


@pytest.fixture
def node() -> Iterator[Appliance]:
    with tempfile.TemporaryDirectory(prefix="routes") as directory:
        Path(directory).chmod(0o755)
        network = Network()
        namespace = network.node()
        for interface in ("LAN2", "wan0"):
            network.wire(namespace, interface, interface)
        namespace.run("ip", "link", "set", "wan0", "down")
        made = Appliance(namespace, Path(directory), FACTORY)
        made.start()
        until(lambda: made.role == "master", "a lone node becomes master", PATIENCE)
        yield made
        made.close()
        network.close()


def online(node: Appliance) -> tuple[str, ...]:
    return node.ask(GetRoutes(), Routes).online


def test_a_route_by_a_line_that_only_the_master_dials_comes_and_goes_with_the_role(node: Appliance) -> None:
    settle(node, DEFAULT, INSIDE)
    assert online(node) == ("1", "2")

    node.set(cluster__enabled=False)
    node.update()
    settle(node, INSIDE)
    until(lambda: online(node) == ("2",), "the default route is not used", PATIENCE)

    node.set(cluster__enabled=True)
    node.update()
    settle(node, DEFAULT, INSIDE)


def test_an_edit_is_effective_with_the_update_and_leaves_routes_of_others_alone(node: Appliance) -> None:
    settle(node, DEFAULT, INSIDE)
    node.namespace.run("ip", "route", "add", "10.99.0.0/16", "dev", "LAN2")

    node.set(routes={"3": {"router": "LAN2", "dst": "10.9.0.0/24"}})
    assert routes(node) == [DEFAULT, INSIDE], "an edit alone changes nothing"
    assert node.update().warnings == ()

    assert routes(node) == ["10.9.0.0/24 dev LAN2"]
    assert "10.99.0.0/16 dev LAN2" in node.namespace.run("ip", "route")


def test_a_killed_clusterd_leaves_the_routes_and_the_next_one_knows_them_for_its_own(node: Appliance) -> None:
    settle(node, DEFAULT, INSIDE)

    node.kill()
    assert len(routes(node)) == 2
    node.start()
    node.set(routes={})
    node.update()

    assert routes(node) == []
