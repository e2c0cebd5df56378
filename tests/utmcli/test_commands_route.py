"""`route`: what it lists, stores and refuses; edits pass clusterd's own validation."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from cluster.model import Route
from tests.support.node import CONFIG, Node
from utmcli import live
from utmcli.live import Snapshot, fetch

OK = "OK\n"
ROUTES = {
    "1": Route(router="192.168.200.254", dst="0.0.0.0/0"),
    "4": Route(router="LAN1", dst="10.8.0.0/24", src="10.2.0.0/16", weight=5, flags=("BLACKHOLE_IF_OFFLINE",)),
}


def node() -> Node:
    return Node(structs.replace(CONFIG, routes=ROUTES))


def test_routes_are_listed_with_those_that_packets_take_now() -> None:
    assert node().type("route get").out == (
        "id|flags               |src        |router         |dst        |weight\n"
        "--+--------------------+-----------+---------------+-----------+------\n"
        "1 |ONLINE              |           |192.168.200.254|0.0.0.0/0  |1\n"
        "4 |BLACKHOLE_IF_OFFLINE|10.2.0.0/16|LAN1           |10.8.0.0/24|5\n"
    )


@pytest.mark.parametrize(
    ("line", "route"),
    [
        ('route new router "192.168.12.1" dst "0.0.0.0/0"', Route(router="192.168.12.1", dst="0.0.0.0/0")),
        ('route new src "" router "LAN2" dst "0.0.0.0/0"', Route(router="LAN2", dst="0.0.0.0/0")),
        (
            "route new router LAN2 dst 10.9.0.0/16 src 10.2.0.0/24 weight 7 flags [ blackhole_if_offline ]",
            Route(
                router="LAN2", dst="10.9.0.0/16", src="10.2.0.0/24", weight=7, flags=("BLACKHOLE_IF_OFFLINE",)
            ),
        ),
    ],
)
def test_a_new_route_gets_the_next_id(line: str, route: Route) -> None:
    on = node()
    assert on.type(line).out == OK
    assert on.config.routes == {**ROUTES, "5": route}


def test_what_is_not_given_stays_and_what_is_empty_is_cleared() -> None:
    on = node()
    assert on.type('route set id 4 src "" flags [ ]').out == OK
    assert on.config.routes["4"] == Route(router="LAN1", dst="10.8.0.0/24", weight=5)
    assert on.type("route set id 4 router 192.168.12.1 weight 1").out == OK
    assert on.config.routes["4"] == Route(router="192.168.12.1", dst="10.8.0.0/24")


def test_a_route_is_deleted_by_its_id_and_no_other() -> None:
    on = node()
    assert on.type("route delete id 1").out == OK
    assert list(on.config.routes) == ["4"]
    assert on.type("route delete id 1").err == "% Error: there is no route with the id 1; known are 4\n"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("route new router 10.0.0.1 dst 10.9.0.0/16", "10.0.0.1 is on no network of an interface of this node;"),
        ("route new router wan9 dst 10.9.0.0/16", "'wan9' is neither an IP address nor an interface; known "),
        ("route new router LAN3 dst 10.9.0.0/16", "LAN3 is the hotwire, which leads to the partner alone"),
        ("route new router 192.168.180.3 dst 10.9.0.0/16", "LAN3 is the hotwire, which leads to the partner alone"),
        ("route new router 192.168.200.1 dst 10.9.0.0/16", "192.168.200.1 is an address of this cluster itself; "),
        ("route new router 192.168.200.254 dst 0.0.0.0/0", "is the same as route 1; one of them is enough"),
        ("route new router LAN2 dst 10.0.0.0/8 src fd00::/8", "mixes IPv4 and IPv6; router, dst and src must be "),
        ("route new router LAN2 dst 10.0.0.1/8", "10.0.0.1/8 is an address within a network; the network "),
        ("route new router LAN2 dst 10.0.0.0", "a network with its prefix length is allowed, e.g. 10.8.0.0/24"),
        ("route new router LAN2 dst 10.0.0.0/255.0.0.0", "a network with its prefix length is allowed, e.g. "),
        ("route new router LAN2 dst 224.0.0.0/4", "'224.0.0.0/4' is no network that another one could route to"),
        ("route new router / dst 10.0.0.0/8", "the address of a router or the name of an interface is allowed"),
        ("route new router LAN2 dst 10.0.0.0/8 weight 0", "a whole number from 1 to 256 is allowed"),
        ("route set id 4 router wan9", "'wan9' is neither an IP address nor an interface; known"),
        ("interface delete name LAN1", "routes.4.router: 'LAN1' is neither an IP address nor an interface; "),
        ("interface virtual delete id 1", "192.168.200.254 is on no network of an interface of this "),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(line: str, sentence: str) -> None:
    on = node()
    said = on.type(line)
    assert said.code in {1, 2}
    assert sentence in said.err
    assert on.config.routes == ROUTES


def test_ids_and_routers_are_completed_with_what_they_are() -> None:
    async def names() -> Snapshot:
        on = node()
        return await fetch(lambda ask: on.ask(ask, on.session.actor, 1.0), (live.ROUTES, live.ROUTERS))

    found = asyncio.run(names())
    assert found.names(live.ROUTES) == (("1", "0.0.0.0/0 by 192.168.200.254"), ("4", "10.8.0.0/24 by LAN1"))
    assert found.names(live.ROUTERS) == (
        ("192.168.200.254", "a router"), ("LAN1", "ETHERNET HA"), ("LAN2", "ETHERNET HA"),
    )  # fmt: skip
