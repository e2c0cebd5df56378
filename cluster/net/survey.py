"""A look at this machine's addresses and default routes, whoever put them, through pyroute2."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_PERMANENT = 0x80
"""IFA_F_PERMANENT (linux/if_addr.h): put by hand, not leased."""
_MAIN_TABLE = 254


class Found(NamedTuple):
    """An address on an interface; `permanent` unless it expires by itself."""

    device: str
    address: str
    permanent: bool


class Survey(NamedTuple):
    """All addresses, and the interfaces that a default route of the main table leads out of."""

    addresses: tuple[Found, ...]
    default_routes: tuple[str, ...]


def survey() -> Survey:
    """Look; blocks, and belongs beside the loop."""
    from pyroute2 import IPRoute  # noqa: PLC0415 - 150 ms, which nothing else shall wait for

    with IPRoute() as netlink:
        names = {link["index"]: link.get("ifname") for link in netlink.get_links()}
        addresses = tuple(
            Found(
                names[entry["index"]],
                f"{entry.get('local') or entry.get('address')}/{entry['prefixlen']}",
                bool((entry.get("flags") or 0) & _PERMANENT),
            )
            for entry in netlink.get_addr()
            if entry["index"] in names
        )
        ways = [way for family in (socket.AF_INET, socket.AF_INET6) for way in _defaults(netlink, family)]
        return Survey(addresses, tuple(dict.fromkeys(names[way] for way in ways if way in names)))


def _defaults(netlink: Any, family: int) -> Iterator[int]:
    for route in netlink.get_routes(family=family, table=_MAIN_TABLE):
        if route["dst_len"] == 0 and route.get("oif"):
            yield route.get("oif")
        elif route["dst_len"] == 0:
            yield from (hop["oif"] for hop in route.get("multipath") or ())
