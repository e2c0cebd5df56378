"""The static routes of the configuration in the kernel (routing.py says which), through pyroute2.

Ours are those with our protocol number: the kernel itself remembers them, so a new clusterd needs no record, and
nothing that somebody else put is ever removed or replaced. The kernel drops routes by itself when a link goes down
or an interface loses its last address; since it tells of every change, they are back a moment later. A link that is
down carries no route and is no problem: on a backup some are meant to be.

Everything runs in one thread of its own; pyroute2, slow to import, is imported there.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from cluster.errors import ClusterError
from cluster.net import changes, routing
from cluster.net.routing import Hop, KernelRoute, KernelRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cluster.model import Config

_LOG = logging.getLogger("clusterd")
_Answer = TypeVar("_Answer")
# linux/rtnetlink.h
_GROUPS = 0x1 | 0x40 | 0x400
"""RTMGRP_LINK, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE. Not addresses: the engine renews its own all the time."""
_IFF_UP = 0x1
_RTNH_F_ONLINK = 0x4
_BLACKHOLE = 6
_NO_SUPPRESS = 0xFFFF_FFFF


class Routes:
    """The static routes of this network namespace: a part that follows the configuration, and the role.

    Args:
        note: takes kind and sentence of an event.
    """

    def __init__(self, note: Callable[[str, str], None]) -> None:
        self._note = note
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="routes")
        self._netlink: Any = None
        self._config: Config | None = None
        self._complained: tuple[str, ...] = ()

    async def apply(self, config: Config) -> tuple[str, ...]:
        """Put the configured routes and remove ours that are not; what is as it should be is not touched.

        Args:
            config: the configuration in force.

        Returns:
            What could not be done, one sentence each.
        """
        self._config = config
        self._complained = await self._bring(config)
        return self._complained

    async def become_master(self) -> None:
        """Links that are up on the master only carry their routes now.

        Raises:
            ClusterError: a route could not be put.
        """
        await self._follow()

    async def become_backup(self) -> None:
        """Other routes take over from those of links that are down now.

        Raises:
            ClusterError: a route could not be put.
        """
        await self._follow()

    async def _follow(self) -> None:
        if self._config is not None and self._config.routes:
            problems = await self._bring(self._config)
            if problems:
                raise ClusterError("; ".join(problems))

    async def keep(self) -> None:
        """Put routes back that the kernel or somebody else removed, until cancelled."""
        unnoticed = "routes that get lost stay so until the next update"
        await changes.follow(socket.NETLINK_ROUTE, _GROUPS, self._look_again, unnoticed)

    async def _look_again(self) -> None:
        config = self._config
        if config is None or not config.routes:
            return
        problems = await self._bring(config)
        for problem in problems:
            if problem not in self._complained:
                self._note("route-failed", problem)
        self._complained = problems

    async def online(self, config: Config) -> tuple[str, ...]:
        """The ids of the routes of a configuration that packets take now.

        Raises:
            ClusterError: the kernel does not say.
        """
        there = await self._run(self._there) if config.routes else []
        return routing.online(config, there)

    def close(self) -> None:
        """End the thread; the routes stay."""
        self._thread.shutdown(cancel_futures=True)
        if self._netlink is not None:
            self._netlink.close()

    async def _bring(self, config: Config) -> tuple[str, ...]:
        try:
            return await self._run(lambda: tuple(self._brought(config)))
        except ClusterError as error:
            return (error.message,)

    async def _run(self, work: Callable[[], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._sentenced(work))

    # --- in the thread ------------------------------------------------------------------------------

    def _sentenced(self, work: Callable[[], _Answer]) -> _Answer:
        try:
            return work()
        except (self._error(), OSError) as error:
            raise ClusterError(f"the routes of this machine cannot be read: {_reason(error)}") from error

    def _error(self) -> type[Exception]:
        from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415 - 150 ms, which nothing else waits for

        error: type[Exception] = NetlinkError
        return error

    def _open(self) -> Any:
        if self._netlink is None:
            from pyroute2 import IPRoute  # noqa: PLC0415 - as in _error

            # The kernel itself leaves out what is not ours: a routing daemon may have put a million.
            self._netlink = IPRoute(strict_check=True)
        return self._netlink

    def _links(self) -> dict[int, tuple[str, bool]]:
        """Name of every interface by its number, and whether it is up."""
        return {
            link["index"]: (link.get("ifname"), bool(link["flags"] & _IFF_UP)) for link in self._open().get_links()
        }

    def _brought(self, config: Config) -> Iterator[str]:
        links = self._links()
        numbers = {name: number for number, (name, _) in links.items()}
        wanted = routing.plan(config, {name for name, up in links.values() if up})
        there = routing.comparable(self._there(), wanted)
        rules = self._rules_there()
        yield from self._each("remove", self._remove_rule, rules - wanted.rules)
        yield from self._each("remove", lambda route: self._route("del", route, numbers), there - wanted.routes)
        yield from self._each("put", lambda route: self._route("add", route, numbers), wanted.routes - there)
        yield from self._each("put", self._put_rule, wanted.rules - rules)

    def _each(self, verb: str, do: Callable[[Any], None], things: Iterable[Any]) -> Iterator[str]:
        for thing in sorted(things):
            try:
                do(thing)
            except self._error() as error:
                if not (verb == "remove" and getattr(error, "code", None) in {errno.ESRCH, errno.ENOENT}):
                    yield f"cannot {verb} {_named(thing)}: {_reason(error)}"
            else:
                _LOG.info("%s %s", "removed" if verb == "remove" else "put", _named(thing))

    def _route(self, verb: str, route: KernelRoute, numbers: dict[str, int]) -> None:
        words: dict[str, Any] = {"family": route.family, "dst": route.dst, "table": route.table}
        if route.metric:
            words["priority"] = route.metric
        hops = [_hop(hop, numbers) for hop in route.hops]
        if not hops:
            words["type"] = "blackhole"
        elif len(hops) == 1:
            words |= hops[0]
        else:
            words["multipath"] = [
                hop | {"hops": each.weight - 1} for hop, each in zip(hops, route.hops, strict=True)
            ]
        self._open().route(verb, proto=routing.PROTOCOL, **words)

    def _there(self) -> list[KernelRoute]:
        names = {number: name for number, (name, _) in self._links().items()}
        return [
            _route_of(entry, names)
            for family in (routing.IPV4, routing.IPV6)
            for entry in self._open().route("dump", family=family, proto=routing.PROTOCOL)
            if entry["proto"] == routing.PROTOCOL
        ]

    def _rules_there(self) -> frozenset[KernelRule]:
        return frozenset(
            KernelRule(
                family,
                entry.get("FRA_PRIORITY", 0),
                f"{entry.get('FRA_SRC')}/{entry['src_len']}",
                entry.get("FRA_TABLE"),
                entry.get("FRA_SUPPRESS_PREFIXLEN") == 0,
            )
            for family in (routing.IPV4, routing.IPV6)
            for entry in self._open().rule("dump", family=family)
            if entry.get("FRA_PROTOCOL") == routing.PROTOCOL
        )

    def _put_rule(self, rule: KernelRule) -> None:
        self._open().rule("add", **_words(rule))

    def _remove_rule(self, rule: KernelRule) -> None:
        self._open().rule("del", **_words(rule))


def _hop(hop: Hop, numbers: dict[str, int]) -> dict[str, Any]:
    words: dict[str, Any] = {"gateway": hop.gateway} if hop.gateway else {}
    if hop.device:
        words["oif"] = numbers[hop.device]
        if hop.gateway:
            words["flags"] = _RTNH_F_ONLINK
    return words


def _words(rule: KernelRule) -> dict[str, Any]:
    network, _, length = rule.src.partition("/")
    words: dict[str, Any] = {"FRA_SUPPRESS_PREFIXLEN": 0} if rule.suppress else {}
    return words | {
        "family": rule.family,
        "priority": rule.priority,
        "src": network,
        "src_len": int(length),
        "table": rule.table,
        "protocol": routing.PROTOCOL,
    }


def _route_of(entry: Any, names: dict[int, str]) -> KernelRoute:
    default = "0.0.0.0" if entry["family"] == routing.IPV4 else "::"  # noqa: S104 - a network, nothing binds to it
    several = entry.get("RTA_MULTIPATH") or []
    if entry["type"] == _BLACKHOLE:
        hops = []
    elif several:
        hops = [
            Hop(names.get(each["oif"], ""), each.get_attr("RTA_GATEWAY") or "", each["hops"] + 1)
            for each in several
        ]
    else:
        hops = [Hop(names.get(entry.get("RTA_OIF"), ""), entry.get("RTA_GATEWAY") or "", 1)]
    return KernelRoute(
        entry["family"],
        entry.get("RTA_TABLE"),
        f"{entry.get('RTA_DST') or default}/{entry['dst_len']}",
        entry.get("RTA_PRIORITY") or 0,
        tuple(sorted(hops)),
    )


def _named(thing: KernelRoute | KernelRule) -> str:
    if isinstance(thing, KernelRule):
        return f"the rule for packets from {thing.src}"
    by = " and ".join(hop.gateway or hop.device for hop in thing.hops)
    return f"the route to {thing.dst} by {by}" if by else f"the route that drops what is for {thing.dst}"


def _reason(error: Exception) -> str:
    if getattr(error, "code", None) == errno.EEXIST:
        return "somebody else put one to the same network, which is not ours to replace"
    return str(error.args[-1])
