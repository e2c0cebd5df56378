"""The rules for static routes: what they lead to, and by which router of a network that this node is in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cluster.config.addresses import read_host, read_network
from cluster.config.shape import Problem, suggest
from cluster.networks import connected, device_to, gateway, own

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.config.tree import Path
    from cluster.model import Config, Route
    from cluster.networks import IP

_ID = re.compile(r"[1-9][0-9]{0,5}")
MAX_ROUTES = 4096
"""Applied in one go, while nothing else is."""
_ADDRESSED_BY_OTHERS = frozenset({"DYNAMIC", "DHCP_CLIENT"})


def check(config: Config) -> Iterator[Problem]:
    """Every rule about routes that the configuration breaks."""
    if len(config.routes) > MAX_ROUTES:
        yield Problem(("routes",), f"there are {len(config.routes)}; at most {MAX_ROUTES} are allowed")
    owners: dict[tuple[str, str, str], str] = {}
    for key, route in config.routes.items():
        path = ("routes", key)
        if not _ID.fullmatch(key):
            yield Problem(path, "routes are numbered: the key must be a whole number from 1 to 999999")
        yield from _networks(path, route)
        yield from _router((*path, "router"), config, route)
        if len(set(route.flags)) < len(route.flags):
            yield Problem((*path, "flags"), "a flag is there twice; once is enough")
        owner = owners.setdefault((route.src, route.dst, route.router), key)
        if owner != key:
            yield Problem(path, f"is the same as route {owner}; one of them is enough")


def _networks(path: Path, route: Route) -> Iterator[Problem]:
    versions = []
    for name, text in (("dst", route.dst), ("src", route.src)):
        if name == "src" and not text:
            continue
        try:
            versions.append(read_network(text).version)
        except ValueError as error:
            yield Problem((*path, name), f"{text!r} {error}")
    router = gateway(route)
    if router is not None:
        versions.append(router.version)
    if len(set(versions)) > 1:
        yield Problem(path, "mixes IPv4 and IPv6; router, dst and src must be of one kind")


def _router(path: Path, config: Config, route: Route) -> Iterator[Problem]:
    router = gateway(route)
    if router is not None:
        yield from _gateway(path, config, router)
    elif route.router not in config.interfaces:
        known = suggest(route.router, tuple(config.interfaces)) if config.interfaces else "none is configured"
        yield Problem(path, f"{route.router!r} is neither an IP address nor an interface; {known}")
    else:
        yield from _not_the_hotwire(path, config, route.router)


def _gateway(path: Path, config: Config, router: IP) -> Iterator[Problem]:
    try:
        read_host(str(router))
    except ValueError as error:
        yield Problem(path, f"{router} {error}")
        return
    if router.version == 6 and router.is_link_local:
        yield Problem(path, f"{router} is there on every interface; choose an address of its network")
        return
    networks = connected(config)
    if router in own(config):
        yield Problem(path, f"{router} is an address of this cluster itself; choose the router's")
    elif device := device_to(router, networks):
        yield from _not_the_hotwire(path, config, device)
    elif not any(_ADDRESSED_BY_OTHERS & {*interface.flags} for interface in config.interfaces.values()):
        # Whoever gets an address from elsewhere learns its network only then.
        known = ", ".join(str(network) for network in networks if network.version == router.version) or "none"
        yield Problem(path, f"{router} is on no network of an interface of this node; those are {known}")


def _not_the_hotwire(path: Path, config: Config, device: str) -> Iterator[Problem]:
    if "HOTWIRE" in config.interfaces[device].flags:
        yield Problem(path, f"{device} is the hotwire, which leads to the partner alone")
