"""Static routes in a real network namespace: the configured are there, foreign ones stay, lost ones return."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pytest

from cluster.config import schema
from cluster.net.routes import Routes
from tests.support.appliance import until
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from cluster.model import Config
    from tests.support.netns import Namespace

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]
_Answer = TypeVar("_Answer")


@pytest.fixture
def node() -> Iterator[Namespace]:
    network = Network()
    made = network.node()
    network.wire(made, "LAN1", "LAN1", "10.1.0.1/24")
    made.run("ip", "address", "add", "fd01::1/64", "dev", "LAN1", "nodad")
    network.wire(made, "LAN2", "LAN2", "10.2.0.1/24")
    network.wire(made, "LAN3", "LAN3")
    yield made
    network.close()


@pytest.fixture
def on(node: Namespace) -> Callable[[Callable[[Routes], Coroutine[None, None, _Answer]]], _Answer]:
    """Do something with a new `Routes` (as after a restart of clusterd) inside the namespace."""

    def do(what: Callable[[Routes], Coroutine[None, None, _Answer]]) -> _Answer:
        async def scenario() -> _Answer:
            routes = Routes(lambda _kind, _text: None)
            try:
                return await what(routes)
            finally:
                routes.close()

        with node.inside():
            return asyncio.run(scenario())

    return do


def config(*routes: dict[str, Any], **interface: Any) -> Config:
    return schema.parse(
        {
            "interfaces": {
                "LAN1": {"id": 1},
                "LAN2": {"id": 2, **interface},
                "LAN3": {"id": 3, "flags": ["HA"], "vrid": 3},
            },
            "addresses": {
                "1": {"device": "LAN1", "address": "10.1.0.1/24"},
                "2": {"device": "LAN2", "address": "10.2.0.1/24"},
                "3": {"device": "LAN1", "address": "fd01::1/64"},
            },
            "virtual_addresses": {"1": {"device": "LAN3", "address": "10.3.0.1/24"}},
            "routes": {str(number): route for number, route in enumerate(routes, 1)},
        }
    )


def ours(node: Namespace, family: str = "-4") -> list[str]:
    """Our routes as ip(8) shows them, blanks folded."""
    shown = node.run("ip", family, "route", "show", "table", "all", "proto", "112")
    return [" ".join(line.split()) for line in shown.replace("\n\t", " ").splitlines()]


def test_configured_routes_are_put_and_those_no_longer_configured_go_also_after_a_restart(
    node: Namespace, on: Any
) -> None:
    wanted = config(
        {"router": "10.1.0.254", "dst": "0.0.0.0/0"},
        {"router": "LAN2", "dst": "10.8.0.0/24"},
        {"router": "fd01::fe", "dst": "2001:db8::/32"},
    )
    assert on(lambda routes: routes.apply(wanted)) == ()

    assert ours(node) == ["default via 10.1.0.254 dev LAN1 onlink", "10.8.0.0/24 dev LAN2"]
    assert [line.split(" metric")[0] for line in ours(node, "-6")] == ["2001:db8::/32 via fd01::fe dev LAN1"]
    assert on(lambda routes: routes.online(wanted)) == ("1", "2", "3")

    assert on(lambda routes: routes.apply(config())) == ()
    assert (ours(node), ours(node, "-6")) == ([], [])
    assert on(lambda routes: routes.online(wanted)) == ()


def test_a_second_time_nothing_happens(node: Namespace, on: Any) -> None:
    wanted = config(
        {"router": "10.1.0.254", "dst": "10.8.0.0/24", "weight": 3},
        {"router": "10.2.0.254", "dst": "10.8.0.0/24"},
        {"router": "LAN2", "dst": "10.9.0.0/24", "flags": ["BLACKHOLE_IF_OFFLINE"]},
        {"router": "10.1.0.254", "dst": "0.0.0.0/0", "src": "10.2.0.0/24"},
        {"router": "fd01::fe", "dst": "::/0", "src": "fd02::/64"},
    )
    on(lambda routes: routes.apply(wanted))
    lines = (ours(node), ours(node, "-6"), node.run("ip", "rule"), node.run("ip", "-6", "rule"))

    with Changes(node) as changes:
        assert on(lambda routes: routes.apply(wanted)) == ()

    assert changes.seen == []
    assert (ours(node), ours(node, "-6"), node.run("ip", "rule"), node.run("ip", "-6", "rule")) == lines


_RTM_PROTOCOL = 16 + 5
"""Of a message of one route: behind its netlink header, the sixth byte (rtnetlink(7), struct rtmsg)."""
_RTPROT_KERNEL = 2


class Changes:
    """What the kernel tells of routes while the block runs, but for those that it puts by itself."""

    def __init__(self, node: Namespace) -> None:
        self.node = node
        self.seen: list[bytes] = []

    def __enter__(self) -> Self:
        with self.node.inside():
            self._line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._line.bind((0, 0x40 | 0x400))
        self._line.setblocking(False)
        return self

    def __exit__(self, *_exc: object) -> None:
        with suppress(BlockingIOError):
            while True:
                said = self._line.recv(65536)
                if said[_RTM_PROTOCOL] != _RTPROT_KERNEL:
                    self.seen.append(said)
        self._line.close()


def test_routes_by_several_routers_share_by_weight(node: Namespace, on: Any) -> None:
    both = config(
        {"router": "10.1.0.254", "dst": "10.8.0.0/24", "weight": 3}, {"router": "10.2.0.254", "dst": "10.8.0.0/24"}
    )
    assert on(lambda routes: routes.apply(both)) == ()

    hops = ("nexthop via 10.1.0.254 dev LAN1 weight 3 onlink", "nexthop via 10.2.0.254 dev LAN2 weight 1 onlink")
    assert ours(node) == [" ".join(("10.8.0.0/24", *hops))]
    assert on(lambda routes: routes.online(both)) == ("1", "2")


def test_what_others_put_is_neither_removed_nor_replaced_and_a_conflict_is_a_sentence(
    node: Namespace, on: Any
) -> None:
    node.run("ip", "route", "add", "default", "via", "10.2.0.9")
    node.run("ip", "route", "add", "10.9.0.0/24", "via", "10.2.0.9", "proto", "static")
    wanted = config({"router": "10.1.0.254", "dst": "0.0.0.0/0"}, {"router": "LAN2", "dst": "10.8.0.0/24"})

    (problem,) = on(lambda routes: routes.apply(wanted))
    assert problem.startswith("cannot put the route to 0.0.0.0/0 by 10.1.0.254: somebody else put one to the same ")
    assert ours(node) == ["10.8.0.0/24 dev LAN2"]
    assert on(lambda routes: routes.online(wanted)) == ("2",)

    on(lambda routes: routes.apply(config()))
    left = node.run("ip", "-4", "route")
    assert "default via 10.2.0.9" in left
    assert "10.9.0.0/24 via 10.2.0.9" in left


def test_another_router_takes_the_place_of_the_one_before(node: Namespace, on: Any) -> None:
    on(lambda routes: routes.apply(config({"router": "10.1.0.254", "dst": "0.0.0.0/0"})))

    assert on(lambda routes: routes.apply(config({"router": "10.2.0.254", "dst": "0.0.0.0/0"}))) == ()

    assert ours(node) == ["default via 10.2.0.254 dev LAN2 onlink"]


def test_an_interface_that_is_down_carries_no_route_which_is_no_problem(node: Namespace, on: Any) -> None:
    node.run("ip", "link", "set", "LAN2", "down")
    wanted = config(
        {"router": "LAN2", "dst": "0.0.0.0/0", "flags": ["BLACKHOLE_IF_OFFLINE"]},
        {"router": "10.1.0.254", "dst": "10.8.0.0/24"},
    )

    assert on(lambda routes: routes.apply(wanted)) == ()

    assert ours(node) == [f"blackhole default metric {0xFF000000}", "10.8.0.0/24 via 10.1.0.254 dev LAN1 onlink"]
    assert on(lambda routes: routes.online(wanted)) == ("2",)


def test_a_router_of_a_network_that_only_the_master_has_is_in_place_on_the_backup(node: Namespace, on: Any) -> None:
    assert on(lambda routes: routes.apply(config({"router": "10.3.0.254", "dst": "0.0.0.0/0"}))) == ()

    assert ours(node) == ["default via 10.3.0.254 dev LAN3 onlink"]


def test_a_router_that_a_dhcp_client_will_reach_is_used_once_it_does(node: Namespace, on: Any) -> None:
    wanted = config({"router": "10.77.0.254", "dst": "10.8.0.0/24"}, flags=["DHCP_CLIENT"])
    (problem,) = on(lambda routes: routes.apply(wanted))
    assert problem == "cannot put the route to 10.8.0.0/24 by 10.77.0.254: Network is unreachable"

    node.run("ip", "address", "add", "10.77.0.1/24", "dev", "LAN2")
    assert on(lambda routes: routes.apply(wanted)) == ()
    with Changes(node) as changes:
        assert on(lambda routes: routes.apply(wanted)) == ()

    assert ours(node) == ["10.8.0.0/24 via 10.77.0.254 dev LAN2"]
    assert changes.seen == []


def test_packets_from_one_network_take_their_own_route_and_still_reach_the_networks_nearby(
    node: Namespace, on: Any
) -> None:
    wanted = config(
        {"router": "10.1.0.254", "dst": "0.0.0.0/0"},
        {"router": "10.2.0.254", "dst": "0.0.0.0/0", "src": "10.3.0.0/24"},
        {"router": "10.2.0.253", "dst": "10.8.0.0/24", "src": "10.3.0.0/24"},
        {"router": "10.1.0.253", "dst": "10.8.0.0/24"},
        {"router": "10.1.0.252", "dst": "0.0.0.0/0", "src": "10.3.0.64/26"},
    )
    assert on(lambda routes: routes.apply(wanted)) == ()

    def way(source: str, target: str) -> str:
        return node.run("ip", "route", "get", target, "from", source, "iif", "LAN3").split(" dev ")[0]

    node.run("ip", "address", "add", "10.3.0.1/24", "dev", "LAN3")
    node.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")
    node.run("sysctl", "-qw", "net.ipv4.conf.LAN3.rp_filter=0")
    assert way("10.3.0.9", "192.0.2.1") == "192.0.2.1 from 10.3.0.9 via 10.2.0.254"
    assert way("10.3.0.9", "10.8.0.1") == "10.8.0.1 from 10.3.0.9 via 10.2.0.253"
    assert way("10.3.0.9", "10.1.0.7") == "10.1.0.7 from 10.3.0.9"
    assert way("10.3.0.65", "192.0.2.1") == "192.0.2.1 from 10.3.0.65 via 10.1.0.252"
    assert way("10.3.1.9", "192.0.2.1") == "192.0.2.1 from 10.3.1.9 via 10.1.0.254"
    assert way("10.3.1.9", "10.8.0.1") == "10.8.0.1 from 10.3.1.9 via 10.1.0.253"

    assert on(lambda routes: routes.apply(config())) == ()
    assert "112" not in node.run("ip", "rule")
    assert ours(node) == []


def test_what_the_kernel_drops_with_a_link_is_put_back_when_it_is_up_again(node: Namespace, on: Any) -> None:
    wanted = config({"router": "10.1.0.254", "dst": "0.0.0.0/0"})

    async def scenario(routes: Routes) -> list[str]:
        await routes.apply(wanted)
        keeping = asyncio.create_task(routes.keep())
        await asyncio.sleep(0)  # it listens now
        await asyncio.to_thread(node.run, "ip", "link", "set", "LAN1", "down")
        await asyncio.to_thread(node.run, "ip", "link", "set", "LAN1", "up")
        await asyncio.to_thread(until, lambda: ours(node), "the route is back")
        keeping.cancel()
        return ours(node)

    assert on(scenario) == ["default via 10.1.0.254 dev LAN1 onlink"]
