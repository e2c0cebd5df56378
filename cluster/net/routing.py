"""Static routes as the kernel shall have them, from the configuration and the links that are up. Pure.

Routes to the same network by several routers become one route with several next hops, which share by weight. A
gateway's interface is known from its network, so the route needs no address there (``onlink``): on a backup whose
HA interface has only virtual addresses it is in place before the takeover.

Routes for packets from one network need rules (ip-rule(8)) and tables of their own. In this order they come before
what else the machine has, the narrowest network first:

    1  routes to somewhere, for packets from that network
    2  everything in the main table but its default route: the networks this machine is in stay reachable
    3  the default route for packets from that network

Everything carries our protocol number; what does not is not ours.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, NamedTuple

from cluster.networks import connected, device_to, gateway

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from cluster.model import Config, Route
    from cluster.networks import IP, Network

IPV4, IPV6 = 2, 10
"""AF_INET and AF_INET6 of Linux."""
PROTOCOL = 112
"""Who put a route (rtnetlink(7), rtm_protocol): a number that iproute2's rt_protos leaves free."""
MAIN = 254
"""RT_TABLE_MAIN."""
FIRST_TABLE = 1_120_000
"""Of the tables for packets from one network: two for each, by the least id among its routes."""
FIRST_PRIORITY = 30_000
"""Of our rules: before the main table's 32766, behind those that others usually put."""
LAST_RESORT = 0xFF00_0000
"""Metric of a route that drops: any other one to the same network is better."""
_IPV6_METRIC = 1024
"""What the kernel makes of an unsaid metric (IP6_RT_PRIO_USER); said, so that it can be compared."""
_BLACKHOLE = "BLACKHOLE_IF_OFFLINE"


class Hop(NamedTuple):
    """A next hop; without a gateway the network is reached directly. Without a device the kernel finds it."""

    device: str
    gateway: str
    weight: int


class KernelRoute(NamedTuple):
    """A route of ours. No hops: it drops."""

    family: int
    table: int
    dst: str
    metric: int
    hops: tuple[Hop, ...]


class KernelRule(NamedTuple):
    """A rule of ours: look into a table; `suppress`: and go on as if its default route were not there."""

    family: int
    priority: int
    src: str
    table: int
    suppress: bool


class Plan(NamedTuple):
    """All that shall be in the kernel."""

    routes: frozenset[KernelRoute]
    rules: frozenset[KernelRule]


def plan(config: Config, usable: Container[str]) -> Plan:
    """What the kernel shall have.

    Args:
        config: the configuration in force.
        usable: names of interfaces whose links are up; the others carry no route now, which is no problem.
    """
    hops: dict[KernelRoute, set[Hop]] = {}
    rules: set[KernelRule] = set()
    networks, tables = connected(config), _tables(config)
    for route in config.routes.values():
        place = _place(route, tables)
        hop = _hop(route, networks)
        if not hop.device or hop.device in usable:
            hops.setdefault(place, set()).add(hop)
        if _BLACKHOLE in route.flags:
            hops.setdefault(place._replace(metric=LAST_RESORT), set())
        if route.src:
            rules |= _rules(place, route.src)
    routes = (place._replace(hops=_alike(found)) for place, found in hops.items())
    return Plan(frozenset(routes), frozenset(rules))


def comparable(there: Iterable[KernelRoute], wanted: Plan) -> frozenset[KernelRoute]:
    """What the kernel has, without the interfaces that it found by itself because the plan does not name them.

    Args:
        there: what the kernel has of ours.
        wanted: the plan.
    """
    open_ended = {hop.gateway for route in wanted.routes for hop in route.hops if not hop.device}
    return frozenset(
        route._replace(hops=tuple(sorted(
            hop._replace(device="") if hop.gateway in open_ended else hop for hop in route.hops
        )))
        for route in there
    )  # fmt: skip


def online(config: Config, there: Iterable[KernelRoute]) -> tuple[str, ...]:
    """The ids of the routes that packets take now.

    Args:
        config: the routes.
        there: what the kernel has of ours.
    """
    taken = {
        (place._replace(hops=()), hop.gateway or hop.device)
        for place in there
        for hop in place.hops
    }
    tables = _tables(config)
    return tuple(
        key for key, route in config.routes.items() if (_place(route, tables), _router(route)) in taken
    )


def _router(route: Route) -> str:
    router = gateway(route)
    return route.router if router is None else str(router)


def _hop(route: Route, networks: dict[Network, str]) -> Hop:
    router: IP | None = gateway(route)
    if router is None:
        return Hop(route.router, "", route.weight)
    return Hop(device_to(router, networks), str(router), route.weight)


def _alike(hops: set[Hop]) -> tuple[Hop, ...]:
    """As the kernel shows them: the weight of a single hop means nothing."""
    return tuple(sorted(hops)) if len(hops) > 1 else tuple(hop._replace(weight=1) for hop in hops)


def _place(route: Route, tables: dict[str, int]) -> KernelRoute:
    network = ip_network(route.dst)
    family, metric = (IPV4, 0) if network.version == 4 else (IPV6, _IPV6_METRIC)
    table = MAIN if not route.src else tables[route.src] + (network.prefixlen == 0)
    return KernelRoute(family, table, str(network), metric, ())


def _tables(config: Config) -> dict[str, int]:
    """The first of the two tables of every network that routes are restricted to."""
    least: dict[str, int] = {}
    for key, route in config.routes.items():
        if route.src:
            least[route.src] = min(int(key), least.get(route.src, int(key)))
    return {src: FIRST_TABLE + 2 * key for src, key in least.items()}


def _rules(place: KernelRoute, src: str) -> set[KernelRule]:
    network = ip_network(src)
    priority = FIRST_PRIORITY + 3 * (network.max_prefixlen - network.prefixlen)
    if ip_network(place.dst).prefixlen:
        return {KernelRule(place.family, priority, str(network), place.table, suppress=False)}
    return {
        KernelRule(place.family, priority + 1, str(network), MAIN, suppress=True),
        KernelRule(place.family, priority + 2, str(network), place.table, suppress=False),
    }
